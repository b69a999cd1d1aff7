"""One file of a transfer: opened safely at both ends, compared, copied, verified."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from mapshell.sandbox import misbehave, moving, selection
from mapshell.sandbox.anchor import BY_FOLDER, READ, WRITE
from mapshell.sandbox.pace import BLOCK
from mapshell.sandbox.passes import Fatal, Fault, as_fault, check_writable

if TYPE_CHECKING:
    from collections.abc import Generator

    from mapshell.sandbox.moving import Copied
    from mapshell.sandbox.paths import Folder
    from mapshell.sandbox.runner import TransferPass
    from mapshell.sandbox.tasks import Item

# How long a task waits before it asks again for a file that another one writes.
_BUSY_S = 0.05


def move(work: TransferPass, item: Item) -> Generator[float, None, None]:
    """Copy one file unless the sync level says that it is there; verify it; yields as a pass does.

    Raises
    ------
    Fault
        It cannot be moved now.
    Fatal
        Its checksum is not the one that was given: the task ends.
    """
    if work.pace.realism.file_delay:
        yield work.pace.realism.file_delay
    algorithm = moving.algorithm_name(item.algorithm)
    reader, status = _open_source(work, item)
    try:
        size = status.st_size
        if item.state != "copy" and work.level is not None:
            must = yield from _must_copy(work, item, reader, size, algorithm)
            if not must:
                item.state, item.size = "skipped", size
                work.counters["files_skipped"] += 1
                work.counters["subtasks_succeeded"] += 1
                return
        if work.target.spec.quota is not None and size > work.target.spec.quota:
            raise Fault("QUOTA_EXCEEDED", "quota exceeded", f"{item.destination}: no room for {size} bytes")
        writer, identity = yield from _open_target(work, item, status)
        try:
            hashed = algorithm if work.verify or item.checksum else None
            copied = yield from _copy(work, item, reader, writer, size, hashed)
            if hashed is not None:
                yield from _check(work, item, writer, copied, hashed)
                _check_unchanged(item, reader, status)
            if BY_FOLDER:
                _keep_time(work, item, status, writer)
        finally:
            _close_target(work, writer, identity)
    finally:
        os.close(reader)
    if not BY_FOLDER:
        # Windows sets the time itself when the file is closed.
        _keep_time(work, item, status, None)
    _finish_file(work, item, copied)


def _must_copy(work: TransferPass, item: Item, reader: int, size: int, algorithm: str) -> Generator[float, None, bool]:
    """Compare a file with what is at the destination, by the sync level of the task."""
    try:
        if work.differs(item):
            if work.level != 3:
                # Known before the first byte moves, as in TransferPass.decide.
                item.state = "copy"
                work.store.save_items(work.task.task_id, [item])
            return True
        if work.level != 3:
            return False
        target = work.writing.open(item.destination, READ)
    except Exception as error:
        raise as_fault(error, item.source, work.source.spec.display_name, source=True) from error
    try:
        there = yield from _checksum(item.source, work.source, reader, size, algorithm, source=True)
        here = yield from _checksum(item.destination, work.target, target, size, algorithm, source=False)
    finally:
        os.close(target)
        os.lseek(reader, 0, os.SEEK_SET)
    return there != here


def _open_source(work: TransferPass, item: Item) -> tuple[int, os.stat_result]:
    try:
        reader = work.reading.open(item.source, READ)
    except Exception as error:
        raise as_fault(error, item.source, work.source.spec.display_name, source=True) from error
    status = os.fstat(reader)
    if not stat.S_ISREG(status.st_mode):
        os.close(reader)
        selection.expect(status, item.source, folder=False)
        special = IsADirectoryError(21, "not a regular file")
        raise as_fault(special, item.source, work.source.spec.display_name, source=True)
    return reader, status


def _open_target(
    work: TransferPass, item: Item, source: os.stat_result
) -> Generator[float, None, tuple[int, tuple[int, int]]]:
    try:
        check_writable(work.target)
        writer = work.writing.open(item.destination, WRITE, make=True)
    except Exception as error:
        raise as_fault(error, item.destination, work.target.spec.display_name, source=False) from error
    try:
        identity = _identity(writer)
        # Two tasks that write one file by turns would never see their own bytes arrive.
        while not work.pace.claim(identity):
            yield _BUSY_S
    except BaseException:
        os.close(writer)
        raise
    try:
        _empty(writer, source)
    except Exception as error:
        _close_target(work, writer, identity)
        raise as_fault(error, item.destination, work.target.spec.display_name, source=False) from error
    return writer, identity


def _identity(handle: int) -> tuple[int, int]:
    status = os.fstat(handle)
    return status.st_dev, status.st_ino


def _close_target(work: TransferPass, writer: int, identity: tuple[int, int]) -> None:
    work.pace.give_back(identity)
    os.close(writer)


def _empty(writer: int, source: os.stat_result) -> None:
    status = os.fstat(writer)
    if not stat.S_ISREG(status.st_mode):
        raise PermissionError(13, "Not a regular file")
    if os.path.samestat(status, source):
        raise PermissionError(13, "Source and destination are the same file")
    if status.st_size:
        os.ftruncate(writer, 0)


def _copy(
    work: TransferPass, item: Item, reader: int, writer: int, size: int, hashed: str | None
) -> Generator[float, None, Copied]:
    before, block = work.counters["bytes_transferred"], work.pace.block
    try:
        copied = moving.copy_whole(reader, writer, size, hashed) if size <= block else None
        if copied is not None:
            work.counters["bytes_transferred"] += copied.size
            if pause := work.pace.moved(copied.size):
                yield pause
            return copied
        steps = moving.copy_blocks(reader, writer, hashed, block)
        while True:
            try:
                count = next(steps)
            except StopIteration as end:
                whole: Copied = end.value
                return whole
            work.counters["bytes_transferred"] += count
            work.flush()
            yield work.pace.moved(count)
    except OSError as error:
        work.counters["bytes_transferred"] = before
        raise as_fault(error, item.destination, work.target.spec.display_name, source=False) from error


def _check(work: TransferPass, item: Item, writer: int, copied: Copied, algorithm: str) -> Generator[float, None, None]:
    wanted = (item.checksum or "").lower()
    if wanted and copied.checksum != wanted:
        raise Fatal(
            "EXTERNAL_CHECKSUM_MISMATCH",
            f"The {algorithm} checksum of {item.source} is {copied.checksum}, expected {wanted}",
        )
    arrived = copied.arrived
    if arrived is None:
        arrived = yield from _checksum(item.destination, work.target, writer, copied.size, algorithm, source=False)
    work.counters["bytes_checksummed"] += copied.size
    if arrived != copied.checksum:
        raise Fault("VERIFY_CHECKSUM", "checksum verification failed", f"File: {item.destination}")


def _check_unchanged(item: Item, reader: int, before: os.stat_result) -> None:
    """Send a file again that was written to while it was read: what has arrived may be of neither state."""
    after = os.fstat(reader)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise Fault("VERIFY_CHECKSUM", "checksum verification failed", f"File: {item.source}", source=True)


def _checksum(
    path: str, place: Folder, handle: int, size: int, algorithm: str, *, source: bool
) -> Generator[float, None, str]:
    try:
        if size <= BLOCK:
            return moving.checksum_whole(handle, size, algorithm)
        value = yield from moving.checksum(handle, algorithm)
    except OSError as error:
        raise as_fault(error, path, place.spec.display_name, source=source) from error
    return value


def _keep_time(work: TransferPass, item: Item, source: os.stat_result, writer: int | None) -> None:
    if work.task.options.get("preserve_timestamp") and work.target.spec.keeps_times:
        try:
            work.writing.set_time(item.destination, writer, int(source.st_mtime))
        except Exception as error:
            raise as_fault(error, item.destination, work.target.spec.display_name, source=False) from error


def _finish_file(work: TransferPass, item: Item, copied: Copied) -> None:
    item.state, item.size = "done", copied.size
    if copied.checksum is not None:
        item.checksum, item.algorithm = copied.checksum, item.algorithm or "MD5"
    work.counters["files_transferred"] += 1
    work.counters["subtasks_succeeded"] += 1
    if work.target.spec.quota is not None:
        work.collections.spend(work.target.collection_id, copied.size)
    if work.task.fault is not None:
        misbehave.after(work, item, work.target.local(item.destination))
