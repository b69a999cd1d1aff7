"""The index as discover sees it: what it holds of a location, what is left alone, and one session's rows at a time."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import database, labrows, publication
from pipeline.archive.journal import step
from pipeline.archive.paths import printable
from pipeline.errors import Refused
from pipeline.journal import TableJournal
from pipeline.locations import location_row
from pipeline.rows import archived_row, dataset_row, file_rows
from pipeline.transitions import OPEN, is_committed, locked, told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import Location, SessionKey, SessionRef

_NAME = re.compile(r"(?:ephys|video)-([0-9]+)-([0-9]+)")
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Known:
    """What the index holds of a session, without its files.

    ``described`` is the subpath of its manifest, empty when it was found without one; ``archived`` says whether it has
    its archived row; ``folders`` are those that this row names.
    """

    generation: int
    described: str
    archived: bool
    h2o: str
    session_date: date
    folders: tuple[str, ...] = ()


class Busy(Refused):
    """Somebody else works on the session."""


class _RolledBack(Exception):
    """A dry run has seen that everything can be written."""


class NotMeant(Exception):
    """The session does not meet the restrictions; its rows were rolled back."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How one session is to be written.

    ``described`` tells a manifest from a listing; ``lab`` says whether rows of the lab are made too, ``restore``
    whether a withdrawal is lifted; ``meant`` whether the session is one of those asked for (asked in the transaction);
    with ``dry_run`` everything is written and rolled back.
    """

    described: bool = True
    lab: bool = False
    restore: bool = False
    meant: Callable[[SessionKey], bool] | None = None
    dry_run: bool = False


class Index:
    """The index of one location; use it as a context manager, which holds the leases.

    Parameters
    ----------
    location
        The storage location.
    refs
        The lab's sessions, by key.
    computer
        This computer's name.
    """

    def __init__(self, location: Location, refs: Mapping[SessionKey, SessionRef], computer: str) -> None:
        self._location = location
        self._here = {"globus_alias": location.alias}
        self._journal = TableJournal(location, refs, computer)
        self._archived = publication.archived_table(location.dataset_type)
        self._owners: dict[str, dict[str, set[SessionKey]]] = {}

    def __enter__(self) -> Index:
        self._journal.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._journal.__exit__(*error)

    # -- what is there -----------------------------------------------------------------------------------------

    def known(self) -> dict[SessionKey, Known]:
        """Return what the index holds of every session, in two queries."""
        archived = {row["dataset_name"]: row for row in (self._archived() & self._here).to_dicts()}
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
                    tuple((mine["evidence"] or {}).get("folders", ())) if mine else (),
                )
        return found

    def withdrawn(self) -> dict[SessionKey, Mapping[str, Any]]:
        """Return the sessions whose archived row was deleted on purpose."""
        rows = (publication.Withdrawal() & self._here).to_dicts()
        return {(row["subject_id"], row["session"]): row for row in rows}

    def journalled(self) -> dict[SessionKey, bool]:
        """Return the sessions of which the journal has transfers that are under way (True), or done (False)."""
        states = publication.Transfer() & {"purpose": "publish"} & "state != 'failed'"
        rows = ((publication.Transfer.Session() & self._here).proj() * states.proj("state")).to_dicts()
        found: dict[SessionKey, bool] = {}
        for row in rows:
            key = (row["subject_id"], row["session"])
            found[key] = found.get(key, False) or row["state"] in OPEN
        return found

    def working(self) -> dict[SessionKey, str]:
        """Return which computer works on a session now."""
        return self._journal.working()

    def owners(self, h2o: str) -> dict[str, set[SessionKey]]:
        """Return the sessions that have files in an animal's folders: those of two components, and of three."""
        if h2o not in self._owners:
            self._owners[h2o] = {}
            for dataset_name, folder in _folders(self._location.alias, h2o):
                name = _NAME.fullmatch(dataset_name)
                if name is not None:
                    self._own(h2o, folder, (int(name[1]), int(name[2])))
        return self._owners[h2o]

    def _own(self, h2o: str, folder: str, key: SessionKey) -> None:
        parts = folder.split("/")
        for depth in range(2, len(parts) + 1):
            self._owners[h2o].setdefault("/".join(parts[:depth]), set()).add(key)

    # -- writing -----------------------------------------------------------------------------------------------

    def write(self, manifest: Manifest, wish: Wish) -> labrows.Entered:
        """Write dataset, files and archived row of a session, all in one transaction, under its lease.

        Raises
        ------
        Busy
            Somebody else works on the session.
        Refused
            The lab's tables or the index contradict the manifest.
        NotMeant
            The session is none of those that were asked for.
        """
        key = manifest.session.key
        if wish.dry_run:
            return self._write(manifest, wish)
        holder = self._journal.claim(key)
        if holder is not None:
            raise Busy(f"{holder} works on it", remedy="discover again when that has ended.")
        step("discover: claimed")
        try:
            if any(self._open_transfers(key)):
                raise Busy("its transfer is under way", remedy="`mapshell publication-publish` gathers it.")
            return self._write(manifest, wish)
        finally:
            self._journal.release([key])

    def _open_transfers(self, key: SessionKey) -> list[Any]:
        mine = publication.Transfer.Session() & self._here & {"subject_id": key[0], "session": key[1]}
        open_ = publication.Transfer() & {"purpose": "publish"} & f"state in {OPEN}"
        return list((mine.proj() * open_.proj()).to_dicts())

    def _write(self, manifest: Manifest, wish: Wish) -> labrows.Entered:
        entered: list[labrows.Entered] = []

        def work() -> None:
            entered.clear()
            if wish.dry_run:
                database.insert_if_absent(publication.GlobusStorageLocation, location_row(self._location))
            else:
                self._journal.keep([manifest.session.key])
            entered.append(self._lab(manifest, wish))
            if wish.meant is not None and not wish.meant(manifest.session.key):
                raise NotMeant
            self._refuse_others(manifest)
            self._rows(manifest, wish)
            if wish.restore:
                key = {"subject_id": manifest.session.subject_id, "session": manifest.session.session}
                (publication.Withdrawal() & self._here & key).delete_quick()
            if wish.dry_run:
                raise _RolledBack

        with told([manifest.session]), suppress(_RolledBack):
            database.run_transaction(work, done=lambda: is_committed(manifest))
        for folder in {"/".join(entry.subpath.split("/")[:-1][:3]) for entry in manifest.files}:
            if manifest.session.h2o in self._owners:
                self._own(manifest.session.h2o, folder, manifest.session.key)
        return entered[0] if entered else labrows.Entered()

    @staticmethod
    def _lab(manifest: Manifest, wish: Wish) -> labrows.Entered:
        there = labrows.check(manifest)
        if wish.lab:
            return labrows.enter(manifest)
        if not there:
            raise Refused(
                "the lab's tables do not have its session",
                remedy="enter it, or discover again with --create-sessions (create_sessions=True).",
            )
        return labrows.enter(manifest, only=("publication.SessionIdent",)) if wish.described else labrows.Entered()

    def _refuse_others(self, manifest: Manifest) -> None:
        """Refuse files that the index gives to another session: they were reassigned, or the manifest lies."""
        owners = self.owners(manifest.session.h2o)
        folders = {"/".join(entry.subpath.split("/", 2)[:2]) for entry in manifest.files}
        others = {key for folder in folders for key in owners.get(folder, ())} - {manifest.session.key}
        if not others:
            return
        mine = {entry.subpath for entry in manifest.files}
        for key, theirs in self._journal.indexed(others).items():
            both = mine & {entry.subpath for entry in theirs.files}
            if both:
                raise Refused(
                    f"{printable(min(both))} is in the index as a file of session {key[1]} of subject {key[0]}",
                    remedy="nothing was changed; if it belongs to this one, delete the other's archived row and "
                    "dataset first.",
                )

    def _rows(self, manifest: Manifest, wish: Wish) -> None:
        row = dataset_row(manifest) if wish.described else {**dataset_row(manifest), "dataset_manifest": ""}
        key = {name: row[name] for name in ("globus_alias", "dataset_name")}
        stored = locked(publication.DataSet, "dataset_generation", key)
        new: Sequence[FileEntry] = manifest.files
        if stored is None:
            publication.DataSet.insert1(row)
        else:
            new = self._forward(manifest, row, key, wish)
        database.bulk_insert(publication.DataSet.PhysicalFile, file_rows(manifest, new))
        step("discover: files")
        archived = archived_row(manifest)
        if self._archived() & {name: archived[name] for name in self._archived.primary_key}:
            self._archived.update1(archived)
        else:
            self._archived.insert1(archived, allow_direct_insert=True)

    def _forward(
        self, manifest: Manifest, row: Mapping[str, Any], key: Mapping[str, Any], wish: Wish
    ) -> Sequence[FileEntry]:
        """Bring a dataset to the manifest's generation; return its files that the index lacks."""
        (stored,) = (publication.DataSet() & key).to_dicts()
        had = {
            entry.subpath: entry for entry in self._journal.indexed([manifest.session.key])[manifest.session.key].files
        }
        said = {entry.subpath: entry for entry in manifest.files}
        if not wish.described:
            if stored["dataset_manifest"]:
                raise Refused(
                    "it is archived, and its manifest does not list these files",
                    remedy="publish them from the computer that has them, or leave them: `mapshell publication-verify` "
                    "names them too.",
                )
            return [entry for subpath, entry in said.items() if subpath not in had]
        if stored["dataset_manifest"]:
            _refuse_difference(stored, row, had, said)
        else:
            gone = [subpath for subpath in had if said.get(subpath) != had[subpath]]
            self._drop(key, [had.pop(subpath) for subpath in gone], manifest)
        publication.DataSet.update1(row)
        return [entry for subpath, entry in said.items() if subpath not in had]

    def _drop(self, key: Mapping[str, Any], entries: Sequence[FileEntry], manifest: Manifest) -> None:
        """Remove rows of files that were only listed, with what was checked of them: the manifest knows better."""
        ids = [row["file_id"] for row in file_rows(manifest, entries)]
        for begin in range(0, len(ids), _CHUNK):
            chosen = [{**key, "file_id": each} for each in ids[begin : begin + _CHUNK]]
            (publication.FileCheck() & chosen).delete_quick()
            (publication.DataSet.PhysicalFile() & chosen).delete_quick()


def _refuse_difference(
    stored: Mapping[str, Any],
    row: Mapping[str, Any],
    had: Mapping[str, FileEntry],
    said: Mapping[str, FileEntry],
) -> None:
    """Refuse to bring a dataset forward by a manifest that does not follow from it."""
    other = [subpath for subpath, entry in had.items() if said.get(subpath) != entry]
    why = ""
    if stored["dataset_generation"] > row["dataset_generation"]:
        why = f"the index has generation {stored['dataset_generation']} of it, the manifest {row['dataset_generation']}"
    elif any(stored[name] != row[name] for name in ("dataset_h2o", "dataset_date")):
        why = "the index has it as of another animal or day"
    elif stored["dataset_generation"] == row["dataset_generation"] and (other or len(had) != len(said)):
        why = "the index has this generation with other files"
    elif other:
        why = f"the index says something else of {printable(min(other))}"
    if why:
        raise Refused(f"{why}; nothing was changed", remedy="compare the two: `mapshell publication-verify`.")


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
