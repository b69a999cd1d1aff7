"""Names of probe folders, recording files and videos, read and written.

All are one component; whatever does not follow the acquisition software's rules is None, never an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.archive.dates import read_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

Stream = Literal["imec", "nidq", "obx"]
Band = Literal["ap", "lf"]

CAMERAS: tuple[str, ...] = ("side", "side_face", "bottom", "bottom_face", "body", "side_body")
"""Camera names as they stand in video names."""

_MAX_NAME = 512
NUMBER = r"(?:0|[1-9][0-9]{0,4})"
"""A count as the acquisition software writes it: ASCII digits without leading zeros."""

_SPLIT = 1000
_SHANKS = 10


@dataclass(frozen=True, slots=True)
class ProbeNumber:
    """A probe of a recording, from 0, and its shank when the shanks were split into files of their own."""

    probe: int
    shank: int | None = None

    @property
    def insertion_number(self) -> int:
        """Number of the insertion in ``ephys.ProbeInsertion``: from 1."""
        return self.probe + 1

    @property
    def number(self) -> int:
        """The number behind ``imec`` in names: 1000 + 10 x probe + shank for split shanks."""
        return self.probe if self.shank is None else _SPLIT + _SHANKS * self.probe + self.shank


def probe_number(number: int) -> ProbeNumber:
    """Return what the number behind ``imec`` means."""
    if number < _SPLIT:
        return ProbeNumber(number)
    return ProbeNumber(*divmod(number - _SPLIT, _SHANKS))


@dataclass(frozen=True, slots=True)
class ProbeName:
    """A probe folder's name: ``<run>[_gN]_imecM``.  The run may lack the ident of the session folder."""

    run: str
    gate: int | None
    probe: int
    shank: int | None = None

    @property
    def insertion_number(self) -> int:
        """Number of the insertion in ``ephys.ProbeInsertion``: from 1."""
        return self.probe + 1


_PROBE = re.compile(rf"(?P<run>.+?)(?:_g(?P<gate>{NUMBER}))?_imec(?P<number>{NUMBER})", re.DOTALL)


def parse_probe(name: str) -> ProbeName | None:
    """Read a probe folder's name."""
    found = _PROBE.fullmatch(name) if len(name) <= _MAX_NAME else None
    if found is None:
        return None
    number = probe_number(int(found["number"]))
    return ProbeName(found["run"], _int(found["gate"]), number.probe, number.shank)


def probe_folder(run: str, gate: int | None, probe: int, shank: int | None = None) -> str:
    """Return a probe folder's name; ``gate`` None leaves the gate out."""
    stem = run if gate is None else f"{run}_g{gate}"
    return f"{stem}_imec{ProbeNumber(probe, shank).number}"


@dataclass(frozen=True, slots=True)
class FileName:
    """A recording's file: ``<run>_gN_tT[.tag].<stream>[M][.band]<suffix>``.

    ``trigger`` is ``"0"``, ``"1"``, ... or ``"cat"``; ``probe`` the number of the probe (imec) or OneBox (obx), None
    for nidq and for the oldest probes; ``tag`` what a tool put between (``"exported"``); ``suffix`` all the rest with
    its leading separator, e.g. ``".bin"``, ``".xd_384_6_500.txt"``, ``"_res.mat"``.  Files of the whole run
    (``_ct_offsets.txt``) have no stream.
    """

    run: str
    gate: int | None
    trigger: str | None
    stream: Stream | None
    probe: int | None
    band: Band | None
    suffix: str
    shank: int | None = None
    tag: str | None = None

    @property
    def insertion_number(self) -> int | None:
        """Number of the insertion (from 1) for probe files; the oldest probes without a number are the first."""
        if self.stream != "imec":
            return None
        return 1 if self.probe is None else self.probe + 1


_STREAM = rf"\.(?P<stream>imec|nidq|obx)(?P<number>{NUMBER})?(?:\.(?P<band>ap|lf)(?=[._]))?(?P<suffix>[._].+)"
_TAG = r"(?:\.(?P<tag>[A-Za-z][^.]*))??"
# Run names may hold dots, even ".imec.": where gate and trigger stand, the run ends there.
_FILE = re.compile(rf"(?P<run>.+)_g(?P<gate>{NUMBER})_t(?P<trigger>{NUMBER}|cat){_TAG}{_STREAM}", re.DOTALL)
_LOOSE_FILE = re.compile(
    rf"(?P<run>.+?)(?:_g(?P<gate>{NUMBER}))?(?:_t(?P<trigger>{NUMBER}|cat))?{_TAG}{_STREAM}", re.DOTALL
)
_RUN_FILE = re.compile(rf"(?P<run>.+?)_g(?P<gate>{NUMBER})(?P<suffix>_(?:ct_offsets|fyi)\.txt)", re.DOTALL)


def parse_file(name: str) -> FileName | None:
    """Read the name of a SpikeGLX or CatGT file (one component, no folder)."""
    if len(name) > _MAX_NAME or "/" in name:
        return None
    found = _FILE.fullmatch(name) or _LOOSE_FILE.fullmatch(name)
    if found is None:
        whole = _RUN_FILE.fullmatch(name)
        return FileName(whole["run"], int(whole["gate"]), None, None, None, None, whole["suffix"]) if whole else None
    stream: Stream = found["stream"]  # type: ignore[assignment]  # the expression has just these
    number = _int(found["number"])
    if stream == "nidq" and number is not None:
        return None
    probe = probe_number(number) if stream == "imec" and number is not None else None
    return FileName(
        run=found["run"],
        gate=_int(found["gate"]),
        trigger=found["trigger"],
        stream=stream,
        probe=probe.probe if probe else number,
        band=found["band"],  # type: ignore[arg-type]  # the expression has just these
        suffix=found["suffix"],
        shank=probe.shank if probe else None,
        tag=found["tag"],
    )


def format_file(file: FileName) -> str:
    """Return the name that :func:`parse_file` reads back."""
    stem = file.run
    stem += "" if file.gate is None else f"_g{file.gate}"
    stem += "" if file.trigger is None else f"_t{file.trigger}"
    stem += "" if file.tag is None else f".{file.tag}"
    if file.stream is None:
        return stem + file.suffix
    number = "" if file.probe is None else str(ProbeNumber(file.probe, file.shank).number)
    band = "" if file.band is None else f".{file.band}"
    return f"{stem}.{file.stream}{number}{band}{file.suffix}"


@dataclass(frozen=True, slots=True)
class VideoName:
    """A video, its trial map or its tracking: ``<h2o>[_<date>]_<camera>[_<number>]<suffix>``.

    ``dates`` are the readings of the date in the name, best first; ``number`` the text ``NNN-NNNN`` or ``N``;
    ``date_text`` the date as written.
    """

    h2o: str
    camera: str
    dates: tuple[date, ...]
    number: str | None
    suffix: str
    date_text: str | None = None

    @property
    def date(self) -> date | None:
        """The best reading of the date."""
        return self.dates[0] if self.dates else None

    @property
    def trial(self) -> int | None:
        """Number of the video within its session: what the trial map translates."""
        return None if self.number is None else int(self.number.split("-")[0])

    @property
    def sequence(self) -> int | None:
        """Number of the part of the trial."""
        return int(self.number.split("-")[1]) if self.number is not None and "-" in self.number else None


def parse_video(name: str, cameras: Sequence[str] = CAMERAS) -> VideoName | None:
    """Read the name of a video, trial map or tracking file; None when it names no camera."""
    if len(name) > _MAX_NAME or "/" in name:
        return None
    found = _video_pattern(tuple(cameras)).fullmatch(name)
    if found is None:
        return None
    front = found["front"]
    h2o, reading = front, None
    position = front.find("_")
    while position > 0:
        reading = read_date(front[position + 1 :])
        if reading is not None and position + 1 + len(reading.text) == len(front):
            h2o = front[:position]
            break
        reading = None
        position = front.find("_", position + 1)
    return VideoName(
        h2o=h2o,
        camera=found["camera"],
        dates=reading.dates if reading else (),
        number=found["number"],
        suffix=found["suffix"],
        date_text=reading.text if reading else None,
    )


def format_video(video: VideoName) -> str:
    """Return the name that :func:`parse_video` reads back."""
    parts = [video.h2o, video.date_text, video.camera, video.number]
    return "_".join(part for part in parts if part) + video.suffix


def _video_pattern(cameras: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(camera) for camera in sorted(cameras, key=len, reverse=True))
    return re.compile(
        rf"(?P<front>.+?)_(?P<camera>{names})(?:_(?P<number>[0-9]{{1,9}}(?:-[0-9]{{1,9}})?))?"
        r"(?P<suffix>(?:[._A-Za-z].*)?\.[A-Za-z0-9]+)",
        re.DOTALL,
    )


def _int(digits: str | None) -> int | None:
    return None if digits is None else int(digits)
