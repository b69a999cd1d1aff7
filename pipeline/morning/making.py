"""Makes the morning report: from the board, from what the database remembers, and from this computer's login."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline import database
from pipeline.board import lateness
from pipeline.board.backlog import waits
from pipeline.board.board import Board, board
from pipeline.board.computers import as_turn, computers, recent
from pipeline.errors import MapshellError
from pipeline.locations import locations
from pipeline.morning import login, needs, reading
from pipeline.morning.report import TITLES, MorningReport, Need, Sign, Waiting
from pipeline.morning.since import DEFAULT
from pipeline.morning.since import since as instant
from pipeline.morning.words import in_zone
from pipeline.settings.types import DATASET_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    from pipeline.board.computers import Computer
    from pipeline.settings import Settings


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
    mine, missed_after = settings.archive.computer, timedelta(hours=settings.report.missed_after)

    def say(at: datetime) -> str:
        return in_zone(at, zone, now)

    found: list[Need] = []
    seen: Board | None = None
    try:
        seen = board(settings, DATASET_TYPES, now=now)
    except MapshellError as error:
        database.now()  # when it is the database, that is another matter
        found.append(needs.need("cannot look", mine, error.message, error.remedy))
    every = seen.computers if seen is not None else computers(now, missed_after)
    rows = seen.sessions if seen is not None else ()
    found += needs.of_sessions(rows, now.replace(tzinfo=UTC).astimezone(zone).date(), mine)
    found += needs.of_troubles(seen.troubles if seen is not None else ())
    found += needs.of_computers(every, say, mine)
    turns = lateness.by_computer(map(as_turn, recent(now)))
    differs = any(each.kind == "archive differs" for each in found)
    found += needs.of_rounds(turns, now, then, say, mine, differs=differs)
    disks = {each.computer: each.disks for each in every if not each.gone}
    if seen is not None:
        disks[mine] = seen.disks
    found += needs.of_disks(disks, settings.report.full_within)
    names = {(row.subject_id, row.session): needs.session(row) for row in rows}
    found += needs.of_transfers(reading.long_open(now), names, mine, say)
    found += needs.of_leases(reading.left_claimed(now))
    wrong = login.trouble(settings, now, environ)
    if wrong is not None:
        found.append(needs.need("login", mine, *wrong))
    archived = [
        ((r.subject_id, r.session), r.alias) for r in rows if r.archived_at is not None and r.archived_at >= then
    ]
    places = locations(settings, DATASET_TYPES, register=False) if archived else []
    return MorningReport(
        mine,
        now,
        then,
        zone,
        ordered(found),
        tuple(reading.done(places, archived, then)),
        reading.looked(then),
        None if seen is None else waiting(seen),
        tuple(sign(each, say) for each in every if now - each.seen_at <= lateness.SHOWN),
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


def waiting(seen: Board) -> Waiting:
    """Return what the next rounds archive, at all computers."""
    waiting = {(row.state, row.subject_id, row.session) for row in seen.sessions if waits(row)}
    states, load = Counter(state for state, *_ in waiting), seen.backlog
    return Waiting(load.sessions, load.size, load.hours, dict(sorted(states.items())), load.places)


def sign(computer: Computer, say: Callable[[datetime], str]) -> Sign:
    """Return the last sign of life of a computer."""
    free = [state.disk.free for state in computer.disks if state.disk.free is not None]
    return Sign(
        computer.computer,
        computer.seen_at,
        computer.verb,
        computer.result,
        computer.program,
        computer.next_at,
        min(free, default=None),
        "" if computer.late is None else needs.late_words(computer.late, say),
        computer.gone,
    )
