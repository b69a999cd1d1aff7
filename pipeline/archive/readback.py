"""Files of an archive read back and compared with their SHA1: over HTTPS, or by transfers to a scratch folder.

Never by a sync, which overwrites what differs.  Nothing is kept of what is read.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.archive.courier import Courier, Wanted, sha1_of
from pipeline.archive.session import join_remote
from pipeline.errors import GlobusError, IntegrityError, LocalDiskError, MapshellError, RemotePathNotFound
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from pipeline.archive.courier import Fetched
    from pipeline.archive.haul import Patient
    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.ports import Progress, Store
    from pipeline.archive.session import Location, Root

Means = Literal["https", "globus"]
HOW: dict[Means, str] = {"https": "read back over HTTPS", "globus": "transfer to scratch with external_checksum"}

THREADS = 4
"""Files that are read over HTTPS at once."""

BATCH_FILES = 1000
BATCH_BYTES = 20 * 10**9
"""What one transfer to scratch brings at most, unless one file alone is larger."""

_ROOM = 0.5
"""How much of the free disk a transfer to scratch may fill."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file to be read back; ``tag`` is the caller's."""

    tag: int
    entry: FileEntry


@dataclass(frozen=True, slots=True)
class Checked:
    """What reading a file back told.

    ``verdict``: ``same``, ``different`` or ``missing``, or ``first`` where the index has no SHA1 to compare with; None
    when it could not be read, with the ``error``.
    ``sha1`` is that of the bytes at the archive, where it was computed here; ``size`` their number where it differs.
    """

    item: Item
    verdict: Literal["same", "different", "missing", "first"] | None
    how: str
    sha1: str | None = None
    size: int | None = None
    error: MapshellError | None = None


class Moved:
    """Adds up bytes that several threads read, for display."""

    def __init__(self, progress: Progress, key: str) -> None:
        self._progress, self._key, self._bytes, self._lock = progress, key, 0, threading.Lock()

    def __call__(self, size: int) -> None:
        """Add bytes."""
        with self._lock:
            self._bytes += size
            total = self._bytes
        self._progress.update(self._key, total)


def means(store: Store, location: Location, root: Root | None) -> Means:
    """Say how files of a location are read back: over HTTPS where this login may, else by transfers.

    Raises
    ------
    GlobusError
        Neither is possible.
    """
    if store.may_read_https(location.endpoint):
        return "https"
    if root is not None:
        return "globus"
    serves = store.https_server(location.endpoint) is not None
    raise GlobusError(
        f"Files of {location.alias} cannot be read back from here: "
        + ("this login may not read them over HTTPS" if serves else "the collection serves no HTTPS")
        + ", and this computer has no local root that may be written.",
        remedy=("log in again (`mapshell login`)" if serves else "ask its owner to switch HTTPS on")
        + ", or add a local root to globus.local_endpoints in dj_local_conf.json whose endpoint is not marked as "
        "upload-only.",
    )


def over_https(
    store: Store,
    location: Location,
    items: Iterable[Item],
    *,
    threads: int = THREADS,
    moved: Callable[[int], None] = lambda _: None,
) -> Iterator[Checked]:
    """Read files over HTTPS, several at once; ``items`` is read as needed, results come in the order of ``items``.

    Leaving the iteration (an interrupt, a budget) stops the reads that are under way.  ``moved`` is told of bytes as
    they come, from several threads.
    """
    todo, under_way = iter(items), deque[tuple[Item, "Future[Checked]"]]()
    stop = threading.Event()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="readback")
    try:
        while True:
            while len(under_way) < 2 * threads and (item := next(todo, None)) is not None:
                under_way.append((item, pool.submit(_read, store, location, item, stop, moved)))
            if not under_way:
                return
            yield under_way.popleft()[1].result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _read(store: Store, location: Location, item: Item, stop: threading.Event, moved: Callable[[int], None]) -> Checked:
    how, digest, size = HOW["https"], hashlib.sha1(usedforsecurity=False), 0
    try:
        with store.open_https(location.endpoint, join_remote(location.path, item.entry.subpath)) as stream:
            for block in stream:
                if stop.is_set():
                    return Checked(item, None, how, error=_STOPPED)
                digest.update(block)
                size += len(block)
                moved(len(block))
    except RemotePathNotFound:
        return Checked(item, "missing", how)
    except MapshellError as error:
        return Checked(item, None, how, error=error)
    return _judged(item, how, digest.hexdigest(), size)


def _judged(item: Item, how: str, sha1: str, size: int) -> Checked:
    if size != item.entry.size:
        return Checked(item, "different", how, sha1, size)
    if item.entry.sha1 is None:
        return Checked(item, "first", how, sha1)
    return Checked(item, "same" if sha1 == item.entry.sha1 else "different", how, sha1)


def by_transfers(
    store: Store,
    location: Location,
    items: Iterable[Item],
    root: Root,
    patient: Patient,
    *,
    staging: str = ".mapshell",
    purpose: str = "verify",
    free: Callable[[Root], int] | None = None,
) -> Iterator[Checked]:
    """Read files back by transfers to a scratch folder below a local root, in batches that the disk has room for.

    The service compares each file's SHA1 with its bytes at both ends (``external_checksum``); when it reports a
    mismatch, which fails the whole task, the copies are read here, and what did not come is sent again without.

    Parameters
    ----------
    purpose
        First word of the tasks' labels and of the scratch folder's name.
    free
        Says how many bytes are free at a root; the disk's own answer by default.
    """
    room = free or _free
    batch: list[Item] = []
    size = 0
    for item in items:
        most = max(1, min(BATCH_BYTES, int(room(root) * _ROOM)))
        if batch and (size + item.entry.size > most or len(batch) >= BATCH_FILES):
            yield from _batch(store, location, batch, root, patient, staging, purpose)
            batch, size = [], 0
        if item.entry.size > room(root):
            yield Checked(item, None, HOW["globus"], error=_no_room(item, root, room(root)))
            continue
        batch.append(item)
        size += item.entry.size
    if batch:
        yield from _batch(store, location, batch, root, patient, staging, purpose)


def _batch(
    store: Store, location: Location, items: Iterable[Item], root: Root, patient: Patient, staging: str, purpose: str
) -> Iterator[Checked]:
    by_subpath = {item.entry.subpath: item for item in items}  # within a location a subpath is one file
    wanted = [Wanted(item.entry.subpath, item.entry.size, item.entry.sha1) for item in by_subpath.values()]
    try:
        with Courier(store, root, patient, staging=staging, purpose=purpose, checksums=True) as courier:
            for found in courier.fetch(location, wanted):
                yield _of_courier(by_subpath.pop(found.subpath), found)
    except LocalDiskError as error:  # a disk that filled up meanwhile: the next run goes on
        for item in by_subpath.values():
            yield Checked(item, None, HOW["globus"], error=error)


def _of_courier(item: Item, found: Fetched) -> Checked:
    how = HOW["globus"]
    if found.error is None and item.entry.sha1 is not None:
        return Checked(item, "same", how, item.entry.sha1)
    if isinstance(found.error, RemotePathNotFound):
        return Checked(item, "missing", how)
    if found.error is not None and not isinstance(found.error, IntegrityError):
        return Checked(item, None, how, error=found.error)
    if found.path is None:
        return Checked(item, "different", how)
    try:
        return _judged(item, how, sha1_of(found.path), found.path.stat().st_size)
    except LocalDiskError as error:
        return Checked(item, None, how, error=error)


def _free(root: Root) -> int:
    try:
        return shutil.disk_usage(root.local_path).free
    except OSError as error:
        raise LocalDiskError(
            f"The local root {root.local_path} cannot be looked at: {error.strerror}.",
            remedy="connect its disk, or correct globus.local_endpoints in dj_local_conf.json.",
        ) from error


def _no_room(item: Item, root: Root, free: int) -> LocalDiskError:
    return LocalDiskError(
        f"{item.entry.subpath} has {human_bytes(item.entry.size)}; {root.local_path} has {human_bytes(free)} free.",
        remedy="make room on that disk, or run it on another computer.",
    )


_STOPPED = GlobusError("The reading was interrupted.", remedy="run it again: it goes on with what was not read.")
