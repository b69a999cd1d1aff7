"""The engine's journal over the publication tables, for one storage location."""

from __future__ import annotations

import gzip
import json
import uuid
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline import database, labrows, publication
from pipeline.archive.aliases import former
from pipeline.archive.evidence import lasting
from pipeline.archive.journal import (
    Entry,
    Outcome,
    Part,
    request_from_json,
)
from pipeline.archive.manifest import Manifest
from pipeline.archive.resume import is_indexed
from pipeline.archive.session import Location, SessionKey, SessionRef, dataset_name
from pipeline.database.reading import columns
from pipeline.errors import Refused
from pipeline.leases import Leases
from pipeline.locations import location_row
from pipeline.reassign.rows import rehome
from pipeline.rows import ENTRY, read_entry
from pipeline.states import remember
from pipeline.transitions import OPEN, begin, commit, finish_parts, is_committed, locked, move, states_before, told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pipeline.archive.manifest import FileEntry

_CHUNK = 200


class TableJournal(Leases):
    """Implements :class:`pipeline.archive.journal_protocol.Journal`; bound to one location and one process.

    Parameters
    ----------
    location
        The storage location.
    refs
        All sessions, by key.
    computer
        This computer's name, as other computers will see it.
    """

    def __init__(self, location: Location, refs: Mapping[SessionKey, SessionRef], computer: str) -> None:
        super().__init__(location, computer)
        self._refs = refs

    # -- the index ---------------------------------------------------------------------------------------------

    def indexed(self, keys: Collection[SessionKey]) -> dict[SessionKey, Manifest]:
        """Return what the index holds of these sessions now.

        Its sessions are what they were when they were archived; ``archived_at`` is None without an archived row, of
        whose evidence it has only what lasts.
        """
        wanted = {dataset_name(self._location.dataset_type, key): key for key in keys}
        here = {"globus_alias": self._location.alias}
        datasets: dict[str, Mapping[str, Any]] = {}
        files: dict[str, list[FileEntry]] = {}
        archived: dict[str, Mapping[str, Any]] = {}
        table = publication.archived_table(self._location.dataset_type)()
        for names in _chunks(wanted):
            chosen = [{"dataset_name": name} for name in names]
            if not (rows := (publication.DataSet() & here & chosen).to_dicts()):
                continue  # and so there are neither files nor archived rows
            datasets.update({row["dataset_name"]: row for row in rows})
            for name, *entry in columns(publication.DataSet.PhysicalFile() & here & chosen, ("dataset_name", *ENTRY)):
                files.setdefault(name, []).append(read_entry(entry))
            archived.update({row["dataset_name"]: row for row in (table & here & chosen).to_dicts()})
        return {
            wanted[name]: Manifest(
                session=_as_archived(wanted[name], row),
                dataset_type=self._location.dataset_type,
                alias=self._location.alias,
                generation=row["dataset_generation"],
                files=tuple(sorted(files.get(name, ()), key=lambda entry: entry.subpath)),
                archived_at=archived[name]["archived_at"] if name in archived else None,
                evidence=lasting(archived[name]["evidence"] if name in archived else None),
            )
            for name, row in datasets.items()
        }

    # -- the journal proper ------------------------------------------------------------------------------------

    def knows(self, key: SessionKey) -> bool:
        """Say whether any transfer of a session was ever journalled in this database, which may be a rebuilt one."""
        return bool(publication.Transfer.Session() & self._restriction(key))

    def unfinished(self, keys: Collection[SessionKey] | None = None) -> list[Entry]:
        """Entries of these sessions (None: of all) in a state other than done and failed, oldest first."""
        open_ = publication.Transfer() & f"state in {OPEN}"
        if keys is not None and len(keys) <= _CHUNK:  # of one session, say, while thousands of others are under way
            theirs = publication.Transfer.Session() & [self._restriction(key) for key in keys]
            return self._entries(open_ & theirs.proj())
        wanted = keys if keys is None else set(keys)
        entries = self._entries(open_)
        return [entry for entry in entries if wanted is None or any(part.key in wanted for part in entry.parts)]

    def moves(self) -> list[Entry]:
        """Relocations at the archive that have not ended, oldest first."""
        return self._entries(publication.Transfer() & {"purpose": "move"} & f"state in {OPEN}")

    def leftovers(self, key: SessionKey) -> set[str]:
        """Subpaths that transfers of a session may have left at the archive without a row in the index."""
        known = self.indexed([key]).get(key)
        left = self._left(key, 0 if known is None else known.generation)
        for earlier, new_name in former(known.evidence if known else None):
            left.update(map(new_name, self._left(earlier, 0)))
        return left - ({entry.subpath for entry in known.files} if known else set())

    def _left(self, key: SessionKey, generation: int) -> set[str]:
        mine = publication.Transfer() & (publication.Transfer.Session() & self._restriction(key))
        left: set[str] = set()
        for entry in self._entries(mine & "state = 'failed' or purpose = 'manifest'"):
            moved = entry.left if entry.left is not None else [item.destination for item in entry.request.items]
            if entry.purpose == "publish":
                left.update(_subpath(path, entry.parts) for path in moved)
            elif entry.purpose == "manifest":
                left.update(
                    part.manifest.subpath
                    for part in entry.parts
                    if part.key == key and part.manifest.generation > generation
                )
        return left

    def knows_task(self, task_id: str) -> bool:
        """Say whether a Globus task is in the journal."""
        return bool(publication.Transfer() & {"task_id": uuid.UUID(task_id)})

    def open(self, entry: Entry) -> None:
        """Store a new entry.

        Raises
        ------
        Refused
            The archive's address was changed since this round began.
        DatabaseError
            The server takes no entry of this size.
        """

        def write() -> None:
            self.keep(self._ours(entry))
            self._stay()
            begin(entry, self._location.alias)

        self._write(entry, write, lambda: self._is_in(entry))

    def advance(self, entry: Entry) -> None:
        """Store an entry's new state (and, once it is checked, its final manifests).

        Raises
        ------
        LeaseLost
            A session is no longer ours, or another process went on with the entry.
        """

        def write() -> None:
            self.keep(self._ours(entry))
            move(entry, states_before(entry))
            if entry.state == "checked":
                finish_parts(entry, self._location.alias)

        self._write(entry, write, lambda: self._is_in(entry))

    def commit(self, manifest: Manifest, entry: Entry) -> None:
        """Write dataset, files and archived row (of a move: change them), and the entry's end, in one transaction.

        Raises
        ------
        LeaseLost
            The session is no longer ours, or another process has committed this generation.
        Refused, DatabaseError
            The lab's tables say something else of the session now, or have it no longer.
        """

        def write() -> None:
            self.keep([part.key for part in entry.parts])
            move(entry, states_before(entry))
            rehome(entry.parts[0]) if entry.purpose == "move" else commit(manifest)

        self._write(entry, write, lambda: is_committed(manifest))

    def settle(self, entry: Entry) -> bool:
        """End an open entry once the index has the generations of all its sessions; say whether it has.

        Whoever brought them: files of it that did not get into the index stay known as left behind.
        """
        indexed = self.indexed([part.key for part in entry.parts])
        if not all(is_indexed(part, indexed) for part in entry.parts):
            return False
        whole = all({*part.manifest.files} <= {*indexed[part.key].files} for part in entry.parts)
        end = entry.advanced("done")
        if entry.purpose == "publish" and not whole:
            end = entry.advanced("failed", outcome="another transfer brought this generation of its dataset")
        open_ = publication.Transfer() & {"transfer_id": entry.transfer_id} & f"state in {OPEN}"

        def write() -> None:
            if open_:
                move(end, OPEN)

        self._write(end, write, lambda: not open_)
        return True

    def _ours(self, entry: Entry) -> set[SessionKey]:
        """Return the sessions of an entry that this round works on; others may work on the rest of its manifests."""
        keys = {part.key for part in entry.parts}
        return (keys & self._held) or keys

    def _stay(self) -> None:
        """Make sure that the archive lies where this round sends files, until the transaction's end."""
        row = location_row(self._location)
        del row["dataset_type"]
        table = publication.GlobusStorageLocation
        if locked(table, "globus_alias", row) is None and table() & {"globus_alias": self._location.alias}:
            raise Refused(
                f"Somebody has changed where {self._location.alias} lies; nothing was sent to "
                f"{self._location.endpoint}:{self._location.path}.",
                remedy="publish again.",
            )

    def _is_in(self, entry: Entry) -> bool:
        return bool(publication.Transfer() & {"transfer_id": entry.transfer_id, "state": entry.state})

    @staticmethod
    def _write(entry: Entry, write: Callable[[], None], done: Callable[[], bool]) -> None:
        with told(part.manifest.session for part in entry.parts):
            database.run_transaction(write, done=done)

    def _entries(self, transfers: Any) -> list[Entry]:
        rows = {row["transfer_id"]: row for row in transfers.to_dicts()}
        if not rows:
            return []
        parts: dict[uuid.UUID, list[Part]] = {}
        for row in (publication.Transfer.Session() & transfers.proj()).to_dicts():
            if row["globus_alias"] == self._location.alias:
                parts.setdefault(row["transfer_id"], []).append(Part.unpack(row["payload"]))
        entries = [_journal_entry(row, parts[key]) for key, row in rows.items() if key in parts]
        return sorted(entries, key=lambda entry: entry.created_at)

    # -- the lab's tables and the states -----------------------------------------------------------------------

    def lab_rows(self, sessions: Collection[SessionRef]) -> Mapping[SessionKey, dict[str, list[dict[str, Any]]]]:
        """Return the sessions' rows of the lab's tables, as JSON data for their manifests."""
        return labrows.collect(sessions)

    def report(self, outcomes: Sequence[Outcome], gone: Collection[SessionKey] = ()) -> None:
        """Remember the state of sessions that are not simply archived.

        What this computer said of sessions that are ``gone`` from it is forgotten.
        """
        remember(self._location, self._computer, outcomes, gone)


def _chunks(names: Iterable[str]) -> Iterable[list[str]]:
    iterator = iter(names)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def _subpath(path: str, parts: Sequence[Part]) -> str:
    """Return a path at the archive relative to its root, wherever that lay then and lies now."""
    names = {file.subpath for part in parts for file in part.manifest.files}
    ends = (path.split("/", depth)[depth] for depth in range(path.count("/") + 1))
    return next((end for end in ends if end in names), path)


def _as_archived(key: SessionKey, row: Mapping[str, Any]) -> SessionRef:
    return SessionRef(*key, row["dataset_h2o"], row["dataset_date"], row["dataset_time"])


def _journal_entry(row: Mapping[str, Any], parts: Sequence[Part]) -> Entry:
    left = row["left_behind"]
    return Entry(
        transfer_id=row["transfer_id"],
        purpose=row["purpose"],
        state=row["state"],
        request=request_from_json(json.loads(gzip.decompress(row["request"]))),
        parts=tuple(sorted(parts, key=lambda part: part.gone)),
        computer=row["computer"],
        identity=row["identity"],
        created_at=row["created_at"],
        task_id=None if row["task_id"] is None else str(row["task_id"]),
        outcome=row["outcome"],
        submitted_at=row["submitted_at"],
        left=None if left is None else tuple(json.loads(gzip.decompress(left))),
    )
