"""What the rigs record: many small sessions, or one session with many files beside its recording."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from mapshell.demo.days import LabSubject
from mapshell.demo.metas import Probe
from mapshell.demo.recordings import write_recording
from mapshell.demo.run import TIMEZONE

if TYPE_CHECKING:
    from pathlib import Path

FIRST_DAY = datetime.fromisoformat("2020-01-06T10:00:00")
DAYS = 50
LONG_AGO = 1_580_000_000
PROBE = Probe(0, "NP2.0", "19122519691", 4)
PER_FOLDER = 100


def animal(number: int) -> LabSubject:
    """Return one of 900 animals."""
    return LabSubject(400_001 + number, f"SC{number + 1:03d}", "F", date(2019, 1, 1), "of the load")


def animals(sessions: int) -> list[LabSubject]:
    """Return the animals that so many sessions are of."""
    return [animal(number) for number in range((sessions + DAYS - 1) // DAYS)]


def record(root: Path, number: int, seconds: float = 0.01, channels: int = 2) -> Path:
    """Write the recording of a session, one probe; return its folder.  An animal is recorded on fifty days."""
    which, day = divmod(number, DAYS)
    start = FIRST_DAY + timedelta(days=day)
    h2o = animal(which).h2o
    run = f"{h2o}_{start:%m%d%y}"
    folder = root / h2o / f"{run}_g0"
    write_recording(
        folder,
        run,
        probes=(PROBE,),
        start=start,
        seconds=seconds,
        channels=channels,
        nidq=False,
        seed=number + 1,
        timezone=TIMEZONE,
    )
    return folder


def fill(folder: Path, count: int, size: int, *, deep: bool) -> None:
    """Write small files into a session's folder: into one folder, or a hundred into each folder of a deep tree."""
    block = os.urandom(size)
    place = folder / "sorted"
    for number in range(count):
        if number % PER_FOLDER == 0 and (deep or number == 0):
            upper, lower = divmod(number // PER_FOLDER, 100)
            place = folder / "sorted" / (f"batch_{upper:03d}/shank_0/chunk_{lower:02d}" if deep else "waveforms")
            place.mkdir(parents=True, exist_ok=True)
        path = place / f"waveforms_{number:07d}.npy"
        head = number.to_bytes(8, "big")[-size:] if size else b""
        path.write_bytes(head + block[len(head) :])
        os.utime(path, (LONG_AGO, LONG_AGO))
