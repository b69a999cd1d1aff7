"""A round of publishing whose recordings lie on a loose drive instead of this computer's own roots."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.archive.find import Found, find
from pipeline.board.heartbeat import sign_of_life
from pipeline.board.published import tell
from pipeline.copies.originals import Originals
from pipeline.drives.connected import connect
from pipeline.drives.copies import without_twins
from pipeline.drives.ground import layouts, root_of, walk
from pipeline.drives.memory import remembered
from pipeline.drives.reach import globus_place, prove
from pipeline.drives.targets import archives, staging_root, watch_disks
from pipeline.journal import TableJournal
from pipeline.not_published import concerns, refused
from pipeline.reassign.former import former_names
from pipeline.sessionless import sessionless, taken
from pipeline.work import Silence, SystemClock, Wishes, Work, provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.archive.find import LocalSession
    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.session import DatasetType, Location, Root
    from pipeline.drives.connected import Drive
    from pipeline.drives.places import Place
    from pipeline.report import Report
    from pipeline.settings import Settings


def publish_drive(
    settings: Settings,
    store: Callable[[], Store],
    path: Path,
    types: Sequence[DatasetType],
    restrictions: Sequence[Any] = (),
    *,
    root_globus: str = "",
    alias: str = "",
    dry_run: bool = False,
    wait: bool = True,
    accept: str | Sequence[str] = (),
    because: str = "",
    supersede: bool = False,
    adopt: bool = False,
    progress: Progress | None = None,
    clock: Clock | None = None,
    epoch: Callable[[], float] = time.time,
) -> Report:
    """Publish what a loose drive holds of the chosen sessions and kinds; this computer's own roots are left alone.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Gives the Globus manager; called only when there is something to ask.
    path
        Where the drive is connected, or a folder of it.
    types, restrictions, dry_run, wait, accept, because, supersede, adopt
        As in :func:`pipeline.rounds.publish_round`.
    root_globus
        By which path Globus reaches it, ``UUID:/PATH``; empty: as it follows from this computer's roots.
    alias
        The storage location; empty: by the kinds of data that lie there.

    Raises
    ------
    UsageError
        There is no such folder, or several archives are possible.
    ConfigError
        It is not known how Globus reaches the drive, or Globus sees another folder there.
    DriveGone
        The drive was disconnected before anything was under way.
    """
    clock, progress = clock or SystemClock(), progress or Silence()
    drive = connect(path, settings.archive.computer)
    endpoint, there = globus_place(settings, drive, root_globus)
    wishes = Wishes(restrictions, dry_run, wait, accept, because, supersede, adopt)
    with (
        sign_of_life(settings, "publish", dry_run=dry_run, scope="drive") as life,
        Work(settings, store, wishes, drive.computer, clock, epoch, progress) as work,
    ):
        report = work.report
        report.drive = str(drive)
        report.nameless.clear()  # whose folders nobody could name lie on no drive either
        ground = walk(settings, drive, progress)
        known = [place for place in ground.chosen if place.known]
        chosen, report.notes = without_twins(drive.path, known, work.leave_out)
        report.strangers = {place.h2o for place in ground.chosen if not place.known} if work.keys is None else set()
        kinds = [kind for kind in types if any(place.kind == kind for place in chosen)]
        look = _Look(work, drive, endpoint, there, chosen)
        work.read_with(remembered(drive, os.environ), watch_disks(settings, drive, clock, epoch, progress))
        for location in archives(settings, kinds, alias, register=not dry_run):
            journal = TableJournal(location, work.lab_sessions.refs, drive.computer)
            here, found = look.at(location, journal)
            if not here:
                continue
            round_ = work.round(
                location,
                look.roots(location),
                journal,
                store=look.seeing(store, location),
                provenance={**provenance(drive.computer), "drive": str(drive)},
                drive=drive,
                stage=None if dry_run else staging_root(settings, drive, location.alias, endpoint, there),
            )
            round_.originals = _others(work, location, drive, here)
            if not work.publish(round_, journal, here, found):
                break
        work.end()
        tell(life, report, "drive")
        return report


def _others(work: Work, location: Location, drive: Drive, here: Sequence[LocalSession]) -> Originals:
    """Return what other copies have of the drive's sessions: where the two differ, that is what this one gets first."""
    originals = Originals(location, work.lab_sessions.refs, drive.computer)
    keys = {session.ref.key for session in here}
    originals.choose(keys, keys)
    return originals


@dataclass
class _Look:
    """What of a drive belongs to which session, at one location after the other."""

    work: Work
    drive: Drive
    endpoint: str
    path: str
    chosen: Sequence[Place]
    _proved: list[Store] = field(default_factory=list)

    def roots(self, location: Location) -> tuple[Root, ...]:
        """Return the session folders of a location's kind, each as a root."""
        return tuple(
            root_of(self.drive.path, place, location.alias, self.endpoint, self.path)
            for place in self.chosen
            if place.kind == location.dataset_type
        )

    def at(self, location: Location, journal: TableJournal) -> tuple[list[LocalSession], Found]:
        """Give the folders to sessions; what cannot be given to one is told.

        Raises
        ------
        DriveGone
            The drive was disconnected meanwhile.
        """
        work = self.work
        refs = work.lab_sessions.refs
        found = find(
            self.roots(location),
            location.dataset_type,
            work.lab_sessions.facts,
            refs,
            journal.indexed,
            work.leave_out,
            layouts(work.settings)[location.dataset_type],
            work.wanted,
            former_names(location),
            taken(sessionless(location, work.lab_sessions)),
        )
        self.drive.check()
        animals = {refs[key].h2o for key in work.wanted}
        strays = [stray for stray in found.strays if work.keys is None or concerns(stray, work.wanted, animals)]
        work.report.strays.extend(strays)
        here = [found.sessions[key] for key in sorted(found.sessions) if key in work.wanted]
        known = {session.ref.key for session in here} | set(found.indexed)
        work.report.outcomes.extend(refused(location, work.lab_sessions, strays, work.wanted - known))
        return here, found

    def seeing(self, store: Callable[[], Store], location: Location) -> Callable[[], Store]:
        """Return what gives the manager, as soon as it was seen that Globus sees this very drive."""

        def proved() -> Store:
            if not self._proved:
                manager = store()
                prove(manager, self.drive, self.roots(location))
                self._proved.append(manager)
            return self._proved[0]

        return proved
