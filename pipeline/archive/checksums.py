"""SHA1 of local files: each computed once, in parallel, and remembered by path, size and times.

SHA1 because that is what SpikeGLX writes into its own metas.
"""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipeline.archive.cachefile import CacheFile
from pipeline.archive.priority import step_back
from pipeline.archive.session import stamp
from pipeline.errors import DiskBusy, IntegrityError, LocalDiskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

    from pipeline.archive.pace import Pace
    from pipeline.archive.session import LocalFile

_BLOCK = 1024 * 1024
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS sha1"
    " (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, sha1 TEXT)"
)


class ChecksumCache:
    """SHA1 of files already read, in an SQLite file of the user's."""

    def __init__(self, path: Path | None) -> None:
        self._file = CacheFile(path, _SCHEMA)

    def name(self, file: LocalFile) -> str:
        """Return what a file is remembered by."""
        return str(file.path)

    def get(self, file: LocalFile) -> str | None:
        """Return the SHA1 computed when the file had this size and time, if any."""
        row = self._file.row(
            "SELECT sha1 FROM sha1 WHERE path = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ?",
            (self.name(file), *file.stamp),
        )
        return None if row is None else str(row[0])

    def drop(self, file: LocalFile) -> None:
        """Forget a file's SHA1."""
        self._file.write("DELETE FROM sha1 WHERE path = ?", (self.name(file),))

    def put(self, file: LocalFile, sha1: str) -> None:
        """Remember a SHA1."""
        self._file.write("INSERT OR REPLACE INTO sha1 VALUES (?, ?, ?, ?, ?)", (self.name(file), *file.stamp, sha1))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Stopped(Exception):
    """Reading was given up because the round ends."""


def sha1_of(file: LocalFile, stop: threading.Event | None = None, pace: Pace | None = None) -> str:
    """Read a file once and return its SHA1 (40 lower-case hex digits).

    Raises
    ------
    DiskBusy
        Something is recorded on its disk for longer than ``pace`` waits.
    LocalDiskError
        It cannot be read.
    IntegrityError
        It changed since it was scanned, or while it was read.
    Stopped
        ``stop`` was set meanwhile (not ``hashlib.file_digest``, which nobody can interrupt for minutes).
    """
    digest = hashlib.sha1(usedforsecurity=False)
    block = memoryview(bytearray(_BLOCK))
    given_up: Callable[[], bool] = (lambda: False) if stop is None else stop.is_set
    left = file.size
    try:
        if pace is not None:
            pace.before(file, min(left, _BLOCK), given_up)
        with file.path.open("rb", buffering=0) as stream:
            while size := stream.readinto(block):
                digest.update(block[:size])
                left -= size
                if pace is not None and left > 0:
                    pace.before(file, min(left, _BLOCK), given_up)
                if given_up():
                    raise Stopped
            after = os.fstat(stream.fileno())
    except OSError as error:
        raise LocalDiskError(
            f"{file.subpath} cannot be read: {error.strerror}.",
            remedy="give the account that runs mapshell the right to read it, or check the disk.",
        ) from error
    if stamp(after) != file.stamp:
        raise IntegrityError(
            f"{file.subpath} changed while it was read.",
            remedy="wait until nothing writes to the session any more, then publish again.",
        )
    return digest.hexdigest()


class Hasher:
    """Computes checksums in threads of low priority, at the given pace; a file asked for twice is read once."""

    def __init__(self, cache: ChecksumCache, *, threads: int, pace: Pace | None = None) -> None:
        self._cache = cache
        self._pace = pace
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sha1", initializer=step_back)
        self._futures: dict[tuple[Path, tuple[int, int, int]], Future[str]] = {}
        self._stop = threading.Event()

    def start(self, file: LocalFile) -> Future[str]:
        """Return the future of a file's SHA1; it may be done already."""
        key = (file.path, file.stamp)
        if key not in self._futures:
            known = self._cache.get(file)
            if known is None:
                self._futures[key] = self._pool.submit(sha1_of, file, self._stop, self._pace)
            else:
                self._futures[key] = Future()
                self._futures[key].set_result(known)
        return self._futures[key]

    def known(self, file: LocalFile) -> str | None:
        """Return the SHA1 if it was computed in this round or an earlier one, without reading anything."""
        future = self._futures.get((file.path, file.stamp))
        if future is not None and future.done() and future.exception() is None:
            return future.result()
        return self._cache.get(file)

    def forget(self, file: LocalFile) -> None:
        """Drop what is known of a file: it will be read."""
        self._futures.pop((file.path, file.stamp), None)
        self._cache.drop(file)

    def pending(self, files: Iterable[LocalFile]) -> list[Future[str]]:
        """Return the unfinished computations among these files."""
        futures = (self._futures.get((file.path, file.stamp)) for file in files)
        return [future for future in futures if future is not None and not future.done()]

    def finish(self, file: LocalFile) -> str:
        """Wait for a file's SHA1, remember it, and forget the future."""
        future = self.start(file)
        try:
            sha1 = future.result()
        except DiskBusy:  # the disk may rest when somebody asks again
            self._futures.pop((file.path, file.stamp), None)
            raise
        self._futures.pop((file.path, file.stamp), None)
        self._cache.put(file, sha1)
        return sha1

    def __enter__(self) -> Hasher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()  # whoever leaves early (Ctrl-C, no waiting) must not wait for the rest of a huge file
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._cache.close()
