"""Files are read, proved and deleted: each is looked at again right before, and goes only if it is what was read."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.checksums import Stopped
from pipeline.archive.journal import step
from pipeline.archive.priority import step_back
from pipeline.archive.session import stamp
from pipeline.errors import IntegrityError, LocalDiskError, MapshellError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.archive.pace import Pace
    from pipeline.archive.reclaiming.ground import Ground
    from pipeline.archive.session import LocalFile

_BLOCK = 1024 * 1024
_AGAIN = "run it again when nothing writes to it any more."


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was read whole, just now: its SHA1 (lower-case hex), and the status of the very bytes that were read.

    ``lies`` is where, below its root.
    """

    file: LocalFile
    lies: str
    sha1: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    links: int

    def is_it(self, now: os.stat_result) -> bool:
        """Say whether a name is still that of the bytes that were read, as far as the disk tells."""
        same = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns)
        return (
            stat.S_ISREG(now.st_mode)
            and same == (self.device, self.inode, self.size, self.mtime_ns)
            and now.st_ctime_ns == self.ctime_ns
        )

    def may_be_it(self, now: os.stat_result) -> bool:
        """Say whether only the time of its entry differs, as of a file that had two names, of which one is gone."""
        same = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns)
        return (
            stat.S_ISREG(now.st_mode)
            and self.links > 1
            and same == (self.device, self.inode, self.size, self.mtime_ns)
            and now.st_ctime_ns > self.ctime_ns
        )


def lies(file: LocalFile) -> str:
    """Return where a file lies below its root, POSIX."""
    return file.lies or file.subpath


def read_all(
    files: Sequence[LocalFile],
    grounds: Mapping[Path, Ground],
    *,
    threads: int,
    pace: Pace | None,
    seen: Callable[[int], None] = lambda _: None,
) -> list[Read]:
    """Read every file from the disk, whatever is remembered of it, and return its SHA1 with what was read.

    Raises
    ------
    IntegrityError
        One changed since it was scanned, or while it was read.
    LocalDiskError
        One cannot be read, or something is recorded on its disk.
    """
    stop = threading.Event()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="reclaim", initializer=step_back)
    try:
        found = [pool.submit(read, file, grounds[file.root.local_path], stop, pace, seen) for file in files]
        return [each.result() for each in found]
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def read(
    file: LocalFile,
    ground: Ground,
    stop: threading.Event | None = None,
    pace: Pace | None = None,
    seen: Callable[[int], None] = lambda _: None,
) -> Read:
    """Read one file; see :func:`read_all`."""
    given_up: Callable[[], bool] = (lambda: False) if stop is None else stop.is_set
    digest, left = hashlib.sha1(usedforsecurity=False), file.size
    block = memoryview(bytearray(max(1, min(_BLOCK, file.size))))
    try:
        with os.fdopen(ground.open(lies(file)), "rb", buffering=0) as stream:
            before = os.fstat(stream.fileno())
            if pace is not None:
                pace.before(file, min(left, _BLOCK), given_up)
            while size := stream.readinto(block):
                digest.update(block[:size])
                left -= size
                seen(size)
                if pace is not None and left > 0:
                    pace.before(file, min(left, _BLOCK), given_up)
                if given_up():
                    raise Stopped
            after = os.fstat(stream.fileno())
    except OSError as error:
        raise LocalDiskError(
            f"{file.subpath} cannot be read: {error.strerror or error}.",
            remedy="give the account that runs mapshell the right to read it, or check the disk.",
        ) from error
    if stamp(before) != file.stamp or stamp(after) != file.stamp or before.st_ino != after.st_ino:
        raise IntegrityError(f"{file.subpath} changed while it was proved.", remedy=_AGAIN)
    return Read(
        file,
        lies(file),
        digest.hexdigest(),
        after.st_dev,
        after.st_ino,
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
        after.st_nlink,
    )


def delete(files: Iterable[Read], ground_of: Callable[[LocalFile], Ground]) -> tuple[list[Read], list[MapshellError]]:
    """Delete files one by one, each looked at right before; return those that are gone, and why others are not."""
    gone: list[Read] = []
    errors: list[MapshellError] = []
    for each in files:
        ground = ground_of(each.file)
        try:
            now = ground.look(each.lies)
            if not each.is_it(now) and not (each.may_be_it(now) and _still(each, ground)):
                errors.append(
                    IntegrityError(
                        f"{each.file.subpath} changed after it was proved; it was not deleted.", remedy=_AGAIN
                    )
                )
                continue
            ground.delete(each.lies)
        except FileNotFoundError:
            errors.append(IntegrityError(f"{each.file.subpath} vanished meanwhile.", remedy=_AGAIN))
            continue
        except OSError as error:
            errors.append(
                LocalDiskError(
                    f"{each.file.subpath} cannot be deleted: {error.strerror or error}.",
                    remedy="close the program that has it open, give the account that runs mapshell the right to write "
                    "there, or check the disk; then run it again.",
                )
            )
            continue
        gone.append(each)
        step("reclaim: file deleted")
    return gone, errors


def _still(each: Read, ground: Ground) -> bool:
    """Read a file with two names again after one of them was deleted, which changes the time of its entry."""
    now = ground.look(each.lies)
    again = each.file._replace(ctime_ns=now.st_ctime_ns)
    try:
        return read(again, ground).sha1 == each.sha1
    except MapshellError:
        return False


def delete_empty(folder: str, files: Iterable[Read], ground: Ground) -> None:
    """Delete folders below a session's folder that became empty, the deepest first; the session's own stays."""
    inner = {
        "/".join(parts[:depth])
        for each in files
        if each.lies.startswith(f"{folder}/")
        for parts in [each.lies.split("/")]
        for depth in range(folder.count("/") + 2, len(parts))
    }
    for subpath in sorted(inner, key=lambda path: -path.count("/")):
        if ground.delete_empty(subpath):
            step("reclaim: folder deleted")
