"""Walk a folder of this computer, or of the archive, into plain data.

Nothing is opened and no link is followed here; what cannot be archived is named, not skipped in silence.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from pipeline.archive.nesting import is_elsewhere
from pipeline.archive.paths import check_subpath, plain_folder, printable
from pipeline.archive.reclaiming.names import TOMBSTONES
from pipeline.archive.session import LocalFile, Root, join_remote, stamp
from pipeline.archive.walk.names import names_of
from pipeline.errors import Conflict, LocalDiskError, NameRefused, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.ports import RemoteEntry, Store


@dataclass(frozen=True, slots=True)
class Defect:
    """Why something must not be archived: the rule that says so, the file, the cause and the remedy."""

    rule: str
    subpath: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Scan:
    """The regular files below one folder, and what stood in the way.

    ``tombstones`` are the subpaths of what reclaim left in place of files that it deleted.
    """

    files: tuple[LocalFile, ...]
    defects: tuple[Defect, ...]
    tombstones: tuple[str, ...] = ()


def scan_folder(
    root: Root, folder: str, patterns: Collection[str], settled: Mapping[str, FileEntry] | None = None
) -> Scan:
    """Walk one folder below a local root.

    Parameters
    ----------
    root
        The local root.
    folder
        Folder relative to the root, POSIX.
    patterns
        What to leave out.
    settled
        What the index has, by subpath: who reads nothing of a file that is as it was archived need not be able to.

    Raises
    ------
    LocalDiskError
        The folder itself cannot be listed.
    """
    if not root.holds(folder):
        raise LocalDiskError(f"{folder} does not lie in {root.local_path}.", remedy=_LOOK_ELSEWHERE)
    files: list[LocalFile] = []
    defects: list[Defect] = []
    tombstones: list[str] = []
    known, names = (settled or {}).get, names_of(tuple(patterns))
    pending = [folder]
    while pending:
        current = pending.pop()
        is_plain = plain_folder(current)
        for entry in _entries(root, current, defects, top=current == folder):
            name = entry.name
            ordinary = names[name]
            if ordinary is None:
                if name in TOMBSTONES and current == folder:
                    tombstones.append(f"{current}/{name}")
                continue
            subpath = f"{current}/{name}"
            if root.elsewhere and is_elsewhere(subpath, root.elsewhere):
                continue
            if entry.is_dir(follow_symlinks=False) and not is_link(entry):
                pending.append(subpath)
                continue
            try:
                if not (ordinary and is_plain):
                    check_subpath(subpath)
                status = entry.stat(follow_symlinks=False)
            except NameRefused as error:
                defects.append(Defect("name", printable(subpath), error.message, error.remedy))
                continue
            except OSError as error:
                defects.append(_unreadable(subpath, error))
                continue
            if not stat.S_ISREG(status.st_mode):
                defects.append(_special(subpath, entry))
                continue
            mtime_ns = status.st_mtime_ns
            mtime = mtime_ns // 1_000_000_000
            was = known(subpath)
            as_archived = was is not None and was.mtime == mtime and was.size == status.st_size and was.proved
            if not as_archived and not os.access(entry.path, os.R_OK):
                defects.append(_unreadable(subpath, PermissionError(13, "permission denied")))
                continue
            files.append(LocalFile(root, subpath, status.st_size, mtime, mtime_ns, status.st_ctime_ns))
    files.sort(key=itemgetter(1))
    defects.sort(key=attrgetter("subpath"))
    return Scan(tuple(files), tuple(defects), tuple(sorted(tombstones)))


def _entries(root: Root, folder: str, defects: list[Defect], *, top: bool) -> list[os.DirEntry[str]]:
    """List a folder; one that cannot be listed is a defect, of the ``top`` an error."""
    path = root.text_on_disk(folder)
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError as error:
        if top:
            raise LocalDiskError(
                f"The folder {path} cannot be listed: {error.strerror}.",
                remedy="give the account that runs mapshell the right to read it, or check the disk.",
            ) from error
        defects.append(_unreadable(folder, error))
        return []


def is_link(entry: os.DirEntry[str]) -> bool:
    """Say whether it is a link, or a folder of Windows that really is another place (Python 3.11 cannot tell that)."""
    return entry.is_symlink() or bool(getattr(entry, "is_junction", bool)())


def _unreadable(subpath: str, error: OSError) -> Defect:
    return Defect(
        "unreadable",
        printable(subpath),
        f"it cannot be read: {error.strerror or error}",
        "give the account that runs mapshell the right to read it, or check the disk.",
    )


def _special(subpath: str, entry: os.DirEntry[str]) -> Defect:
    if entry.is_symlink():
        try:
            target = os.readlink(entry.path)  # noqa: PTH115  # the target is only printed, it need not be a valid path
        except OSError:
            target = "?"
        return Defect(
            "link",
            printable(subpath),
            f"it is a link to {printable(target)}; links are not followed",
            "put the file itself there, or leave the link out (archive.leave_out in dj_local_conf.json).",
        )
    return Defect(
        "special-file",
        printable(subpath),
        "it is not a regular file (pipe, socket or device)",
        "remove it, or leave it out (archive.leave_out in dj_local_conf.json).",
    )


def list_remote(store: Store, endpoint: str, root: str, subpaths: Iterable[str]) -> dict[str, int]:
    """List just the archive folders that hold (or would hold) these files; see :func:`look_remote`.

    Returns
    -------
    dict
        Size in bytes of each existing file among ``subpaths``, by subpath.  A folder of that name has size -1.
    """
    return sizes(look_remote(store, endpoint, root, subpaths))


def sizes(found: Mapping[str, RemoteEntry]) -> dict[str, int]:
    """Return the size in bytes of each file of a listing; what is no file has -1."""
    return {subpath: entry.size if entry.kind == "file" else -1 for subpath, entry in found.items()}


def look_remote(
    store: Store,
    endpoint: str,
    root: str,
    subpaths: Iterable[str],
    besides: Callable[[str], bool] = lambda _: False,
    top: Callable[[Store, str, str], Sequence[RemoteEntry]] | None = None,
) -> dict[str, RemoteEntry]:
    """List just the archive folders that hold (or would hold) these files.

    A folder whose parent does not list it costs no call.  ``top`` lists the animals' own folders, if need be from what
    was listed a moment ago.

    Returns
    -------
    dict
        What the archive lists under each of ``subpaths``, where it lists anything, and whatever else it lists in those
        folders that ``besides`` wants to know of.

    Raises
    ------
    Conflict
        The archive has a file where these files need a folder.
    """
    wanted = set(subpaths)
    folders = {subpath.rsplit("/", 1)[0] for subpath in wanted if "/" in subpath}
    needed = {
        "/".join(parts[:depth]) for parts in (f.split("/") for f in folders) for depth in range(1, len(parts) + 1)
    }
    tops = _tops(folders)
    found: dict[str, RemoteEntry] = {}
    pending = sorted(tops)
    while pending:
        folder = pending.pop()
        try:
            path = join_remote(root, folder)
            entries = store.ls(endpoint, path) if top is None or folder not in tops else top(store, endpoint, path)
        except RemotePathNotFound:
            continue
        for entry in entries:
            subpath = f"{folder}/{entry.name}"
            if subpath in wanted or besides(subpath):
                found[subpath] = entry
            if subpath in needed and entry.kind != "dir":
                raise Conflict(
                    f"The archive has a file named {printable(subpath)}, where the session needs a folder.",
                    remedy="rename one of the two; nothing was overwritten.",
                )
            if subpath in needed:
                pending.append(subpath)
    return found


def look_there(store: Store, endpoint: str, root: str, subpaths: Iterable[str]) -> dict[str, RemoteEntry]:
    """List the archive folders in which these files shall lie, and no folder above them.

    Returns
    -------
    dict
        What the archive lists under each of ``subpaths``, where it lists anything.
    """
    wanted = set(subpaths)
    found: dict[str, RemoteEntry] = {}
    for folder in sorted({subpath.rpartition("/")[0] for subpath in wanted}):
        with suppress(RemotePathNotFound):
            for entry in store.ls(endpoint, join_remote(root, folder)):
                if (subpath := f"{folder}/{entry.name}" if folder else entry.name) in wanted:
                    found[subpath] = entry
    return found


def _tops(folders: Collection[str]) -> set[str]:
    """Return the folders to start from: the animals' own.  One listing tells which sessions are there at all."""
    return {folder.split("/")[0] for folder in folders}


def unchanged(files: Sequence[LocalFile], status: Callable[[Path], os.stat_result] = os.stat) -> list[Defect]:
    """Look at the files again and name those that changed, or vanished, since they were scanned."""
    defects = []
    for file in files:
        try:
            now = status(file.path)
        except OSError as error:
            defects.append(Defect("vanished", file.subpath, f"it vanished meanwhile ({error.strerror})", PUT_BACK))
            continue
        if stamp(now) != file.stamp:
            defects.append(Defect("changing", file.subpath, "it changed while it was being archived", LATER))
    return defects


_LOOK_ELSEWHERE = "look for it in the other roots."
LATER = "wait until nothing writes to the session any more, then publish again."
PUT_BACK = "put it back if it was moved or deleted by mistake, then publish again."


def by_subpath(files: Iterable[LocalFile]) -> Mapping[str, LocalFile]:
    """Index files by subpath."""
    return {file.subpath: file for file in files}
