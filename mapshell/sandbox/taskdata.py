"""A task and its items as plain data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

COUNTERS = (
    "bytes_checksummed",
    "bytes_transferred",
    "directories",
    "faults",
    "files",
    "files_skipped",
    "files_transferred",
    "subtasks_canceled",
    "subtasks_expired",
    "subtasks_failed",
    "subtasks_retrying",
    "subtasks_skipped_errors",
    "subtasks_succeeded",
    "subtasks_total",
    "symlinks",
)


@dataclass
class Task:
    """One task.  Instants are seconds since 1970."""

    task_id: str
    number: int
    owner: str
    submission_id: str
    type: str
    status: str
    label: str | None
    source: str | None
    destination: str | None
    body_hash: str
    options: dict[str, Any]
    requested: float
    deadline: float
    completed: float | None
    counters: dict[str, int]
    fatal_error: dict[str, str] | None
    nice_status: str | None
    nice_details: str | None
    hold: str | None
    fault: dict[str, Any] | None

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Task:
        """Read a row of the database."""
        values = dict(row)
        for name in ("options", "counters", "fatal_error", "fault"):
            values[name] = None if values[name] is None else json.loads(values[name])
        return cls(**values)


@dataclass
class Item:
    """One file or folder to move, or one path to delete (then only ``source`` counts)."""

    seq: int
    kind: str
    source: str
    destination: str = ""
    checksum: str | None = None
    algorithm: str | None = None
    state: str = "pending"
    parent: int | None = None
    size: int | None = None
    error: tuple[str, str] | None = field(default=None)
