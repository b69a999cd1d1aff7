"""Which folders of this computer belong to which session: one walk of the roots, then the pure rules of matching."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.archive.integrity import earliest_start
from pipeline.archive.matching import FoundFolder, SessionFacts, match
from pipeline.archive.matching_rules import claiming
from pipeline.archive.reclaiming.told import told_files
from pipeline.archive.scan import Defect, Scan, scan_folder
from pipeline.archive.walk.former_names import Former, under_new_name, whose
from pipeline.archive.walk.given import FORMER, INDEXED, Given
from pipeline.archive.walk.possible import by_name, possible, with_candidates
from pipeline.archive.walk.session_folders import ROOT, UNLISTABLE, Stray, candidates
from pipeline.archive.walk.withheld import as_further, as_taken, by_run, of_reassigned_run, taken_elsewhere
from pipeline.errors import LocalDiskError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import DatasetType, LocalFile, Root, SessionKey, SessionRef
    from pipeline.archive.walk.listing import Listing
    from pipeline.archive.walk.withheld import Run, Taken

__all__ = ["Found", "Given", "LocalSession", "Stray", "candidates", "find", "local_session"]


@dataclass(frozen=True, slots=True)
class LocalSession:
    """What this computer holds of one session: its folders, its files, and what stood in the way of the scan.

    ``names`` pairs folders that bear another name at the archive with that name; ``tombstones`` are what reclaim left
    in place of files that it deleted, each with its root.
    """

    ref: SessionRef
    folders: tuple[str, ...]
    files: tuple[LocalFile, ...]
    defects: tuple[Defect, ...]
    names: tuple[tuple[str, str], ...] = ()
    tombstones: tuple[tuple[Root, str], ...] = ()


@dataclass(slots=True)
class Found:
    """The outcome of one walk.

    ``indexed`` is what the index holds of the sessions that were possible, ``strangers`` the folders at the top of a
    root that are no animal of the database, ``given`` who got each folder, and by which rule.
    """

    sessions: dict[SessionKey, LocalSession] = field(default_factory=dict)
    strays: list[Stray] = field(default_factory=list)
    indexed: dict[SessionKey, Manifest] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    given: list[Given] = field(default_factory=list)


def find(
    roots: Sequence[Root],
    kind: DatasetType,
    sessions: Mapping[SessionKey, SessionFacts],
    refs: Mapping[SessionKey, SessionRef],
    indexed: Callable[[Collection[SessionKey]], Mapping[SessionKey, Manifest]],
    patterns: Collection[str],
    layouts: Sequence[Layout] = (),
    wanted: Collection[SessionKey] | None = None,
    former: Mapping[str, Sequence[Former]] | None = None,
    taken: Mapping[str, Taken] | None = None,
    listing: Listing | None = None,
    animals: Collection[str] = (),
) -> Found:
    """Give every session its folders and files on this computer.

    Parameters
    ----------
    roots
        Local roots of one storage alias.
    sessions, refs
        All sessions, as the matching rules and as the rest of the engine see them.
    indexed
        Asks the index for manifests; asked once, for the sessions whose names fit a folder.
    patterns
        What to leave out.
    layouts
        Further folder patterns of the lab.
    wanted
        The sessions whose files are asked for; all when None.  Every session takes part in the matching.
    former
        What names of folders stand for that reassigned sessions had before.
    taken
        Folders that were archived as of sessions that the lab no longer has: another session must not get them.
    listing
        What was listed already in this round.
    animals
        Further animals of the lab, whose sessions were left out: only their names count.
    """
    former, taken = former or {}, taken or {}
    h2os = {facts.h2o for facts in sessions.values()} | {folder.split("/")[0] for folder in (*former, *taken)}
    found = Found()
    seen: list[tuple[Root, FoundFolder]] = []
    for root in roots:
        try:
            seen.extend(candidates([root], kind, h2os, layouts, found.strangers, found.strays, listing))
        except LocalDiskError as error:  # a disk that is not connected must not keep the others from being archived
            found.strays.append(Stray(".", root, error.message, error.remedy, refused=True, rule=ROOT))
    found.strays = [with_candidates(stray, kind, layouts, sessions) for stray in found.strays]
    hidden = {key for stray in found.strays for key in stray.candidates}
    renamed = {one.key for _, folder in seen for one in former.get(folder.subpath, ()) if one.key in refs}
    found.indexed.update(indexed(sorted({*possible([folder for _, folder in seen], sessions), *hidden, *renamed})))
    owners = _owners(found.indexed, {folder.subpath for _, folder in seen})
    owned: dict[SessionKey, list[tuple[Root, str]]] = defaultdict(list)
    scans: dict[tuple[str, str], Scan] = {}
    unknown: list[tuple[Root, FoundFolder]] = []
    settled: list[tuple[Root, FoundFolder]] = []
    names: dict[str, str] = {}
    for root, folder in seen:
        owner = owners.get(folder.subpath)
        if (one := _former(root, folder.subpath, patterns, former, found.indexed, owner, sessions)) is not None:
            owner, names[folder.subpath] = one.key, one.folder
        if owner is not None:
            owned[owner].append((root, folder.subpath))
            found.given.append(Given(root, folder.subpath, owner, FORMER if folder.subpath in names else INDEXED))
            settled.append((root, folder))
            continue
        if folder.subpath in taken:
            could = by_name(folder, sessions)
            found.strays.append(as_taken(root, folder.subpath, taken[folder.subpath], could, sessions))
            continue
        scan = _scan(root, folder.subpath, patterns, found, by_name(folder, sessions))
        if scan is not None and (by := taken_elsewhere(folder.subpath, scan.files, taken)) is not None:
            found.strays.append(as_taken(root, folder.subpath, by, by_name(folder, sessions), sessions))
        elif scan is not None:
            scans[str(root.local_path), folder.subpath] = scan
            unknown.append((root, FoundFolder(folder.name, folder.subpath, earliest_start(scan.files))))
    own = {folder.subpath for _, folder in seen} - names.keys()
    _withhold(unknown, by_run(former, kind, layouts), own, layouts, sessions, found)
    _match_unknown(unknown, _same_runs(settled, unknown, patterns), sessions, owned, found, animals)
    for key in owned if wanted is None else owned.keys() & set(wanted):
        parts = []
        archived = found.indexed.get(key)
        known = {} if archived is None else {entry.subpath: entry for entry in archived.files}
        for root, subpath in owned[key]:
            here = {} if subpath in names else known  # there its files have other names
            scan = scans.get((str(root.local_path), subpath)) or _scan(root, subpath, patterns, found, [key], here)
            if scan is not None:
                parts.append((root, subpath, scan))
        found.sessions[key] = local_session(refs[key], parts, names)
    return found


def _withhold(
    unknown: list[tuple[Root, FoundFolder]],
    former: Mapping[Run, Sequence[tuple[str, Former]]],
    own: Collection[str],
    layouts: Sequence[Layout],
    sessions: Mapping[SessionKey, SessionFacts],
    found: Found,
) -> None:
    """Take out, and name, folders of a run that was reassigned: their names tell the wrong session."""
    for root, folder in tuple(unknown) if former else ():
        if (one := of_reassigned_run(folder, former, own, found.indexed)) is not None:
            found.strays.append(as_further(root, folder, one, layouts, by_name(folder, sessions)))
            unknown.remove((root, folder))


def _former(
    root: Root,
    folder: str,
    patterns: Collection[str],
    former: Mapping[str, Sequence[Former]],
    indexed: Mapping[SessionKey, Manifest],
    owner: SessionKey | None,
    sessions: Collection[SessionKey],
) -> Former | None:
    """Say for which reassigned session a folder's name stands; None when for none, or nobody can look into it."""
    if folder not in former:
        return None
    with suppress(LocalDiskError):
        scan = scan_folder(root, folder, patterns)
        freed = told_files(root, folder, scan.tombstones, {one.folder for one in former[folder]})
        return whose(former[folder], folder, [*scan.files, *freed], indexed, owner, sessions)
    return None


def _owners(indexed: Mapping[SessionKey, Manifest], folders: Collection[str]) -> dict[str, SessionKey]:
    """Return which session the index gives each folder: what is archived is not matched anew."""
    owners: dict[str, SessionKey] = {}
    for key, manifest in indexed.items():
        for folder in {entry.subpath.rpartition("/")[0] for entry in manifest.files}:
            above = folder
            while above:
                if above in folders:
                    owners[above] = key
                above = above.rpartition("/")[0]
    return owners


def _scan(
    root: Root,
    subpath: str,
    patterns: Collection[str],
    found: Found,
    whose: Sequence[SessionKey],
    settled: Mapping[str, FileEntry] | None = None,
) -> Scan | None:
    try:
        return scan_folder(root, subpath, patterns, settled)
    except LocalDiskError as error:
        said, remedy = error.message, error.remedy
        found.strays.append(Stray(subpath, root, said, remedy, True, tuple(whose), rule=UNLISTABLE))
        return None


def _same_runs(
    settled: Sequence[tuple[Root, FoundFolder]],
    unknown: Sequence[tuple[Root, FoundFolder]],
    patterns: Collection[str],
) -> list[FoundFolder]:
    """Return the folders with an owner whose run has a further gate that came later, with their starts."""

    def run(folder: FoundFolder) -> tuple[str, str | None]:
        return (folder.name.h2o, folder.name.run)

    further = {run(folder) for _, folder in unknown if folder.name.gate}
    found = []
    for root, folder in settled:
        if run(folder) in further:
            with suppress(LocalDiskError):  # the session that owns it tells so
                found.append(replace(folder, started=earliest_start(scan_folder(root, folder.subpath, patterns).files)))
    return found


def _match_unknown(
    unknown: Sequence[tuple[Root, FoundFolder]],
    same_runs: Sequence[FoundFolder],
    sessions: Mapping[SessionKey, SessionFacts],
    owned: dict[SessionKey, list[tuple[Root, str]]],
    found: Found,
    animals: Collection[str],
) -> None:
    folders_only = [folder for _, folder in unknown]
    matching = match(folders_only, list(sessions.values()), others=same_runs, animals=animals)
    places = {id(folder): root for root, folder in unknown}
    for key, folders in matching.owned.items():
        owned[key].extend((places[id(folder)], folder.subpath) for folder in folders)
        found.given.extend(
            Given(places[id(folder)], folder.subpath, key, matching.rules[id(folder)]) for folder in folders
        )
    for strays, refused in ((matching.refused, True), (matching.unmatched, False)):
        for stray in strays:
            root, rule, ident = places[id(stray.folder)], stray.rule, claiming(stray.folder.name)
            found.strays.append(
                Stray(stray.folder.subpath, root, stray.reason, stray.remedy, refused, stray.candidates, rule, ident)
            )


def local_session(
    ref: SessionRef, parts: Sequence[tuple[Root, str, Scan]], names: Mapping[str, str] | None = None
) -> LocalSession:
    """Put together what the folders of a session hold; the same file under two roots is a defect.

    ``names`` gives those that bear another name at the archive.
    """
    names = names or {}
    files: dict[str, LocalFile] = {}
    defects = [defect for _, _, scan in parts for defect in scan.defects]
    for _, folder, scan in parts:
        for file in under_new_name(scan, folder, names.get(folder, folder)).files:
            twin = files.setdefault(file.subpath, file)
            if twin is not file and not _is_fetched_back(twin, file):
                defects.append(
                    Defect(
                        "twin",
                        file.subpath,
                        f"it lies in two places, {twin.path} and {file.path}",
                        "keep it in one place only; mapshell cannot know which one is right.",
                    )
                )
    ordered = tuple(files[subpath] for subpath in sorted(files))
    folders = sorted({subpath for _, subpath, _ in parts})
    other = tuple((folder, names[folder]) for folder in folders if names.get(folder, folder) != folder)
    left = tuple((root, tombstone) for root, _, scan in parts for tombstone in scan.tombstones)
    return LocalSession(ref, tuple(folders), ordered, tuple(defects), other, left)


def _is_fetched_back(one: LocalFile, other: LocalFile) -> bool:
    """Say whether a file lies here twice: under the folder's old name and, fetched from the archive, its new one."""
    return one.root == other.root and one.lies != other.lies and (one.size, one.mtime) == (other.size, other.mtime)
