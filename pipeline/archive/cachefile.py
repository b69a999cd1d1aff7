"""An SQLite file of the user's that saves time and holds nothing else: damaged or not writable, it is done without."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class CacheFile:
    """One table in a file; ``schema`` makes it where it is missing.  Without a path, nothing is remembered."""

    def __init__(self, path: Path | None, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._connection: sqlite3.Connection | None = None

    def row(self, query: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return the first row of a query; None when there is none, or no file."""
        found = self.rows(query, values)
        return found[0] if found else None

    def rows(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none when there is no file."""
        connection = self._open()
        if connection is None:
            return []
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.Error:
            return []

    def write(self, statement: str, *rows: Sequence[Any]) -> None:
        """Change rows, all at once; a file that refuses is not asked again."""
        connection = self._open() if rows else None
        if connection is None:
            return
        try:
            with connection:
                if len(rows) > 1:
                    connection.execute("BEGIN IMMEDIATE")
                connection.executemany(statement, rows)
        except sqlite3.Error:
            self.close()
            self._path = None

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with closing(self._connection):
                self._connection = None

    def _open(self) -> sqlite3.Connection | None:
        if self._connection is None and self._path is not None:
            try:
                self._connection = self._create(self._path)
            except sqlite3.DatabaseError:
                try:
                    self._path.unlink(missing_ok=True)
                    self._connection = self._create(self._path)
                except (sqlite3.Error, OSError):  # the disk is full, or nothing may be written there
                    self._path = None
            except OSError:
                self._path = None
        return self._connection

    def _create(self, path: Path) -> sqlite3.Connection:
        path.parent.mkdir(parents=True, exist_ok=True)
        # What is remembered here is believed: nobody else may write it.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(self._schema)
        except sqlite3.Error:
            connection.close()
            raise
        return connection
