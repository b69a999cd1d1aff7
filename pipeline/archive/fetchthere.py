"""Retrieving into a collection whose files cannot be seen from here: the service compares the checksums.

Files arrive below our own folder there, under their own subpaths, and get their names by renaming the largest folders
that are new, so that few calls are needed.  Nothing there is ever overwritten.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.archive.fetch import OPEN
from pipeline.archive.fetchplan import differs
from pipeline.archive.journal import step
from pipeline.archive.lister import Lister
from pipeline.errors import Conflict, MapshellError, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.fetch import Entry, Fetching, Item, Site
    from pipeline.archive.haul import End


def look_there(fetching: Fetching, items: Sequence[Item]) -> None:
    """Compare with what lies at the places in a collection elsewhere, by names and sizes alone.

    Raises
    ------
    MapshellError
        It cannot be listed.
    """
    folders: dict[tuple[Site, str], list[Item]] = defaultdict(list)
    for item in items:
        if item.verdict == "wanted" and item.site.folder is None:
            folders[item.site, item.subpath.rpartition("/")[0]].append(item)
    with Lister(fetching.store()) as lister:
        for site in {site for site, _ in folders}:
            paths = {site.remote(folder).rstrip("/"): folder for at, folder in folders if at == site}
            for path, answer in lister.folders(site.endpoint, paths):
                if isinstance(answer, MapshellError) and not isinstance(answer, RemotePathNotFound):
                    raise answer
                sizes = (
                    {}
                    if isinstance(answer, MapshellError)
                    else {entry.name: entry.size if entry.kind == "file" else -1 for entry in answer}
                )
                for item in folders[site, paths[path]]:
                    _compare(item, sizes.get(item.subpath.rpartition("/")[2]), overwrite=fetching.overwrite)


def _compare(item: Item, size: int | None, *, overwrite: bool) -> None:
    if size is None:
        item.judge("to fetch")
    elif size == item.size:
        item.judge("unchecked", "there with the same size; not compared")
    elif size < 0:
        item.judge("refused", "a folder has its name there", "move it away, or retrieve to another place.")
    else:
        differs(item, f"it has {size:,} bytes there, {item.size:,} in the index", overwrite=overwrite)


class Renamer:
    """Gives the files that a task brought their names, by renaming (implements ``fetchtasks.Harvest``)."""

    def __init__(self, fetching: Fetching) -> None:
        self._fetching = fetching

    def is_here(self, item: Item) -> bool:
        """Say whether a file of this size bears the item's name."""
        try:
            found = self._fetching.store().stat(item.site.endpoint, item.site.remote(item.subpath))
        except MapshellError:
            return False
        return found.kind == "file" and found.size == item.size

    def clear(self, entry: Entry) -> None:
        """Do nothing: what is left are empty folders, and files that nobody could vouch for."""

    def take(self, entry: Entry, end: End, moved: set[str]) -> int:
        """Rename what arrived whole; see ``fetchtasks.Harvest``.

        Raises
        ------
        MapshellError
            The collection cannot be listed; the next run goes on.
        """
        site = entry.items[0].site
        staging = f"{self._fetching.staging}/{entry.staging}"
        there = self._staged(site, staging)
        good: dict[str, Item] = {}
        for item, request in zip(entry.items, entry.haul.request.items, strict=True):
            if item.verdict not in OPEN:
                continue
            size = there.get(item.subpath)
            arrived = end.way == "succeeded" or request.destination in moved
            if size == item.size and arrived:
                good[item.subpath] = item
            elif arrived:
                item.reason = "it did not arrive" if size is None else f"{size:,} bytes arrived, not {item.size:,}"
        named = self._move(site, staging, "", there, good)
        left = len(there) - named
        if left:
            self._fetching.notes.append(
                f"{left:,} {'file' if left == 1 else 'files'} without a proof, or without a free name, lie below "
                f"{site.endpoint}:{site.remote(staging)}; remove them there."
            )
        return named

    def _staged(self, site: Site, staging: str) -> dict[str, int]:
        """List what a task brought: sizes (bytes) by subpath."""
        found: dict[str, int] = {}
        with Lister(self._fetching.store()) as lister:
            for subpath, entry in lister.tree(site.endpoint, site.path, staging):
                if isinstance(entry, RemotePathNotFound):
                    continue
                if isinstance(entry, MapshellError):
                    raise entry
                found[subpath.removeprefix(f"{staging}/")] = entry.size
        return found

    def _move(self, site: Site, staging: str, folder: str, there: dict[str, int], good: dict[str, Item]) -> int:
        """Rename what lies in a staged folder; a folder as a whole where its name is free and all in it is good."""
        inside: dict[str, list[str]] = defaultdict(list)
        for subpath in there:
            if subpath.startswith(folder):
                inside[subpath[len(folder) :].split("/")[0]].append(subpath)
        moved = 0
        for name, subpaths in sorted(inside.items()):
            path = folder + name
            if subpaths == [path]:
                moved += self._name_file(site, staging, good[path]) if path in good else 0
            elif all(each in good for each in subpaths) and self._rename(site, staging, path):
                for each in subpaths:
                    _named(good[each])
                moved += len(subpaths)
            elif any(each in good for each in subpaths):
                self._fetching.store().mkdir(site.endpoint, site.remote(path))  # an existing one is fine
                moved += self._move(site, staging, f"{path}/", {each: there[each] for each in subpaths}, good)
        return moved

    def _rename(self, site: Site, staging: str, path: str) -> bool:
        """Rename out of the staging folder; False when the name is taken."""
        try:
            self._fetching.store().rename(site.endpoint, site.remote(f"{staging}/{path}"), site.remote(path))
        except Conflict:
            return False
        step("retrieve: placed")
        return True

    def _name_file(self, site: Site, staging: str, item: Item) -> int:
        if item.verdict == "to replace":
            aside = f"{item.subpath}.replaced-{uuid.uuid4().hex[:8]}"
            self._fetching.store().rename(site.endpoint, site.remote(item.subpath), site.remote(aside))
            self._fetching.notes.append(f"What was at {site.remote(item.subpath)} is now {aside.rpartition('/')[2]}.")
        if self._rename(site, staging, item.subpath):
            _named(item)
            return 1
        item.judge("refused", "it exists there meanwhile", "look at it; it was not touched.")
        return 0


def _named(item: Item) -> None:
    if item.sha1 is None:
        item.judge("unchecked", "fetched; the index has no SHA1 to compare")
    else:
        item.judge("fetched")
