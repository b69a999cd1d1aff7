"""What the commands ask of the archive's folders, as finished facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal

from pipeline.archive.lister import Lister
from pipeline.browse.known import Known, known_below, rows_of
from pipeline.browse.looking import Obstacle, Seen, Sum, listing, look, matches, sums, tree
from pipeline.browse.reserved import is_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.ports import Progress, Store
    from pipeline.archive.session import Location
    from pipeline.browse.place import Place

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a place: a folder's entries, or the file itself; ``base`` is the folder that they are named from.

    Of a whole tree ``entries`` are read once, as they are listed; ``obstacles`` are complete afterwards.
    """

    place: Place
    base: Place
    folder: bool
    entries: Iterable[Seen]
    obstacles: list[Obstacle]


def listings(
    store: Store, places: Sequence[Place], *, recursive: bool, progress: Progress | None = None
) -> Iterator[Listing]:
    """Yield what lies in each place, or (``recursive``) in all folders below.

    Raises
    ------
    RemotePathNotFound
        A place is not there.
    """
    for place in places:
        seen = look(store, place)
        if not seen.folder:
            yield Listing(place, place.parent, folder=False, entries=[seen], obstacles=[])
        elif recursive:
            obstacles: list[Obstacle] = []
            yield Listing(
                place, place, folder=True, entries=_all(store, place, obstacles, progress), obstacles=obstacles
            )
        else:
            entries, obstacles = listing(store, place)
            yield Listing(place, place, folder=True, entries=entries, obstacles=obstacles)


def _all(store: Store, place: Place, obstacles: list[Obstacle], progress: Progress | None) -> Iterator[Seen]:
    with Lister(store) as lister:
        for found in tree(lister, place, progress):
            if isinstance(found, Obstacle):
                obstacles.append(found)
            else:
                yield found


@dataclass(frozen=True, slots=True)
class Facts:
    """What archive and index say of a place: ``row`` of ``PhysicalFile`` (None: not in the index), its datasets.

    ``manifest``: it is one, of any generation, of a session that the index knows.
    """

    seen: Seen
    row: Mapping[str, Any] | None
    datasets: list[Known]
    manifest: bool


def facts(store: Store, places: Sequence[Place], locations: Mapping[str, Location]) -> list[Facts]:
    """Return what archive and index say of places.

    Raises
    ------
    RemotePathNotFound
        One is not there.
    """
    found = []
    for place in places:
        seen = look(store, place)
        row = None if seen.folder else rows_of([place], locations).get(place.path)
        found.append(Facts(seen, row, known_below(place, locations), is_manifest(place, locations)))
    return found


def sizes(
    store: Store, places: Sequence[Place], *, summarize: bool, progress: Progress | None = None
) -> tuple[list[Sum], list[Obstacle]]:
    """Return the sums of all that lies in places (``summarize``: of each place alone), and what could not be listed."""
    rows: list[Sum] = []
    obstacles: list[Obstacle] = []
    with Lister(store) as lister:
        for place in places:
            seen = look(store, place)
            if not seen.folder:
                rows.append(Sum(place, 1, 0, seen.size))
                continue
            found, more = sums(lister, place, progress)
            obstacles += more
            rows += found[-1:] if summarize else found
    return rows, obstacles


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None: whatever.  ``larger`` in bytes, ``newer`` in UTC; ``unknown`` to the index."""

    name: str | None = None
    kind: Literal["file", "folder"] | None = None
    larger: int | None = None
    newer: datetime | None = None
    unknown: bool = False

    def fits(self, seen: Seen) -> bool:
        """Say whether something that was listed is looked for, as far as a listing can tell."""
        if self.name is not None and not matches(seen.place.name, self.name):
            return False
        if self.kind is not None and seen.folder != (self.kind == "folder"):
            return False
        if (self.larger is not None or self.unknown) and seen.folder:
            return False
        if self.larger is not None and seen.size <= self.larger:
            return False
        if self.newer is not None:
            return seen.mtime is not None and seen.mtime >= self.newer.replace(tzinfo=UTC).timestamp()
        return True


@dataclass(slots=True)
class Search:
    """Looks for things below a folder; iterate over it, then look at ``obstacles``."""

    store: Store
    place: Place
    wanted: Wanted
    locations: Mapping[str, Location]
    progress: Progress | None = None
    obstacles: list[Obstacle] = field(default_factory=list)

    def __iter__(self) -> Iterator[Seen]:
        """Yield what fits.

        Raises
        ------
        RemotePathNotFound, GlobusError
            The folder itself cannot be looked at.
        """
        top = look(self.store, self.place)
        if not top.folder:
            yield from self._sifted([top] if self.wanted.fits(top) else [])
            return
        waiting: list[Seen] = []
        with Lister(self.store) as lister:
            for seen in tree(lister, self.place, self.progress):
                if isinstance(seen, Obstacle):
                    self.obstacles.append(seen)
                elif self.wanted.fits(seen):
                    waiting.append(seen)
                    if not self.wanted.unknown or len(waiting) == _CHUNK:
                        yield from self._sifted(waiting)
                        waiting = []
        yield from self._sifted(waiting)

    def _sifted(self, found: Sequence[Seen]) -> Iterator[Seen]:
        known = rows_of([seen.place for seen in found], self.locations, manifests=True) if self.wanted.unknown else {}
        for seen in found:
            if not self.wanted.unknown or not (seen.place.path in known or is_manifest(seen.place, self.locations)):
                yield seen
