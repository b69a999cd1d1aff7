"""Looking at folders of collections: listings, patterns, whole trees, sums; within the service's limit of requests."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline.archive.lister import below
from pipeline.errors import MapshellError, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.archive.lister import Lister
    from pipeline.archive.ports import Progress, RemoteEntry, Store
    from pipeline.browse.place import Place


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that was listed: its place, kind, size in bytes, time in whole UTC seconds (None: not told).

    A ``link`` is shown as what it leads to; no walk goes through it.
    """

    place: Place
    kind: str
    size: int
    mtime: int | None
    link: bool = False

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.kind == "dir"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What could not be listed or followed, and why; ``place`` as it is shown."""

    place: str
    error: MapshellError


def look(store: Store, place: Place) -> Seen:
    """Look at one place.

    Raises
    ------
    RemotePathNotFound
        It is not there.
    """
    if not place.parts:
        store.ls(place.endpoint, place.path)
        return Seen(place, "dir", 0, None)
    return _seen(place, store.stat(place.endpoint, place.path))


def listing(store: Store, place: Place) -> tuple[list[Seen], list[Obstacle]]:
    """List a folder, folders first; names that cannot be followed are obstacles.

    Raises
    ------
    RemotePathNotFound
        It is not there, or is no folder.
    """
    found, obstacles = _children(place, store.ls(place.endpoint, place.path))
    return sorted(found, key=lambda seen: (not seen.folder, seen.place.parts)), obstacles


def expand(store: Store, place: Place) -> list[Place]:
    """Return the places that a pattern means, in order; a place without pattern is itself, there or not.

    Raises
    ------
    RemotePathNotFound
        A pattern means nothing.
    """
    if not place.is_pattern:
        return [place]
    found, several = [replace(place, parts=())], False
    for index, part in enumerate(place.parts):
        last = index == len(place.parts) - 1
        step = replace(place, parts=(part,))
        if not step.is_pattern:
            found = [each.below(part) for each in found]
            found = [each for each in found if _is_there(store, each)] if several and last else found
            continue
        several = True
        found = [
            seen.place
            for folder in found
            for seen in _existing(store, folder)
            if (last or seen.folder) and matches(seen.place.name, part)
        ]
    if not found and _is_there(store, place):
        return [place]  # a name may hold brackets
    if not found:
        raise RemotePathNotFound(
            f"Nothing in the archive is called {place}.", remedy=f"see what is there: mapshell ls '{_fixed(place)}'"
        )
    return found


def matches(name: str, pattern: str) -> bool:
    """Say whether a name is meant by a pattern; hidden names only by one that begins with a dot."""
    return fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))


def tree(lister: Lister, place: Place, progress: Progress | None = None) -> Iterator[Seen | Obstacle]:
    """Yield all that lies below a folder, each folder before what is in it; links to folders are not entered.

    Folders are listed several at once, those first whose names come first; only so many listings are held.

    Parameters
    ----------
    lister
        Lists.
    place
        Where to begin; it is not yielded itself.
    progress
        Who is told how many folders were listed.
    """
    todo, many = [(place.parts, place)], 0
    while todo:
        level = [heapq.heappop(todo)[1] for _ in range(min(len(todo), _AT_ONCE))]
        answers = dict(lister.folders(place.endpoint, [folder.path for folder in level]))
        for folder in level:
            answer = answers.pop(folder.path)
            many += 1
            if progress is not None:
                progress.update(LISTING, 0, f"{many:,} folders")
            if isinstance(answer, MapshellError):
                yield Obstacle(str(folder), answer)
                continue
            found, obstacles = _children(folder, answer)
            yield from obstacles
            for seen in found:
                yield seen
                if seen.folder and not seen.link:
                    heapq.heappush(todo, (seen.place.parts, seen.place))


LISTING = "listing the archive"
"""The piece of work that a walk tells of."""

_AT_ONCE = 64


@dataclass(slots=True)
class Sum:
    """What a folder holds in all; ``size`` in bytes, ``whole`` False when something below could not be listed."""

    place: Place
    files: int = 0
    folders: int = 0
    size: int = 0
    whole: bool = True


def sums(lister: Lister, place: Place, progress: Progress | None = None) -> tuple[list[Sum], list[Obstacle]]:
    """Sum up each thing in a folder, in the order of a listing, and all of them as the last."""
    tops: dict[tuple[str, ...], Sum] = {}
    folders: set[tuple[str, ...]] = set()
    obstacles = []
    depth = len(place.parts) + 1
    for found in tree(lister, place, progress):
        if isinstance(found, Obstacle):
            obstacles.append(found)
            continue
        key = found.place.parts[:depth]
        top = tops.setdefault(key, Sum(place.below(*key[depth - 1 :])))
        if found.folder and len(found.place.parts) == depth:
            folders.add(key)
        else:
            _add(top, found)
    broken = {obstacle.place for obstacle in obstacles}
    for top in tops.values():
        top.whole = not any(one == str(top.place) or one.startswith(f"{top.place}/") for one in broken)
    total = Sum(place, whole=not obstacles)
    for top in tops.values():
        total.files += top.files
        total.folders += top.folders + (top.place.parts in folders)
        total.size += top.size
    return [*(tops[key] for key in sorted(tops, key=lambda key: (key not in folders, key))), total], obstacles


def _add(to: Sum, seen: Seen) -> None:
    if seen.folder:
        to.folders += 1
    else:
        to.files += 1
        to.size += seen.size


def _is_there(store: Store, place: Place) -> bool:
    try:
        look(store, place)
    except RemotePathNotFound:
        return False
    return True


def _existing(store: Store, folder: Place) -> list[Seen]:
    try:
        return listing(store, folder)[0]
    except RemotePathNotFound:
        return []


def _children(folder: Place, entries: Iterable[RemoteEntry]) -> tuple[list[Seen], list[Obstacle]]:
    found, obstacles = [], []
    for entry in entries:
        name, refused = below("", entry.name)
        if refused is not None:
            obstacles.append(Obstacle(f"{str(folder).rstrip('/')}/{name}", refused))
        else:
            found.append(_seen(folder.below(entry.name), entry))
    return found, obstacles


def _seen(place: Place, entry: RemoteEntry) -> Seen:
    return Seen(place, entry.kind, entry.size, entry.mtime, entry.link)


def _fixed(place: Place) -> Place:
    """Return the part of a pattern that is no pattern."""
    parts = []
    for part in place.parts:
        if replace(place, parts=(part,)).is_pattern:
            break
        parts.append(part)
    return replace(place, parts=tuple(parts))
