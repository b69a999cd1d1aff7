"""What was read back at the archive, remembered: a file that lies there unchanged is not read a second time.

So a run that was killed goes on where it was, and a session that stays refused costs nothing the next night.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.archive.cachefile import CacheFile
from pipeline.archive.session import join_remote

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.archive.ports import RemoteEntry
    from pipeline.archive.session import Location

SETTLED_S = 60.0
"""A file at the archive that was written less than this ago might change again within the same second of its time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The bytes of a file at the archive: their SHA1, when they were read (naive UTC) and how."""

    sha1: str
    at: datetime
    how: str


class Remembered:
    """The SHA1 of files at archives, by place, size and time, in an SQLite file of the user's."""

    def __init__(self, path: Path | None) -> None:
        self._file = CacheFile(path, _SCHEMA)

    def get(self, location: Location, subpath: str, there: RemoteEntry) -> Seen | None:
        """Return what was read when the archive listed the file with this size and time, if it was."""
        if there.mtime is None:
            return None
        where = (location.endpoint, join_remote(location.path, subpath), there.size, there.mtime)
        row = self._file.row(
            "SELECT sha1, at, how FROM seen WHERE endpoint = ? AND path = ? AND size = ? AND mtime = ?", where
        )
        return None if row is None else Seen(str(row[0]), datetime.fromisoformat(row[1]), str(row[2]))

    def put(self, location: Location, subpath: str, there: RemoteEntry, seen: Seen, *, now: float) -> None:
        """Remember what was read of a file that was listed so before; ``now`` in UTC seconds since 1970."""
        if there.mtime is None or now - there.mtime < SETTLED_S:
            return
        where = (location.endpoint, join_remote(location.path, subpath), there.size, there.mtime)
        self._file.write(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*where, seen.sha1, seen.at.isoformat(timespec="seconds"), seen.how),
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS seen"
    " (endpoint TEXT, path TEXT, size INTEGER, mtime INTEGER, sha1 TEXT, at TEXT, how TEXT,"
    " PRIMARY KEY (endpoint, path))"
)
