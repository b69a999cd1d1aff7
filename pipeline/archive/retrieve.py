"""One retrieval: compare, plan, bring, check, name.  What is done and what is not is written into the items."""

from __future__ import annotations

import stat
import time
import uuid
from collections import defaultdict
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Literal

from pipeline.archive import fetchtasks
from pipeline.archive.fetch import OPEN
from pipeline.archive.fetchplan import check_names, check_room, look_at_archive, look_here
from pipeline.archive.fetchthere import Renamer, look_there
from pipeline.archive.fetchweb import WebFetcher, check_served, part_of, sweep
from pipeline.archive.onlyone import LOCK, only_one
from pipeline.archive.settle import Settler
from pipeline.archive.tasks.parts import parts
from pipeline.errors import ConfigError, LocalDiskError, MapshellError, PermissionDenied, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from pipeline.archive.fetch import Fetching, Item, Site

KEEP_PARTS_S = 14 * 86_400.0
"""For how long a file that was begun over HTTPS is kept for the next run (s)."""


def plan(fetching: Fetching, items: Sequence[Item], via: Literal["globus", "https"]) -> None:
    """Say of every item what is to be done; a dry run ends here.

    Raises
    ------
    MapshellError
        The archive, or the collection that is to receive the files, cannot be listed.
    """
    _look_at_places(fetching, items)
    _look_at_source(fetching, items, via)


def _look_at_places(fetching: Fetching, items: Sequence[Item]) -> None:
    check_names(items, fetching.staging)
    look_here(fetching, items)
    if any(item.verdict == "wanted" for item in items):
        look_there(fetching, items)


def _look_at_source(fetching: Fetching, items: Sequence[Item], via: Literal["globus", "https"]) -> None:
    if via == "globus":
        look_at_archive(fetching, items)
    else:
        check_served(fetching, items)
    check_room(items, _begun(fetching, items, via))


def _in_parts(fetching: Fetching, items: Sequence[Item]) -> bool:
    """Say whether tasks may be sent one after the other, each when the archive was looked at for its own files.

    Not with tasks of earlier runs, nor when only a look at the archive can tell whether everything fits.
    """
    wanted = [item for item in items if item.verdict in OPEN]
    if len(parts(wanted)) < 2 or fetching.journal.unfinished({item.site for item in items}):
        return False
    try:
        check_room(items)
    except LocalDiskError:
        return False
    return True


def retrieve(
    fetching: Fetching, items: Sequence[Item], via: Literal["globus", "https"], locks: Path
) -> tuple[list[Item], MapshellError | None]:
    """Bring all items to their places.

    Parameters
    ----------
    fetching
        What the run works with.
    items
        What is wanted.
    via
        By a transfer, or over HTTPS.
    locks
        Folder for the locks of places that are not on this computer.

    Returns
    -------
    further, stopped
        Files that were not asked for now, but that the task of an earlier run brought as well; and the error that ended
        the run early, if one did.  The items say how far it came.

    Raises
    ------
    Conflict
        Another retrieval is at work at one of the places.
    LocalDiskError, GlobusError, LoginNeeded
        Nothing was begun.
    """
    with ExitStack() as stack:
        for site in sorted({item.site for item in items}, key=str):
            stack.enter_context(_alone(fetching, site, locks))
        _look_at_places(fetching, items)
        listed = via == "https" or not _in_parts(fetching, items)
        if listed:
            _look_at_source(fetching, items, via)
        if via == "globus":
            _check_seen(fetching, {item.site for item in items if item.verdict in OPEN})
        further: list[Item] = []
        stopped: MapshellError | None = None
        try:
            if via == "https":
                WebFetcher(fetching, Settler(fetching)).fetch(items)
            else:
                here = all(item.site.folder is not None for item in items)
                harvest = Settler(fetching) if here else Renamer(fetching)
                further = fetchtasks.fetch(fetching, items, harvest, listed=listed)
        except MapshellError as error:
            if not (listed or fetching.begun):
                raise
            stopped = error
            under_way = {id(item) for item in fetching.sent}
            for item in items:
                if item.verdict in OPEN and id(item) in under_way:
                    item.judge("in flight", error.message.rstrip("."), error.remedy, failed=True)
                elif item.verdict in OPEN:
                    item.judge("failed", error.message.rstrip("."), error.remedy)
        if via == "https":
            for site in {item.site for item in items}:
                if site.folder is not None:
                    sweep(site.folder, fetching.staging, KEEP_PARTS_S, time.time())
    return further, stopped


def _begun(fetching: Fetching, items: Sequence[Item], via: Literal["globus", "https"]) -> dict[Site, int]:
    """Return how much earlier runs have brought to each place without naming it yet (bytes)."""
    found: dict[Site, int] = defaultdict(int)
    if via == "https":
        for item in items:
            if item.verdict in OPEN and item.site.folder is not None:
                found[item.site] += _size(part_of(item, fetching.staging))
        return found
    for entry in fetching.journal.unfinished({item.site for item in items}):
        for site in {item.site for item in entry.items}:
            if site.folder is not None:
                staged = (site.folder / fetching.staging / entry.staging).rglob("*")
                found[site] += sum(_size(path) for path in staged)
    return found


def _size(path: Path) -> int:
    try:
        status = path.lstat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _check_seen(fetching: Fetching, sites: Collection[Site]) -> None:
    """Make sure that Globus sees the folders that we see, before anything is sent there.

    Raises
    ------
    ConfigError
        The folder of a root on disk is not the one of its collection.
    CollectionOffline, PermissionDenied
        This computer's collection does not answer, or must not be used, or lets us write nothing there.
    """
    for site in sorted(sites, key=str):
        if site.folder is None:
            continue
        try:
            seen = {entry.name for entry in fetching.store().ls(site.endpoint, site.remote(fetching.staging))}
        except RemotePathNotFound:
            seen = set()
        if LOCK not in seen:  # we hold it just now
            raise ConfigError(
                f"Globus does not show the folder {site.folder} at {site.endpoint}:{site.path}: files sent there would "
                "arrive elsewhere.",
                remedy="correct endpoint_subdir or endpoint_path in globus.local_endpoints: both must name one folder.",
            )
        _check_written(fetching, site, site.folder)


def _check_written(fetching: Fetching, site: Site, folder: Path) -> None:
    """Make a folder through Globus where a task would: one that may not write there would try for very long.

    Raises
    ------
    PermissionDenied
        Globus may not write there.
    """
    name = f"{fetching.staging}/writable-{uuid.uuid4().hex}"
    try:
        fetching.store().mkdir(site.endpoint, site.remote(name))
    except PermissionDenied as error:
        raise PermissionDenied(
            f"Globus may not write into {folder}: {error.message}",
            remedy="allow writing there: in Globus Connect Personal among the accessible folders, on a server for the "
            "account to which you are mapped; or fetch over HTTPS (--via https).",
        ) from error
    with suppress(OSError):
        (folder / name).rmdir()


def _alone(fetching: Fetching, site: Site, locks: Path) -> ExitStack:
    """Hold a place for this run alone; one elsewhere against other runs of this person on this computer."""
    stack = ExitStack()
    if site.folder is not None:
        stack.enter_context(only_one(site.folder, site.folder, fetching.staging, fetching.computer, fetching.now()))
    else:
        name = uuid.uuid5(uuid.NAMESPACE_URL, str(site)).hex
        stack.enter_context(only_one(site, locks, f"lock-{name}", fetching.computer, fetching.now()))
    return stack
