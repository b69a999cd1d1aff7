"""The index as discover writes it: one session's dataset, files and archived row at a time, all or none.

Sessions that are simply new are written together (``pipeline.discovery.pages``).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline import database, labrows, publication
from pipeline.archive.evidence import records
from pipeline.archive.journal import step
from pipeline.archive.paths import printable
from pipeline.errors import Refused
from pipeline.journal import TableJournal
from pipeline.known_index import KnownIndex
from pipeline.locations import location_row
from pipeline.reassign.older import left_behind
from pipeline.reassign.rows import rehome
from pipeline.rows import archived_row, dataset_row, file_rows
from pipeline.transitions import OPEN, is_committed, locked, told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import Location, SessionKey, SessionRef

_CHUNK = 200


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
    with ``dry_run`` everything is written and rolled back.  ``listed`` tells whether the archive lists a file.
    """

    described: bool = True
    lab: bool = False
    restore: bool = False
    meant: Callable[[SessionKey], bool] | None = None
    dry_run: bool = False
    listed: Callable[[str], bool] | None = None


FINISHES = "`mapshell publication-publish`, on the computer that has the recording, sends it again."


class Index(KnownIndex):
    """The index of one location as discover writes it; use it as a context manager, which holds the leases.

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
        super().__init__(location)
        self.journal = TableJournal(location, refs, computer)
        self.followed: set[SessionKey] = set()

    def __enter__(self) -> Index:
        self.journal.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.journal.__exit__(*error)

    def working(self) -> dict[SessionKey, str]:
        """Return which computer works on a session now."""
        return self.journal.working()

    def left_by_us(self, key: SessionKey) -> set[str]:
        """Return the subpaths that transfers which failed may have left at the archive, whole or half."""
        return self.journal.leftovers(key)

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
        behind = left_behind(manifest, self.journal.indexed) if wish.described else None
        if behind is not None and behind.before is not None:
            _refuse_what_is_there(behind.before, manifest, wish)
        if wish.dry_run:
            return self._write(manifest, wish)
        keys = sorted({manifest.session.key} | ({behind.before.session.key} if behind and behind.before else set()))
        held: list[SessionKey] = []
        try:
            for key in keys:
                holder = self.journal.claim(key)
                if holder is not None:
                    raise Busy(f"{holder} works on it", remedy="discover again when that has ended.")
                held.append(key)
            step("discover: claimed")
            if self.in_flight(keys):
                raise Busy("its transfer is under way", remedy="`mapshell publication-publish` gathers it.")
            left = set() if wish.described else self.left_by_us(manifest.session.key)
            if any(entry.subpath in left for entry in manifest.files):  # listed while it was on its way, say
                raise Refused("a transfer of it that failed left some of these files", remedy=FINISHES)
            return self._write(manifest, wish, keys)
        finally:
            self.journal.release(held)

    def in_flight(self, keys: Sequence[SessionKey]) -> set[SessionKey]:
        """Return those of some sessions whose transfer is under way now."""
        chosen = [{"subject_id": key[0], "session": key[1]} for key in keys]
        mine = publication.Transfer.Session() & self._here & chosen
        open_ = publication.Transfer() & "purpose in ('publish', 'move')" & f"state in {OPEN}"
        return {(row["subject_id"], row["session"]) for row in (mine.proj() * open_.proj()).to_dicts()}

    def _write(self, manifest: Manifest, wish: Wish, held: Sequence[SessionKey] = ()) -> labrows.Entered:
        entered: list[labrows.Entered] = []

        def work() -> None:
            entered.clear()
            if wish.dry_run:
                database.insert_if_absent(publication.GlobusStorageLocation, location_row(self.location))
            else:
                self.journal.keep(held)
            entered.append(self._lab(manifest, wish))
            if wish.meant is not None and not wish.meant(manifest.session.key):
                raise NotMeant
            if wish.described:
                self._follow(manifest, entered[0], wish, held)
            self._refuse_others(manifest)
            self._rows(manifest, wish)
            if wish.restore:
                key = {"subject_id": manifest.session.subject_id, "session": manifest.session.session}
                (publication.Withdrawal() & self._here & key).delete_quick()
            if wish.dry_run:
                raise _RolledBack

        with told([manifest.session]), suppress(_RolledBack):
            database.run_transaction(work, done=lambda: is_committed(manifest))
        self.note_owner(manifest)
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

    def _follow(self, manifest: Manifest, entered: labrows.Entered, wish: Wish, held: Sequence[SessionKey]) -> None:
        """Let rows of an index that is older than a reassignment become the session's, before the manifest's are added.

        Raises
        ------
        Busy
            They have come only now.
        """
        behind = left_behind(manifest, self.journal.indexed)
        if behind is None or behind.before is None:
            return
        was = behind.before.session
        if not wish.dry_run and was.key not in held:
            raise Busy(f"something was done with {was} meanwhile", remedy="discover again.")
        rehome(behind)
        for h2o in (was.h2o, manifest.session.h2o):
            self._owners.pop(h2o, None)
        self.followed.add(was.key)
        entered.notes.append(f"the index had it as {was}: reassigned since")

    def _refuse_others(self, manifest: Manifest) -> None:
        """Refuse files that the index gives to another session: they were reassigned, or the manifest lies."""
        others = self.others(manifest)
        if not others:
            return
        mine = {entry.subpath for entry in manifest.files}
        for key, theirs in self.journal.indexed(others).items():
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
        if self.archived() & {name: archived[name] for name in self.archived.primary_key}:
            self.archived.update1(archived)
        else:
            self.archived.insert1(archived, allow_direct_insert=True)

    def _forward(
        self, manifest: Manifest, row: Mapping[str, Any], key: Mapping[str, Any], wish: Wish
    ) -> Sequence[FileEntry]:
        """Bring a dataset to the manifest's generation; return its files that the index lacks."""
        (stored,) = (publication.DataSet() & key).to_dicts()
        had = {
            entry.subpath: entry for entry in self.journal.indexed([manifest.session.key])[manifest.session.key].files
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
            moved = _moved_aside(manifest, had, said)
            _refuse_difference(stored, row, {n: entry for n, entry in had.items() if n not in moved}, said)
            self._drop(key, [had.pop(subpath) for subpath in moved], manifest)
        else:
            gone = [subpath for subpath in had if said.get(subpath) != had[subpath]]
            self._drop(key, [had.pop(subpath) for subpath in gone], manifest)
        publication.DataSet.update1(row)
        return [entry for subpath, entry in said.items() if subpath not in had]

    def _drop(self, key: Mapping[str, Any], entries: Sequence[FileEntry], manifest: Manifest) -> None:
        """Remove rows of files, with what was checked of them, of which the manifest knows better."""
        ids = [row["file_id"] for row in file_rows(manifest, entries)]
        for begin in range(0, len(ids), _CHUNK):
            chosen = [{**key, "file_id": each} for each in ids[begin : begin + _CHUNK]]
            (publication.FileCheck() & chosen).delete_quick()
            (publication.DataSet.PhysicalFile() & chosen).delete_quick()


def _refuse_what_is_there(before: Manifest, manifest: Manifest, wish: Wish) -> None:
    """Refuse a manifest that claims the rows of a session which the archive still describes.

    A reassignment sets the earlier manifest aside before it writes the new one.
    """
    if before.session.key != manifest.session.key and wish.listed is not None and wish.listed(before.subpath):
        raise Refused(
            f"it says that it was {before.session} before, but {printable(before.subpath)} still lies at the archive",
            remedy="find out which of the two manifests is true; nothing was changed.",
        )


def _moved_aside(manifest: Manifest, had: Mapping[str, FileEntry], said: Mapping[str, FileEntry]) -> set[str]:
    """Return the files of an older index whose bytes a later generation has under the name of superseded ones."""
    names = [(f"{record.get('file')}", f"{record.get('as')}") for record in records(manifest.evidence, "superseded")]
    return {old for old, new in names if old in had and said.get(new) == replace(had[old], subpath=new)}


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
