"""Recording days for the benchmark, made once and copied for every run."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.load.recordings import animals, fill, record

if TYPE_CHECKING:
    from pathlib import Path

    from tests.load.place import Computer

SMALL = 4096


def recordings(root: Path, sessions: int, files: int, *, seconds: float = 1.0) -> None:
    """Write sessions of so many files each: one probe (4 MB a second), the rest small ones beside it."""
    for number in range(sessions):
        folder = record(root, number, seconds, channels=64)
        have = sum(path.is_file() for path in folder.rglob("*"))
        fill(folder, files - have, SMALL, deep=False)


def lay(template: Path, rig: Computer) -> None:
    """Copy recordings to a computer, with their times."""
    shutil.copytree(template, rig.ephys, dirs_exist_ok=True)


def enter(rig: Computer, sessions: int) -> None:
    """Enter animals and sessions into the database: the lab has done so before anything is published."""
    rig.enter(animals(sessions))
