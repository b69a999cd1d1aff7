"""The board: the state of every session, sums, what waits, this computer's disks, and every computer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline import database
from pipeline.board.backlog import Backlog, backlog
from pipeline.board.computers import Computer, DiskState, computers
from pipeline.board.disks import disks
from pipeline.board.filling import by_files
from pipeline.board.seen import Seen
from pipeline.board.status import SessionStatus, status
from pipeline.board.troubles import Trouble, troubles
from pipeline.copies.named import named
from pipeline.settings.types import DATASET_TYPES
from pipeline.work import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.ports import Clock
    from pipeline.archive.session import DatasetType
    from pipeline.settings import Settings

HELD = frozenset({"archived", "reclaimed"})
"""States of a session at a location that count as a copy there."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Sessions in a state, each counted once for every location, and their bytes as far as they are known."""

    sessions: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """What is told; ``now`` is UTC, ``disks`` are this computer's."""

    now: datetime
    computer: str
    sessions: tuple[SessionStatus, ...]
    totals: Mapping[str, Sum]
    backlog: Backlog
    disks: tuple[DiskState, ...]
    computers: tuple[Computer, ...]
    troubles: tuple[Trouble, ...] = ()


def board(
    settings: Settings,
    types: Sequence[DatasetType],
    restrictions: Sequence[Any] = (),
    *,
    now: datetime | None = None,
    clock: Clock | None = None,
) -> Board:
    """Look at everything; the number of queries does not depend on the number of sessions, and Globus is asked nothing.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    types, restrictions
        Which sessions are told; computers and disks are told as they are.
    now
        This instant, UTC; the database's by default.
    clock
        This computer's.
    """
    now = database.now() if now is None else now
    mine = settings.archive.computer
    seen = Seen((clock or SystemClock()).now())
    rows = with_copies(list(status(settings, types, restrictions, seen)))
    every = computers(now, timedelta(hours=settings.report.missed_after))
    whole = not restrictions and set(types) >= set(DATASET_TYPES)
    return Board(
        now,
        mine,
        tuple(rows),
        totals(rows),
        backlog(rows, seen.moves, mine),
        tuple(_disks(settings, every, seen if whole else None)),
        tuple(every),
        tuple(troubles(seen, mine)),
    )


def with_copies(rows: list[SessionStatus]) -> list[SessionStatus]:
    """Return the rows with how many of the named copies of their type hold each session."""
    copies = named()
    if not any(copies.values()):
        return rows
    held: dict[tuple[str, int, int], int] = {}
    for row in rows:
        if row.state in HELD and row.alias in copies[row.dataset_type]:
            key = (row.dataset_type, row.subject_id, row.session)
            held[key] = held.get(key, 0) + 1
    return [
        replace(
            row,
            copies=held.get((row.dataset_type, row.subject_id, row.session), 0),
            copies_wanted=len(copies[row.dataset_type]),
        )
        for row in rows
    ]


def totals(rows: Iterable[SessionStatus]) -> dict[str, Sum]:
    """Return the sums of each state, in order."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        sums = counts.setdefault(row.state, [0, 0])
        sums[0] += 1
        sums[1] += row.size or 0
    return {state: Sum(*counts[state]) for state in sorted(counts)}


def _disks(settings: Settings, every: Sequence[Computer], seen: Seen | None) -> Iterable[DiskState]:
    """Yield this computer's disks as they are now; how they fill is told by its rounds, else by its files."""
    mine = next((each for each in every if each.computer == settings.archive.computer), None)
    known = {state.disk.path: state.filling for state in (mine.disks if mine is not None else ())}
    for disk in disks(settings):
        filling = None if disk.free is None else known.get(disk.path)
        if filling is None and disk.free is not None and seen is not None:
            filling = by_files(seen.arrived_on(disk), disk.free)
        yield DiskState(disk, filling)
