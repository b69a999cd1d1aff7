"""What waits to be archived, at every computer, and how long that takes at its recent speed.  Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.forecast import speed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.board.status import SessionStatus
    from pipeline.forecast import Move

WAITING = ("recording", "queued", "in flight")
"""States of sessions that the next rounds archive by themselves."""


@dataclass(frozen=True, slots=True)
class Load:
    """What waits at one computer: sessions, bytes, hours at the speed (bytes/s) of its last ``transfers``.

    ``hours`` and ``speed`` are None where nobody knows; ``places`` as in :class:`Backlog`.
    """

    computer: str
    sessions: int = 0
    size: int = 0
    hours: float | None = 0.0
    speed: float | None = None
    transfers: int = 0
    places: int = 1


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits at this computer, at each that has something, and at all together.

    Computers send at the same time: the last one to end tells the hours of all.  ``places`` is at how many locations
    one session's data wait at most: bytes count once for each, as they are sent to each.
    """

    here: Load
    computers: tuple[Load, ...]
    sessions: int
    size: int
    hours: float | None
    places: int = 1


def waits(row: SessionStatus) -> bool:
    """Say whether the next rounds have something to archive of a session."""
    return row.state in WAITING or (row.state == "archived with changes" and row.unarchived > 0)


def backlog(rows: Iterable[SessionStatus], moves: Mapping[str, Sequence[Move]], computer: str) -> Backlog:
    """Sum up what waits.

    Parameters
    ----------
    rows
        Every session at every location.
    moves
        Past transfers of each computer.
    computer
        This one's name.
    """
    waiting: dict[str, list[SessionStatus]] = {}
    for row in rows:
        if waits(row):
            waiting.setdefault(row.computer or computer, []).append(row)
    loads = [_load(name, those, moves.get(name, ())) for name, those in sorted(waiting.items())]
    here = next((load for load in loads if load.computer == computer), _load(computer, (), moves.get(computer, ())))
    hours = [load.hours for load in loads]
    known = [each for each in hours if each is not None]
    return Backlog(
        here,
        tuple(loads),
        len({_session(row) for those in waiting.values() for row in those}),
        sum(load.size for load in loads),
        max(known, default=0.0) if len(known) == len(hours) else None,
        _places(row for those in waiting.values() for row in those),
    )


def _load(computer: str, rows: Sequence[SessionStatus], moves: Sequence[Move]) -> Load:
    size, rate = sum(row.unarchived for row in rows), speed(moves)
    hours = 0.0 if not rows else None if rate is None else size / rate / 3600
    return Load(
        computer, len({_session(row) for row in rows}), size, hours, rate, len(moves) if rate else 0, _places(rows)
    )


def _places(rows: Iterable[SessionStatus]) -> int:
    """Return at how many locations one session's data of one type wait at most."""
    return max(Counter((row.dataset_type, *_session(row)) for row in rows).values(), default=1)


def to_places(places: int) -> str:
    """Say that bytes count once for each of several copies; empty where there is one."""
    return f" to {places} places" if places > 1 else ""


def _session(row: SessionStatus) -> tuple[int, int]:
    return (row.subject_id, row.session)
