"""What the index holds of a storage location, as far as discover must know it before it looks at the archive."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.acceptance import folders_in
from pipeline.archive.credible import folders
from pipeline.transitions import OPEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import Location, SessionKey

_NAME = re.compile(r"(?:ephys|video)-([0-9]+)-([0-9]+)")


@dataclass(frozen=True, slots=True)
class Known:
    """What the index holds of a session, without its files.

    ``described`` is the subpath of its manifest, empty when it was found without one; ``archived`` says whether it has
    its archived row; ``folders`` are those that this row names; ``files`` and ``size`` (bytes) what its rows come to,
    ``unsized`` how many of the files nobody has looked at.
    """

    generation: int
    described: str
    archived: bool
    h2o: str
    session_date: date
    folders: tuple[str, ...] = ()
    files: int = 0
    size: int = 0
    unsized: int = 0


class KnownIndex:
    """The index of one location.

    Parameters
    ----------
    location
        The storage location.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self._here = {"globus_alias": location.alias}
        self.archived = publication.archived_table(location.dataset_type)
        self._owners: dict[str, dict[str, set[SessionKey]]] = {}

    def known(self) -> dict[SessionKey, Known]:
        """Return what the index holds of every session, in three queries."""
        import datajoint as dj

        files = publication.DataSet.PhysicalFile() & self._here
        counted = dj.U("dataset_name").aggr(files, files="count(*)", size="sum(file_size)", sized="count(file_size)")
        sums = {
            row["dataset_name"]: (int(row["files"]), int(row["size"] or 0), int(row["files"]) - int(row["sized"]))
            for row in counted.to_dicts()
        }
        archived = {row["dataset_name"]: row for row in (self.archived() & self._here).to_dicts()}
        found = {}
        for row in (publication.DataSet() & self._here).to_dicts():
            name = _NAME.fullmatch(row["dataset_name"])
            if name is not None:
                mine = archived.get(row["dataset_name"])
                found[int(name[1]), int(name[2])] = Known(
                    row["dataset_generation"],
                    row["dataset_manifest"],
                    mine is not None,
                    row["dataset_h2o"],
                    row["dataset_date"],
                    folders_in(mine["evidence"]) if mine else (),
                    *sums.get(row["dataset_name"], (0, 0, 0)),
                )
        return found

    def withdrawn(self) -> dict[SessionKey, Mapping[str, Any]]:
        """Return the sessions whose archived row was deleted on purpose."""
        rows = (publication.Withdrawal() & self._here).to_dicts()
        return {(row["subject_id"], row["session"]): row for row in rows}

    def journalled(self) -> dict[SessionKey, bool]:
        """Return the sessions of which the journal has transfers that are under way (True), or done (False).

        One whose files were reassigned to another since is none of them: nobody deleted it.
        """
        states = publication.Transfer() & "purpose in ('publish', 'move')" & "state != 'failed'"
        parts = (publication.Transfer.Session() & self._here).proj("generation")
        rows = (parts * states.proj("state", "created_at")).to_dicts()
        found: dict[SessionKey, bool] = {}
        for row in sorted(rows, key=lambda row: row["created_at"]):
            key, flying = (row["subject_id"], row["session"]), row["state"] in OPEN
            if row["generation"] or flying:
                found[key] = found.get(key, False) or flying
            else:
                found.pop(key, None)
        return found

    def owners(self, h2o: str) -> dict[str, set[SessionKey]]:
        """Return the sessions that have files in an animal's folders: up to three components."""
        if h2o not in self._owners:
            self._owners[h2o] = {}
            for dataset_name, folder in _folders(self.location.alias, h2o):
                name = _NAME.fullmatch(dataset_name)
                if name is not None:
                    self._own(h2o, folder, (int(name[1]), int(name[2])))
        return self._owners[h2o]

    def note_owner(self, manifest: Manifest) -> None:
        """Remember that a session has its files now, if anybody asked for the owners of its animal's folders."""
        if manifest.session.h2o in self._owners:
            for folder in {"/".join(entry.subpath.split("/")[:-1][:3]) for entry in manifest.files}:
                self._own(manifest.session.h2o, folder, manifest.session.key)

    def others(self, manifest: Manifest) -> set[SessionKey]:
        """Return the other sessions that have files in the folders of a manifest's files."""
        owners = self.owners(manifest.session.h2o)
        found = {key for folder in folders(manifest.files) for key in owners.get(folder, ())}
        return found - {manifest.session.key}

    def _own(self, h2o: str, folder: str, key: SessionKey) -> None:
        parts = folder.split("/")
        for depth in range(1, len(parts) + 1):
            self._owners[h2o].setdefault("/".join(parts[:depth]), set()).add(key)


def _folders(alias: str, h2o: str) -> list[tuple[str, str]]:
    """Return the folders (up to three components) in which each dataset of an animal has files."""
    bound = database.connection()
    files, sets = publication.DataSet.PhysicalFile.full_table_name, publication.DataSet.full_table_name
    path = "f.file_subpath"
    if bound.adapter.backend == "postgresql":
        first = "array_to_string((string_to_array({0}, '/'))[1:{1}], '/')".format
    else:
        first = "SUBSTRING_INDEX({0}, '/', {1})".format
    depth = f"CHAR_LENGTH({path}) - CHAR_LENGTH(REPLACE({path}, '/', ''))"
    rows = bound.query(
        f"SELECT DISTINCT f.dataset_name, CASE WHEN {depth} > 2 THEN {first(path, 3)} ELSE {first(path, 2)} END "  # noqa: S608
        f"FROM {files} f JOIN {sets} d ON f.globus_alias = d.globus_alias AND f.dataset_name = d.dataset_name "
        "WHERE f.globus_alias = %s AND d.dataset_h2o = %s",
        (alias, h2o),
    ).fetchall()
    return [(str(name), str(folder)) for name, folder in rows]
