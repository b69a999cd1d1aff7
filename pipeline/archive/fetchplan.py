"""Before anything is fetched: what is here already, what the archive has, and whether the disk has room."""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.archive.fetch import OPEN, Fetching, Item, Site
from pipeline.archive.lister import Lister
from pipeline.archive.paths import check_subpath, printable
from pipeline.archive.place import Tree, free_bytes
from pipeline.archive.session import LocalFile, join_remote
from pipeline.errors import (
    CollectionNotFound,
    CollectionOffline,
    GlobusUnavailable,
    LocalDiskError,
    LoginNeeded,
    MapshellError,
    NameRefused,
    PermissionDenied,
    RemotePathNotFound,
)
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipeline.archive.ports import RemoteEntry

VERIFY = "compare the archive with the index: mapshell publication-verify"
_FOR_ALL = (LoginNeeded, GlobusUnavailable, CollectionOffline, CollectionNotFound)
_OVERWRITE = "move it away, or replace it with --overwrite (overwrite=True)."


def check_names(items: Iterable[Item], staging: str) -> None:
    """Refuse names that lead elsewhere, and the second of two files that would bear one name."""
    seen: dict[tuple[Site, str], Item] = {}
    for item in items:
        try:
            _check(item.subpath, staging)
        except NameRefused as error:
            item.judge("refused", error.message, "the row of the index is wrong: see publication.DataSet.PhysicalFile.")
            continue
        other = seen.setdefault((item.site, item.subpath), item)
        if other is not item:
            item.judge(
                "refused",
                f"{other.location.alias} and {item.location.alias} both have a file of this name",
                "retrieve one of them to another folder.",
            )


def _check(subpath: str, staging: str) -> None:
    check_subpath(subpath)
    if staging in subpath.split("/"):
        raise NameRefused(f"The name {printable(subpath)!r} leads into our own folder.", remedy="look at the row.")


def look_here(fetching: Fetching, items: Sequence[Item]) -> None:
    """Compare with what lies at the places on this computer; what has the same size is read."""
    trees: dict[Site, Tree] = {}
    reading: list[tuple[Item, LocalFile]] = []
    for item in items:
        if item.verdict != "wanted" or item.site.folder is None:
            continue
        tree = trees.setdefault(item.site, Tree(item.site.folder))
        try:
            status = tree.look(item.subpath)
        except MapshellError as error:
            item.judge("refused", error.message.rstrip("."), error.remedy)
            continue
        if status is None:
            item.judge("to fetch")
        elif status.st_size != item.size:
            sizes = f"it has {status.st_size:,} bytes here, {item.size:,} in the index"
            differs(item, sizes, overwrite=fetching.overwrite)
        elif item.sha1 is None:
            _compare_times(fetching, item, status)
        else:
            file = local_file(item, status)
            reading.append((item, file))
    _compare_bytes(fetching, reading)


def _compare_times(fetching: Fetching, item: Item, status: os.stat_result) -> None:
    if status.st_mtime_ns // 1_000_000_000 == item.mtime:
        item.judge("unchecked", "here with the same size and time; the index has no SHA1 to compare")
    else:
        differs(item, "another time of change, and the index has no SHA1 to compare", overwrite=fetching.overwrite)


def _compare_bytes(fetching: Fetching, reading: Sequence[tuple[Item, LocalFile]]) -> None:
    progress, total = fetching.patient.progress, sum(item.size for item, _ in reading)
    busy = fetching.hasher.start(*(file for _, file in reading))
    if busy:
        progress.task("compare", "reading what is here", total)
    seen = 0
    for item, file in reading:
        try:
            same = fetching.hasher.finish(file) == item.sha1
        except MapshellError as error:
            item.judge("refused", error.message.rstrip("."), error.remedy)
            continue
        if same:
            item.judge("identical")
        else:
            differs(item, "other bytes than in the index, of the same size", overwrite=fetching.overwrite)
        seen += item.size
        if busy:
            progress.update("compare", seen)
    if busy:
        progress.done("compare")


def differs(item: Item, how: str, *, overwrite: bool) -> None:
    """Judge a file whose name is borne by a different one."""
    if overwrite:
        item.judge("to replace", how)
    else:
        item.judge("refused", f"a different file is there: {how}", _OVERWRITE)


def local_file(item: Item, status: os.stat_result) -> LocalFile:
    """Return an item's file on this computer, for what reads and remembers checksums."""
    mtime_ns = status.st_mtime_ns
    return LocalFile(
        item.site.root, item.subpath, status.st_size, mtime_ns // 1_000_000_000, mtime_ns, status.st_ctime_ns
    )


def look_at_archive(fetching: Fetching, items: Sequence[Item]) -> None:
    """List the folders of what is to be fetched: :func:`look_in_parts` for all at once."""
    for _ in look_in_parts(fetching, [items]):
        pass


def look_in_parts(fetching: Fetching, parts: Sequence[Sequence[Item]]) -> Iterator[list[Item]]:
    """List the folders of what is to be fetched, many at once: what is not there as the index says is not asked for.

    Yields of each part what is to be fetched after all.

    Raises
    ------
    PermissionDenied
        All that is wanted is denied.
    LoginNeeded, GlobusUnavailable, CollectionOffline, CollectionNotFound
        No other folder would answer either.
    """
    refused: list[MapshellError] = []
    denied = 0
    with Lister(fetching.store()) as lister:
        for items in parts:
            wanted: dict[str, dict[str, list[Item]]] = defaultdict(lambda: defaultdict(list))
            for item in items:
                if item.verdict in OPEN:
                    wanted[item.location.endpoint][_folder(item)].append(item)
            for endpoint, folders in wanted.items():
                for folder, answer in lister.folders(endpoint, folders):
                    _compare_listing(folders[folder], answer)
                    if isinstance(answer, PermissionDenied):
                        refused.append(answer)
                        denied += len(folders[folder])
                    elif isinstance(answer, _FOR_ALL):
                        raise answer
            yield [item for item in items if item.verdict in OPEN]
    if refused and denied == sum(map(len, parts)):
        raise refused[0]


def _folder(item: Item) -> str:
    above = item.subpath.rpartition("/")[0]
    return join_remote(item.location.path, above) if above else item.location.path


def _compare_listing(items: Sequence[Item], answer: Sequence[RemoteEntry] | MapshellError) -> None:
    if isinstance(answer, RemotePathNotFound):
        for item in items:
            item.judge("missing", f"the archive has no folder {item.subpath.rpartition('/')[0]} any more", VERIFY)
        return
    if isinstance(answer, MapshellError):
        for item in items:
            item.judge("failed", answer.message.rstrip("."), answer.remedy)
        return
    sizes = {entry.name: entry.size for entry in answer if entry.kind == "file"}
    for item in items:
        size = sizes.get(item.subpath.rpartition("/")[2])
        if size is None:
            item.judge("missing", "the index has it, the archive does not", VERIFY)
        elif size != item.size:
            item.judge("missing", f"the archive has {size:,} bytes, the index says {item.size:,}", VERIFY)


def check_room(items: Sequence[Item], here: Mapping[Site, int] = MappingProxyType({})) -> None:
    """Make sure that what is to be fetched fits, before the first byte.

    Parameters
    ----------
    items
        All that is wanted.
    here
        How much of it an earlier run has brought already, unnamed yet (bytes).

    Raises
    ------
    LocalDiskError
        It does not fit.
    """
    need: dict[Site, int] = defaultdict(int)
    for item in items:
        if item.verdict in OPEN and item.site.folder is not None:
            need[item.site] += item.size
    disks: dict[int, tuple[Site, int]] = {}
    for site, size in need.items():
        device, missing = _device(site), max(0, size - here.get(site, 0))
        disks[device] = (site, disks.get(device, (site, 0))[1] + missing)
    for site, size in disks.values():
        if site.folder is None:
            continue
        free = free_bytes(site.folder)
        if size > free:
            raise LocalDiskError(
                f"{human_bytes(size)} are to be fetched, and the disk of {site.folder} has {human_bytes(free)} "
                "free; nothing was fetched.",
                remedy="make room, fetch less at a time (--file-type, --probe, --session), or fetch to another disk.",
            )


def _device(site: Site) -> int:
    near = site.folder
    while near is not None and not near.exists() and near != near.parent:
        near = near.parent
    try:
        return 0 if near is None else near.stat().st_dev
    except OSError:
        return 0
