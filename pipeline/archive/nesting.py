"""Places that lie one inside another: which folders below one belong to the other.  Pure.

A folder that is a place of its own (a root of another alias, another archive of the same collection) is left to that
one: no walk from outside enters it.  The very same place twice is no nesting.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import PurePath

    from pipeline.archive.session import Location

_HOME = ("/", "~")
"""How a path below a collection's default folder begins; where that folder lies, only the collection knows."""


def inside(place: PurePath, others: Iterable[PurePath]) -> frozenset[str]:
    """Return where other places begin below ``place``: POSIX paths relative to it, the outermost of each alone.

    Both are absolute paths of one disk or of one collection, without links and ``..``.
    """
    found = {other.relative_to(place).as_posix() for other in others if other != place and other.is_relative_to(place)}
    return frozenset(path for path in found if not is_elsewhere(path, found - {path}))


def is_elsewhere(subpath: str, elsewhere: Collection[str]) -> bool:
    """Say whether a folder, given relative to its place, is or lies in one of those that belong to another place."""
    if not elsewhere:
        return False
    parts = subpath.split("/")
    return any("/".join(parts[:depth]) in elsewhere for depth in range(1, len(parts) + 1))


def told_apart(locations: Iterable[Location]) -> list[Location]:
    """Return storage locations that know which folders below them are another's."""
    listed = list(locations)
    by_collection: dict[tuple[str, bool], list[Location]] = defaultdict(list)
    for location in listed:
        by_collection[location.endpoint.lower(), _below_home(location.path)].append(location)
    found = []
    for location in listed:
        beside = by_collection[location.endpoint.lower(), _below_home(location.path)]
        others = [PurePosixPath(other.path) for other in beside]
        found.append(replace(location, elsewhere=inside(PurePosixPath(location.path), others)))
    return found


def around(place: Location, others: Sequence[Location]) -> tuple[Location, str] | None:
    """Return a location that ``place`` shares folders with, and how: it "is", "lies inside" or "holds" that one.

    Only what can be told from the paths: where a collection's default folder (``/~/``) lies, they do not say.
    """
    here = PurePosixPath(place.path)
    for other in others:
        there = PurePosixPath(other.path)
        if other.endpoint.lower() != place.endpoint.lower() or _below_home(other.path) != _below_home(place.path):
            continue
        if here == there:
            return other, "is"
        if here.is_relative_to(there):
            return other, "lies inside"
        if there.is_relative_to(here):
            return other, "holds"
    return None


def _below_home(path: str) -> bool:
    return PurePosixPath(path).parts[:2] == _HOME
