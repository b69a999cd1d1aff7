"""An archive of very many sessions, made of one that was published: its files linked, its manifest with other names.

Publishing ten thousand sessions takes hours; what discover reads is the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load.recordings import DAYS, FIRST_DAY, animal, animals, fill, record

from . import days
from .lab import computer
from .processes import mapshell

if TYPE_CHECKING:
    from tests.load.place import Place

FEW_BYTES = 0


@dataclass(frozen=True)
class Names:
    """What a session is called."""

    h2o: str
    subject: str
    day: str
    compact: str
    run: str

    @classmethod
    def of(cls, number: int) -> Names:
        """Return those of a session: an animal is recorded on fifty days, one session a day."""
        which, day = divmod(number, DAYS)
        start, subject = FIRST_DAY + timedelta(days=day), animal(which)
        h2o = subject.h2o
        return cls(h2o, str(subject.subject_id), f"{start:%Y-%m-%d}", f"{start:%Y%m%d}", f"{h2o}_{start:%m%d%y}")

    def instead(self, other: Names, text: str, number: int) -> str:
        """Return a text about this session (its animal's first) as one about another."""
        session = number % DAYS + 1
        for mine, its in ((self.run, other.run), (self.compact, other.compact), (self.day, other.day)):
            text = text.replace(mine, its)
        text = text.replace(f"-{self.subject}-0001", f"-{self.subject}-{session:04d}")
        text = text.replace(f"{other.compact}_s1_", f"{other.compact}_s{session}_")
        text = text.replace('"session": 1,', f'"session": {session},').replace(
            '"session": 1\n', f'"session": {session}\n'
        )
        return text.replace(self.h2o, other.h2o).replace(self.subject, other.subject)


def build(own: Place, sessions: int, files: int) -> None:
    """Fill the archive of a corner with so many sessions."""
    rig = computer(own, "first")
    folder = record(rig.ephys, 0)
    have = sum(path.is_file() for path in folder.rglob("*"))
    fill(folder, files - have, FEW_BYTES, deep=False)
    days.enter(rig, 1)
    mapshell(rig.command("publication-publish"))
    first = Names.of(0)
    manifest = next((own.archive / first.h2o).glob("*.manifest-*.json"))
    text = manifest.read_text(encoding="utf-8")
    top = own.archive / first.h2o
    inside = [path.relative_to(top) for path in top.rglob("*") if path.is_file() and path != manifest]
    for number in range(1, sessions):
        other = Names.of(number)
        home = own.archive / other.h2o
        for each in {path.parent for path in inside}:
            Path(home, first.instead(other, each.as_posix(), number)).mkdir(parents=True, exist_ok=True)
        for path in inside:
            os.link(top / path, f"{home}/{first.instead(other, path.as_posix(), number)}")
        described = home / first.instead(other, manifest.name, number)
        described.write_text(first.instead(other, text, number), encoding="utf-8")


def folders_with_files(own: Place) -> int:
    """Return in how many folders recorded files lie: each has to be listed, or nobody knows that they are there."""
    count = 0
    for folder, _, names in os.walk(own.archive):
        count += any(".manifest-" not in name for name in names) and Path(folder) != own.archive
    return count


def listings(own: Place, sessions: int) -> int:
    """Return how many listings discovering needs: the root, each animal (its manifests), each folder with files."""
    return 1 + len(animals(sessions)) + folders_with_files(own)
