"""The sandbox's memory: one SQLite file in its folder that survives a kill at any instant."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from pipeline.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS collections (id TEXT PRIMARY KEY, spec TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
    task_id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, owner TEXT NOT NULL, submission_id TEXT NOT NULL,
    type TEXT NOT NULL, status TEXT NOT NULL, label TEXT, source TEXT, destination TEXT, body_hash TEXT NOT NULL,
    options TEXT NOT NULL, requested REAL NOT NULL, deadline REAL NOT NULL, completed REAL, counters TEXT NOT NULL,
    fatal_error TEXT, nice_status TEXT, nice_details TEXT, hold TEXT, fault TEXT,
    UNIQUE (owner, submission_id));
CREATE INDEX IF NOT EXISTS tasks_owner ON tasks (owner, number);
CREATE INDEX IF NOT EXISTS tasks_status ON tasks (status);
CREATE TABLE IF NOT EXISTS items (
    task_id TEXT NOT NULL, seq INTEGER NOT NULL, parent INTEGER, kind TEXT NOT NULL, source TEXT NOT NULL,
    destination TEXT NOT NULL,
    checksum TEXT, algorithm TEXT, state TEXT NOT NULL, size INTEGER, error_code TEXT, error_details TEXT,
    error_time REAL,
    PRIMARY KEY (task_id, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_state ON items (task_id, state, seq);
CREATE TABLE IF NOT EXISTS events (
    task_id TEXT NOT NULL, seq INTEGER NOT NULL, time REAL NOT NULL, code TEXT NOT NULL, is_error INTEGER NOT NULL,
    description TEXT NOT NULL, details TEXT NOT NULL, PRIMARY KEY (task_id, seq)) WITHOUT ROWID;
"""


class Database:
    """SQLite with one connection per thread and one writer at a time.

    Write-ahead logging without a sync per commit: a killed process loses nothing that was committed (a power cut may
    lose the last moments of a sandbox, which is fine).

    Raises
    ------
    ServiceError
        The file was written by another version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Tokens live here: created private before SQLite opens it.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._create()

    def _create(self) -> None:
        connection = self._connection()
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version not in {0, _VERSION}:
            raise ServiceError(
                f"{self._path} was written by another version of the sandbox.",
                remedy=f"Delete {self._path.parent} and log in again; the collections' own folders are not touched.",
            )
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {_VERSION}")

    def prepare(self, schema: str, columns: Iterable[tuple[str, str]] = ()) -> None:
        """Create a part's own tables, and columns that a table of an older folder lacks.

        Parameters
        ----------
        schema
            Statements that may be repeated (``IF NOT EXISTS``).
        columns
            Table and definition of each column that was added later.
        """
        with self._lock:
            connection = self._connection()
            connection.executescript(schema)
            for table, definition in columns:
                known = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
                if definition.split()[0] not in known:
                    connection.execute(f"ALTER TABLE {table} ADD COLUMN {definition}")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            self._local.connection = connection
        return connection

    def rows(self, sql: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Run a query and return all rows."""
        return self._connection().execute(sql, tuple(values)).fetchall()

    def row(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Row | None:
        """Run a query and return its first row, None when there is none."""
        found: sqlite3.Row | None = self._connection().execute(sql, tuple(values)).fetchone()
        return found

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Hold one write transaction: committed at the end, rolled back on an exception."""
        with self._lock:
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # On a full disk SQLite may have rolled back by itself.
                with contextlib.suppress(sqlite3.OperationalError):
                    connection.execute("ROLLBACK")
                raise

    def execute(self, sql: str, values: Iterable[Any] = ()) -> int:
        """Run one statement in a transaction of its own; returns the number of rows changed."""
        with self.write() as connection:
            return connection.execute(sql, tuple(values)).rowcount

    def meta(self, key: str) -> str | None:
        """Return a remembered setting of the sandbox, None when not set."""
        row = self.row("SELECT value FROM meta WHERE key = ?", (key,))
        return None if row is None else str(row["value"])

    def set_meta(self, key: str, value: str) -> None:
        """Remember a setting of the sandbox."""
        self.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
        )
