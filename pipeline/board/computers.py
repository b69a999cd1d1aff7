"""Every computer of the lab by its signs of life: when it was seen, what its last round came to, how full it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline import publication
from pipeline.board.disks import Disk, from_document
from pipeline.board.filling import Filling, by_free
from pipeline.board.lateness import SHOWN, Late, Turn, late, retired
from pipeline.board.tidying import CUT_SHORT, INTERRUPTED, RUNNING, process_gone
from pipeline.database.quiet import dj
from pipeline.database.reading import dicts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class DiskState:
    """A disk, and how it fills (None: nobody knows)."""

    disk: Disk
    filling: Filling | None = None


@dataclass(frozen=True, slots=True)
class Computer:
    """One computer, as its rounds tell of it; instants in UTC.

    ``verb``, ``began_at``, ``result`` and ``reason`` are those of its last round of publishing (of any verb, when it
    made none); ``sessions_here`` and ``queued_*`` those of the last one that looked at all.  ``result`` is a word of
    the table, or *cut short*, or *silent* (it runs, and has given no sign for ten minutes).  ``late`` is set when a
    round is missing, ``gone`` when it was not seen for two weeks.
    """

    computer: str
    seen_at: datetime
    program: str = ""
    verb: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    result: str = ""
    reason: str = ""
    sessions_here: int | None = None
    queued_sessions: int | None = None
    queued_bytes: int | None = None
    disks: tuple[DiskState, ...] = ()
    next_at: datetime | None = None
    late: Late | None = None
    gone: bool = False


def computers(now: datetime, missed_after: timedelta) -> list[Computer]:
    """Return every computer that ever made a round, in order; two queries.

    Parameters
    ----------
    now
        This instant, UTC.
    missed_after
        How long a computer that told no next round may be without one.
    """
    rows = recent(now)
    theirs: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["began_at"], reverse=True):
        theirs.setdefault(row["computer"], []).append(row)
    found = [_computer(name, those, now, missed_after) for name, those in theirs.items()]
    last = dj.U("computer").aggr(publication.Round(), last="max(began_at)").to_dicts()
    found += [Computer(row["computer"], row["last"], gone=True) for row in last if row["computer"] not in theirs]
    return sorted(found, key=lambda each: (each.gone, each.computer))


def _computer(name: str, rows: Sequence[Mapping[str, Any]], now: datetime, missed_after: timedelta) -> Computer:
    turns = [as_turn(row) for row in rows]
    row, turn = next(((r, t) for r, t in zip(rows, turns, strict=True) if r["verb"] == "publish"), (rows[0], turns[0]))
    looked = next((each for each in rows if each["queued_sessions"] is not None), None)
    told = {key: looked[key] for key in ("sessions_here", "queued_sessions", "queued_bytes")} if looked else {}
    found = Computer(
        name,
        max(each.seen for each in turns),
        row["program"],
        row["verb"],
        row["began_at"],
        row["ended_at"],
        _result(turn, now),
        row["reason"],
        disks=_disks(turns, now),
        next_at=turns[0].next_at,
        late=late(turns, now, missed_after),
        gone=retired(turns, now),
    )
    return replace(found, **told)


def recent(now: datetime) -> list[dict[str, Any]]:
    """Return the rows of all computers' rounds of the last weeks; one query."""
    return dicts(publication.Round() & f"began_at >= '{now - SHOWN:%Y-%m-%d %H:%M:%S}'")


def as_turn(row: Mapping[str, Any]) -> Turn:
    """Return a row as what lateness is judged by."""
    return Turn(
        row["computer"],
        row["verb"],
        row["scope"],
        row["began_at"],
        max(filter(None, (row["seen_at"], row["ended_at"], row["began_at"]))),
        row["result"],
        row["reason"],
        row["next_at"],
        row["program"],
        tuple(from_document(row["disks"])),
        row["result"] == RUNNING and process_gone(row),
    )


def _result(turn: Turn, now: datetime) -> str:
    """Return the word for how a round ended; that it was cut short is said only where that is known."""
    if turn.gone or (turn.result == INTERRUPTED and turn.reason == CUT_SHORT):
        return "cut short"
    return "silent" if turn.cut_short(now) else turn.result


def _disks(turns: Sequence[Turn], now: datetime) -> tuple[DiskState, ...]:
    newest = next((turn for turn in turns if turn.disks), None)
    found = []
    for disk in newest.disks if newest is not None else ():
        free = [(t.seen, each.free) for t in turns for each in t.disks if each.path == disk.path]
        samples = [(when, room) for when, room in free if room is not None]
        found.append(DiskState(disk, None if disk.free is None else by_free(samples, now)))
    return tuple(found)
