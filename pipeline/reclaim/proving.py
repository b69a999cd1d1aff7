"""The proofs of one session and type of data, made over the tables, the disk and the archive, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.archive.filetypes import classify
from pipeline.archive.reclaiming import rules
from pipeline.archive.reclaiming.counting import complete, itself, told_as_itself
from pipeline.archive.reclaiming.deleting import lies, read_all
from pipeline.archive.reclaiming.ground import Ground
from pipeline.archive.reclaiming.looking import look, seen_at
from pipeline.archive.reclaiming.rules import Missing, Place
from pipeline.archive.reclaiming.sieve import Sieve
from pipeline.errors import DiskBusy, IntegrityError, LocalDiskError
from pipeline.journal import TableJournal
from pipeline.leases import Leases
from pipeline.reassign.meanwhile import being_moved
from pipeline.reclaim.places import Index
from pipeline.reclaim.units import real

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.lister import Lister
    from pipeline.archive.pace import Pace
    from pipeline.archive.reclaiming.deleting import Read
    from pipeline.archive.session import DatasetType, LocalFile, Location, Root, SessionKey
    from pipeline.reclaim.report import SessionReclaim
    from pipeline.reclaim.units import Unit
    from pipeline.reclaim.wishes import Wishes

Busy = dict[tuple["SessionKey", "DatasetType"], str]
"""What is under way of sessions, in words."""


@dataclass(slots=True)
class Subject:
    """One session and type of data on its way through the proofs; ``chosen`` are the files that would be deleted."""

    unit: Unit
    row: SessionReclaim
    sieve: Sieve
    chosen: list[LocalFile] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)

    @property
    def roots(self) -> dict[Path, Root]:
        """The roots in which its files lie."""
        return {file.root.local_path: file.root for file in self.chosen}


@dataclass(frozen=True, slots=True)
class Prover:
    """What the proofs are made with.

    ``locations`` are all storage locations by type of data, ``counting`` those that count as copies and ``asked`` how
    many of them must hold a session; ``fetched`` tells when files of sessions were last fetched back.
    """

    wishes: Wishes
    locations: Mapping[DatasetType, Sequence[Location]]
    counting: Mapping[DatasetType, Sequence[Location]]
    asked: Mapping[DatasetType, int]
    fetched: Mapping[tuple[SessionKey, DatasetType], datetime]
    now: Callable[[], datetime]
    quiet_s: float
    threads: int
    computer: str

    def subject(self, unit: Unit, row: SessionReclaim, places: Sequence[Place]) -> Subject:
        """Return a session at the beginning of its way."""
        kind = unit.dataset_type
        return Subject(unit, row, Sieve(places, self.asked[kind], kind))

    def places(self, key: SessionKey, kind: DatasetType) -> list[Place]:
        """Return what the index has of a session now, at each place that counts."""
        return [Index(location).places([key])[key] for location in self.counting[kind]]

    def busy(self) -> Busy:
        """Return what is under way of any session: transfers, moves, leases."""
        found: Busy = {}
        for kind, locations in self.locations.items():
            for location in locations:
                journal = TableJournal(location, {}, self.computer)
                for key, computer in Leases(location, self.computer).working().items():
                    found[key, kind] = f"somebody works on it ({computer})"
                for entry in journal.unfinished():
                    for part in entry.parts:
                        found[part.key, kind] = f"a transfer of it is {entry.state} ({location.alias})"
                found.update({(key, kind): said for key, said in being_moved(journal).items()})
        return found

    def open_of(self, several: Sequence[Unit]) -> Busy:
        """Return what is under way of some sessions, whose leases are ours."""
        found: Busy = {}
        for unit in several:
            for location in self.locations[unit.dataset_type]:
                for entry in TableJournal(location, {}, self.computer).unfinished([unit.key]):
                    found[unit.key, unit.dataset_type] = f"a transfer of it is {entry.state} ({location.alias})"
        return found

    # -- what neither a byte nor the archive is asked for ------------------------------------------------------------

    def before_reading(self, subject: Subject, busy: Busy) -> Missing | None:
        """Make the proofs that the tables and a look at the folders suffice for; choose what would be deleted."""
        unit, ref, sieve = subject.unit, subject.unit.ref, subject.sieve
        files = unit.ordered
        now = self.now()
        since = [place.manifest.archived_at for place in sieve.good if place.manifest and place.manifest.archived_at]
        fetched = self.fetched.get((unit.key, unit.dataset_type))
        missing = (
            sieve.through(lambda place: rules.known(place, ref))
            or (sieve.through(partial(complete, others=tuple(sieve.good))) if sieve.several else None)
            or self._open(unit, busy)
            or rules.changes(files, since, now, self.quiet_s)
            or sieve.through(lambda place: rules.old_enough([place], [], None, now, self.wishes.older_than))
            or rules.old_enough([], files, fetched, now, self.wishes.older_than)
            or sieve.through(lambda place: rules.whole_folder(files, unit.defects, place, ref))
        )
        if missing is not None:
            return missing
        subject.chosen = [file for file in files if self._is_meant(file, sieve.good[0])]
        subject.row.files, subject.row.size = len(subject.chosen), sum(file.size for file in subject.chosen)
        subject.row.copies = tuple(place.alias for place in sieve.good)
        return self._others(subject, {}) or self._itself(subject)

    def _open(self, unit: Unit, busy: Busy) -> Missing | None:
        for each in (unit, *unit.others):
            said = busy.get((each.key, each.dataset_type))
            if said is not None:
                return Missing(
                    "nothing open", said, "wait until it has ended: `mapshell publication-publish` brings it to an end."
                )
        return None

    def _is_meant(self, file: LocalFile, place: Place) -> bool:
        types = self.wishes.file_types
        if types is None:
            return True
        entry = place.entries.get(file.subpath)
        return (entry.file_type if entry is not None else classify(file.subpath)) in types

    def _others(self, subject: Subject, sha1s: Mapping[str, str]) -> Missing | None:
        """Say which file belongs to another session or type of data as well, that nowhere holds it.

        ``sha1s`` tells the SHA1 of files that were read, by where they lie.
        """
        for other in subject.unit.others:
            places = self.places(other.key, other.dataset_type)
            for file in subject.chosen:
                theirs = other.files.get((real(file.root), lies(file)))
                if theirs is not None and not any(_holds(place, theirs, sha1s.get(lies(file))) for place in places):
                    whose = f"{other.ref} ({other.dataset_type})"
                    return Missing(
                        "whole folder",
                        f"{file.subpath} belongs to {whose} as well, where it is not archived",
                        f"`mapshell publication-publish {rules.options(other.ref, other.dataset_type)}`",
                    )
        return None

    def _itself(self, subject: Subject) -> Missing | None:
        """Say whether a root of these files is a place of the archive: nothing is deleted there, whoever has it too."""
        for location in (each for several in self.locations.values() for each in several):
            root = itself(subject.roots.values(), location)
            if root is not None:
                return told_as_itself(root, location)
        return None

    # -- what the archive and the bytes tell -------------------------------------------------------------------------

    def by_looking(self, subject: Subject, lister: Lister, ours: Sequence[str] = ()) -> Missing | None:
        """Ask the archive what it lists, now."""
        return subject.sieve.through(lambda place: look(lister, place, subject.unit.ref, ours))

    def elsewhere(self, subject: Subject, lister: Lister, ours: Sequence[str]) -> Missing | None:
        """Ask the places that do not count whether they list what was just written: one may be this very disk."""
        good = {place.alias for place in subject.sieve.good}
        rest = (place for place in self.locations[subject.unit.dataset_type] if place.alias not in good)
        return next((missing for place in rest if (missing := seen_at(lister, place, ours)) is not None), None)

    def by_bytes(self, subject: Subject, pace: Pace, seen: Callable[[int], None]) -> Missing | None:
        """Read every file that would be deleted, now, and compare."""
        ref, grounds = subject.unit.ref, dict[Path, Ground]()
        try:
            for root in subject.roots:
                grounds[root] = Ground(root)
            subject.reads = read_all(subject.chosen, grounds, threads=self.threads, pace=pace, seen=seen)
        except (DiskBusy, IntegrityError) as error:
            return Missing("quiet", error.message.rstrip("."), error.remedy)
        except LocalDiskError as error:
            return Missing("same bytes", error.message.rstrip("."), error.remedy)
        except OSError as error:
            return Missing("same bytes", f"the folder cannot be opened: {error.strerror}", "check the disk.")
        finally:
            for ground in grounds.values():
                ground.close()
        read = [(each.file, each.sha1) for each in subject.reads]
        missing = subject.sieve.through(partial(_same, read, ref)) or self._others(
            subject, {each.lies: each.sha1 for each in subject.reads}
        )
        subject.row.copies = tuple(place.alias for place in subject.sieve.good)
        return missing


def _same(read: Sequence[tuple[LocalFile, str]], ref: object, place: Place) -> Missing | None:
    return rules.same_bytes(read, place, ref)  # type: ignore[arg-type]  # a partial hides what it is


def _holds(place: Place, file: LocalFile, sha1: str | None) -> bool:
    """Say whether a place holds a file of another session, as far as it is known (``sha1``: once it was read)."""
    entry = place.entries.get(file.subpath)
    if entry is None or place.is_empty or not place.described or not entry.sized or not entry.proved:
        return False
    return entry.size == file.size and entry.verified_at is not None and sha1 in (None, entry.sha1)
