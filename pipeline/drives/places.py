"""Which folders of a drive are session folders, wherever they lie on it, and where they stand in the archive.  Pure.

A name alone tells little (``photos/2019-05-01`` reads like a day of videos), so:

1. A folder of recordings of a known animal, by its own name and that of the folder above (or by its own alone, when
   the animal's folder is missing), is one; what lies in it belongs to it.
2. A day's folder of a known animal is one of videos, as long as there are videos in it, or nothing of rule 1.
3. Elsewhere a folder that reads like one, of whatever animal, is one if there are recordings in it: the innermost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.naming import parse_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.naming import FolderName
    from pipeline.archive.session import DatasetType
    from pipeline.drives.survey import Folder

KINDS: tuple[DatasetType, ...] = ("ephys", "video")


@dataclass(frozen=True, slots=True)
class Place:
    """A session folder of a drive.

    ``names`` lead to it from where the walk began; ``subpath`` is where it stands in the archive's layout; ``known``
    says whether the lab has the animal, and ``h2o`` what it is called; ``elsewhere`` holds folders in it (as subpaths)
    that are sessions of another kind.  ``files`` and ``size`` (bytes) count all that lies in it.
    """

    kind: DatasetType
    h2o: str
    subpath: str
    names: tuple[str, ...]
    known: bool
    elsewhere: frozenset[str] = frozenset()
    files: int = 0
    size: int = 0

    @property
    def folder(self) -> str:
        """Where it lies, POSIX, relative to where the walk began; ``.`` for that folder itself."""
        return "/".join(self.names) or "."


@dataclass(frozen=True, slots=True)
class Loose:
    """A folder with files that bear names of recordings, in no session folder."""

    folder: str
    files: int
    size: int


def places(
    folders: Sequence[Folder],
    above: Sequence[str],
    animals: Collection[str],
    layouts: Mapping[DatasetType, Sequence[Layout]],
) -> tuple[list[Place], list[Loose]]:
    """Return the session folders, and the recordings that are in none.

    Parameters
    ----------
    folders
        What the walk found.
    above
        Names of the folders above the first of them, the nearest last: they tell the animal, too.
    animals
        Water restrictions that the lab has.
    layouts
        Further layouts of the lab, by kind.
    """
    return _Choice(folders, tuple(above), animals, layouts).made()


@dataclass(frozen=True, slots=True)
class _Reading:
    h2o: str
    subpath: str


class _Choice:
    def __init__(
        self,
        folders: Sequence[Folder],
        above: tuple[str, ...],
        animals: Collection[str],
        layouts: Mapping[DatasetType, Sequence[Layout]],
    ) -> None:
        self._folders = folders
        self._above = above
        self._animals = animals
        self._folded = {name.casefold(): name for name in animals}
        self._layouts = layouts
        self._depths = {
            kind: sorted({2, 3, *(layout.pattern.count("/") + 1 for layout in layouts.get(kind, ()))}) for kind in KINDS
        }
        self._ephys = self._summed(folder.ephys for folder in folders)
        self._videos = self._summed(folder.videos for folder in folders)
        self._chosen: dict[int, tuple[DatasetType, _Reading, bool]] = {}

    def _summed(self, counts: Iterable[int]) -> list[int]:
        """Return the counts with those of all folders within."""
        total = list(counts)
        for here in range(len(self._folders) - 1, 0, -1):  # a folder stands before those in it
            total[self._folders[here].parent] += total[here]
        return total

    def made(self) -> tuple[list[Place], list[Loose]]:
        self._of_known_animals("ephys")
        holds_ephys = self._summed(here in self._chosen for here in range(len(self._folders)))
        self._of_known_animals("video", holds_ephys)
        self._of_unknown_animals()
        owner = self._owners()
        files, size = [0] * len(self._folders), [0] * len(self._folders)
        loose = []
        for here, folder in enumerate(self._folders):
            if owner[here] >= 0:
                files[owner[here]] += folder.files
                size[owner[here]] += folder.size
            elif folder.ephys or folder.videos:
                loose.append(Loose("/".join(folder.names) or ".", folder.ephys + folder.videos, folder.size))
        found = [
            Place(
                kind,
                reading.h2o,
                reading.subpath,
                self._folders[here].names,
                known,
                self._inside(here, reading.subpath),
                files[here],
                size[here],
            )
            for here, (kind, reading, known) in sorted(self._chosen.items())
        ]
        return found, loose

    def _of_known_animals(self, kind: DatasetType, holds_ephys: Sequence[int] = ()) -> None:
        taken = self._owners()
        for here, folder in enumerate(self._folders):
            if taken[here] < 0 <= folder.parent:
                taken[here] = taken[folder.parent]
            if taken[here] >= 0 or folder.system:
                continue
            if kind == "video" and not self._videos[here] and (self._ephys[here] or holds_ephys[here]):
                continue
            reading = self._read(here, kind)
            if reading is not None:
                self._chosen[here] = (kind, reading, True)
                taken[here] = here

    def _of_unknown_animals(self) -> None:
        busy = self._summed(here in self._chosen for here in range(len(self._folders)))
        owner = self._owners()
        for here in range(len(self._folders) - 1, -1, -1):  # the innermost first
            if busy[here] or owner[here] >= 0 or self._folders[here].system:
                continue
            for kind in KINDS:
                recordings = self._ephys if kind == "ephys" else self._videos
                said = self._parsed(here, kind) if recordings[here] else None
                if said is not None:
                    name, path = said
                    self._chosen[here] = (kind, _Reading(name.run_h2o or name.h2o, path), False)
                    for each in self._line(here):
                        busy[each] += 1
                    break

    def _read(self, here: int, kind: DatasetType) -> _Reading | None:
        """Return what a folder's name says if it is one of a known animal."""
        for depth in self._depths[kind]:
            path = self._path(here, depth)
            name = parse_folder(path, kind, self._layouts.get(kind, ()))
            if name is not None and name.h2o in self._animals:
                return _Reading(name.h2o, path)
        said = self._parsed(here, kind)
        h2o = None if said is None else self._told(here, kind, said[0])
        if h2o is None:
            return None
        path = f"{h2o}/{self._path(here, 1)}"
        again = parse_folder(path, kind, self._layouts.get(kind, ()))
        return None if again is None else _Reading(h2o, path)

    def _told(self, here: int, kind: DatasetType, name: FolderName) -> str | None:
        """Return the known animal of a folder that does not lie in the animal's own, by what else tells it."""
        if kind == "ephys":
            return self._folded.get((name.run_h2o or "").casefold())
        if name.h2o.casefold() in self._folded:
            return self._folded[name.h2o.casefold()]
        if not self._videos[here]:
            return None
        said: set[str] = set()
        own = self._folders[here].names
        for folder in self._folders[here:]:
            if folder.names[: len(own)] == own:
                said |= folder.animals
        return self._folded.get(said.pop().casefold()) if len(said) == 1 else None

    def _parsed(self, here: int, kind: DatasetType) -> tuple[FolderName, str] | None:
        """Return what a folder's path says, whoever the animal is, and how much of the path says it."""
        for depth in self._depths[kind]:
            path = self._path(here, depth)
            name = parse_folder(path, kind, self._layouts.get(kind, ()))
            if name is not None:
                return name, path
        return None

    def _path(self, here: int, depth: int) -> str:
        names = (*self._above, *self._folders[here].names)
        return "/".join(names[-depth:])

    def _owners(self) -> list[int]:
        """Return for each folder the innermost chosen one that it is, or lies in; -1 for none."""
        owner: list[int] = []
        for here, folder in enumerate(self._folders):
            owner.append(here if here in self._chosen else owner[folder.parent] if folder.parent >= 0 else -1)
        return owner

    def _line(self, here: int) -> Iterable[int]:
        """Yield a folder and those that it lies in."""
        while here >= 0:
            yield here
            here = self._folders[here].parent

    def _inside(self, here: int, subpath: str) -> frozenset[str]:
        own = len(self._folders[here].names)
        return frozenset(
            "/".join((subpath, *self._folders[other].names[own:]))
            for other in self._chosen
            if other != here and here in self._line(other)
        )
