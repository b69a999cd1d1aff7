"""Small files of an archive read into memory, many at once: over HTTPS where that is allowed, else by a task.

What is read is data from outside, and bounded in size.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.archive.courier import Courier, Fetched, Wanted
from pipeline.archive.paths import check_subpath, printable
from pipeline.archive.session import join_remote
from pipeline.errors import GlobusError, IntegrityError, LocalDiskError, MapshellError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from pipeline.archive.haul import Patient
    from pipeline.archive.ports import Store
    from pipeline.archive.session import Location, Root

THREADS = 8
_AHEAD = 3
"""Reads asked for in advance, for each thread."""


def read_small(
    store: Store,
    location: Location,
    items: Iterable[Wanted],
    root: Root | None,
    patient: Patient,
    *,
    staging: str = ".mapshell",
    threads: int = THREADS,
) -> Iterator[tuple[str, bytes | MapshellError]]:
    """Read files that fit into memory.

    Parameters
    ----------
    store
        The login.
    location
        Where they lie.
    items
        What is read, each with the size that a listing told; the subpaths are checked here.  Read as needed.
    root
        A local root through which a task may bring them; None without one.
    patient
        How a task is followed.
    staging
        Our own folder in ``root``.
    threads
        How many reads over HTTPS are under way at once.

    Yields
    ------
    tuple
        Subpath, and its bytes or why it could not be read; in no particular order.

    Raises
    ------
    GlobusError
        There is no way to read: no HTTPS (or no consent for it) and no local root.
    LocalDiskError
        The scratch folder of a task cannot be made.
    NameRefused
        A subpath is unsafe.
    """
    if store.may_read_https(location.endpoint):
        yield from _over_https(store, location, items, threads)
    elif root is not None:
        with Courier(store, root, patient, staging=staging, purpose="read") as courier:
            for found in courier.fetch(location, list(items)):
                yield found.subpath, _content(found)
    else:
        raise GlobusError(
            f"Files of {location.alias} cannot be read from here: this login may not read them over HTTPS, and this "
            "computer has no folder of its own in Globus.",
            remedy="log in again (`mapshell login`) if the collection serves HTTPS, or add globus.local_endpoints to "
            "dj_local_conf.json.",
        )


def _over_https(
    store: Store, location: Location, items: Iterable[Wanted], threads: int
) -> Iterator[tuple[str, bytes | MapshellError]]:
    todo = iter(items)
    under_way: deque[tuple[str, Future[bytes | MapshellError]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="https")
    try:
        while True:
            for item in islice(todo, threads * _AHEAD - len(under_way)):
                check_subpath(item.subpath)
                under_way.append((item.subpath, pool.submit(_read, store, location, item)))
            if not under_way:
                return
            subpath, future = under_way.popleft()
            yield subpath, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read(store: Store, location: Location, item: Wanted) -> bytes | MapshellError:
    try:
        with store.open_https(location.endpoint, join_remote(location.path, item.subpath)) as stream:
            if stream.size != item.size:
                return IntegrityError(
                    f"{printable(item.subpath)} has {stream.size} bytes at the archive, not {item.size}.",
                    remedy="somebody writes there now; try again later.",
                )
            return b"".join(stream)
    except MapshellError as error:
        return error


def _content(found: Fetched) -> bytes | MapshellError:
    if found.error is not None or found.path is None:
        return found.error or GlobusError(f"{printable(found.subpath)} was not fetched.", remedy="try again.")
    try:
        return found.path.read_bytes()
    except OSError as error:
        return LocalDiskError(
            f"{found.path} cannot be read: {error.strerror or error}.", remedy="check the disk, then try again."
        )
