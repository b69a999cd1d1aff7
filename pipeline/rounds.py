"""Rounds of publishing, put together from the settings and the tables; ``populate`` and the commands call this."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import database, sessions
from pipeline.archive.checksums import ChecksumCache, Hasher
from pipeline.archive.find import Found, LocalSession, Stray, find
from pipeline.archive.journal import Outcome
from pipeline.archive.naming import compile_layout
from pipeline.archive.nesting import inside
from pipeline.archive.publish import publish
from pipeline.archive.round import Round
from pipeline.archive.session import DatasetType, Location, Root, SessionKey
from pipeline.folders import cache_folder
from pipeline.journal import TableJournal
from pipeline.locations import locations
from pipeline.report import Report
from pipeline.transitions import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

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
    """
    computer = settings.archive.computer
    lab_sessions = sessions.load()
    keys = sessions.chosen(restrictions)
    report = Report(dry_run=dry_run, nameless=[key for key in lab_sessions.nameless if keys is None or key in keys])
    wanted = set(lab_sessions.refs) if keys is None else keys & set(lab_sessions.refs)
    report.restricted = keys is not None
    report.chosen = len(wanted) + len(report.nameless)
    seen: set[SessionKey] = set()
    with Hasher(
        ChecksumCache(cache_folder(os.environ) / "sha1.sqlite"), threads=settings.archive.hash_threads
    ) as hasher:
        for location in (places := locations(settings, types, register=not dry_run)):
            roots = local_roots(settings, location.alias)
            journal = TableJournal(location, lab_sessions.refs, computer)
            found = look(settings, location, roots, journal, lab_sessions, wanted)
            animals = {lab_sessions.refs[key].h2o for key in wanted}
            strays = [stray for stray in found.strays if keys is None or _concerns(stray, wanted, animals)]
            report.strays.extend(strays)
            if keys is None:
                report.strangers |= found.strangers
                report.outcomes.extend(_deleted(journal, location, lab_sessions))
            here = [found.sessions[key] for key in sorted(found.sessions) if key in wanted]
            here += _left_behind(journal, computer, lab_sessions, wanted - set(found.sessions))
            seen.update(found.sessions, (session.ref.key for session in here))
            known = {session.ref.key for session in here} | set(found.indexed)
            refused = _refused(location, lab_sessions, strays, wanted - known)
            report.outcomes.extend(refused)
            seen.update(outcome.key for outcome in refused)
            seen.update(key for stray in found.strays for key in stray.candidates)
            if not dry_run:
                gone = wanted - known - {outcome.key for outcome in refused}
                journal.report(refused, {key for key in gone if _in_sight(lab_sessions.refs[key].h2o, found.strays)})
            if not here:
                continue
            round_ = Round(
                location=location,
                roots=roots,
                store=store,
                journal=journal,
                clock=clock or SystemClock(),
                epoch=epoch,
                progress=progress or Silence(),
                hasher=hasher,
                computer=computer,
                quiet_seconds=settings.archive.quiet_seconds,
                poll_seconds=settings.archive.poll_seconds,
                stall_seconds=settings.archive.stall_seconds,
                staging=settings.archive.staging_name,
                provenance=provenance(computer),
                leave_out=_patterns(settings),
            )
            with journal:
                result = publish(round_, here, found.indexed, dry_run=dry_run, wait=wait)
            report.outcomes.extend(result.outcomes)
            report.stopped = result.stopped
            if report.stopped is not None:
                break
    unknown = report.stopped is not None and location is not places[-1]
    report.not_here = 0 if unknown else len(wanted - seen)
    return report


def _concerns(stray: Stray, wanted: set[SessionKey], animals: Collection[str]) -> bool:
    """Say whether a folder, or a root that cannot be listed, has to do with the sessions that were asked for."""
    if stray.candidates:
        return not wanted.isdisjoint(stray.candidates)
    return stray.folder == "." or stray.folder.split("/")[0] in animals


def _in_sight(h2o: str, strays: Sequence[Stray]) -> bool:
    """Say whether all folders of an animal could be looked at: what lies in others may still be there."""
    return not any(stray.folder == "." or (stray.refused and stray.folder.split("/")[0] == h2o) for stray in strays)


def _refused(
    location: Location, lab_sessions: sessions.LabSessions, strays: Sequence[Stray], keys: set[SessionKey]
) -> list[Outcome]:
    """Return the outcomes of sessions that have nothing here but folders that must not be given to them."""
    outcomes = []
    for key in sorted({key for stray in strays for key in stray.candidates} & keys):
        theirs = [stray for stray in strays if key in stray.candidates]
        ref, first = lab_sessions.refs[key], theirs[0]
        outcomes.append(
            Outcome(
                key=key,
                h2o=ref.h2o,
                session_date=ref.session_date.isoformat(),
                alias=location.alias,
                folders=tuple(stray.folder for stray in theirs),
                state="refused",
                reason=f"{first.folder}: {first.reason}",
                remedy=first.remedy,
                failed=True,
                details=tuple(
                    {"rule": "folder", "file": stray.folder, "reason": stray.reason, "remedy": stray.remedy}
                    for stray in theirs
                ),
            )
        )
    return outcomes


def _left_behind(
    journal: TableJournal, computer: str, lab_sessions: sessions.LabSessions, gone: set[SessionKey]
) -> list[LocalSession]:
    """Return sessions that this computer began to publish and whose folder is gone: they are brought to an end."""
    keys = {
        part.key
        for entry in journal.unfinished(gone)
        if entry.purpose == "publish" and entry.computer == computer
        for part in entry.parts
    }
    return [LocalSession(lab_sessions.refs[key], (), (), ()) for key in sorted(keys & gone)]


def _deleted(journal: TableJournal, location: Location, lab_sessions: sessions.LabSessions) -> list[Outcome]:
    """Return the outcomes of sessions whose transfers are under way and that the lab's tables no longer have."""
    outcomes = {}
    for entry in journal.unfinished():
        for part in entry.parts if entry.purpose == "publish" else ():
            ref = part.manifest.session
            if part.key not in lab_sessions.refs:
                said = missing(ref)
                outcomes[part.key] = Outcome(
                    key=part.key,
                    h2o=ref.h2o,
                    session_date=ref.session_date.isoformat(),
                    alias=location.alias,
                    folders=(),
                    state="in flight",
                    reason=said.message,
                    remedy=said.remedy,
                    failed=True,
                )
    return list(outcomes.values())


def look(
    settings: Settings,
    location: Location,
    roots: Sequence[Root],
    journal: TableJournal,
    lab_sessions: sessions.LabSessions,
    wanted: set[SessionKey],
) -> Found:
    """Walk the local roots of a location once and give every session its folders.

    All sessions take part in the matching (a folder may fit one that is not wanted); only wanted ones are read.
    """
    if not roots:
        return Found()
    layouts = tuple(compile_layout(pattern) for pattern in settings.archive.layouts.get(location.dataset_type, ()))
    return find(
        roots,
        location.dataset_type,
        lab_sessions.facts,
        lab_sessions.refs,
        journal.indexed,
        _patterns(settings),
        layouts,
        wanted,
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
