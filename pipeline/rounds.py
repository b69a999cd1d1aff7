"""Rounds of publishing, put together from the settings and the tables; ``populate`` and the commands call this."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.archive.checksums import ChecksumCache
from pipeline.archive.quiet import Quiet
from pipeline.archive.walk.listing import Listing
from pipeline.board.heartbeat import sign_of_life
from pipeline.board.published import scope, tell
from pipeline.copies.originals import Originals
from pipeline.errors import DatabaseReadOnly
from pipeline.folders import cache_folder
from pipeline.here import local_roots, look
from pipeline.ingest.leftovers import look_beside
from pipeline.journal import TableJournal
from pipeline.locations import locations
from pipeline.not_published import concerns, deleted, in_sight, left_behind, refused
from pipeline.reassign.finishing import Finished, finish
from pipeline.sessionless import meets, sessionless, taken
from pipeline.unknown_roots import unknown_roots
from pipeline.work import Silence, SystemClock, Wishes, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pipeline.archive.find import Found, LocalSession, Stray
    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.round import Round
    from pipeline.archive.session import DatasetType, Location, Root, SessionKey
    from pipeline.report import Report
    from pipeline.settings import Settings


def publish_round(
    settings: Settings,
    store: Callable[[], Store],
    types: Sequence[DatasetType],
    restrictions: Sequence[Any] = (),
    *,
    dry_run: bool = False,
    wait: bool = True,
    accept: str | Sequence[str] = (),
    because: str = "",
    supersede: bool = False,
    adopt: bool = False,
    progress: Progress | None = None,
    clock: Clock | None = None,
    epoch: Callable[[], float] = time.time,
    ending: Callable[[], str] = str,
    next_at: datetime | None = None,
) -> Report:
    """Publish what this computer holds of the chosen sessions and data types.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Gives the Globus manager; called only when there is something to ask.
    types
        Which kinds of data.
    restrictions
        DataJoint restrictions of ``experiment.Session``; all must hold.
    dry_run, wait
        As in :func:`pipeline.archive.publish.publish`.
    accept, because
        Rules of the gate that a person accepts for the one chosen session, and why.
    supersede
        Let files of the one chosen session that were changed since they were archived take the place of the archived
        ones, which are moved aside; ``because`` says why.
    adopt
        Read back what the index knows from a listing alone, and archive it when it is what this computer has.
    ending
        Says why the round is to end early, empty while it may go on.  Then nothing more is begun, and transfers are not
        waited for; the next round gathers them.
    next_at
        When the next round is to begin, UTC; None: nobody knows.

    Raises
    ------
    UsageError
        What is to be accepted does not exist, never can be, has no reason, or is meant for several sessions; so with
        what is to be superseded.
    """
    clock, progress = clock or SystemClock(), progress or Silence()
    wishes = Wishes(restrictions, dry_run, wait, accept, because, supersede, adopt, ending)
    seen = scope(types, restrictions)
    with (
        sign_of_life(settings, "publish", dry_run=dry_run, scope=seen, next_at=next_at) as life,
        Work(settings, store, wishes, settings.archive.computer, clock, epoch, progress) as work,
    ):
        work.read_with(
            ChecksumCache(cache_folder(os.environ) / "sha1.sqlite"), quiet_disks(settings, clock, epoch, progress)
        )
        report = _Tour(work, types).go()
        tell(life, report, seen)
        return report


_NO_ROOT = "This computer has no local folder, so nothing can be archived from it: see globus.local_endpoints."


_NO_STAGE = (
    "{} sessions of other archives are to be copied to {}: a computer with a local folder does that, from which their "
    "manifests are sent; this one has none (globus.local_endpoints)."
)


class _Tour:
    """Goes from one storage location to the next, as one round does.

    Parameters
    ----------
    work
        What the round works with.
    types
        Which kinds of data.
    """

    def __init__(self, work: Work, types: Sequence[DatasetType]) -> None:
        self._work = work
        self._types = types
        self._seen: set[SessionKey] = set()
        self._listing = Listing()

    def go(self) -> Report:
        """Publish at all locations; return the report."""
        work, report = self._work, self._work.report
        report.strays = unknown_roots(work.settings) if work.keys is None else []
        if not (work.settings.globus.local_roots or work.settings.globus.shared_roots):
            report.notes.append(_NO_ROOT)
        places = locations(work.settings, self._types, register=not work.wishes.dry_run)
        reached = 0
        for location in places:
            try:
                self._at(location)
            except DatabaseReadOnly as error:  # since what an earlier round left under way was looked up
                report.stopped = error
            reached += 1
            if report.stopped is not None or work.wishes.ending():
                break
        if work.keys is None:
            animals = {facts.h2o for facts in work.lab_sessions.facts.values()}
            beside = look_beside(work.settings, animals, self._listing).strays
            report.strays.extend(beside)
            report.strangers -= {stray.folder for stray in beside}
        unknown = reached < len(places)
        report.not_here = 0 if unknown else len(work.wanted - self._seen)
        return work.end()

    def _at(self, location: Location) -> None:
        """Publish at one location."""
        work, report = self._work, self._work.report
        journal = TableJournal(location, work.lab_sessions.refs, work.computer)
        round_ = work.round(location, local_roots(work.settings, location.alias), journal)
        ended = Finished() if work.wishes.dry_run else finish(round_, journal, work.keys, wait=work.wishes.wait)
        if ended.stopped is not None:
            report.outcomes.extend(ended.outcomes)
            report.stopped = ended.stopped
            return
        found, strays = self._found(location, round_.roots, journal)
        here = [found.sessions[key] for key in sorted(found.sessions) if key in work.wanted]
        here += left_behind(journal, work.computer, work.lab_sessions, work.wanted - set(found.sessions))
        here = [session for session in here if session.ref.key not in ended.open]
        report.outcomes.extend(ended.without({session.ref.key for session in here}))
        self._seen.update(ended.open, found.sessions, (session.ref.key for session in here))
        known = {session.ref.key for session in here} | set(found.indexed)
        in_doubt = refused(location, work.lab_sessions, strays, work.wanted - known)
        report.outcomes.extend(in_doubt)
        self._seen.update(outcome.key for outcome in in_doubt)
        self._seen.update(key for stray in found.strays for key in stray.candidates)
        if not work.wishes.dry_run:
            refs = work.lab_sessions.refs
            away = work.wanted - known - {outcome.key for outcome in in_doubt}
            journal.report(in_doubt, {key for key in away if in_sight(refs[key].h2o, found.strays)})
        here += self._copied(round_, journal, here, found, strays)
        if here:
            if work.quiet is not None:
                work.quiet.seen(file for session in here for file in session.files)
            work.publish(round_, journal, here, found)

    def _copied(
        self,
        round_: Round,
        journal: TableJournal,
        here: Sequence[LocalSession],
        found: Found,
        strays: Sequence[Stray],
    ) -> list[LocalSession]:
        """Return the sessions that another archive has, this one lacks, and this computer has no folder of."""
        work, refs = self._work, self._work.lab_sessions.refs
        originals = Originals(round_.location, refs, work.computer)
        mine = {session.ref.key for session in here}
        doubtful = {key for stray in strays for key in stray.candidates}
        known = mine | set(found.sessions)
        unseen = {key for key in work.wanted - known if not in_sight(refs[key].h2o, found.strays)}
        originals.choose(work.wanted - doubtful - unseen, known)
        coming = originals.sessions(known)
        if coming and not round_.roots:
            work.report.notes.append(_NO_STAGE.format(len(coming), round_.location.alias))
            return []
        round_.originals = originals
        found.indexed |= journal.indexed([session.ref.key for session in coming])
        return coming

    def _found(self, location: Location, roots: Sequence[Root], journal: TableJournal) -> tuple[Found, list[Stray]]:
        """Look at the roots of a location; tell of what belongs to no session, and return that too."""
        work, report = self._work, self._work.report
        gone = sessionless(location, work.lab_sessions)
        report.sessionless.extend(each for each in gone if meets(each.session, work.wishes.restrictions))
        found = look(work.settings, location, roots, journal, work.lab_sessions, work.wanted, gone, self._listing)
        animals = {work.lab_sessions.refs[key].h2o for key in work.wanted}
        lost = taken(gone)  # these are told with their datasets, unless another session may be meant
        strays = [stray for stray in found.strays if stray.refused or stray.folder not in lost]
        strays = [stray for stray in strays if work.keys is None or concerns(stray, work.wanted, animals)]
        told = {(stray.folder, stray.root.local_path) for stray in report.strays}  # copies share the roots
        report.strays.extend(each for each in strays if (each.folder, each.root.local_path) not in told)
        if work.keys is None:
            report.strangers |= found.strangers
            report.outcomes.extend(deleted(journal, location, work.lab_sessions))
        return found, strays


def quiet_disks(settings: Settings, clock: Clock, epoch: Callable[[], float], progress: Progress) -> Quiet | None:
    """Return what looks whether something is recorded on this computer's disks; None when that is switched off."""
    if not settings.archive.pause_while_recording:
        return None
    roots = {Path(root.local_path) for root in (*settings.globus.local_roots, *settings.globus.shared_roots)}
    return Quiet(
        roots,
        clock,
        epoch,
        progress.say,
        quiet_seconds=settings.archive.quiet_seconds,
        patience=settings.archive.wait_for_quiet,
        staging=settings.archive.staging_name,
    )
