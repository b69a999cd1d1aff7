"""What people do on the rigs by day, and a ledger of it: every byte that was ever recorded, and what went wrong."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mapshell.demo.days import LabSubject
from mapshell.demo.metas import Probe
from mapshell.demo.recordings import set_times, write_recording
from mapshell.demo.videos import write_videos

if TYPE_CHECKING:
    from datetime import datetime

ZONE = "America/New_York"
PROBE = Probe(0, "NP2.0", "19122519691", 4)
ANIMALS = {
    "rig-a": (
        LabSubject(480133, "SC038", "M", date(2026, 1, 5), "of the month"),
        LabSubject(480134, "SC039", "F", date(2026, 1, 6), "of the month"),
    ),
    "rig-b": (
        LabSubject(502716, "SC048", "F", date(2026, 1, 7), "of the month"),
        LabSubject(502717, "SC049", "M", date(2026, 1, 8), "of the month"),
    ),
}
LARGEST = 1_200_000
"""Bytes of a session at most: what must fit before it is recorded."""


@dataclass
class Recording:
    """Files of one kind of one session; ``files`` as they shall be at the archive: subpath -> (size, SHA1)."""

    rig: str
    kind: str
    animal: LabSubject
    start: datetime  # local wall time
    folder: str  # below the root of its kind
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # subpaths that were seen to have vanished from the disk
    row_lost: bool = False  # the database that knew of it was lost: only its tombstone does
    former: dict[str, set[str]] = field(default_factory=dict)  # SHA1s that files had before: superseded
    mistake: str = ""  # changed, unfinished or renamed: until somebody mends it
    away: str = ""  # the folder's name while it is renamed
    ever_wrong: bool = False

    @property
    def alias(self):
        return f"raw-{self.kind}"

    @property
    def day(self):
        return self.start.date()

    @property
    def key(self):
        """What identifies it on every screen: alias, water restriction, day."""
        return self.alias, self.animal.h2o, self.day.isoformat()


class People:
    """Those who record, err and mend."""

    def __init__(self, disks):
        self.disks = disks
        self.recordings: list[Recording] = []
        for disk in disks.values():
            for kind in ("ephys", "video"):
                (disk.path / kind).mkdir(parents=True, exist_ok=True)

    def record(self, rig, start, which, *, seconds, video, mistake=""):
        """Record a session on a rig: a probe, notes, and a video perhaps; return what was recorded."""
        disk, animal = self.disks[rig], ANIMALS[rig][which]
        disk.room_for(LARGEST, f"the session of {animal.h2o} on {start:%Y-%m-%d}")
        run = f"{animal.h2o}_{start:%m%d%y}"
        made = [Recording(rig, "ephys", animal, start, f"{animal.h2o}/{run}_g0")]
        folder = disk.path / "ephys" / made[0].folder
        seed = start.toordinal() * 10 + int(animal.subject_id)
        write_recording(
            folder,
            run,
            probes=(PROBE,),
            start=start,
            seconds=seconds,
            channels=8,
            nidq=False,
            finished=mistake != "unfinished",
            seed=seed,
            timezone=ZONE,
        )
        notes = folder / f"{run}_notes.txt"
        notes.write_text(f"{animal.h2o} was fine, {start:%A}\n", "utf-8")
        set_times([notes], start + timedelta(hours=1), ZONE)
        if video:
            made.append(Recording(rig, "video", animal, start, f"{animal.h2o}/{start:%m%d%Y}"))
            write_videos(
                disk.path / "video" / made[1].folder / "video",
                animal.h2o,
                start.date(),
                trials=2,
                frames=8,
                start=start,
                timezone=ZONE,
                seed=seed,
            )
        if mistake:
            made[0].mistake, made[0].ever_wrong = mistake, True
        for each in made:
            self._note(each)
        self.recordings += made
        return made

    def place(self, recording):
        """Return where a recording lies on its rig."""
        return self.disks[recording.rig].path / recording.kind / (recording.away or recording.folder)

    def files(self, recording):
        """Return its files that lie there now, by the subpath that they should have; without what the product left."""
        root = self.place(recording)
        found = {}
        for path in sorted(root.rglob("*")):
            if path.is_file() and ".mapshell" not in path.parts and not path.name.startswith("mapshell-"):
                found[f"{recording.folder}/{path.relative_to(root).as_posix()}"] = path
        return found

    def change(self, recording, instant):
        """Somebody writes into the notes of a session that is archived."""
        (notes,) = self.place(recording).glob("*_notes.txt")
        with notes.open("a", encoding="utf-8") as text:
            text.write(f"looked at again on {instant:%A}\n")
        set_times([notes], instant, ZONE)
        subpath = f"{recording.folder}/{notes.name}"
        recording.former.setdefault(subpath, set()).add(recording.files[subpath][1])
        recording.mistake, recording.ever_wrong = "changed", True
        self._note(recording)

    def rename(self, recording):
        """Somebody gives the folder of a session another name."""
        old = self.place(recording)
        recording.away = f"{recording.folder}_old"
        old.rename(self.disks[recording.rig].path / recording.kind / recording.away)
        recording.mistake, recording.ever_wrong = "renamed", True

    def rename_back(self, recording):
        """And its own again."""
        old = self.place(recording)
        recording.away = recording.mistake = ""
        old.rename(self.place(recording))

    def size(self, recording):
        """Return the bytes of its files."""
        return sum(size for size, _ in recording.files.values())

    def _note(self, recording):
        for subpath, path in self.files(recording).items():
            recording.files[subpath] = path.stat().st_size, sha1(path)


def sha1(path):
    """Return the SHA1 of a file."""
    return hashlib.sha1(Path(path).read_bytes(), usedforsecurity=False).hexdigest()


def utc(local):
    """Return a local wall time as naive UTC."""
    return local.replace(tzinfo=ZoneInfo(ZONE)).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
