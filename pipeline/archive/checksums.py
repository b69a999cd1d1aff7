"""SHA1 of local files: each computed once, in parallel, and remembered by path, size and times.

SHA1 because that is what SpikeGLX writes into its own metas.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from typing import TYPE_CHECKING, Any

from pipeline.archive.cachefile import CacheFile
from pipeline.archive.priority import step_back
from pipeline.archive.session import stamp
from pipeline.errors import DiskBusy, IntegrityError, LocalDiskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from types import TracebackType

    from pipeline.archive.pace import Pace
    from pipeline.archive.session import LocalFile

_BLOCK, _SMALL = 1024 * 1024, 64 * 1024
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_CLOEXEC", 0)
_ASKED = 500
"""So many files are asked for at once: fewer than the variables that any SQLite takes."""

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
        return file.where

    def get(self, file: LocalFile) -> str | None:
        """Return the SHA1 computed when the file had this size and time, if any."""
        return self.get_all([file]).get(file)

    def get_all(self, files: Sequence[LocalFile]) -> dict[LocalFile, str]:
        """Return :meth:`get` of each file of which a SHA1 is remembered."""
        found: dict[LocalFile, str] = {}
        for start in range(0, len(files), _ASKED):
            some = files[start : start + _ASKED]
            names = [self.name(file) for file in some]
            marks = ",".join("?" * len(names))
            query = f"SELECT path, size, mtime_ns, ctime_ns, sha1 FROM sha1 WHERE path IN ({marks})"  # noqa: S608  # marks
            rows = {row[0]: row for row in self._file.rows(query, names)}
            for file, name in zip(some, names, strict=True):
                row = rows.get(name)
                if row is not None and row[1:4] == file.stamp:
                    found[file] = str(row[4])
        return found

    def drop(self, file: LocalFile) -> None:
        """Forget a file's SHA1."""
        self._file.write("DELETE FROM sha1 WHERE path = ?", (self.name(file),))

    def put(self, file: LocalFile, sha1: str) -> None:
        """Remember a SHA1."""
        self.put_all([(file, sha1)])

    def put_all(self, found: Iterable[tuple[LocalFile, str]]) -> None:
        """Remember the SHA1 of many files, all at once."""
        rows = [(self.name(file), *file.stamp, sha1) for file, sha1 in found]
        self._file.write("INSERT OR REPLACE INTO sha1 VALUES (?, ?, ?, ?, ?)", *rows)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Stopped(Exception):
    """Reading was given up because the round ends."""


def sha1_of(
    file: LocalFile, stop: threading.Event | None = None, pace: Pace | None = None, block: memoryview | None = None
) -> str:
    """Read a file once, block by block, and return its SHA1 (40 lower-case hex digits).

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
    given_up: Callable[[], bool] = (lambda: False) if stop is None else stop.is_set
    try:
        if pace is not None:
            pace.before(file, min(file.size, _BLOCK), given_up)
        if file.size <= min(_SMALL, _BLOCK):
            digest, after = _at_once(file)
        else:
            digest, after = _by_blocks(file, given_up, pace, block_for([file]) if block is None else block)
        if given_up():
            raise Stopped
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
    return str(digest.hexdigest())


def _at_once(file: LocalFile) -> tuple[Any, os.stat_result]:
    """Read a small file by as few calls of the system as there can be: it costs little else."""
    handle = os.open(file.where, _READ)
    try:
        content = os.read(handle, file.size)
        while len(content) < file.size and (more := os.read(handle, file.size - len(content))):
            content += more
        return hashlib.sha1(content, usedforsecurity=False), os.fstat(handle)
    finally:
        os.close(handle)


def _by_blocks(
    file: LocalFile, given_up: Callable[[], bool], pace: Pace | None, block: memoryview
) -> tuple[Any, os.stat_result]:
    digest, left = hashlib.sha1(usedforsecurity=False), file.size
    with FileIO(file.where) as stream:
        while size := stream.readinto(block):
            digest.update(block[:size])
            left -= size
            if pace is not None and left > 0:
                pace.before(file, min(left, _BLOCK), given_up)
            if given_up():
                raise Stopped
        return digest, os.fstat(stream.fileno())


def block_for(files: Sequence[LocalFile]) -> memoryview:
    """Return room for a block of any of these files: to make it anew for each costs more than to read a small one."""
    return memoryview(bytearray(max(1, min(_BLOCK, max(file.size for file in files)))))


_BATCH_FILES, _BATCH_BYTES = 1000, 64 * 1024 * 1024
"""Small files are read some at a time: what waits of a million files must not need more memory than their names."""
_SAMPLE, _IN_MEMORY = 50, 3
"""Who spends less than a third of the time of so many files computing waits for a disk."""


class Hasher:
    """Computes checksums in threads of low priority, at the given pace; a file asked for twice is read once."""

    def __init__(self, cache: ChecksumCache, *, threads: int, pace: Pace | None = None) -> None:
        self._cache = cache
        self._pace = pace
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sha1", initializer=step_back)
        self._batches: dict[LocalFile, _Batch] = {}
        self._remembered: dict[LocalFile, str] = {}
        self._stop = threading.Event()
        self._alone = threading.Lock()

    def start(self, *files: LocalFile) -> list[Future[None]]:
        """Begin to read files whose SHA1 is not known; return what is under way of them.  An error is finish's."""
        unread: list[LocalFile] = []
        size = 0
        asked = [file for file in files if file not in self._batches and file not in self._remembered]
        self._remembered.update(self._cache.get_all(asked))
        for file in asked:
            if file in self._remembered:
                continue
            unread.append(file)
            size += file.size
            if len(unread) >= _BATCH_FILES or size >= _BATCH_BYTES:
                self._submit(unread)
                unread, size = [], 0
        self._submit(unread)
        return self.pending(files)

    def _submit(self, files: list[LocalFile]) -> None:
        if files:
            batch = _Batch(files)
            batch.future = self._pool.submit(batch.read, self._stop, self._pace, self._alone)
            self._batches.update(dict.fromkeys(files, batch))

    def known(self, file: LocalFile) -> str | None:
        """Return the SHA1 if it was computed in this round or an earlier one, without reading anything."""
        batch = self._batches.get(file)
        found = self._remembered.get(file) if batch is None else batch.found.get(file)
        return found if isinstance(found, str) else self._cache.get(file)

    def forget(self, file: LocalFile) -> None:
        """Drop what is known of a file: it will be read."""
        self._batches.pop(file, None)
        self._remembered.pop(file, None)
        self._cache.drop(file)

    def pending(self, files: Iterable[LocalFile]) -> list[Future[None]]:
        """Return the unfinished computations among these files."""
        batches = {id(batch): batch for file in files if (batch := self._batches.get(file)) is not None}
        return [batch.future for batch in batches.values() if not batch.future.done()]

    def finish(self, file: LocalFile) -> str:
        """Wait for a file's SHA1, remember it, and forget that it was read.

        Raises
        ------
        DiskBusy, LocalDiskError, IntegrityError
            As :func:`sha1_of`.
        """
        batch = self._batches.get(file)
        if batch is None:
            if (known := self._remembered.pop(file, None) or self._cache.get(file)) is not None:
                return known
            self._submit([file])
            batch = self._batches[file]
        batch.future.result()
        self._store(batch)
        found = batch.found[file]
        if isinstance(found, DiskBusy):  # the disk may rest when somebody asks again
            self._batches.pop(file, None)
        if isinstance(found, Exception):
            raise found
        del self._batches[file], batch.found[file]
        return found

    def _store(self, batch: _Batch) -> None:
        """Remember what was read of a batch that is done, unless it was forgotten meanwhile."""
        if not batch.stored:
            batch.stored = True
            found = [(f, sha1) for f, sha1 in batch.found.items() if self._batches.get(f) is batch]
            self._cache.put_all((file, sha1) for file, sha1 in found if isinstance(sha1, str))

    def __enter__(self) -> Hasher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()  # whoever leaves early (Ctrl-C, no waiting) must not wait for the rest of a huge file
        self._pool.shutdown(wait=True, cancel_futures=True)
        for batch in {id(batch): batch for batch in self._batches.values()}.values():
            self._store(batch)  # nobody has asked for it yet; the next round need not read it again
        self._cache.close()


class _Batch:
    """Files that one thread reads after each other; ``found`` has the SHA1 of each, or the error that it met."""

    __slots__ = ("_files", "found", "future", "stored")

    def __init__(self, files: list[LocalFile]) -> None:
        self._files = files
        self.found: dict[LocalFile, str | Exception] = {}
        self.stored = False
        self.future: Future[None]

    def read(self, stop: threading.Event, pace: Pace | None, alone: threading.Lock) -> None:
        """Read all of them; whoever leaves early does not wait for the rest.

        Small files that come from memory, as the first of them tell, are read by one thread at a time: Python runs one
        at once, and more would only wait for each other.  A disk is asked for many at once.
        """
        files, self._files = self._files, []
        block = block_for(files)
        if len(files) > _SAMPLE and len(block) <= _SMALL:
            with alone:
                began, busy = time.perf_counter(), time.thread_time()
                self._read(files[:_SAMPLE], stop, pace, block)
                files = files[_SAMPLE:]
                if time.thread_time() - busy > (time.perf_counter() - began) / _IN_MEMORY:
                    self._read(files, stop, pace, block)
                    files = []
        self._read(files, stop, pace, block)

    def _read(self, files: list[LocalFile], stop: threading.Event, pace: Pace | None, block: memoryview) -> None:
        for file in files:
            try:
                self.found[file] = sha1_of(file, stop, pace, block)
            except Stopped:
                raise
            except Exception as error:  # noqa: BLE001 - it is the file's, and raised where its SHA1 is asked for
                self.found[file] = error
