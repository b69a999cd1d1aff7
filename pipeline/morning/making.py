"""Makes the morning report: from the board, from what the database remembers, and from this computer's login."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline import database
from pipeline.board.status import status
from pipeline.errors import MapshellError
from pipeline.locations import locations
from pipeline.morning import lateness, login, needs, reading
from pipeline.morning.report import TITLES, MorningReport, Need, Sign, Waiting
from pipeline.morning.since import DEFAULT
from pipeline.morning.since import since as instant
from pipeline.morning.words import in_zone
from pipeline.settings.types import DATASET_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    from pipeline.board.status import SessionStatus
    from pipeline.morning.lateness import Turn
    from pipeline.settings import Settings

_WAITING = ("queued", "in flight", "recording", "refused")


def make(
    settings: Settings,
    since: str | datetime | None = None,
    now: datetime | None = None,
    environ: Mapping[str, str] | None = None,
) -> MorningReport:
    """Make the report of a lab; changes nothing, and asks Globus nothing.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    since
        From when on is told what was done: as people say it (``yesterday``, which None means), or an instant in UTC.
    now
        This instant, UTC; the database's by default.
    environ
        Environment variables; the process's own by default.

    Raises
    ------
    UsageError
        ``since`` cannot be read, or lies in the future.
    DatabaseError
        The database cannot be read.
    """
    environ = os.environ if environ is None else environ
    zone = ZoneInfo(settings.archive.timezone)
    now = database.now() if now is None else now
    then = _begin(since, now, zone)
    found: list[Need] = []
    places = locations(settings, DATASET_TYPES, register=False)
    rows: list[SessionStatus] | None = None
    try:
        rows = list(status(settings, DATASET_TYPES))
    except MapshellError as error:
        database.now()  # when it is the database, that is another matter
        found.append(needs.need("cannot look", settings.archive.computer, error.message, error.remedy))
    turns = lateness.by_computer(reading.turns(now))
    mine = settings.archive.computer

    def say(at: datetime) -> str:
        return in_zone(at, zone, now)

    found += needs.of_sessions(rows or (), now.replace(tzinfo=UTC).astimezone(zone).date())
    differs = any(each.kind == "archive differs" for each in found)
    missed_after = timedelta(hours=settings.report.missed_after)
    found += needs.of_rounds(turns, now, then, missed_after, say, mine, differs=differs)
    found += needs.of_disks(turns, now, timedelta(days=settings.report.full_within))
    names = {
        (row.subject_id, row.session): f"{row.h2o} session {row.session} of {row.session_date}" for row in rows or ()
    }
    found += needs.of_transfers(reading.long_open(now), names, mine, say)
    found += needs.of_leases(reading.left_claimed(now))
    wrong = login.trouble(settings, now, environ)
    if wrong is not None:
        found.append(needs.need("login", mine, *wrong))
    archived = [
        ((row.subject_id, row.session), row.alias)
        for row in rows or ()
        if row.archived_at is not None and row.archived_at >= then
    ]
    return MorningReport(
        mine,
        now,
        then,
        zone,
        ordered(found),
        tuple(reading.done(places, archived, then)),
        reading.looked(then),
        None if rows is None else waiting(rows),
        tuple(signs(turns, now, missed_after, say)),
    )


def unreachable(settings: Settings, since: str | datetime | None, now: datetime, error: MapshellError) -> MorningReport:
    """Make the report of a morning on which the database cannot be reached: that is what needs a person.

    Raises
    ------
    UsageError
        ``since`` cannot be read, or lies in the future.
    """
    zone: tzinfo = ZoneInfo(settings.archive.timezone)
    mine = settings.archive.computer
    what = f"{error.message} What was archived cannot be told."
    wanted = needs.need("database", mine, what, error.remedy)
    return MorningReport(mine, now, _begin(since, now, zone), zone, (wanted,), waiting=None, known=False)


def _begin(since: str | datetime | None, now: datetime, zone: tzinfo) -> datetime:
    return since if isinstance(since, datetime) else instant(DEFAULT if since is None else since, now, zone)


def ordered(found: Sequence[Need]) -> tuple[Need, ...]:
    """Return what needs a person, the most urgent first."""
    urgency = {kind: number for number, kind in enumerate(TITLES)}
    return tuple(sorted(found, key=lambda each: urgency[each.kind]))


def waiting(rows: Sequence[SessionStatus]) -> Waiting:
    """Return what is not archived yet, at all computers."""
    those = [row for row in rows if row.state in _WAITING]
    counts = Counter(row.state for row in those)
    return Waiting(
        len({(row.subject_id, row.session) for row in those}),
        sum(row.size or 0 for row in those),
        None,
        {state: counts[state] for state in _WAITING if counts[state]},
    )


def signs(
    turns: Mapping[str, Sequence[Turn]], now: datetime, missed_after: timedelta, say: Callable[[datetime], str]
) -> list[Sign]:
    """Return the last sign of life of each computer."""
    found = []
    for computer, theirs in turns.items():
        newest = max(theirs, key=lambda turn: turn.seen)
        last = theirs[0]
        missed = lateness.late(theirs, now, missed_after)
        free = [disk.free for turn in theirs[:1] for disk in turn.disks if disk.free is not None]
        found.append(
            Sign(
                computer,
                newest.seen,
                last.verb,
                "cut short" if last.cut_short(now) else last.result,
                last.program,
                last.next_at,
                min(free, default=None),
                "" if missed is None else needs.late_words(missed, say),
                lateness.retired(theirs, now),
            )
        )
    return found
