"""The names that the lab is made of: those seen in the field where they are at hand, else some of our own making."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
NAMES = _DATA / "names.txt"
METAS = _DATA / "spikeglx-meta"

# Like those of the field, line for line a form of name; used where that list is not at hand.
OWN = """
session, start time as ident | AB038/catgt_AB038_111919_115124_g0/AB038_111919_g0_imec0/imec0_ks2
session | AB035/catgt_AB035_011020_g0/AB035_011020_g0_imec2/imec2_ks2_orig
same-day twin, word ident | AB033/catgt_AB033_111219_g0
same-day twin, word ident | AB033/catgt_AB033_111219_surface_g0
New Year's day, side files | catgt_AB048_010121_g0/AB048_010121_g0_tcat.nidq.iXA_4_3.txt
dot in run name | catgt_AB024_092319_NP1.0_M_g0/AB024_092319_NP1.0_M_g0_imec0/AB024_092319_NP1.0_M_g0_tcat.imec0.ap.bin
exported cut | catgt_AB035_010820_g0/AB035_010820_g0_tcat.exported.imec0.ap.bin
four probes | AB011/catgt_AB011_022319_g0/AB011_022319_g0_imec3/AB011_022319_g0_tcat.imec3.ap.bin
older layout, bare date | AB022/20190303/1/AB022_g0_t0.imec.ap_res.mat
older layout, phase 3A | ab25/2018-02-25/1/ab25_2018-02-25_1_g0_t0.imec.ap.bin
older layout | ab40/20181022/1/ab40_g0_t50.imec.ap_imec3_opt3_jrc.mat
bitcode | AB022_030319_Imec3_bitcode.mat
other lab, ISO date, dots | catgt_6.22_2022-04-27_g0/6.22_2022-04-27_g0_imec0/6.22_2022-04-27_g0_tcat.imec0.ap.bin
other lab, date with dashes | 4-1-2021_g0/4-1-2021_g0_imec0/4-1-2021_g0_t0.imec0.ap.bin
other lab, space in parent | Trial Data/trial4anna_g0/trial4anna_g0_imec1/trial4anna_g0_t0.imec1.ap.bin
split shanks | ourrun_g0/ourrun_g0_imec1/ourrun_g0_t0.imec1013.ap.bin
OneBox | BBB_g0_t0.obx0.bin
OneBox | go_g0_t0.obx3.obx.bin
CatGT side files | go_g0_ct_offsets.txt
CatGT side files | go_name_g0_tcat.imec0.ap.xd_384_6_500.txt
video, documented | AB026/08082019/video/AB026_side_735-0000.avi
video, date in file name, two-word camera | AB038_111919_side_face_1-0000.mp4
video trial map | AB026_080819_side.txt
tracking | AB027/2021_07_01/AB027_2021_07_01_bottom_0_proc.npy
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One name, and what was said of it."""

    kind: str
    name: str


def lines() -> list[Line]:
    """Return all names, and print which they are."""
    there = NAMES.is_file()
    print(f"names: {NAMES if there else 'of our own making'}")  # noqa: T201  # a person should see it
    text = NAMES.read_text(encoding="utf-8") if there else OWN
    rows = [row.split("|") for row in text.splitlines() if row.strip() and not row.startswith("#")]
    return [Line(kind.strip(), name.strip()) for kind, name in rows]
