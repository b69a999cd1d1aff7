"""Moving the bytes of one file: in blocks, the checksum in a second thread, with bounded memory.

What takes long is a generator here: it stands still after each block, so that whoever runs it can go on with something
else, or with nothing.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import functools
import hashlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.pace import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

#: Names of checksum algorithms as clients write them.
ALGORITHMS = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
_HASHERS = 4
# The system copies a file by itself here, if it can: that needs fewer and larger steps.
_BY_SYSTEM = 16
_CANNOT = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}


class Interrupted(Exception):
    """The task was cancelled, paused or the service stops: the file stays as far as it got."""


@dataclass(frozen=True)
class Copied:
    """What became of one file.

    Parameters
    ----------
    size
        Bytes written.
    checksum
        Of what was read (hex), None if none was asked for.
    arrived
        Of what was read back from the target (hex), None if it has not been.
    """

    size: int
    checksum: str | None
    arrived: str | None = None


def algorithm_name(name: str | None) -> str:
    """Return hashlib's name of a checksum algorithm (MD5 unless told otherwise).

    Raises
    ------
    KeyError
        The service knows no such algorithm.
    """
    return ALGORITHMS[(name or "MD5").upper().replace("-", "")]


def new_hash(algorithm: str, content: bytes = b"") -> Any:
    """Make a hash object by hashlib's name."""
    return getattr(hashlib, algorithm)(content, usedforsecurity=False)


@functools.cache
def _hashers() -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(_HASHERS, thread_name_prefix="sandbox-hash")


class _Hashing:
    """Hashes blocks in another thread while the next one is read and written; at most one block is behind."""

    def __init__(self, algorithm: str) -> None:
        self._hash = new_hash(algorithm)
        self._behind: concurrent.futures.Future[None] | None = None

    def add(self, block: memoryview) -> None:
        """Take a block; the one before it is done when this returns."""
        self.settle()
        self._behind = _hashers().submit(self._hash.update, block)

    def add_written(self, handle: int, offset: int, count: int) -> None:
        """Take a block that was just written, reading it back from the file."""
        self.settle()
        self._behind = _hashers().submit(self._read_back, handle, offset, count)

    def _read_back(self, handle: int, offset: int, count: int) -> None:
        while count and (content := os.pread(handle, count, offset)):
            self._hash.update(content)
            offset, count = offset + len(content), count - len(content)

    def settle(self) -> None:
        """Wait until no block is in use any more."""
        behind, self._behind = self._behind, None
        if behind is not None:
            behind.result()

    def hexdigest(self) -> str:
        """Return the checksum (hex)."""
        self.settle()
        return str(self._hash.hexdigest())


def copy_whole(reader: int, writer: int, size: int, algorithm: str | None) -> Copied | None:
    """Copy a small file in one step; None when it has grown since it was looked at (then nothing was written).

    Parameters
    ----------
    reader, writer
        File descriptors, both at the beginning.
    size
        How large the file was, in bytes.
    algorithm
        hashlib name of the checksum to compute, None for none.

    Raises
    ------
    OSError
        Either file cannot be used.
    """
    content = os.read(reader, size + 1)
    if len(content) > size:
        os.lseek(reader, 0, os.SEEK_SET)
        return None
    _write(writer, memoryview(content))
    if algorithm is None:
        return Copied(len(content), None)
    return Copied(len(content), new_hash(algorithm, content).hexdigest())


def copy_blocks(reader: int, writer: int, algorithm: str | None, block: int = BLOCK) -> Generator[int, None, Copied]:
    """Copy a file from beginning to end; yields the bytes written by each step.

    With an algorithm every block is hashed as it was read, and again as the target gives it back, each in a thread of
    its own.

    Parameters
    ----------
    reader, writer
        File descriptors, both at the beginning; the writer may be read as well.
    algorithm
        hashlib name of the checksums to compute, None for none.
    block
        Bytes to move in one step.

    Raises
    ------
    OSError
        Either file cannot be used.
    """
    if algorithm is None:
        if hasattr(os, "copy_file_range"):
            size = yield from _copy_by_system(reader, writer, block if block < BLOCK else block * _BY_SYSTEM)
            if size is not None:
                return Copied(size, None)
        size = yield from _copy_by_hand(reader, writer, None, None, block)
        return Copied(size, None)
    went, came = _Hashing(algorithm), _Hashing(algorithm) if hasattr(os, "pread") else None
    try:
        size = yield from _copy_by_hand(reader, writer, went, came, block)
        return Copied(size, went.hexdigest(), None if came is None else came.hexdigest())
    finally:
        went.settle()
        if came is not None:
            came.settle()


def _copy_by_hand(
    reader: int, writer: int, went: _Hashing | None, came: _Hashing | None, block: int
) -> Generator[int, None, int]:
    written = 0
    source = io.FileIO(reader, closefd=False)
    buffers = [memoryview(bytearray(block)) for _ in range(2)]
    while count := source.readinto(buffers[0]):
        full = buffers[0][:count]
        if went is not None:
            went.add(full)
        _write(writer, full)
        if came is not None:
            came.add_written(writer, written, count)
        written += count
        buffers.reverse()
        yield count
    return written


def _copy_by_system(reader: int, writer: int, step: int) -> Generator[int, None, int | None]:
    """Let the system copy; answers None when it cannot, with nothing done."""
    written = 0
    while True:
        try:
            count = os.copy_file_range(reader, writer, step)
        except OSError as error:
            if written or error.errno not in _CANNOT:
                raise
            return None
        if not count:
            # Some file systems say so of files that are not empty.
            return written if written or not os.fstat(reader).st_size else None
        written += count
        yield count


def _write(writer: int, content: memoryview) -> None:
    while content:
        content = content[os.write(writer, content) :]


def checksum(handle: int, algorithm: str, block: int = BLOCK) -> Generator[int, None, str]:
    """Compute a file's checksum (hex) from its beginning; yields 0 after each block.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    os.lseek(handle, 0, os.SEEK_SET)
    stream, hashing = io.FileIO(handle, closefd=False), _Hashing(algorithm)
    buffers = [memoryview(bytearray(block)) for _ in range(2)]
    try:
        while count := stream.readinto(buffers[0]):
            hashing.add(buffers[0][:count])
            buffers.reverse()
            yield 0
        return hashing.hexdigest()
    finally:
        hashing.settle()


def checksum_whole(handle: int, size: int, algorithm: str) -> str:
    """Compute the checksum (hex) of a small file of that size (bytes), in one step.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    if hasattr(os, "pread"):
        content = os.pread(handle, size + 1, 0)
    else:
        os.lseek(handle, 0, os.SEEK_SET)
        content = os.read(handle, size + 1)
    return str(new_hash(algorithm, content).hexdigest())


def differs(source: os.stat_result, target: os.stat_result, level: int) -> bool:
    """Decide by a sync level below 3 whether a file must be sent (0 exists, 1 size, 2 source newer)."""
    if level >= 1 and source.st_size != target.st_size:
        return True
    return level == 2 and int(source.st_mtime) > int(target.st_mtime)


def copy_part(source: Path, target: Path, most: int, tick: Callable[[int], None]) -> None:
    """Copy the first ``most`` bytes of a file onto its final name: what a failure leaves (for tests).

    ``tick`` is told about the bytes of each block; it may raise :class:`Interrupted`.

    Raises
    ------
    OSError
        Either file cannot be used.
    """
    written = 0
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(min(BLOCK, most - written)):
            writer.write(block)
            written += len(block)
            tick(len(block))


def spoil(target: Path, how: str) -> None:
    """Damage a file that was just copied: the task will say success all the same (for tests)."""
    if how == "missing":
        target.unlink()
        return
    size = target.stat().st_size
    if how == "short":
        os.truncate(target, size - max(1, size // 3) if size else 0)
    elif how == "flip" and size:
        status = target.stat()
        with target.open("r+b", buffering=0) as stream:
            stream.seek(size // 2)
            byte = stream.read(1)
            stream.seek(size // 2)
            stream.write(bytes([byte[0] ^ 1]))
        with contextlib.suppress(OSError):
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
