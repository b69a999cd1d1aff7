"""What was reclaimed and fetched again: the tombstone goes once all of its files are there, and equal."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline.archive.paths import is_safe, join_local, printable
from pipeline.archive.reclaiming.ground import Ground
from pipeline.archive.reclaiming.names import NAMES
from pipeline.archive.reclaiming.tombstone import MAX_BYTES, from_json
from pipeline.archive.relocate.plan import in_folders
from pipeline.archive.session import LocalFile
from pipeline.errors import DatabaseError, MapshellError
from pipeline.reclaim import rows
from pipeline.reclaim.reassigned import Names, former

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.archive.checksums import Hasher
    from pipeline.archive.fetch import Item, Site
    from pipeline.archive.reclaiming.tombstone import Tombstone
    from pipeline.archive.session import DatasetType, SessionKey

_HERE = ("fetched", "identical")


def brought_back(items: Sequence[Item], hasher: Hasher, computer: str) -> list[str]:
    """Remove tombstones all of whose files are there again, and note that with their rows; return what is to be said.

    Parameters
    ----------
    items
        What a retrieval brought, or found here.
    hasher
        Computes the SHA1 of files that this retrieval did not look at.
    computer
        This computer's name.
    """
    here = [item for item in items if item.verdict in _HERE and item.site.folder is not None]
    sessions: dict[tuple[Site, SessionKey, DatasetType], dict[str, Item]] = {}
    for item in here:
        which = (item.site, item.session.key, item.location.dataset_type)
        sessions.setdefault(which, {})[item.subpath] = item
    if not sessions:
        return []
    notes: list[str] = []
    try:
        names = former(item.location for item in here)
        told = rows.of_sessions(computer, {each for _, key, _ in sessions for each in (key, *names[key].were)})
    except DatabaseError as error:  # the files are here all the same
        names, told = defaultdict(Names), []
        notes = [f"What was reclaimed was not looked up: {error.message}"]
    back = []
    for (site, key, kind), mine in sessions.items():
        were, folders = {key, *names[key].were}, names[key].folders
        theirs = [row for row in told if (row["subject_id"], row["session"]) in were and row["dataset_type"] == kind]
        evidence = {row["reclaim_id"]: rows.read_evidence(row["evidence"]) for row in theirs}
        folder = site.folder
        assert folder is not None  # noqa: S101  # only such items were taken
        files = [*mine, *(f"{old}/" for old in folders)]
        for subpath in sorted({*_beside(folder, files, kind), *_as_told(folder, evidence.values())}):
            notes += _remove(site, subpath, (were, kind), mine, folders, hasher)
        back += [each for each, said in evidence.items() if _all_here(folder, said, folders)]
    if back:
        with suppress(DatabaseError):  # an account that may only read: the files tell it, too
            rows.mark_back(back)
    return notes


def _beside(folder: Path, items: Iterable[str], kind: DatasetType) -> set[str]:
    """Return the tombstones in the folders that hold files, and above them."""
    above = {"/".join(parts[:depth]) for parts in (s.split("/") for s in items) for depth in range(1, len(parts))}
    return {
        f"{each}/{NAMES[kind]}" for each in above if os.path.lexists(folder.joinpath(*each.split("/"), NAMES[kind]))
    }


def _as_told(folder: Path, evidence: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the tombstones of which the rows tell: that of a folder with a former name lies elsewhere."""
    return {
        each["lies"]
        for said in evidence
        for each in said["tombstones"]
        if each["root"] == str(folder) and is_safe(each["lies"])
    }


def _remove(
    site: Site,
    subpath: str,
    whose: tuple[Collection[SessionKey], DatasetType],
    items: Mapping[str, Item],
    folders: Mapping[str, str],
    hasher: Hasher,
) -> list[str]:
    root = site.root
    try:
        with Ground(root.local_path) as ground:
            stone = from_json(ground.read(subpath, MAX_BYTES), subpath)
            if stone.key not in whose[0] or stone.dataset_type != whose[1]:
                return []
            if not _whole(stone, site, items, folders, hasher):
                return []
            ground.delete(subpath)
            if (folder := subpath.rpartition("/")[0]) in folders:  # its files came back under the name that it has now
                ground.delete_empty(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"{printable(subpath)} stays, it cannot be looked at or removed: {error.strerror or error}."]
    except MapshellError as error:
        return [f"{printable(subpath)} stays: {error.message}"]
    return []


def _whole(stone: Tombstone, site: Site, items: Mapping[str, Item], folders: Mapping[str, str], hasher: Hasher) -> bool:
    """Say whether all files of a tombstone are there with its SHA1; what was not looked at just now is read."""
    for file in stone.files:
        subpath = _lies(site.root.local_path, file.subpath, file.size, folders)
        status = None if subpath is None else _status(site.root.local_path, subpath)
        if subpath is None or status is None:
            return False
        item = items.get(subpath)
        if item is not None and (item.size, item.sha1) == (file.size, file.sha1):
            continue
        seconds = status.st_mtime_ns // 1_000_000_000
        local = LocalFile(site.root, subpath, status.st_size, seconds, status.st_mtime_ns, status.st_ctime_ns)
        if hasher.finish(local) != file.sha1:
            return False
    return True


def _all_here(folder: Path, evidence: Mapping[str, Any], folders: Mapping[str, str]) -> bool:
    """Say whether all files of a row are in a folder again, by name and size."""
    return all(_lies(folder, file["subpath"], file["size"], folders) is not None for file in evidence["files"])


def _lies(folder: Path, subpath: str, size: int, folders: Mapping[str, str]) -> str | None:
    """Return where a file lies, under the name that it had or that which it has by now; None when it does not."""
    for name in dict.fromkeys((subpath, in_folders(subpath, folders))):
        status = _status(folder, name)
        if status is not None and status.st_size == size:
            return name
    return None


def _status(folder: Path, subpath: str) -> os.stat_result | None:
    try:
        status = join_local(folder, subpath).lstat()
    except (OSError, MapshellError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None
