"""A lab of any size by rule: its sessions and their files, as the tables, the index and the disk have them.

What number N holds is the same everywhere, so that it is written down nowhere.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from mapshell.demo.run import ARCHIVE, TIMEZONE
from pipeline.archive.filetypes import classify
from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.matching_types import SessionFacts
from pipeline.archive.session import Location, SessionRef
from tests.load.recordings import DAYS, FIRST_DAY, LONG_AGO, animal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCATION = Location("raw-ephys", ARCHIVE, "/raw-ephys", "ephys")
ARCHIVED_AT = datetime.fromisoformat("2021-03-01T04:05:06")
META = 1
"""Which of a session's files is the recording's meta."""
SORTED = 60
"""Of a hundred files, those in the folder of the sorting; two are the recording, the rest waveforms."""


def start(number: int) -> datetime:
    """Return when a session began, local wall time."""
    return FIRST_DAY + timedelta(days=number % DAYS)


def ref(number: int) -> SessionRef:
    """Return the session as the engine sees it: an animal is recorded on fifty days."""
    which, day = divmod(number, DAYS)
    who, began = animal(which), start(number)
    return SessionRef(who.subject_id, day + 1, who.h2o, began.date(), f"{began:%H:%M:%S}", TIMEZONE)


def facts(one: SessionRef) -> SessionFacts:
    """Return what the rules of matching need of it."""
    return SessionFacts(one.key, one.h2o, one.session_date, one.session_time)


def run_of(one: SessionRef) -> str:
    return f"{one.h2o}_{one.session_date:%m%d%y}"


def folder_of(one: SessionRef) -> str:
    """Return the session's folder below the root."""
    return f"{one.h2o}/{run_of(one)}_g0"


def subpaths(one: SessionRef, files: int) -> Iterator[str]:
    """Yield the names of a session's files, relative to the root: a recording, its sorting, waveforms."""
    run, folder = run_of(one), folder_of(one)
    probe = f"{folder}/{run}_g0_imec0"
    for number in range(files):
        if number < 2:
            yield f"{probe}/{run}_g0_t0.imec0.ap.{('bin', 'meta')[number]}"
        elif number < files * SORTED // 100:
            yield f"{probe}/imec0_ks2/features_{number:05d}.npy"
        else:
            yield f"{folder}/waveforms/waveforms_{number:05d}.npy"


def size_of(number: int, which: int) -> int:
    """Return the size of a file in bytes."""
    return 1 + (number * 9973 + which * 101) % (4_000 if which == META else 1_000_000)


def manifest(number: int, files: int) -> Manifest:
    """Return the session as it was archived."""
    one = ref(number)
    return Manifest(
        session=one,
        dataset_type="ephys",
        alias=LOCATION.alias,
        generation=1,
        files=tuple(
            FileEntry(
                subpath=subpath,
                size=size_of(number, which),
                mtime=LONG_AGO,
                file_type=_type(subpath.rpartition("/")[2]),
                sha1=hashlib.sha1(subpath.encode()).hexdigest(),
                sha1_source="computed",
                verified_at=ARCHIVED_AT,
                verified_how="globus checksum",
            )
            for which, subpath in enumerate(subpaths(one, files))
        ),
        archived_at=ARCHIVED_AT,
        evidence={"folders": [folder_of(one)], "task": f"{number:032x}", "checks": ["size", "checksum"]},
        provenance={"program": "mapshell"},
    )


_type = cache(classify)


def write(root: Path, number: int, files: int) -> int:
    """Write a session's files with their sizes and times; they hold nothing, and take no room. Return their bytes."""
    one = ref(number)
    known: set[str] = set()
    total = 0
    for which, subpath in enumerate(subpaths(one, files)):
        path = f"{root}/{subpath}"
        folder = path.rpartition("/")[0]
        if folder not in known:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - a million of them
            known.add(folder)
        size = size_of(number, which)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.truncate(descriptor, size)
        os.utime(descriptor, (LONG_AGO, LONG_AGO))
        os.close(descriptor)
        total += size
    return total
