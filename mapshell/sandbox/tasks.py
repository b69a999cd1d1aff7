"""Tasks as they are kept: state, counters, items and events in the sandbox's database."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.eventtexts import ENDINGS
from mapshell.sandbox.taskdata import COUNTERS, Item, Task

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from mapshell.sandbox.database import Database

__all__ = ["COUNTERS", "Item", "Task", "TaskStore"]


class TaskStore:
    """Reads and writes tasks; every change of state is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, task: Task, items: Sequence[Item]) -> Task:
        """Store a new task with its items.

        Returns
        -------
        Task
            The stored task; when the submission id was used before, the task of then.
        """
        with self._database.write() as connection:
            known = self.by_submission(task.owner, task.submission_id)
            if known is not None:
                return known
            row = connection.execute("SELECT coalesce(max(number), 0) + 1 AS next FROM tasks").fetchone()
            task.number = int(row["next"])
            connection.execute(
                f"INSERT INTO tasks VALUES ({', '.join('?' * 20)})",  # noqa: S608 - placeholders only
                (
                    task.task_id,
                    task.number,
                    task.owner,
                    task.submission_id,
                    task.type,
                    task.status,
                    task.label,
                    task.source,
                    task.destination,
                    task.body_hash,
                    json.dumps(task.options),
                    task.requested,
                    task.deadline,
                    task.completed,
                    json.dumps(task.counters),
                    None,
                    task.nice_status,
                    task.nice_details,
                    task.hold,
                    None if task.fault is None else json.dumps(task.fault),
                ),
            )
            self.add_items(task.task_id, items)
        return task

    def by_submission(self, owner: str, submission_id: str) -> Task | None:
        """Find the task of a submission id."""
        row = self._database.row("SELECT * FROM tasks WHERE owner = ? AND submission_id = ?", (owner, submission_id))
        return None if row is None else Task.from_row(row)

    def active_twin(self, owner: str, body_hash: str) -> Task | None:
        """Find an active task that moves exactly the same paths."""
        row = self._database.row(
            "SELECT * FROM tasks WHERE owner = ? AND body_hash = ? AND status = 'ACTIVE'", (owner, body_hash)
        )
        return None if row is None else Task.from_row(row)

    def get(self, task_id: str, owner: str | None = None) -> Task | None:
        """Find a task; with ``owner`` only if it is theirs."""
        row = self._database.row("SELECT * FROM tasks WHERE task_id = ?", (task_id,))
        if row is None or (owner is not None and row["owner"] != owner):
            return None
        return Task.from_row(row)

    def owned(self, owner: str | None) -> list[Task]:
        """All tasks of an identity (None: of everybody), newest first."""
        where, values = ("", ()) if owner is None else (" WHERE owner = ?", (owner,))
        rows = self._database.rows(f"SELECT * FROM tasks{where} ORDER BY number DESC", values)  # noqa: S608 - fixed texts
        return [Task.from_row(row) for row in rows]

    def unfinished(self, owner: str) -> list[Task]:
        """All tasks of an identity that have not ended."""
        rows = self._database.rows(
            "SELECT * FROM tasks WHERE status IN ('ACTIVE', 'INACTIVE') AND owner = ? ORDER BY number", (owner,)
        )
        return [Task.from_row(row) for row in rows]

    def active(self) -> list[str]:
        """Ids of the tasks that are to be worked on, oldest first."""
        rows = self._database.rows("SELECT task_id FROM tasks WHERE status = 'ACTIVE' AND hold IS NULL ORDER BY number")
        return [str(row["task_id"]) for row in rows]

    def count_open(self, owner: str) -> int:
        """Return how many tasks of an identity have not ended."""
        row = self._database.row(
            "SELECT count(*) AS total FROM tasks WHERE status IN ('ACTIVE', 'INACTIVE') AND owner = ?", (owner,)
        )
        return 0 if row is None else int(row["total"])

    def not_ended(self) -> list[str]:
        """Ids of the tasks that have not ended, also of those on hold, oldest first."""
        rows = self._database.rows("SELECT task_id FROM tasks WHERE status IN ('ACTIVE', 'INACTIVE') ORDER BY number")
        return [str(row["task_id"]) for row in rows]

    def update(self, task_id: str, **values: Any) -> None:
        """Set columns of a task (``counters``, ``fault`` and ``fatal_error`` as plain data)."""
        names = ", ".join(f"{name} = ?" for name in values)
        stored = [json.dumps(value) if isinstance(value, dict) else value for value in values.values()]
        self._database.execute(f"UPDATE tasks SET {names} WHERE task_id = ?", (*stored, task_id))  # noqa: S608 - names from code

    def finish(self, task_id: str, status: str, fatal_error: dict[str, str] | None = None, details: str = "") -> bool:
        """End a task unless it has ended; tells whether this call did it."""
        with self._database.write():
            changed = self._database.execute(
                "UPDATE tasks SET status = ?, completed = ?, fatal_error = ?, nice_status = NULL, nice_details = NULL,"
                " hold = NULL WHERE task_id = ? AND status IN ('ACTIVE', 'INACTIVE')",
                (status, time.time(), None if fatal_error is None else json.dumps(fatal_error), task_id),
            )
            if changed:
                code = status if fatal_error is None else fatal_error["code"]
                description = status.lower() if fatal_error is None else fatal_error["description"]
                self.add_event(
                    task_id, code, description, details or ENDINGS.get(code, ""), is_error=fatal_error is not None
                )
        return bool(changed)

    # Items -----------------------------------------------------------------------------------------------------

    def add_items(self, task_id: str, items: Iterable[Item]) -> None:
        """Store items."""
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO items (task_id, seq, parent, kind, source, destination, checksum, algorithm, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        task_id,
                        item.seq,
                        item.parent,
                        item.kind,
                        item.source,
                        item.destination,
                        item.checksum,
                        item.algorithm,
                        item.state,
                    )
                    for item in items
                ),
            )

    def open_items(self, task_id: str, after: int, limit: int) -> list[Item]:
        """Items that are not done yet, in order, from behind ``after``."""
        rows = self._database.rows(
            "SELECT * FROM items WHERE task_id = ? AND seq > ?"
            " AND state IN ('pending', 'copy', 'expanding', 'deleting') ORDER BY seq LIMIT ?",
            (task_id, after, limit),
        )
        return [
            Item(
                seq=row["seq"],
                parent=row["parent"],
                kind=row["kind"],
                source=row["source"],
                destination=row["destination"],
                checksum=row["checksum"],
                algorithm=row["algorithm"],
                state=row["state"],
                size=row["size"],
            )
            for row in rows
        ]

    def is_open(self, task_id: str) -> bool:
        """Tell whether any item is not done yet."""
        return bool(self.open_items(task_id, -1, 1))

    def last_seq(self, task_id: str) -> int:
        """Return the highest item number of a task, -1 without items."""
        row = self._database.row("SELECT max(seq) AS last FROM items WHERE task_id = ?", (task_id,))
        return -1 if row is None or row["last"] is None else int(row["last"])

    def moved_bytes(self, task_id: str) -> int:
        """Sum of the sizes of the files that have arrived."""
        row = self._database.row(
            "SELECT coalesce(sum(size), 0) AS moved FROM items WHERE task_id = ? AND state = 'done'", (task_id,)
        )
        return 0 if row is None else int(row["moved"])

    def drop_children(self, task_id: str, parent: int) -> None:
        """Forget what a folder was expanded into (its expansion was interrupted)."""
        self._database.execute("DELETE FROM items WHERE task_id = ? AND parent = ?", (task_id, parent))

    def save_items(self, task_id: str, items: Iterable[Item], counters: dict[str, int] | None = None) -> None:
        """Store the states of items, and the counters of the task with them."""
        now = time.time()
        with self._database.write() as connection:
            connection.executemany(
                "UPDATE items SET state = ?, size = ?, checksum = ?, algorithm = ?, error_code = ?,"
                " error_details = ?, error_time = ? WHERE task_id = ? AND seq = ?",
                [
                    (
                        item.state,
                        item.size,
                        item.checksum,
                        item.algorithm,
                        item.error[0] if item.error else None,
                        item.error[1] if item.error else None,
                        now if item.error else None,
                        task_id,
                        item.seq,
                    )
                    for item in items
                ],
            )
            if counters is not None:
                self.update(task_id, counters=counters)

    def recognize(self, task_id: str, item: Item, counters: dict[str, int]) -> None:
        """Store what an item has turned out to be."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE items SET kind = ? WHERE task_id = ? AND seq = ?", (item.kind, task_id, item.seq)
            )
            self.update(task_id, counters=counters)

    def item_rows(self, task_id: str, state: str, marker: int, limit: int) -> list[sqlite3.Row]:
        """Rows of files in one state with numbers above the marker (for paged lists)."""
        return self._database.rows(
            "SELECT * FROM items WHERE task_id = ? AND state = ? AND seq > ?"
            " AND (kind = 'file' OR state = 'skipped_error') ORDER BY seq LIMIT ?",
            (task_id, state, marker, limit),
        )

    # Events ----------------------------------------------------------------------------------------------------

    def add_event(self, task_id: str, code: str, description: str, details: str, *, is_error: bool) -> None:
        """Write an event of a task."""
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT coalesce(max(seq), -1) + 1 AS next FROM events WHERE task_id = ?", (task_id,)
            ).fetchone()
            connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (task_id, row["next"], time.time(), code, int(is_error), description, details),
            )

    def events(
        self, task_id: str, limit: int, offset: int, errors: bool | None = None
    ) -> tuple[int, list[sqlite3.Row]]:
        """Return how many events there are (of errors only, or of all others), and one page, newest first."""
        where, values = "task_id = ?", [task_id]
        if errors is not None:
            where += f" AND is_error = {int(errors)}"
        total = self._database.row(f"SELECT count(*) AS total FROM events WHERE {where}", values)  # noqa: S608 - fixed texts
        rows = self._database.rows(
            f"SELECT * FROM events WHERE {where} ORDER BY seq DESC LIMIT ? OFFSET ?",  # noqa: S608 - fixed texts
            (*values, limit, offset),
        )
        return (0 if total is None else int(total["total"])), rows
