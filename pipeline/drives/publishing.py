"""A round of publishing whose recordings lie on a loose drive instead of this computer's own roots."""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import accepting, insertions, sessions
from pipeline.archive.adoption.remembered import Remembered
from pipeline.archive.checksums import Hasher
from pipeline.archive.find import Found, find
from pipeline.archive.pace import Pace
from pipeline.archive.publish import publish
from pipeline.archive.round import Round
from pipeline.drives.connected import connect
from pipeline.drives.copies import without_twins
from pipeline.drives.ground import layouts, root_of, walk
from pipeline.drives.memory import remembered
from pipeline.drives.reach import globus_place, prove
from pipeline.drives.targets import archives, staging_root, watch_disks
from pipeline.errors import DatabaseError
from pipeline.folders import cache_folder
from pipeline.forecast import forecast, past_moves
from pipeline.journal import TableJournal
from pipeline.not_published import concerns, refused
from pipeline.reassign.former import former_names
from pipeline.report import Report
from pipeline.rounds import Silence, SystemClock, provenance
from pipeline.sessionless import sessionless, taken
from pipeline.verify_checksums import scratch_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.archive.find import LocalSession
    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.session import DatasetType, Location, Root, SessionKey
    from pipeline.drives.connected import Drive
    from pipeline.drives.places import Place
    from pipeline.forecast import Move
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
    accepted = accepting.acceptance(accept, because, store, settings.archive.computer, supersede=supersede)
    lab_sessions = sessions.load()
    keys = sessions.chosen(restrictions)
    wanted = set(lab_sessions.refs) if keys is None else keys & set(lab_sessions.refs)
    report = Report(dry_run=dry_run, restricted=keys is not None, chosen=len(wanted), drive=str(drive))
    accepting.one_session(accepted, report.chosen)
    ground = walk(settings, drive, progress)
    leave_out = (*settings.archive.leave_out, settings.archive.staging_name)
    known = [place for place in ground.chosen if place.known]
    chosen, report.notes = without_twins(drive.path, known, leave_out)
    report.strangers = {place.h2o for place in ground.chosen if not place.known} if keys is None else set()
    kinds = [kind for kind in types if any(place.kind == kind for place in chosen)]
    look = _Look(settings, drive, endpoint, there, chosen, lab_sessions, wanted, restricted=keys is not None)
    quiet = watch_disks(settings, drive, clock, epoch, progress)
    pace = Pace(clock, epoch, quiet, settings.archive.hash_mb_per_second)
    moves: list[Move] = []
    memory = Remembered(cache_folder(os.environ) / "read-back.sqlite")
    hasher = Hasher(remembered(drive, os.environ), threads=settings.archive.hash_threads, pace=pace)
    with hasher, closing(memory):
        for location in archives(settings, kinds, alias, register=not dry_run):
            journal = TableJournal(location, lab_sessions.refs, drive.computer)
            here, found = look.at(location, journal, report)
            if not here:
                continue
            round_ = Round(
                location=location,
                roots=look.roots(location),
                store=look.seeing(store, location),
                journal=journal,
                clock=clock,
                epoch=epoch,
                progress=progress,
                hasher=hasher,
                computer=drive.computer,
                quiet_seconds=settings.archive.quiet_seconds,
                poll_seconds=settings.archive.poll_seconds,
                stall_seconds=settings.archive.stall_seconds,
                staging=settings.archive.staging_name,
                provenance={**provenance(drive.computer), "drive": str(drive)},
                leave_out=leave_out,
                quiet=quiet,
                acceptance=accepted,
                adopt=adopt,
                scratch=scratch_root(settings, location.alias),
                remembered=memory,
                drive=drive,
                stage=None if dry_run else staging_root(settings, drive, location.alias, endpoint, there),
            )
            with journal:
                result = publish(round_, here, found.indexed, dry_run=dry_run, wait=wait)
            report.outcomes.extend(result.outcomes)
            report.stopped = result.stopped
            if report.stopped is not None:
                break
            news = {outcome.key for outcome in result.outcomes if report.restricted or report.is_news(outcome)}
            with suppress(DatabaseError):  # lost just now, it must not take the outcomes along
                if location.dataset_type == "ephys":
                    worth = [session for session in here if session.ref.key in news]
                    report.probes.extend(insertions.gaps(location.alias, worth, found.indexed))
                if dry_run and news:
                    moves.extend(past_moves(location, drive.computer))
    report.unbroken = () if accepted is None else accepted.unused
    report.superseding = 0 if accepted is None else len(accepted.superseded)
    report.unchanged = accepted is not None and accepted.supersede and not accepted.superseded
    if dry_run:
        report.forecast = forecast(report.outcomes, moves, settings.archive.hash_mb_per_second)
    return report


@dataclass
class _Look:
    """What of a drive belongs to which session, at one location after the other."""

    settings: Settings
    drive: Drive
    endpoint: str
    path: str
    chosen: Sequence[Place]
    lab_sessions: sessions.LabSessions
    wanted: set[SessionKey]
    restricted: bool
    _proved: list[Store] = field(default_factory=list)

    def roots(self, location: Location) -> tuple[Root, ...]:
        """Return the session folders of a location's kind, each as a root."""
        return tuple(
            root_of(self.drive.path, place, location.alias, self.endpoint, self.path)
            for place in self.chosen
            if place.kind == location.dataset_type
        )

    def at(self, location: Location, journal: TableJournal, report: Report) -> tuple[list[LocalSession], Found]:
        """Give the folders to sessions; what cannot be given to one is told.

        Raises
        ------
        DriveGone
            The drive was disconnected meanwhile.
        """
        refs = self.lab_sessions.refs
        found = find(
            self.roots(location),
            location.dataset_type,
            self.lab_sessions.facts,
            refs,
            journal.indexed,
            (*self.settings.archive.leave_out, self.settings.archive.staging_name),
            layouts(self.settings)[location.dataset_type],
            self.wanted,
            former_names(location),
            taken(sessionless(location, self.lab_sessions)),
        )
        self.drive.check()
        animals = {refs[key].h2o for key in self.wanted}
        strays = [stray for stray in found.strays if not self.restricted or concerns(stray, self.wanted, animals)]
        report.strays.extend(strays)
        here = [found.sessions[key] for key in sorted(found.sessions) if key in self.wanted]
        known = {session.ref.key for session in here} | set(found.indexed)
        report.outcomes.extend(refused(location, self.lab_sessions, strays, self.wanted - known))
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
