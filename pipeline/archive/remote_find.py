"""What lies at an archive, by names alone: one listing of the root, and one of each animal that is concerned.

Only folders that a naming rule allows to be a session's are looked into later; nothing else is ever listed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.dates import read_date
from pipeline.archive.lister import below
from pipeline.archive.manifest_names import ManifestName, read_manifest_name
from pipeline.archive.naming import FolderName, parse_folder
from pipeline.archive.session import join_remote
from pipeline.errors import MapshellError, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.lister import Lister
    from pipeline.archive.ports import RemoteEntry
    from pipeline.archive.session import DatasetType, Location

_DEEPEST = 3
"""Components of the path of a session's folder at most, the animal's being the first."""


@dataclass(frozen=True, slots=True)
class Described:
    """The newest manifest of a session, by its name: where it lies, and how large it is (bytes)."""

    name: ManifestName
    subpath: str
    size: int


@dataclass(frozen=True, slots=True)
class ArchiveFolder:
    """A folder of the archive whose name is that of a session's folder."""

    name: FolderName
    subpath: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What could not be read, with the reason; ``subpath`` is ``.`` for a whole location."""

    subpath: str
    error: MapshellError


@dataclass(slots=True)
class Animal:
    """What the folder of an animal holds, by names: manifests, session folders, and folders that may hold such."""

    h2o: str
    described: list[Described] = field(default_factory=list)
    folders: list[ArchiveFolder] = field(default_factory=list)
    deeper: list[str] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)


@dataclass(slots=True)
class Archive:
    """The folders at the top of a location: those that are looked into, and those that are not.

    ``folders`` are session folders that lie there by a layout of the lab, ``deeper`` such as may hold some.
    """

    animals: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    folders: list[ArchiveFolder] = field(default_factory=list)
    deeper: list[str] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)


def top(
    lister: Lister, location: Location, concerned: Callable[[str], bool], layouts: Sequence[Layout] = ()
) -> Archive:
    """List the root of a location; ``concerned`` tells by its name whether an animal is looked for."""
    archive = Archive()
    for _, listing in lister.folders(location.endpoint, [location.path]):
        if isinstance(listing, MapshellError):
            archive.obstacles.append(Obstacle(".", listing))
            continue
        for entry in listing:
            if entry.kind != "dir" or entry.name.startswith(".") or entry.name in location.elsewhere:
                continue
            h2o, refused = below("", entry.name)
            if refused is not None:
                archive.obstacles.append(Obstacle(h2o, refused))
                continue
            name = parse_folder(h2o, location.dataset_type, layouts) if layouts else None
            deeper = any(layout.above(h2o) not in (None, h2o) for layout in layouts)
            if name is not None:
                archive.folders.append(ArchiveFolder(name, h2o))
                continue
            if deeper:
                archive.deeper.append(h2o)
            if concerned(h2o):
                archive.animals.append(h2o)
            elif not deeper:
                archive.strangers.append(h2o)
    return archive


def outside(
    lister: Lister, location: Location, archive: Archive, layouts: Sequence[Layout]
) -> dict[str, list[ArchiveFolder]]:
    """Return the session folders that lie outside of their animals' folders, by animal; obstacles go to ``archive``."""
    holder = Animal("", deeper=list(archive.deeper))
    found: dict[str, list[ArchiveFolder]] = defaultdict(list)
    for folder in (*archive.folders, *look_deeper(lister, location, holder, layouts)):
        if folder.name.h2o != folder.subpath.split("/")[0]:
            found[folder.name.h2o].append(folder)
    archive.obstacles.extend(holder.obstacles)
    return dict(found)


def animals(
    lister: Lister, location: Location, h2os: Iterable[str], layouts: Sequence[Layout] = ()
) -> Iterator[Animal]:
    """List the folders of animals, several at once; yield each as its listing comes."""
    by_path = {join_remote(location.path, h2o): h2o for h2o in h2os}
    for path, listing in lister.folders(location.endpoint, by_path):
        h2o = by_path[path]
        if isinstance(listing, RemotePathNotFound):
            yield Animal(h2o)  # it went away since the root was listed
        elif isinstance(listing, MapshellError):
            yield Animal(h2o, obstacles=[Obstacle(h2o, listing)])
        else:
            yield _animal(h2o, listing, location.dataset_type, layouts)


def _animal(h2o: str, listing: Iterable[RemoteEntry], kind: DatasetType, layouts: Sequence[Layout]) -> Animal:
    animal = Animal(h2o)
    newest: dict[tuple[object, int], Described] = {}
    for entry in listing:
        subpath, refused = below(h2o, entry.name)
        if entry.kind == "dir":
            if refused is not None:
                animal.obstacles.append(Obstacle(subpath, refused))
            else:
                _sort_in(animal, subpath, kind, layouts)
            continue
        name = read_manifest_name(entry.name, h2o) if entry.kind == "file" and refused is None else None
        if name is not None and name.dataset_type == kind:
            key = (name.session_date, name.session)
            if key not in newest or newest[key].name.generation < name.generation:
                newest[key] = Described(name, subpath, entry.size)
    animal.described = list(newest.values())
    return animal


def _sort_in(animal: Animal, subpath: str, kind: DatasetType, layouts: Sequence[Layout]) -> None:
    name = parse_folder(subpath, kind, layouts)
    if name is not None:
        animal.folders.append(ArchiveFolder(name, subpath))
    elif _may_hold(subpath, kind, layouts):
        animal.deeper.append(subpath)


def looks_into(subpath: str, kind: DatasetType, layouts: Sequence[Layout] = ()) -> bool:
    """Say by its name whether a folder directly below an animal's is ever looked into."""
    return parse_folder(subpath, kind, layouts) is not None or _may_hold(subpath, kind, layouts)


def _may_hold(subpath: str, kind: DatasetType, layouts: Sequence[Layout]) -> bool:
    """Say whether a layout puts sessions below a folder of this name: a date, or whatever the lab's own say."""
    if any(layout.depth >= _DEEPEST for layout in layouts):
        return True
    text = subpath.rsplit("/", 1)[-1]
    reading = read_date(text) if kind == "ephys" else None
    return reading is not None and reading.text == text and parse_folder(f"{subpath}/1", kind) is not None


def look_deeper(
    lister: Lister, location: Location, animal: Animal, layouts: Sequence[Layout] = ()
) -> Iterator[ArchiveFolder]:
    """List the folders that may hold session folders; what cannot be read is added to the animal's obstacles."""
    by_path = {join_remote(location.path, subpath): subpath for subpath in animal.deeper}
    for path, listing in lister.folders(location.endpoint, by_path):
        if isinstance(listing, MapshellError):
            if not isinstance(listing, RemotePathNotFound):
                animal.obstacles.append(Obstacle(by_path[path], listing))
            continue
        for entry in listing:
            subpath, refused = below(by_path[path], entry.name)
            name = parse_folder(subpath, location.dataset_type, layouts) if refused is None else None
            if entry.kind == "dir" and refused is not None:
                animal.obstacles.append(Obstacle(subpath, refused))
            elif entry.kind == "dir" and name is not None:
                yield ArchiveFolder(name, subpath)
