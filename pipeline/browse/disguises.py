"""Whether a place is what its name says: archived files can be reached by other names than those in the index.

A collection that ignores case, a link, another collection of the same disk, the default folder ``/~/``: by none of
these ways may somebody move what the index knows.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.session import join_remote
from pipeline.browse.known import indexed_below
from pipeline.browse.place import at_root, within
from pipeline.errors import MapshellError, PermissionDenied, Refused, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.archive.ports import RemoteEntry, Store
    from pipeline.archive.session import Location
    from pipeline.browse.place import Place


@dataclass(slots=True)
class Folders:
    """Listings that several questions share."""

    store: Store
    _seen: dict[tuple[str, str], dict[str, RemoteEntry]] = field(default_factory=dict)

    def of(self, place: Place) -> dict[str, RemoteEntry]:
        """Return the entries of a folder by their names, as listed when it was first asked for."""
        key = place.endpoint, place.path
        if key not in self._seen:
            self._seen[key] = {entry.name: entry for entry in self.store.ls(*key)}
        return self._seen[key]


def refuse_disguised(folders: Folders, place: Place, locations: Mapping[str, Location]) -> None:
    """Refuse a place that may be a file or folder of the index under another name.

    Raises
    ------
    RemotePathNotFound
        It is not there.
    Refused
        It is listed under another spelling, lies behind a link, or looks like what the index knows by another name.
    """
    for depth, name in enumerate(place.parts):
        folder = place.above(len(place.parts) - depth)
        try:
            listed = folders.of(folder)
        except PermissionDenied:  # what lies above a folder that may be used often is closed
            continue
        entry = listed.get(name)
        if entry is None:
            folders.store.stat(place.endpoint, folder.below(name).path)  # raises when it is not there at all
            raise Refused(
                f"The archive lists nothing called {name!r} in {folder}, and yet has it: it spells it otherwise.",
                remedy=f"write the name as it is listed: mapshell ls '{folder}'.",
            )
        if entry.link and depth < len(place.parts) - 1:
            raise Refused(
                f"{folder.below(name)} is a link: what lies behind it is not moved.",
                remedy="name the folder to which it leads.",
            )
    _refuse_twin(folders, place, locations)


def _refuse_twin(folders: Folders, place: Place, locations: Mapping[str, Location]) -> None:
    """Refuse what ends like a path of the index and is, to look at, the very same there."""
    for location in locations.values():
        if within(place, location) is not None:
            continue  # by that name the index was asked
        for depth in range(len(place.parts)):
            tail = "/".join(place.parts[depth:])
            if not indexed_below(location, tail):
                continue
            with suppress(RemotePathNotFound):
                mine = folders.store.stat(place.endpoint, place.path)
                theirs = folders.store.stat(location.endpoint, join_remote(location.path, tail))
                if (mine.kind, mine.size, mine.mtime) == (theirs.kind, theirs.size, theirs.mtime):
                    raise Refused(
                        f"{place} is not moved: it looks like {at_root(location)}{tail}, of which the index knows, by "
                        "another name.",
                        remedy="if it is another one all the same, move it with Globus' own tools.",
                    )


def roots_there(store: Store, locations: Iterable[Location]) -> list[Location]:
    """Return the storage locations that can be listed now: a link that leads nowhere is there, but lists nothing."""
    found = []
    for location in locations:
        with suppress(MapshellError):
            store.ls(location.endpoint, location.path)
            found.append(location)
    return found
