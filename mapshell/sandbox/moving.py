"""Moving the bytes of one file: copy and checksum in one pass, in large blocks, with bounded memory."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BLOCK = 4 << 20
_SMALL = 1 << 16
#: Names of checksum algorithms as clients write them.
ALGORITHMS = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
_local = threading.local()


class Interrupted(Exception):
    """The task was cancelled, paused or the service stops: the file stays as far as it got."""


@dataclass(frozen=True)
class Copied:
    """What became of one file: bytes written, and its checksum (hex) if one was asked for."""

    size: int
    checksum: str | None


def algorithm_name(name: str | None) -> str:
    """Return hashlib's name of a checksum algorithm (MD5 unless told otherwise).

    Raises
    ------
    KeyError
        The service knows no such algorithm.
    """
    return ALGORITHMS[(name or "MD5").upper().replace("-", "")]


def _buffer() -> memoryview:
    buffer: memoryview | None = getattr(_local, "buffer", None)
    if buffer is None:
        buffer = _local.buffer = memoryview(bytearray(BLOCK))
    return buffer


def copy(
    source: Path, target: Path, algorithm: str | None, tick: Callable[[int], None], *, most: int | None = None
) -> Copied:
    """Copy a file onto its final name, as the real service does: a partial file is visible meanwhile.

    Parameters
    ----------
    source, target
        Files on disk; the target's folder exists.
    algorithm
        hashlib name of the checksum to compute on the way, None for none.
    tick
        Told about each block written (bytes); may raise :class:`Interrupted`.
    most
        Stop after so many bytes (to leave a partial file on purpose).

    Raises
    ------
    OSError
        Either file cannot be used.
    """
    hasher: Any = None if algorithm is None else hashlib.new(algorithm, usedforsecurity=False)
    written = 0
    with source.open("rb", buffering=0) as reader:
        status = os.fstat(reader.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(21, "not a regular file")
        buffer = _buffer()
        with target.open("wb", buffering=0) as writer:
            while True:
                wanted = len(buffer) if most is None else min(len(buffer), most - written)
                count = reader.readinto(buffer[:wanted]) if wanted > 0 else 0
                if not count:
                    break
                block = buffer[:count]
                if hasher is not None:
                    hasher.update(block)
                view = block
                while view:
                    view = view[writer.write(view) :]
                written += count
                tick(count)
                if count < _SMALL and written == status.st_size:
                    break
    return Copied(written, None if hasher is None else hasher.hexdigest())


def checksum(path: Path, algorithm: str, tick: Callable[[int], None]) -> str:
    """Compute a file's checksum (hex); ``tick`` is called with 0 after each block and may interrupt.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    buffer = _buffer()
    with path.open("rb", buffering=0) as reader:
        while count := reader.readinto(buffer):
            hasher.update(buffer[:count])
            tick(0)
    return hasher.hexdigest()


def needs_copy(source: Path, target: Path, level: int, algorithm: str, tick: Callable[[int], None]) -> bool:
    """Decide by a sync level whether a file must be sent.

    Parameters
    ----------
    source, target
        Files on disk.
    level
        0 exists, 1 size, 2 source newer, 3 checksum; each includes those before.
    algorithm
        hashlib name for level 3.
    tick
        As for :func:`checksum`.

    Raises
    ------
    OSError
        The source is missing, or a file cannot be read.
    """
    from_status = source.stat()
    try:
        to_status = target.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    if level >= 1 and from_status.st_size != to_status.st_size:
        return True
    if level == 2 and int(from_status.st_mtime) > int(to_status.st_mtime):
        return True
    if level >= 3:
        return checksum(source, algorithm, tick) != checksum(target, algorithm, tick)
    return False


def keep_time(source: Path, target: Path) -> None:
    """Give the target the source's modification time, to the second."""
    seconds = int(source.stat().st_mtime)
    os.utime(target, (seconds, seconds))


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
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
