"""Which folders' names stand for another session now: read from the evidence of archived rows."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline import database, locations, publication
from pipeline.archive.aliases import aliases_in, local_names, session_of
from pipeline.archive.scan import scan_folder
from pipeline.archive.walk.former_names import Former, whose
from pipeline.archive.walk.withheld import by_run, of_reassigned_run, run_of
from pipeline.errors import LocalDiskError
from pipeline.journal import TableJournal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.matching import FoundFolder
    from pipeline.archive.session import DatasetType, LocalFile, Location, Root, SessionKey


def former_names(location: Location) -> dict[str, list[Former]]:
    """Return what names of folders stand for that sessions of a location had before they were reassigned."""
    found: dict[str, list[Former]] = defaultdict(list)
    for row in _reassigned_rows(location):
        now = local_names(row["evidence"])
        was = {old: session_of(record).key for record in aliases_in(row["evidence"]) for old in record["folders"]}
        for old, folder in now.items():
            found[old].append(Former((row["subject_id"], row["session"]), folder, was[old]))
    return dict(found)


def former_keys(location: Location) -> dict[SessionKey, SessionKey]:
    """Return the session that has the files now of each that was reassigned at a location."""
    return {
        session_of(record).key: (row["subject_id"], row["session"])
        for row in _reassigned_rows(location)
        for record in aliases_in(row["evidence"])
    }


def _reassigned_rows(location: Location) -> list[dict[str, Any]]:
    """Return the archived rows of reassigned sessions: one query, which passes over every other session's evidence."""
    table = publication.archived_table(location.dataset_type)
    bound = database.connection()
    text = "evidence::text" if bound.adapter.backend == "postgresql" else "CAST(evidence AS CHAR)"
    rows = bound.query(
        f"SELECT subject_id, session FROM {table.full_table_name} "  # noqa: S608 - our own names
        f"WHERE globus_alias = %s AND {text} LIKE %s",
        (location.alias, '%"aliases"%'),
    ).fetchall()
    keys = [{"globus_alias": location.alias, "subject_id": int(row[0]), "session": int(row[1])} for row in rows]
    return (table & keys).to_dicts() if keys else []


class Reassigned:
    """Tells folders that bear the name of another session than the one that they are archived as, or are of its run.

    Parameters
    ----------
    kind
        What the folders hold.
    known
        The lab's sessions.
    patterns, layouts
        What is left out, and further layouts of the lab.
    """

    def __init__(
        self, kind: DatasetType, known: Collection[SessionKey], patterns: Collection[str], layouts: Sequence[Layout]
    ) -> None:
        self._known = known
        self._patterns = patterns
        self._layouts = layouts
        self._former = [
            (location, names)
            for location in locations.known().values()
            if location.dataset_type == kind and (names := former_names(location))
        ]

    def holds(self, root: Root, folder: FoundFolder, files: Sequence[LocalFile]) -> bool:
        """Say whether what lies in a folder is of a session, or a session's run, that its name does not tell."""
        return any(
            self._was_archived(location, names, folder.subpath, files)
            or self._is_further(location, names, root, folder)
            for location, names in self._former
        )

    def _was_archived(
        self, location: Location, names: Mapping[str, Sequence[Former]], folder: str, files: Sequence[LocalFile]
    ) -> bool:
        candidates = names.get(folder, ())
        indexed = _indexed(location, {one.key for one in candidates})
        return bool(candidates) and whose(candidates, folder, files, indexed, None, self._known) is not None

    def _is_further(
        self, location: Location, names: Mapping[str, Sequence[Former]], root: Root, folder: FoundFolder
    ) -> bool:
        """Say so of another folder of a reassigned run, unless its first folder here is what its name says."""
        runs = by_run(names, folder.name.kind, self._layouts)
        mine = runs.get(run_of(folder.name), ())
        own = {folder.subpath}
        for old in {old for old, _ in mine if root.holds(old) and root.on_disk(old).is_dir()}:
            with suppress(LocalDiskError):
                if not self._was_archived(location, names, old, scan_folder(root, old, self._patterns).files):
                    own.add(old)
        return of_reassigned_run(folder, runs, own, _indexed(location, {one.was for _, one in mine})) is not None


def _indexed(location: Location, keys: Collection[SessionKey]) -> Mapping[SessionKey, Manifest]:
    return TableJournal(location, {}, "").indexed(keys) if keys else {}
