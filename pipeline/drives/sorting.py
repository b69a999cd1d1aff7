"""Sorting a drive: what of it is archived byte for byte, what is not, and what nobody can say."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline import database, sessions
from pipeline.archive.checksums import Hasher
from pipeline.archive.find import find
from pipeline.archive.pace import Pace
from pipeline.archive.paths import printable
from pipeline.archive.scan import scan_folder
from pipeline.drives.advice import what_next
from pipeline.drives.connected import connect
from pipeline.drives.ground import layouts, root_of, walk, without_copies
from pipeline.drives.memory import remembered
from pipeline.drives.records import record
from pipeline.drives.sorted_drive import SortedDrive, SortedFolder
from pipeline.drives.unmatched import Unmatched, look_up
from pipeline.drives.verdicts import Judged, Reader, judge
from pipeline.errors import LocalDiskError
from pipeline.journal import TableJournal
from pipeline.locations import locations
from pipeline.reassign.former import former_names
from pipeline.sessionless import sessionless, taken
from pipeline.work import Silence, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.archive.find import Found, LocalSession
    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.ports import Clock, Progress
    from pipeline.archive.scan import Defect
    from pipeline.archive.session import LocalFile, Root
    from pipeline.drives.connected import Drive
    from pipeline.drives.ground import Ground
    from pipeline.drives.places import Place
    from pipeline.settings import Settings

_READING = "reading"


def sort_drive(
    settings: Settings,
    path: Path,
    *,
    dry_run: bool = False,
    quick: bool = False,
    progress: Progress | None = None,
    clock: Clock | None = None,
    epoch: Callable[[], float] = time.time,
) -> SortedDrive:
    """Say of every session folder on a drive whether the archive has it, byte for byte.

    Parameters
    ----------
    settings
        This computer's settings; the tables must be bound.
    path
        Where the drive is connected, or a folder of it.
    dry_run
        Write nothing: neither what the drive holds nor sessions that the lab's tables lack.
    quick
        Read no file: what has the size of its archived copy is then *not read*, never *identical*.

    Raises
    ------
    UsageError
        There is no such folder.
    LocalDiskError
        It cannot be read.
    DriveGone
        The drive was disconnected meanwhile.
    DatabaseReadOnly
        The account may not write what was found; a dry run needs no such right.
    """
    clock, progress = clock or SystemClock(), progress or Silence()
    drive = connect(path, settings.archive.computer)
    if not dry_run:
        database.ensure_writable()
    work = _Work(settings, drive, progress, quick=quick)
    work.look()
    work.match(dry_run=dry_run)
    pace = Pace(clock, epoch, None, settings.archive.hash_mb_per_second)
    with Hasher(remembered(drive, os.environ), threads=settings.archive.hash_threads, pace=pace) as hasher:
        found = work.judged(hasher)
    drive.check()
    result = replace(found, dry_run=dry_run)
    result.command, result.hint = what_next(settings, result)
    if not dry_run:
        record(result, clock.now())
        result.recorded = True
    return result


@dataclass
class _Work:
    """The steps of sorting one drive, and what they found; folders go by their numbers in ``chosen``."""

    settings: Settings
    drive: Drive
    progress: Progress
    quick: bool
    ground: Ground = field(init=False)
    roots: list[Root] = field(default_factory=list)
    matched: dict[int, tuple[LocalSession, dict[str, FileEntry], str]] = field(default_factory=dict)
    unmatched: Unmatched = field(default_factory=Unmatched)

    def look(self) -> None:
        """Walk the drive, and find its session folders."""
        self.ground = walk(self.settings, self.drive, self.progress)
        self.roots = [root_of(self.drive.path, place) for place in self.ground.chosen]

    def match(self, *, dry_run: bool) -> None:
        """Give the folders to the lab's sessions; those that the tables lack are entered (a dry run plans it)."""
        self.unmatched = look_up(self.settings, self.ground.chosen, self.roots, dry_run=dry_run)
        lab_sessions = sessions.load()
        for kind, group in without_copies(self.ground.chosen):
            for location in locations(self.settings, (kind,), register=False):
                journal = TableJournal(location, lab_sessions.refs, self.settings.archive.computer)
                found = find(
                    [self.roots[number] for number in group],
                    kind,
                    lab_sessions.facts,
                    lab_sessions.refs,
                    journal.indexed,
                    (*self.settings.archive.leave_out, self.settings.archive.staging_name),
                    layouts(self.settings)[kind],
                    former=former_names(location),
                    taken=taken(sessionless(location, lab_sessions)),
                )
                self._take(group, found, location.alias)

    def _take(self, group: Iterable[int], found: Found, alias: str) -> None:
        """Keep whose folders these are; of several archives, the one that has something of the folder counts."""
        owners = {id(file.root): session for session in found.sessions.values() for file in session.files}
        for number in group:
            subpath = self.ground.chosen[number].subpath
            owner = owners.get(id(self.roots[number]))
            if owner is None:
                self.unmatched.strays.setdefault(number, _stray(found, self.roots[number]))
                continue
            known = found.indexed.get(owner.ref.key)
            entries = {} if known is None else {entry.subpath: entry for entry in known.files}
            if number not in self.matched or any(name.startswith(f"{subpath}/") for name in entries):
                self.matched[number] = (owner, entries, alias)

    def judged(self, hasher: Hasher) -> SortedDrive:
        """Read what must be read, and give every folder its verdict."""
        total, done = sum(place.size for place in self.ground.chosen if place.known), 0
        self.progress.task(_READING, f"Reading {self.drive}", total)

        def tell(file: LocalFile) -> None:
            nonlocal done
            done += file.size
            self.progress.update(_READING, done)

        reader = Reader(hasher, self.drive.check, tell, self.quick)
        folders = [self._judged(number, place, reader) for number, place in enumerate(self.ground.chosen)]
        self.progress.done(_READING)
        return SortedDrive(
            self.drive,
            folders,
            other_files=self.ground.seen.files - sum(each.files for each in folders),
            other_size=self.ground.seen.size - sum(each.size for each in folders),
            loose=self.ground.loose,
            unread=self.ground.seen.unread,
            links=self.ground.seen.links,
            notes=self.unmatched.notes,
            entered=self.unmatched.entered,
        )

    def _judged(self, number: int, place: Place, reader: Reader) -> SortedFolder:
        base = SortedFolder(
            printable(place.folder, 1024),
            place.subpath,
            place.kind,
            "unknown subject",
            place.h2o,
            self.ground.animals.get(place.h2o),
            files=place.files,
            size=place.size,
        )
        if not place.known:
            return replace(base, reason=f"no subject has the water restriction {place.h2o}", remedy=_ENTER)
        root, alias = self.roots[number], ""
        entries: Mapping[str, FileEntry] = {}
        try:
            if number in self.matched:
                session, entries, alias = self.matched[number]
                files: Sequence[LocalFile] = [file for file in session.files if file.root is root]
                defects: Sequence[Defect] = [each for each in session.defects if root.holds(each.subpath)]
                base = self.unmatched.named(base, session.ref)
            else:
                patterns = (*self.settings.archive.leave_out, self.settings.archive.staging_name)
                scan = scan_folder(root, place.subpath, patterns)
                files, defects = scan.files, scan.defects
                base = self.unmatched.told(number, base)
            found = judge(files, defects, entries, reader)
        except LocalDiskError as error:
            self.drive.check()
            return replace(base, verdict="damaged", reason=error.message, remedy=error.remedy)
        if found.verdict == "damaged":
            self.drive.check()  # nothing is damaged that has merely gone
        return _with(found, base, alias)


def _stray(found: Found, root: Root) -> tuple[str, str]:
    return next(
        ((stray.reason, stray.remedy) for stray in found.strays if stray.root is root),
        ("no session of the lab is known to own it", "enter it: `mapshell ingest-recordings`."),
    )


def _with(found: Judged, base: SortedFolder, alias: str) -> SortedFolder:
    first = next(iter(found.why.values()), None)
    more = f" (and {len(found.why) - 1} more)" if len(found.why) > 1 else ""
    rule = next((each for each in found.why.values() if found.classes[each.subpath] == found.verdict), first)
    reason, remedy = base.reason, base.remedy
    if rule is not None:
        reason, remedy = f"{rule.subpath.removeprefix(base.subpath + '/')}: {rule.message}{more}", rule.remedy
    elif found.verdict == "not archived" and "identical" in found.amounts:
        reason = f"{found.amounts['new'][0]} of {found.files} files are not archived"
    elif found.verdict == "empty":
        reason = "all its files are left out (archive.leave_out)"
    return replace(
        base,
        verdict=found.verdict,
        alias=alias,
        files=found.files,
        size=found.size,
        amounts=found.amounts,
        reason=reason,
        remedy=remedy,
        details=tuple(
            {"file": subpath, "class": name, "reason": found.why[subpath].message if subpath in found.why else ""}
            for subpath, name in found.classes.items()
            if name != "identical"
        ),
    )


_ENTER = "enter the animal with `mapshell ingest-subjects`, then sort the drive again."
