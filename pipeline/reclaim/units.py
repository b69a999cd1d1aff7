"""What lies on this computer of each session and type of data, as the walks for all storage locations find it."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.reclaiming.deleting import lies
from pipeline.archive.scan import Defect, scan_folder
from pipeline.archive.walk.former_names import under_new_name
from pipeline.archive.walk.listing import Listing
from pipeline.here import local_roots, look, patterns
from pipeline.journal import TableJournal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.archive.session import DatasetType, LocalFile, Location, Root, SessionKey, SessionRef
    from pipeline.sessions import LabSessions
    from pipeline.settings import Settings

Where = tuple[str, str]
"""The real path of a root, and a POSIX path below it: one file, whatever alias its root has."""


@dataclass(slots=True)
class Unit:
    """One session and type of data, and what lies here of it.

    ``folders`` and ``tombstones`` pair a root with a path below it; ``former`` gives folders that bear another name at
    the archive that name; ``others`` are further sessions, or types of data, that some of its files belong to as well.
    """

    ref: SessionRef
    dataset_type: DatasetType
    files: dict[Where, LocalFile] = field(default_factory=dict)
    defects: list[Defect] = field(default_factory=list)
    folders: dict[Where, Root] = field(default_factory=dict)
    tombstones: dict[Where, Root] = field(default_factory=dict)
    former: dict[str, str] = field(default_factory=dict)
    others: list[Unit] = field(default_factory=list, repr=False)

    @property
    def key(self) -> SessionKey:
        """``(subject_id, session)``."""
        return self.ref.key

    @property
    def ordered(self) -> list[LocalFile]:
        """Its files by subpath."""
        return [self.files[where] for where in sorted(self.files)]

    @property
    def names(self) -> tuple[str, ...]:
        """Its folders' names, as they are here."""
        return tuple(sorted({folder for _, folder in self.folders}))

    def folder_of(self, file: LocalFile) -> Where:
        """Return the session's folder in which a file lies."""
        top = real(file.root)
        path = lies(file)
        inside = [where for where in self.folders if where[0] == top and path.startswith(f"{where[1]}/")]
        return max(inside, key=lambda where: len(where[1]))


def real(root: Root) -> str:
    """Return where a root really lies."""
    return os.path.realpath(root.local_path)


def units(
    settings: Settings,
    places: Mapping[DatasetType, Sequence[Location]],
    lab_sessions: LabSessions,
    wanted: Collection[SessionKey],
) -> dict[tuple[SessionKey, DatasetType], Unit]:
    """Look at the roots of all storage locations of these types; return what lies here of each session.

    Roots that serve several locations are looked at for each: the index of each says which folders are whose.
    """
    found: dict[tuple[SessionKey, DatasetType], Unit] = {}
    listing = Listing()
    for kind, locations in places.items():
        for location in locations:
            journal = TableJournal(location, lab_sessions.refs, settings.archive.computer)
            roots = local_roots(settings, location.alias)
            here = look(settings, location, roots, journal, lab_sessions, set(wanted), None, listing)
            for key, session in here.sessions.items():
                unit = found.setdefault((key, kind), Unit(session.ref, kind))
                unit.defects += [each for each in session.defects if each not in unit.defects]
                unit.former.update(session.names)
                _take(unit, session.files)
                tops = {root.local_path: root for root in roots}
                for root in {file.root.local_path for file in session.files} | {
                    root.local_path for root, _ in session.tombstones
                }:
                    for folder in session.folders:
                        if (tops[root].on_disk(folder)).is_dir():
                            unit.folders[real(tops[root]), folder] = tops[root]
                unit.tombstones.update({(real(root), subpath): root for root, subpath in session.tombstones})
    _pair(found.values())
    return found


def again(unit: Unit, settings: Settings) -> Unit:
    """Look at the folders of a session again, now.

    Raises
    ------
    LocalDiskError
        One cannot be listed.
    """
    found = Unit(unit.ref, unit.dataset_type, former=unit.former, others=unit.others)
    for (top, folder), root in unit.folders.items():
        if not root.on_disk(folder).is_dir():
            continue
        scan = scan_folder(root, folder, patterns(settings))
        found.folders[top, folder] = root
        found.defects += scan.defects
        found.tombstones.update({(top, subpath): root for subpath in scan.tombstones})
        _take(found, under_new_name(scan, folder, unit.former.get(folder, folder)).files)
    return found


def _take(unit: Unit, files: Sequence[LocalFile]) -> None:
    """Add files; one that two locations know by two names is a defect."""
    for file in files:
        where = (real(file.root), lies(file))
        before = unit.files.setdefault(where, file)
        if before.subpath != file.subpath:
            said = f"one location has it as {before.subpath}, another as {file.subpath}"
            unit.defects.append(Defect("two-names", lies(file), said, "`mapshell publication-verify` tells more."))


def _pair(found: Collection[Unit]) -> None:
    """Let sessions know of each other that are given the same files."""
    owners: dict[Where, list[Unit]] = defaultdict(list)
    for unit in found:
        for where in unit.files:
            owners[where].append(unit)
    for several in owners.values():
        for unit in several if len(several) > 1 else ():
            unit.others += [other for other in several if other is not unit and other not in unit.others]
