"""What lies beside an animal's sessions at the archive and belongs to none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import publication
from pipeline.archive.aside import OWN_FOLDERS, is_aside
from pipeline.archive.drift import discover, quoted
from pipeline.archive.lister import below
from pipeline.archive.manifest_names import manifest_subpath, read_manifest_name
from pipeline.archive.naming import parse_folder
from pipeline.archive.nesting import is_elsewhere
from pipeline.archive.remote_find import looks_into
from pipeline.archive.session import SessionRef, join_remote
from pipeline.errors import MapshellError
from pipeline.sizes import human_bytes
from pipeline.verified import Stray

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.lister import Lister
    from pipeline.archive.ports import RemoteEntry
    from pipeline.archive.session import Location
    from pipeline.holdings import Holding

_NAMED = 20


class Animals:
    """What the index has of each animal at a location, whichever sessions were chosen."""

    def __init__(self, location: Location, aliases: Sequence[str], layouts: Sequence[Layout] = ()) -> None:
        table = publication.archived_table(location.dataset_type)()
        self._location = location
        self._layouts = layouts
        here = {"globus_alias": location.alias}
        self._archived = {row["dataset_name"] for row in (table & here).proj("dataset_name").to_dicts()}
        # Two locations may be one folder: what belongs to the other one is not foreign.
        self._here = [{"globus_alias": each} for each in aliases]
        self._datasets = (publication.DataSet() & self._here).to_dicts()
        self._left: dict[str, int] = {}
        self._folders: dict[str, set[str]] = {}
        self._tops: set[str] = set()
        for row in self._datasets:
            if row["globus_alias"] == location.alias and row["dataset_name"] in self._archived:
                self._left[row["dataset_h2o"]] = self._left.get(row["dataset_h2o"], 0) + 1

    def oldest(self, looks: dict[str, Any]) -> dict[str, str]:
        """Return when the session of each animal that was longest not looked at was (ISO; empty: never)."""
        found: dict[str, str] = {}
        for row in self._datasets:
            last = looks.get(row["dataset_name"])
            said = "" if last is None else last.isoformat(timespec="microseconds")
            found[row["dataset_h2o"]] = min(found.get(row["dataset_h2o"], said), said)
        return found

    def finished(self, batch: Sequence[Holding]) -> list[str]:
        """Note that sessions were compared; return the animals of which all were."""
        done = []
        for holding in batch:
            h2o = holding.manifest.session.h2o
            mine = self._folders.setdefault(h2o, set())
            for entry in holding.manifest.files:
                top, _, below_it = entry.subpath.partition("/")
                if top == h2o:
                    mine.add(below_it.split("/")[0])
                else:  # a layout of the lab puts its sessions elsewhere
                    self._tops.add(top)
            self._left[h2o] = self._left.get(h2o, 0) - 1
            if self._left[h2o] == 0:
                done.append(h2o)
        return done

    def strays(
        self,
        h2o: str,
        listing: Mapping[str, RemoteEntry] | MapshellError,
        lister: Lister,
        accounted: Callable[[Collection[str]], set[str]],
    ) -> Iterator[Stray]:
        """Yield what lies in an animal's folder and belongs to no session of the index.

        Parameters
        ----------
        h2o
            The animal, all of whose sessions were compared.
        listing
            What its folder holds.
        lister
            Looks into folders that no session uses.
        accounted
            Says which of some files are in the index after all, or being published.
        """
        if isinstance(listing, MapshellError):
            return
        mine = self._folders.pop(h2o, set()) | self._manifests(h2o)
        for name in sorted(listing.keys() - mine):
            if listing[name].kind == "file" and is_aside(name):
                continue
            subpath, refused = below(h2o, name)
            if not self._is_here(subpath) or (listing[name].kind == "file" and self._is_newer(h2o, name)):
                continue
            files: dict[str, int] = {subpath: listing[name].size}
            problem: MapshellError | None = refused
            if listing[name].kind == "dir" and refused is None and not listing[name].link:
                files = {}
                for path, found in lister.tree(self._location.endpoint, self._location.path, subpath, self._is_here):
                    if isinstance(found, MapshellError):
                        problem = found
                    else:
                        files[path] = found.size
            known = accounted(files) if refused is None and files else set()
            left = {path: size for path, size in files.items() if path not in known}
            if subpath in left and name in self._manifests(h2o):
                continue  # its session was committed since we asked
            if left or problem is not None:
                fits = listing[name].kind == "dir" and looks_into(subpath, self._location.dataset_type, self._layouts)
                yield _stray(self._location, h2o, subpath, left, problem, named=refused is None, fits=fits)

    def _is_newer(self, h2o: str, name: str) -> bool:
        """Say whether a file is named like a manifest of a compared session: newer than the index, it is drift."""
        said = read_manifest_name(name, h2o)
        return said is not None and any(
            (row["dataset_h2o"], row["dataset_date"], row["dataset_type"])
            == (h2o, said.session_date, said.dataset_type)
            and int(row["dataset_name"].rpartition("-")[2]) == said.session
            and (row["globus_alias"] != self._location.alias or row["dataset_name"] in self._archived)
            for row in self._datasets
        )

    def _is_here(self, subpath: str) -> bool:
        return not is_elsewhere(subpath, self._location.elsewhere)

    def unknown(self, listing: Sequence[RemoteEntry]) -> list[str]:
        """Return what the location's own folder holds beside the folders of the index's animals."""
        known = {row["dataset_h2o"] for row in self._datasets} | self._location.elsewhere | self._tops
        known |= set(OWN_FOLDERS)
        names = (entry.name for entry in listing if entry.name not in known and not self._undecided(entry.name))
        return sorted(name.encode("utf-8", "backslashreplace").decode("utf-8") for name in names)

    def _undecided(self, name: str) -> bool:
        """Say whether a folder may hold sessions of an animal, not all of whose sessions were compared."""
        folder = parse_folder(name, self._location.dataset_type, self._layouts) if self._layouts else None
        if folder is not None:
            return self._left.get(folder.h2o, 0) > 0
        return any(layout.above(name) == "" for layout in self._layouts) and any(self._left.values())

    def _manifests(self, h2o: str) -> set[str]:
        """Return the names of the manifests of all datasets of an animal by now, up to their generations."""
        names = set()
        for row in (publication.DataSet() & self._here & {"dataset_h2o": h2o}).to_dicts():
            subject_id, session = map(int, row["dataset_name"].split("-")[-2:])
            ref = SessionRef(subject_id, session, h2o, row["dataset_date"])
            for generation in range(1, row["dataset_generation"] + 1):
                names.add(manifest_subpath(ref, row["dataset_type"], generation).rpartition("/")[2])
        return names


def _stray(
    location: Location,
    h2o: str,
    subpath: str,
    files: Mapping[str, int],
    problem: MapshellError | None,
    *,
    named: bool,
    fits: bool,
) -> Stray:
    size = sum(files.values())
    there = quoted(f"{location.endpoint}:{join_remote(location.path, subpath)}")
    folder = " --recursive" if set(files) != {subpath} else ""
    said = f"{len(files):,} {'file' if len(files) == 1 else 'files'}, {human_bytes(size)}, of no session in the index"
    if problem is not None:
        said += f" (not looked at to the end: {problem.message})"
    seems = f"`{discover(h2o)} --dry-run` says what it seems to be"
    if not named:  # a command would mean another file
        remedy = "ask the archive's people to rename it; nothing was followed."
    elif any(read_manifest_name(path.rpartition("/")[2], h2o) for path in files):
        remedy = f"{seems}; what a manifest describes can be brought back by it, so nothing should be removed."
    else:
        first = seems if fits else "by its name it is no session's: look at it"
        remedy = f"{first}; what is foreign goes by `globus rm{folder} {there}`."
    return Stray(
        location.alias,
        subpath,
        len(files),
        size,
        tuple(sorted(files)[:_NAMED]),
        said,
        remedy,
    )
