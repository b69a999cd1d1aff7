"""The board as plain data, for programs."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.board.backlog import Load
    from pipeline.board.board import Board
    from pipeline.board.computers import Computer, DiskState
    from pipeline.board.status import SessionStatus

_FACTS = (
    *("h2o", "subject_id", "session", "session_date", "alias", "state", "folders", "files", "archived_at", "reason"),
    *("computer", "accepted", "superseded", "remedy", "dataset_type", "copies", "copies_wanted"),
)
_NAMES = (*_FACTS, "bytes", "unarchived_bytes")
_VALUES = attrgetter(*_FACTS, "size", "unarchived")


def document(board: Board, sessions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the board as JSON data."""
    backlog = board.backlog
    return {
        "sessions": sessions,
        "totals": {state: {"sessions": s.sessions, "bytes": s.size} for state, s in board.totals.items()},
        "backlog": {
            "sessions": backlog.sessions,
            "bytes": backlog.size,
            "places": backlog.places,
            "hours": backlog.hours,
            "here": _load_row(backlog.here),
            "computers": [_load_row(load) for load in backlog.computers],
        },
        "disks": [_disk_row(state) for state in board.disks],
        "computers": [_computer_row(each) for each in board.computers],
        "troubles": [{"what": t.what, "reason": t.reason, "remedy": t.remedy} for t in board.troubles],
        "computer": board.computer,
        "now": board.now,
    }


def session_row(row: SessionStatus) -> dict[str, Any]:
    """Return one session at one location as JSON data."""
    return dict(zip(_NAMES, _VALUES(row), strict=True))


def _load_row(load: Load) -> dict[str, Any]:
    return {
        "computer": load.computer,
        "sessions": load.sessions,
        "bytes": load.size,
        "places": load.places,
        "hours": load.hours,
        "bytes_per_second": load.speed,
        "transfers": load.transfers,
    }


def _disk_row(state: DiskState) -> dict[str, Any]:
    filling = state.filling
    return {
        **state.disk.document(),
        "bytes_per_day": None if filling is None else filling.per_day,
        "days_left": None if filling is None else filling.days,
        "known_by": "" if filling is None else filling.by,
    }


def _computer_row(each: Computer) -> dict[str, Any]:
    facts = {name: getattr(each, name) for name in each.__dataclass_fields__ if name not in ("disks", "late")}
    late = None if each.late is None else {"due": each.late.due, "last": each.late.last.seen}
    return {**facts, "late": late, "disks": [_disk_row(state) for state in each.disks]}
