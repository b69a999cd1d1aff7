"""Rounds of publishing, put together from the settings and the tables; ``populate`` and the commands call this."""

from __future__ import annotations

import os
import platform
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import accepting, database, insertions, sessions
from pipeline.archive.adoption.remembered import Remembered
from pipeline.archive.checksums import ChecksumCache, Hasher
from pipeline.archive.find import Found, find
from pipeline.archive.naming import compile_layout
from pipeline.archive.nesting import inside
from pipeline.archive.pace import Pace
from pipeline.archive.publish import publish
from pipeline.archive.quiet import Quiet
from pipeline.archive.round import Round
from pipeline.archive.session import DatasetType, Location, Root, SessionKey
from pipeline.errors import DatabaseError
from pipeline.folders import cache_folder
from pipeline.forecast import Move, forecast, past_moves
from pipeline.ingest.leftovers import look_beside
from pipeline.journal import TableJournal
from pipeline.locations import locations
from pipeline.not_published import concerns, deleted, in_sight, left_behind, refused
from pipeline.reassign.finishing import Finished, finish
from pipeline.reassign.former import former_names
from pipeline.report import Report
from pipeline.sessionless import Sessionless, meets, sessionless, taken
from pipeline.unknown_roots import unknown_roots
from pipeline.verify_checksums import scratch_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.settings import Settings


class SystemClock:
    """The computer's clock."""

    def now(self) -> datetime:
        """Return this instant in UTC, naive."""
        return datetime.now(UTC).replace(tzinfo=None)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Silence:
    """A progress that nobody watches."""

    def task(self, key: str, description: str, total: int) -> None:
        """Do nothing."""

    def update(self, key: str, completed: int, note: str = "") -> None:
        """Do nothing."""

    def done(self, key: str, note: str = "") -> None:
        """Do nothing."""

    def say(self, message: str) -> None:
        """Do nothing."""


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

    Raises
    ------
    UsageError
        What is to be accepted does not exist, never can be, has no reason, or is meant for several sessions; so with
        what is to be superseded.
    """
    computer, clock, progress = settings.archive.computer, clock or SystemClock(), progress or Silence()
    accepted = accepting.acceptance(accept, because, store, computer, supersede=supersede)
    lab_sessions = sessions.load()
    keys = sessions.chosen(restrictions)
    report = Report(dry_run=dry_run, nameless=[key for key in lab_sessions.nameless if keys is None or key in keys])
    wanted = set(lab_sessions.refs) if keys is None else keys & set(lab_sessions.refs)
    report.restricted = keys is not None
    report.chosen = len(wanted) + len(report.nameless)
    report.strays = unknown_roots(settings) if keys is None else []
    accepting.one_session(accepted, report.chosen)
    quiet = _quiet(settings, clock, epoch, progress)
    pace = Pace(clock, epoch, quiet, settings.archive.hash_mb_per_second)
    moves: list[Move] = []
    seen: set[SessionKey] = set()
    cache = ChecksumCache(cache_folder(os.environ) / "sha1.sqlite")
    remembered = Remembered(cache_folder(os.environ) / "read-back.sqlite")
    with Hasher(cache, threads=settings.archive.hash_threads, pace=pace) as hasher, closing(remembered):
        for location in (places := locations(settings, types, register=not dry_run)):
            roots = local_roots(settings, location.alias)
            journal = TableJournal(location, lab_sessions.refs, computer)
            round_ = Round(
                location=location,
                roots=roots,
                store=store,
                journal=journal,
                clock=clock,
                epoch=epoch,
                progress=progress,
                hasher=hasher,
                computer=computer,
                quiet_seconds=settings.archive.quiet_seconds,
                poll_seconds=settings.archive.poll_seconds,
                stall_seconds=settings.archive.stall_seconds,
                staging=settings.archive.staging_name,
                provenance=provenance(computer),
                leave_out=_patterns(settings),
                quiet=quiet,
                acceptance=accepted,
                adopt=adopt,
                scratch=scratch_root(settings, location.alias),
                remembered=remembered,
            )
            ended = Finished() if dry_run else finish(round_, journal, keys, wait=wait)
            if ended.stopped is not None:
                report.outcomes.extend(ended.outcomes)
                report.stopped = ended.stopped
                break
            gone = sessionless(location, lab_sessions)
            report.sessionless.extend(each for each in gone if meets(each.session, restrictions))
            found = look(settings, location, roots, journal, lab_sessions, wanted, gone)
            animals = {lab_sessions.refs[key].h2o for key in wanted}
            lost = taken(gone)  # these are told with their datasets, unless another session may be meant
            strays = [stray for stray in found.strays if stray.refused or stray.folder not in lost]
            strays = [stray for stray in strays if keys is None or concerns(stray, wanted, animals)]
            report.strays.extend(strays)
            if keys is None:
                report.strangers |= found.strangers
                report.outcomes.extend(deleted(journal, location, lab_sessions))
            here = [found.sessions[key] for key in sorted(found.sessions) if key in wanted]
            here += left_behind(journal, computer, lab_sessions, wanted - set(found.sessions))
            here = [session for session in here if session.ref.key not in ended.open]
            report.outcomes.extend(ended.without({session.ref.key for session in here}))
            seen.update(ended.open)
            seen.update(found.sessions, (session.ref.key for session in here))
            known = {session.ref.key for session in here} | set(found.indexed)
            in_doubt = refused(location, lab_sessions, strays, wanted - known)
            report.outcomes.extend(in_doubt)
            seen.update(outcome.key for outcome in in_doubt)
            seen.update(key for stray in found.strays for key in stray.candidates)
            if not dry_run:
                away = wanted - known - {outcome.key for outcome in in_doubt}
                journal.report(in_doubt, {key for key in away if in_sight(lab_sessions.refs[key].h2o, found.strays)})
            if not here:
                continue
            if quiet is not None:
                quiet.seen(file for session in here for file in session.files)
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
                    moves.extend(past_moves(location, computer))
    if keys is None:
        beside = look_beside(settings, {facts.h2o for facts in lab_sessions.facts.values()}).strays
        report.strays.extend(beside)
        report.strangers -= {stray.folder for stray in beside}
    unknown = report.stopped is not None and location is not places[-1]
    report.not_here = 0 if unknown else len(wanted - seen)
    report.unbroken = () if accepted is None else accepted.unused
    report.superseding = 0 if accepted is None else len(accepted.superseded)
    report.unchanged = accepted is not None and accepted.supersede and not accepted.superseded
    if dry_run:
        report.forecast = forecast(report.outcomes, moves, settings.archive.hash_mb_per_second)
    return report


def _quiet(settings: Settings, clock: Clock, epoch: Callable[[], float], progress: Progress) -> Quiet | None:
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


def look(
    settings: Settings,
    location: Location,
    roots: Sequence[Root],
    journal: TableJournal,
    lab_sessions: sessions.LabSessions,
    wanted: set[SessionKey],
    gone: Sequence[Sessionless] | None = None,
) -> Found:
    """Walk the local roots of a location once and give every session its folders.

    All sessions take part in the matching (a folder may fit one that is not wanted); only wanted ones are read.
    Folders of datasets without session (``gone``, asked for when None) are given to nobody else.
    """
    if not roots:
        return Found()
    layouts = tuple(compile_layout(pattern) for pattern in settings.archive.layouts.get(location.dataset_type, ()))
    gone = sessionless(location, lab_sessions) if gone is None else gone
    return find(
        roots,
        location.dataset_type,
        lab_sessions.facts,
        lab_sessions.refs,
        journal.indexed,
        _patterns(settings),
        layouts,
        wanted,
        former_names(location),
        taken(gone),
    )


def _patterns(settings: Settings) -> tuple[str, ...]:
    """Return what is never archived: what the settings leave out, and our own staging folder."""
    return (*settings.archive.leave_out, settings.archive.staging_name)


def local_roots(settings: Settings, alias: str) -> tuple[Root, ...]:
    """Return this computer's roots of an alias, as the engine takes them: none enters another root below it."""
    mine = settings.globus.roots(alias)
    every = {root.local_path: Path(os.path.realpath(root.local_path)) for root in (*settings.globus.local_roots, *mine)}
    return tuple(
        Root(
            root.alias,
            root.endpoint,
            root.globus_path,
            Path(root.local_path),
            inside(every[root.local_path], every.values()),
        )
        for root in mine
    )


def provenance(computer: str) -> dict[str, Any]:
    """Say which program made a manifest, and where."""
    from importlib.metadata import version

    return {
        "program": "mapshell",
        "version": version("mapshell"),
        "computer": computer,
        "system": platform.platform(),
        "database": database.describe(),
    }
