"""Are the files of the index at the archive: listings of many sessions' folders, compared as they come.

Names, kinds and sizes are compared.  Times never are: a difference of times alone is no drift.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive import drift
from pipeline.archive.aside import is_aside
from pipeline.archive.lister import folders_above
from pipeline.archive.manifest_names import read_manifest_name
from pipeline.archive.naming import find_session_folder
from pipeline.archive.nesting import is_elsewhere
from pipeline.archive.paths import is_safe, printable
from pipeline.archive.session import join_remote
from pipeline.errors import (
    CollectionNotFound,
    CollectionOffline,
    GlobusError,
    GlobusUnavailable,
    LoginNeeded,
    MapshellError,
    NameRefused,
    RemotePathNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.archive.drift import Drift, Source
    from pipeline.archive.lister import Lister
    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.naming import Layout
    from pipeline.archive.ports import RemoteEntry
    from pipeline.archive.session import Location

MOST_NAMED = 1000
"""Extra files of one session that are kept by name; the rest is counted."""


@dataclass(slots=True)
class Seen:
    """What the listings told of one session.

    ``present`` counts files that are listed with their size, ``manifest_size`` is that of the newest manifest (bytes);
    ``extra`` are listed files that the index does not have,
    by subpath, with their sizes in bytes, ``more`` how many beyond; ``under_way`` is for the caller: how many of them
    are being published; ``learnt`` are size and time (bytes, UTC seconds) of files of which the index knows neither;
    ``left`` what transfers of ours left or put aside; ``errors`` why folders could not be listed,
    by folder.
    """

    manifest: Manifest
    described: str
    present: int = 0
    manifest_size: int | None = None
    drift: list[Drift] = field(default_factory=list)
    extra: dict[str, int] = field(default_factory=dict)
    more: int = 0
    under_way: int = 0
    learnt: dict[str, tuple[int, int]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    errors: dict[str, MapshellError] = field(default_factory=dict)

    @property
    def wrong(self) -> set[str]:
        """Files that need not be read back: not there, or of another size."""
        return {each.subpath for each in self.drift if each.kind in ("missing", "size", "name")}

    def unseen(self, subpath: str) -> bool:
        """Say whether the folder of a file could not be listed."""
        return any(subpath.startswith(f"{folder}/") for folder in self.errors)


class Presence:
    """Compares sessions of one storage location with what it lists.

    Parameters
    ----------
    lister
        Lists folders, several at once.
    location
        The storage location.
    layouts
        Further layouts of the lab's folders.
    source
        Says where this computer has a file of a name and size, for the remedies.
    """

    def __init__(
        self,
        lister: Lister,
        location: Location,
        layouts: Sequence[Layout] = (),
        source: Callable[[FileEntry], Source | None] = lambda _: None,
    ) -> None:
        self._lister = lister
        self._location = location
        self._layouts = layouts
        self._source = source
        self._animals: dict[str, dict[str, RemoteEntry] | MapshellError] = {}

    def look(self, sessions: Iterable[tuple[Manifest, str]]) -> list[Seen]:
        """Compare sessions, given with the subpath of their newest manifest (empty: none).

        Raises
        ------
        GlobusError
            The location itself is not there: nothing can be said of its files.
        """
        looks = [Seen(manifest, described) for manifest, described in sessions]
        self._list_animals({h2o for seen in looks for h2o in _animals(seen)})
        expected: dict[str, tuple[FileEntry, Seen]] = {}
        owners: dict[str, list[Seen]] = {}
        for seen in looks:
            for entry in seen.manifest.files:
                if not is_safe(entry.subpath) or "/" not in entry.subpath:
                    seen.drift.append(_unsafe(entry.subpath, "the index holds a name that cannot be followed"))
                    continue
                expected[entry.subpath] = entry, seen
                folder = self.folder_of(entry.subpath)
                if folder is not None:
                    whose = owners.setdefault(folder, [])
                    if not whose or whose[-1] is not seen:
                        whose.append(seen)
        for subpath in [name for name in expected if name.count("/") == 1 and self.folder_of(name) is None]:
            self._beside(subpath, expected)
        self._walk(owners, expected)
        for entry, seen in expected.values():  # what no listing named
            if not seen.unseen(entry.subpath):
                seen.drift.append(drift.missing(self._location, entry, self._source(entry)))
        for seen in looks:
            self._manifests(seen)
            seen.drift.sort(key=lambda each: (each.subpath, each.kind))
        return looks

    def listing(self, h2o: str) -> Mapping[str, RemoteEntry] | MapshellError:
        """Return what an animal's folder holds, of the animals of the last sessions."""
        return self._animals.get(h2o, {})

    def folder_of(self, subpath: str) -> str | None:
        """Return the session folder that a file lies in; None when it lies beside the session folders."""
        found = find_session_folder(subpath, self._location.dataset_type, self._layouts)
        if found is not None and len(found[0]) < len(subpath):
            return found[0]
        parts = subpath.split("/")
        return "/".join(parts[:2]) if len(parts) > 2 else None

    def _list_animals(self, animals: set[str]) -> None:
        for gone in self._animals.keys() - animals:
            del self._animals[gone]
        paths = {join_remote(self._location.path, h2o): h2o for h2o in sorted(animals - self._animals.keys())}
        for path, listing in self._lister.folders(self._location.endpoint, paths):
            if isinstance(listing, RemotePathNotFound):
                self._require_root()
            if isinstance(listing, MapshellError):
                _hopeless(listing)
                self._animals[paths[path]] = listing
            else:
                self._animals[paths[path]] = {entry.name: entry for entry in listing}

    def _require_root(self) -> None:
        """Make sure that the location's own folder is there: without it nothing can be called missing."""
        location = self._location
        for _, listing in self._lister.folders(location.endpoint, [location.path]):
            if isinstance(listing, RemotePathNotFound):
                raise GlobusError(
                    f"The folder of {location.alias}, {location.path} in the collection {location.endpoint}, is not "
                    "there: nothing can be said of its files.",
                    remedy="ask the archive's people whether it was moved or is not mounted; nothing was written down.",
                ) from listing
            if isinstance(listing, MapshellError):
                raise listing

    def _beside(self, subpath: str, expected: dict[str, tuple[FileEntry, Seen]]) -> None:
        """Compare a file that lies in the animal's folder itself."""
        h2o, name = subpath.split("/")
        listing = self._animals[h2o]
        if isinstance(listing, RemotePathNotFound):
            return
        if isinstance(listing, MapshellError):
            expected[subpath][1].errors[h2o] = listing
        elif name in listing:
            self._compare(*expected.pop(subpath), listing[name])

    def _walk(self, owners: Mapping[str, list[Seen]], expected: dict[str, tuple[FileEntry, Seen]]) -> None:
        there = [folder for folder in sorted(owners) if self._may_be_there(folder, owners[folder])]
        location = self._location
        trees = self._lister.trees(
            location.endpoint,
            location.path,
            there,
            lambda folder: not is_elsewhere(folder, location.elsewhere),
            folders_above(expected).__contains__,  # what was moved elsewhere and linked is there all the same
        )
        for subpath, found in trees:
            if isinstance(found, RemotePathNotFound):
                continue  # its files stay unnamed
            whose = self._owner(subpath, owners)
            if isinstance(found, NameRefused):
                whose.drift.append(
                    _unsafe(subpath, f"the archive lists a name that cannot be followed: {found.message}")
                )
            elif isinstance(found, MapshellError):
                _hopeless(found)
                for each in owners.get(subpath, [whose]):
                    each.errors[subpath] = found
            elif subpath in expected:
                self._compare(*expected.pop(subpath), found)
            else:
                _strange(whose, subpath, found.size)

    def _may_be_there(self, folder: str, owners: Sequence[Seen]) -> bool:
        """Say whether a folder need be listed: not when the animal's listing does not have it, or does not exist."""
        h2o, _, name = folder.partition("/")
        listing = self._animals.get(h2o)
        if listing is None:
            return True
        if isinstance(listing, RemotePathNotFound):
            return False
        if isinstance(listing, MapshellError):
            for seen in owners:
                seen.errors[h2o] = listing
            return False
        return not name or name.split("/")[0] in listing

    def _owner(self, subpath: str, owners: Mapping[str, list[Seen]]) -> Seen:
        folder = subpath
        while folder not in owners:
            folder, slash, _ = folder.rpartition("/")
            if not slash:
                raise LookupError(subpath)  # the lister yields only what lies below what it was given
        return owners[folder][0]

    def _compare(self, entry: FileEntry, seen: Seen, found: RemoteEntry) -> None:
        if found.kind != "file":
            said = "the archive holds a link or a special file of this name" if found.kind == "other" else _FOLDER
            remedy = drift.missing(self._location, entry, self._source(entry)).remedy
            seen.drift.append(drift.Drift("missing", entry.subpath, said, remedy))
        elif not entry.sized:
            seen.learnt[entry.subpath] = (found.size, found.mtime or 0)
            seen.present += 1
        elif found.size != entry.size:
            seen.drift.append(drift.other_size(self._location, entry, found.size, self._source(entry)))
        else:
            seen.present += 1

    def _manifests(self, seen: Seen) -> None:
        """Compare the manifests beside the session's folders with the generation of the index."""
        manifest = seen.manifest
        h2o, last = manifest.subpath.split("/")
        listing = self._animals.get(h2o, {})
        if isinstance(listing, MapshellError):
            if not isinstance(listing, RemotePathNotFound):
                seen.errors[h2o] = listing
            listing = {}
        newest = listing.get(seen.described.rpartition("/")[2])
        if newest is not None and newest.kind == "file":
            seen.manifest_size = newest.size
        elif seen.described and h2o not in seen.errors:
            seen.drift.append(drift.no_manifest(manifest.session, seen.described))
        known = manifest.generation if seen.described else 0
        stem = last[: last.index(".manifest-") + len(".manifest-")]
        for name in sorted(listing):
            said = read_manifest_name(name, h2o) if name.startswith(stem) else None
            if said is not None and said.generation > known:
                seen.drift.append(drift.newer_manifest(manifest.session, f"{h2o}/{name}"))


def _unsafe(subpath: str, said: str) -> Drift:
    return drift.Drift("name", printable(subpath), said, "ask the archive's people to rename it; nothing was followed.")


def _hopeless(error: MapshellError) -> None:
    """Raise an error that every further listing would meet too."""
    if isinstance(error, (LoginNeeded, GlobusUnavailable, CollectionNotFound, CollectionOffline)):
        raise error


_FOLDER = "the archive holds a folder of this name"


def _animals(seen: Seen) -> set[str]:
    return {seen.manifest.session.h2o, *(entry.subpath.split("/")[0] for entry in seen.manifest.files)}


def _strange(seen: Seen, subpath: str, size: int) -> None:
    if is_aside(subpath.rpartition("/")[2]):
        seen.left.append(subpath)
    elif len(seen.extra) < MOST_NAMED:
        seen.extra[subpath] = size
    else:
        seen.more += 1
