from __future__ import annotations

import string
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.filetypes import classify
from pipeline.archive.naming import (
    CAMERAS,
    FileName,
    find_session_folder,
    format_file,
    format_video,
    parse_file,
    parse_probe,
    parse_video,
    probe_folder,
    probe_number,
)

# Made-up names of the kinds seen in the field.
# name -> run, gate, trigger, stream, probe, shank, band, suffix, tag
FILES = [
    ("AB026_080619_g0_tcat.imec2.ap.bin", "AB026_080619", 0, "cat", "imec", 2, None, "ap", ".bin", None),
    ("AB026_080619_g0_t0.imec0.lf.meta", "AB026_080619", 0, "0", "imec", 0, None, "lf", ".meta", None),
    ("AB026_080619_g1_t13.nidq.bin", "AB026_080619", 1, "13", "nidq", None, None, None, ".bin", None),
    ("ab25_2018-02-25_1_g0_t0.imec.ap.bin", "ab25_2018-02-25_1", 0, "0", "imec", None, None, "ap", ".bin", None),
    ("x_g0_tcat.exported.imec0.ap.bin", "x", 0, "cat", "imec", 0, None, "ap", ".bin", "exported"),
    ("x_NP1.0_Mid_g0_tcat.imec0.ap.bin", "x_NP1.0_Mid", 0, "cat", "imec", 0, None, "ap", ".bin", None),
    ("my.imec.run ä_g0_t0.imec3.ap.cbin", "my.imec.run ä", 0, "0", "imec", 3, None, "ap", ".cbin", None),
    ("myrun_g0_t0.imec1013.ap.bin", "myrun", 0, "0", "imec", 1, 3, "ap", ".bin", None),
    ("AAA_g0_t0.obx0.bin", "AAA", 0, "0", "obx", 0, None, None, ".bin", None),
    ("run_g0_t0.obx3.obx.bin", "run", 0, "0", "obx", 3, None, None, ".obx.bin", None),
    ("run_g0_ct_offsets.txt", "run", 0, None, None, None, None, None, "_ct_offsets.txt", None),
    ("run_g0_fyi.txt", "run", 0, None, None, None, None, None, "_fyi.txt", None),
    ("r_g0_tcat.imec0.ap.xd_384_6_500.txt", "r", 0, "cat", "imec", 0, None, "ap", ".xd_384_6_500.txt", None),
    ("r_g0_tcat.nidq.iXA_4_3.txt", "r", 0, "cat", "nidq", None, None, None, ".iXA_4_3.txt", None),
    ("r_g0_tcat.nidq.XD_7_2_0.txt", "r", 0, "cat", "nidq", None, None, None, ".XD_7_2_0.txt", None),
    ("r_g0_tcat.imec0.SY_384_6_500.txt", "r", 0, "cat", "imec", 0, None, None, ".SY_384_6_500.txt", None),
    ("AB022_g0_t0.imec0.ap_res.mat", "AB022", 0, "0", "imec", 0, None, "ap", "_res.mat", None),
    ("ab40_g0_t50.imec.ap_imec3_opt3_jrc.mat", "ab40", 0, "50", "imec", None, None, "ap", "_imec3_opt3_jrc.mat", None),
    ("test_file.imec.ap.bin", "test_file", None, None, "imec", None, None, "ap", ".bin", None),
]

# name -> h2o, camera, date, trial, sequence, suffix
VIDEOS = [
    ("AB026_side_735-0000.avi", "AB026", "side", None, 735, 0, ".avi"),
    ("AB038_111919_side_face_1-0000.mp4", "AB038", "side_face", date(2019, 11, 19), 1, 0, ".mp4"),
    ("AB_38_side_body_7-0012.mp4", "AB_38", "side_body", None, 7, 12, ".mp4"),
    ("AB026_080819_side.txt", "AB026", "side", date(2019, 8, 8), None, None, ".txt"),
    ("AB027_2021_07_01_bottom_0_proc.npy", "AB027", "bottom", date(2021, 7, 1), 0, None, "_proc.npy"),
    ("AB026_side_735-0000DLC_resnet50.csv", "AB026", "side", None, 735, 0, "DLC_resnet50.csv"),
    ("AB026_body_003-0000.avi", "AB026", "body", None, 3, 0, ".avi"),
]

NAMES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "names.txt"
run_text = st.text(alphabet=string.ascii_letters + string.digits + "_-. é", min_size=1, max_size=20)
numbers = st.integers(0, 99999)
likely = st.from_regex(
    r"[a-z_]{1,6}(_g[0-9])?(_t(cat|[0-9]))?(\.[a-z]{1,4})?\.(imec|nidq|obx)[0-9]{0,4}(\.(ap|lf))?[._][a-zA-Z_.]{1,8}",
    fullmatch=True,
)


@pytest.mark.parametrize("row", FILES, ids=lambda row: row[0])
def test_files_of_the_field(row):
    name, run, gate, trigger, stream, probe, shank, band, suffix, tag = row
    assert parse_file(name) == FileName(run, gate, trigger, stream, probe, band, suffix, shank, tag)
    assert format_file(parse_file(name)) == name


@pytest.mark.parametrize("row", VIDEOS, ids=lambda row: row[0])
def test_videos_of_the_field(row):
    name, h2o, camera, day, trial, sequence, suffix = row
    video = parse_video(name)
    assert (video.h2o, video.camera, video.date, video.trial, video.sequence, video.suffix) == (
        h2o,
        camera,
        day,
        trial,
        sequence,
        suffix,
    )
    assert format_video(video) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "x.bin",
        "params.py",
        "a/x_g0_t0.imec0.ap.bin",
        "x_g0_t0.nidq3.bin",
        ".imec0.ap.bin",
        "x" * 600 + ".imec.ap.bin",
    ],
)
def test_what_is_no_recording_file(name):
    assert parse_file(name) is None


@pytest.mark.parametrize("name", ["", "side.avi", "AB026_735-0000.avi", "AB026_front_1-0000.avi", "AB026_side_1-0000"])
def test_what_is_no_video(name):
    assert parse_video(name) is None


def test_cameras_are_data():
    assert parse_video("AB026_front_1-0000.avi", [*CAMERAS, "front"]).camera == "front"


@pytest.mark.parametrize(
    ("name", "run", "gate", "probe", "shank"),
    [
        ("AB038_111919_g0_imec0", "AB038_111919", 0, 0, None),
        ("AB038_111919_imec3", "AB038_111919", None, 3, None),
        ("AB024_092319_NP1.0_Midbrain_g0_imec0", "AB024_092319_NP1.0_Midbrain", 0, 0, None),
        ("20210415_g0_imec12", "20210415", 0, 12, None),
        ("myrun_g0_imec1013", "myrun", 0, 1, 3),
    ],
)
def test_probe_folders(name, run, gate, probe, shank):
    said = parse_probe(name)
    assert (said.run, said.gate, said.probe, said.shank) == (run, gate, probe, shank)
    assert said.insertion_number == probe + 1
    assert probe_folder(run, gate, probe, shank) == name


@pytest.mark.parametrize("name", ["imec0_ks2", "x_g0_imec", "x_g0", "1", "x_imec01", "x_imec٣"])
def test_what_is_no_probe_folder(name):
    assert parse_probe(name) is None


def test_split_shanks():
    assert (probe_number(1013).probe, probe_number(1013).shank) == (1, 3)
    assert probe_number(1013).number == 1013
    assert probe_number(1013).insertion_number == 2
    assert (probe_number(999).probe, probe_number(999).shank) == (999, None)


@given(run_text, numbers | st.none(), st.integers(0, 99), st.none() | st.integers(0, 9))
def test_probe_folders_read_back(run, gate, probe, shank):
    name = probe_folder(run, gate, probe, shank)
    said = parse_probe(name)
    assert said is not None
    assert probe_folder(said.run, said.gate, said.probe, said.shank) == name
    assert (said.probe, said.shank) == (probe, shank)
    if gate is not None:
        assert (said.run, said.gate) == (run, gate)


@given(
    run_text,
    numbers,
    st.sampled_from(["cat", "0", "7", "13"]),
    st.sampled_from([("imec", 0), ("imec", None), ("imec", 12), ("nidq", None), ("obx", 2)]),
    st.sampled_from(["ap", "lf", None]),
    st.sampled_from([".bin", ".meta", ".cbin", "_res.mat", ".SY_384_6_500.txt"]),
    st.sampled_from([None, "exported"]),
)
def test_recording_files_read_back(run, gate, trigger, stream, band, suffix, tag):
    file = FileName(run, gate, trigger, stream[0], stream[1], band, suffix, None, tag)
    assert parse_file(format_file(file)) == file


@given(st.text(alphabet=string.ascii_letters + string.digits + "_-.é/", max_size=60) | likely)
def test_whatever_file_name_is_read_is_written_back(name):
    file, video = parse_file(name), parse_video(name)
    assert file is None or format_file(file) == name
    assert video is None or format_video(video) == name


def test_reading_hostile_names_takes_no_time():
    for name in ("_g0" * 170, "_t0" * 170, ".imec" * 100, "a_" * 250 + "side", "_g0_t0.imec0" * 40, "_imec1" * 80):
        parse_file(name)
        parse_video(name)
        parse_probe(name)
        find_session_folder(f"x/{name}/{name}", "ephys")


def test_every_public_name_is_understood():
    if not NAMES.is_file():
        pytest.skip(f"the list of real names is not at hand ({NAMES})")
    lines = [line.split(" | ") for line in NAMES.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert lines
    for said, path in lines:
        if said.startswith(("video", "tracking")):
            parts = path.split("/")
            assert parse_video(parts[-1]) is not None, path
            assert len(parts) == 1 or find_session_folder(path, "video") is not None, path
            assert classify(path).startswith("tracking-video-"), path
            continue
        under = path if "/" not in path or not path.split("/")[0].endswith("_g0") else f"AB/{path}"
        parts = under.split("/")
        if len(parts) > 1:
            found = find_session_folder(under, "ephys")
            assert found is not None or "space in parent" in said, path
        assert any(
            [
                *(parse_probe(part) for part in parts),
                parse_file(parts[-1]),
                find_session_folder(under, "ephys"),
                classify(path) != "unknown",
            ]
        ), path
        if parts[-1].endswith((".bin", ".txt", ".mat")):
            assert parse_file(parts[-1]) is not None or "bitcode" in path, path
            assert classify(path).startswith("ephys-raw-"), path
