"""Metas of real recordings (or of our own making where those are not at hand), and small recordings made from them."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mapshell.demo.metas import Probe, nidq_fields, probe_fields
from pipeline import spikeglx

from .names import METAS

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 24
ZONE = ZoneInfo("America/New_York")
_LONG_AGO = datetime.fromisoformat("2016-01-01T10:00:00")


class Pool:
    """Metas by what they are of; each kind is handed out in turn, so that all are used."""

    def __init__(self) -> None:
        self.all: dict[str, bytes] = {path.name: path.read_bytes() for path in sorted(METAS.glob("*.meta"))}
        print(f"metas: {METAS if self.all else 'of our own making'}")  # noqa: T201  # a person should see it
        self.all = self.all or _own()
        self.used: list[str] = []
        self._kinds: dict[str, list[str]] = {}
        for name, raw in self.all.items():
            self._kinds.setdefault(_kind(name, raw), []).append(name)

    def take(self, kind: str) -> bytes:
        """Return the next meta of a kind: probe, oldest, lf, nidq, incomplete."""
        turn = self._kinds[kind]
        turn.append(name := turn.pop(0))
        self.used.append(name)
        return self.all[name]


def _kind(name: str, raw: bytes) -> str:
    meta = spikeglx.parse_meta(raw, name=name)
    if meta.stream == "nidq":
        return "nidq"
    if not meta.complete:
        return "incomplete"
    if meta.band == "lf":
        return "lf"
    return "oldest" if "imProbeSN" in meta.raw else "probe"


def _own() -> dict[str, bytes]:
    def probe(generation, band="ap", **more):
        fields = probe_fields(
            Probe(0, generation), band, channels=8, original="x", created=_LONG_AGO, first_sample=0, probes=1
        )
        return spikeglx.write_meta({**fields, "fileSizeBytes": "0", "fileTimeSecs": "0", "fileSHA1": "0", **more})

    oldest = probe("NP1.0").replace(b"imDatPrb_sn=", b"imProbeSN=")
    running = b"".join(
        line for line in probe("NP2.0").splitlines(keepends=True) if not line.startswith((b"fileS", b"fileTimeS"))
    )
    board = nidq_fields(sample_rate=25000.0, original="x", created=_LONG_AGO, first_sample=0, probes=1)
    claims = {"fileSizeBytes": "0", "fileTimeSecs": "0", "fileSHA1": "0"}
    return {
        "first.imec0.ap.meta": probe("NP1.0"),
        "second.imec0.ap.meta": probe("NP2.0"),
        "first.imec0.lf.meta": probe("NP1.0", "lf"),
        "oldest.imec.ap.meta": oldest,
        "running.imec0.ap.meta": running,
        "board.nidq.meta": spikeglx.write_meta({**board, **claims}),
    }


def write_pair(
    binary: Path, raw: bytes, start: datetime, *, onebox: bool = False, serial: str | None = None
) -> list[Path]:
    """Write a binary file of a few whole frames and the meta that fits it; return both.

    What the file's name says (CatGT's output, a OneBox) the meta says too; an incomplete meta stays incomplete.
    """
    meta = spikeglx.parse_meta(raw, name=binary.name)
    frames = FRAMES * meta.n_channels
    data = b"".join((hash_of(binary.name, i) % 200).to_bytes(2, "little") for i in range(frames))
    binary.parent.mkdir(parents=True, exist_ok=True)
    with binary.open("xb") as file:
        file.write(data)
    sha1 = hashlib.sha1(data).hexdigest().upper()
    said = {"fileName": f"D:/SpikeGLX Data/{binary.parent.name}/{binary.name}"}
    if meta.complete:
        seconds = FRAMES / meta.sample_rate
        said |= {"fileSizeBytes": str(len(data)), "fileTimeSecs": f"{seconds:.17g}", "fileSHA1": sha1}
    if serial is not None:
        said["imDatPrb_sn" if "imDatPrb_sn" in meta.raw else "imProbeSN"] = serial
    said["fileCreateTime"] = f"{start:%Y-%m-%dT%H:%M:%S}"
    made_by_catgt = "_tcat." in binary.name
    if made_by_catgt:
        said |= {"fileCreateTime_original": said["fileCreateTime"], "fileSHA1": "0", "catNFiles": "1"}
        said["fileCreateTime"] = f"{start.replace(hour=23):%Y-%m-%dT%H:%M:%S}"
    path = binary.with_name(binary.name.removesuffix(".bin") + ".meta")
    path.write_bytes(_with(raw, said, drop=() if made_by_catgt else ("fileCreateTime_original", "cat")))
    if onebox:
        text = path.read_bytes().replace(b"niSampRate", b"obSampRate").replace(b"snsMnMaXaDw=0,0,", b"snsXaDwSy=")
        text = text.replace(b"typeThis=nidq", b"typeThis=obx").replace(b"snsXaDwSy=1,1", b"snsXaDwSy=1,1,0")
        path.write_bytes(text.replace(b"snsXaDwSy=4,1", b"snsXaDwSy=4,1,0"))
    for each in (binary, path):
        age(each, start)
    return [binary, path]


def serial_of(binary: Path) -> str | None:
    """Return the serial number of the probe that a recording was made with."""
    path = binary.with_name(binary.name.removesuffix(".bin") + ".meta")
    return spikeglx.parse_meta(path.read_bytes(), name=path.name).probe_serial


def hash_of(name: str, number: int) -> int:
    """Return a number that is the same in every process."""
    return (len(name) * 7919 + sum(name.encode()) * 31 + number * 2654435761) % 2**32


def age(path: Path, start: datetime) -> Path:
    """Give a file the time of its recording."""
    seconds = int(start.replace(tzinfo=ZONE).timestamp()) + 3600
    os.utime(path, (seconds, seconds))
    return path


def _with(raw: bytes, said: dict[str, str], drop: tuple[str, ...]) -> bytes:
    """Return a meta in which some lines say something else, with its own line ends and its own order."""
    end = b"\r\n" if b"\r\n" in raw else b"\n"
    left, lines = dict(said), []
    for line in raw.split(end):
        key = line.split(b"=", 1)[0].decode("latin-1")
        if key in left:
            lines.append(f"{key}={left.pop(key)}".encode())
        elif not (drop and key.startswith(drop)) and line:
            lines.append(line)
    lines += [f"{key}={value}".encode() for key, value in left.items()]
    return end.join(lines) + end
