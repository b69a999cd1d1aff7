"""What people do on the rigs' disks, and a ledger of it: every byte that was ever recorded, by whom."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mapshell.demo.metas import Probe
from mapshell.demo.recordings import write_recording
from mapshell.demo.videos import write_videos

from .tombs import OWN

if TYPE_CHECKING:
    from .freed import Gone

PROBE = Probe(0, "NP2.0", "19122519691", 4)
ANIMALS = {480133: "SC038", 502716: "SC048"}
FIRST_DAY = datetime.fromisoformat("2020-05-01T10:00:00")
LONG_AGO = 1_600_000_000
ZONE = "America/New_York"


@dataclass
class Visit:
    """One session of the lab: whose, when, what kind of data, on which rig; its files by subpath of the kind's root."""

    number: int
    rig: str
    subject: int
    kind: str
    start: datetime
    session: int
    state: str = "whole"  # or "recording": its metas are not finished
    foreign: str = ""  # a file that somebody put at the archive under a name of ours
    strange: set[str] = field(default_factory=set)  # SHA1 of such files: fetched, they are called unchecked
    forged: str = ""  # a manifest that somebody forged
    changed: bool = False  # files were changed after they had been recorded
    other: tuple[int, int] | None = None  # subject and session that it is to be given to
    moved: bool = False  # the index has it as that one's
    versions: dict[str, list[str]] = field(default_factory=dict)  # subpath -> every SHA1 that it ever had
    hidden: dict[Path, bytes] = field(default_factory=dict)  # finished metas that are not there yet

    @property
    def h2o(self):
        return ANIMALS[self.subject]

    def names(self, subpath):
        """Return what a file that was recorded as ``subpath`` may be called at the archive."""
        return {subpath, self.renamed(subpath)} if self.other else {subpath}

    def renamed(self, subpath):
        """Return what a file is called when the session is another animal's."""
        if not self.other:
            return subpath
        h2o = ANIMALS[self.other[0]]
        animal, folder, *rest = subpath.split("/")
        return "/".join([h2o, folder.replace(f"{animal}_", f"{h2o}_", 1), *rest])

    def said(self):
        """Return animal and number, as a person says them now."""
        return (ANIMALS[self.other[0]], self.other[1]) if self.moved else (self.h2o, self.session)

    @property
    def alias(self):
        return f"raw-{self.kind}"

    @property
    def key(self):
        return self.alias, self.subject, self.session

    @property
    def day(self) -> date:
        return self.start.date()


class LabDisk:
    """The recordings of all rigs."""

    def __init__(self, folder, rigs):
        self.folder = Path(folder)
        self.visits: dict[int, Visit] = {}
        self.known: dict[Path, tuple] = {}  # what lies on the rigs, by path: (inode, size, time, mode, SHA1)
        self.folders: dict[Path, int] = {}  # in which they lie -> mode
        self.fetched: dict[Path, tuple] = {}  # files of sessions that lie on other rigs: (size, time, SHA1)
        self.gone: dict[Path, Gone] = {}  # what was freed
        for rig in rigs:
            for kind in ("ephys", "video"):
                (self.folder / rig / kind).mkdir(parents=True)

    def record(self, number, rig, subject, kind, state="whole"):
        """Write a session's recording."""
        start = FIRST_DAY + timedelta(days=number)
        session = self.next_session(subject)
        visit = self.visits[number] = Visit(number, rig, subject, kind, start, session, state)
        root = self.folder / rig / kind
        if kind == "ephys":
            run = f"{visit.h2o}_{start:%m%d%y}"
            write_recording(
                root / visit.h2o / f"{run}_g0",
                run,
                probes=(PROBE,),
                start=start,
                seconds=0.01,
                channels=2,
                nidq=False,
                seed=number + 1,
                timezone=ZONE,
            )
        else:
            folder = root / visit.h2o / f"{start:%m%d%Y}" / "video"
            write_videos(
                folder, visit.h2o, start.date(), trials=1, frames=1, start=start, timezone=ZONE, seed=number + 1
            )
        if state == "recording":
            self._unfinish(visit)
        self._note(visit)
        return visit

    def finish(self, visit):
        """The recording ends: its metas say how long it was and which checksum it has."""
        for path, whole in visit.hidden.items():
            path.write_bytes(whole)
            os.utime(path, (LONG_AGO, LONG_AGO))
        visit.hidden.clear()
        visit.state = "whole"
        self._note(visit)

    def add(self, visit, count):
        """Files that come later, such as those of a sorter."""
        place = self.folder_of(visit) / f"later_{zlib.crc32(f'{visit.number}-{len(visit.versions)}'.encode()):08x}"
        place.mkdir()
        for number in range(count):
            path = place / f"part {number}.npy"
            path.write_bytes(f"{visit.number} {place.name} {number}\n".encode() * (1 + number))
            os.utime(path, (LONG_AGO, LONG_AGO))
        self._note(visit)

    def change(self, visit, dice, how):
        """Somebody works on a file while it may be on its way: it grows, or a byte of it becomes another."""
        free = [path for path in sorted(self.folder_of(visit).rglob("*")) if path.suffix in (".npy", ".avi", ".txt")]
        if not free:
            return
        path, visit.changed = free[dice % len(free)], True
        if how == "grow":
            with path.open("ab") as file:
                file.write(b"more\n")
        else:
            with path.open("r+b") as file:
                first = file.read(1)
                file.seek(0)
                file.write(bytes([first[0] ^ 1]))
        os.utime(path, (LONG_AGO, LONG_AGO + dice % 100_000))
        self._note(visit)

    def tidy_copies(self, visit):
        """Remove what was fetched onto rigs on which the session was not recorded."""
        for rig in {path.name for path in self.folder.glob("rig-*")} - {visit.rig}:
            for subpath in {name for each in visit.versions for name in visit.names(each)}:
                path = self.folder / rig / visit.kind / subpath
                path.unlink(missing_ok=True)
                self.fetched.pop(path, None)
                for folder in path.relative_to(self.folder / rig / visit.kind).parents[:-1]:
                    with contextlib.suppress(OSError):  # it holds something, or is not there
                        (self.folder / rig / visit.kind / folder).rmdir()

    def subpaths(self, visit):
        """Return the files of a session that lie on its rig, by subpath."""
        root, here = self.folder / visit.rig / visit.kind, self.folder_of(visit)
        renamed = root / visit.renamed(here.relative_to(root).as_posix())  # what came back when it had another name
        found = [path for folder in {here, renamed} for path in folder.rglob("*") if path.is_file()]
        return {
            self.former(visit.alias, path.relative_to(root).as_posix()): path
            for path in sorted(found, key=lambda path: path.is_relative_to(here))
            if path.name not in OWN
        }

    def owner(self, alias, subpath):
        """Return the session that a file was ever recorded for."""
        subpath = self.former(alias, subpath)
        return self.recorded(_kind(alias), subpath)

    def former(self, alias, subpath):
        """Return the name by which a file was recorded, from that which it has at the archive; so of manifests."""
        for visit in self.visits.values():
            if visit.other and visit.kind == _kind(alias):
                h2o, number = ANIMALS[visit.other[0]], visit.other[1]
                described = f"{h2o}/{h2o}_{visit.day:%Y%m%d}_s{number}_{visit.kind}.manifest-"
                if subpath.startswith(described):
                    rest = subpath.removeprefix(described)
                    return f"{visit.h2o}/{visit.h2o}_{visit.day:%Y%m%d}_s{visit.session}_{visit.kind}.manifest-{rest}"
                old = self.folder_of(visit).relative_to(self.folder / visit.rig / visit.kind).as_posix()
                new = visit.renamed(old)
                if subpath.startswith(f"{new}/"):
                    return old + subpath.removeprefix(new)
        return subpath

    def key(self, alias, subject, session):
        """Return the key by which a session was recorded, from that which it has now."""
        mine = [visit for visit in self.visits.values() if visit.kind == _kind(alias)]
        return next(((alias, *v.key[1:]) for v in mine if v.other == (subject, session)), (alias, subject, session))

    def of(self, key):
        """Return the session of a key of the index, as it was recorded, at whichever of its places."""
        mine = (v for v in self.visits.values() if v.kind == _kind(key[0]) and v.key[1:] == key[1:])
        return next(mine, None)

    def next_session(self, subject):
        """Return the number of the next session of an animal."""
        given = [each for visit in self.visits.values() for each in (visit.subject, (visit.other or (0,))[0])]
        return 1 + sum(each == subject for each in given)

    def recorded(self, kind, subpath):
        """Return the session that was recorded as a file of this name."""
        return next((v for v in self.visits.values() if v.kind == kind and subpath in v.versions), None)

    def note(self, path):
        """Remember what lies on a rig; return its SHA1."""
        facts, sha1 = path.stat(), hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
        self.known[path] = (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_mode, sha1)
        return sha1

    def folder_of(self, visit):
        """Return the folder of a session on its rig."""
        root = self.folder / visit.rig / visit.kind / visit.h2o
        if visit.kind == "ephys":
            return root / f"{visit.h2o}_{visit.start:%m%d%y}_g0"
        return root / f"{visit.start:%m%d%Y}"

    def _unfinish(self, visit):
        for path in self.folder_of(visit).rglob("*.meta"):
            whole = path.read_bytes()
            visit.hidden[path] = whole
            kept = [
                line
                for line in whole.splitlines(keepends=True)
                if not line.startswith((b"fileSHA1", b"fileSizeBytes", b"fileTimeSecs"))
            ]
            path.write_bytes(b"".join(kept))
            os.utime(path, (LONG_AGO, LONG_AGO))

    def _note(self, visit):
        for folder in (self.folder_of(visit), *self.folder_of(visit).rglob("*"), *self.folder_of(visit).parents):
            if folder.is_dir() and folder.is_relative_to(self.folder / visit.rig / visit.kind):
                self.folders[folder] = stat.S_IMODE(folder.stat().st_mode)
        for subpath, path in self.subpaths(visit).items():
            sha1 = self.note(path)
            versions = visit.versions.setdefault(subpath, [])
            if sha1 not in versions:
                versions.append(sha1)


def _kind(alias):
    """Return the type of data of a storage location, by its alias."""
    return next((kind for kind in ("ephys", "video") if kind in alias), "")
