"""The steps of the journal and of the index, each only from the state before it.

What another process did meanwhile is never written over.  All of this is called inside a transaction, whose end frees
the rows that are locked here.
"""

from __future__ import annotations

import gzip
import json
import math
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline import database, experiment, lab, publication
from pipeline.archive.identity import is_same, mistaken
from pipeline.archive.journal import request_to_json, step
from pipeline.archive.session import SessionRef
from pipeline.database import bulk, large
from pipeline.database.quiet import dj
from pipeline.database.reading import clock
from pipeline.errors import DatabaseError, LeaseLost, MapshellError, Refused
from pipeline.rows import archived_row, dataset_row, file_entry, file_rows, transfer_row
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from pipeline.archive.journal import Entry, Part
    from pipeline.archive.manifest import FileEntry, Manifest

OPEN = ("planned", "submitted", "checked")
BEFORE = {"submitted": ("planned",), "checked": ("submitted",), "done": ("checked",), "failed": OPEN}
BEFORE_OF_MOVES = {**BEFORE, "checked": ("planned",)}
# Bytes at most that the check adds to what is journalled: of a session; of each file its SHA1, when and how.
_CHECKED, _CHECKED_FILE = 20_000, 40
_AGAIN = "publish again: it goes on from what the journal and the index say then."


def states_before(entry: Entry) -> Collection[str]:
    """Return the states from which an entry may come into the one that it has."""
    return (BEFORE_OF_MOVES if entry.purpose == "move" else BEFORE)[entry.state]


def begin(entry: Entry, alias: str) -> None:
    """Store a new entry, if there will be room for all that its later states add.

    Raises
    ------
    DatabaseError
        The server takes no value of the size that a session needs, now or once its files are checked.
    """
    publication.Transfer.insert1(transfer_row(entry, request_to_json(entry.request)))
    for part in entry.parts:
        row = _part_row(entry, part, alias)
        unchecked = sum(file.verified_at is None for file in part.manifest.files)
        _check_room(part, len(row["payload"]) + _CHECKED + _CHECKED_FILE * unchecked)
        large.write(
            database.connection(),
            publication.Transfer.Session,
            {**row, "generation": part.generation},
            "payload",
            new=True,
        )


def finish_parts(entry: Entry, alias: str) -> None:
    """Store the final manifests of an entry."""
    for part in entry.parts:
        row = _part_row(entry, part, alias)
        large.write(database.connection(), publication.Transfer.Session, row, "payload", new=False)


def _part_row(entry: Entry, part: Part, alias: str) -> dict[str, Any]:
    subject_id, session = part.key
    key = {"subject_id": subject_id, "session": session, "globus_alias": alias}
    return {"transfer_id": entry.transfer_id, **key, "payload": part.pack()}


def _check_room(part: Part, needed: int) -> None:
    if (most := large.limit(database.connection(), needed)) is not None:
        raise DatabaseError(
            f"The journal of {part.manifest.session}, {len(part.manifest.files):,} files, may need "
            f"{human_bytes(needed)}; the database keeps {human_bytes(most)} (max_allowed_packet). Nothing was sent.",
            remedy="have max_allowed_packet of the database server set to "
            f"{2 ** math.ceil(math.log2(needed / 2**20))}M or more, then publish again.",
        )


def move(entry: Entry, before: Collection[str]) -> None:
    """Store an entry's new state, if the stored one is one of those that may come ``before`` it.

    Of a transfer of manifests, on whose sessions several processes may be at work, each may tell the same.

    Raises
    ------
    LeaseLost
        Another process went on with the entry.
    """
    stored = locked(publication.Transfer, "state", {"transfer_id": entry.transfer_id})
    if stored == entry.state and entry.purpose == "manifest":
        return
    if stored not in before:
        raise LeaseLost(
            f"Another process went on with the transfer of {_names(entry)}: the journal has it as {stored}.",
            remedy=_AGAIN,
        )
    now = database.now()
    row: dict[str, Any] = {"transfer_id": entry.transfer_id, "state": entry.state}
    row["task_id"] = None if entry.task_id is None else uuid.UUID(entry.task_id)
    if entry.state == "submitted":
        row["submitted_at"] = now
    if entry.state in ("done", "failed"):
        row["ended_at"] = now
        row["outcome"] = None if entry.outcome is None else entry.outcome[:2048]
    if entry.left is not None:
        row["left_behind"] = gzip.compress(json.dumps(entry.left).encode(), mtime=0)
    publication.Transfer.update1(row)


def commit(manifest: Manifest) -> None:
    """Write dataset, files and archived row of the generation that follows what the index has.

    Raises
    ------
    LeaseLost
        The index does not have the generation before.
    Refused
        The lab's row of the session names another recording now.
    DatabaseError
        The lab has no such session any more, or the index has lost its archived row.
    """
    check_lab(manifest.session)
    dataset, archived = dataset_row(manifest), archived_row(manifest)
    stored = locked(
        publication.DataSet, "dataset_generation", {name: dataset[name] for name in ("globus_alias", "dataset_name")}
    )
    if (stored or 0) != manifest.generation - 1:
        raise LeaseLost(
            f"The index has generation {stored or 0} of {manifest.session}: {manifest.generation} does not follow.",
            remedy=_AGAIN,
        )
    table = publication.archived_table(manifest.dataset_type)
    if manifest.generation == 1:
        publication.DataSet.insert1(dataset)
    else:
        publication.DataSet.update1(dataset)
    new = [entry for entry in manifest.files if entry.generation == manifest.generation]
    listed = _completed(dataset, new) if manifest.generation > 1 else set()
    table_of_files = publication.DataSet.PhysicalFile
    database.bulk_insert(table_of_files, file_rows(manifest, [e for e in new if e.subpath not in listed]))
    completed = file_rows(manifest, [entry for entry in new if entry.subpath in listed])
    bulk.bulk_update(database.connection(), table_of_files, completed)
    step("committing")
    if manifest.generation == 1:
        table.insert1(archived, allow_direct_insert=True)
    else:
        table.update1(archived)


def _completed(dataset: Mapping[str, Any], new: Iterable[FileEntry]) -> set[str]:
    """Return those of a generation's files that the index has, without a SHA1 of the recording's own bytes."""
    mine = {name: dataset[name] for name in ("globus_alias", "dataset_name")}
    rows = (publication.DataSet.PhysicalFile() & mine).to_dicts()
    unproved = {row["file_subpath"] for row in rows if not file_entry(row).proved}
    return unproved & {entry.subpath for entry in new}


def is_committed(manifest: Manifest) -> bool:
    """Say whether the index has this very generation, by the task that brought it and the instant of its check."""
    table, row = publication.archived_table(manifest.dataset_type), archived_row(manifest)
    found = (table & {name: row[name] for name in table.primary_key}).to_dicts()
    return bool(found) and all(
        (
            found[0]["generation"] == manifest.generation,
            found[0]["archived_at"] == manifest.archived_at,
            found[0]["evidence"].get("task") == manifest.evidence.get("task"),
        )
    )


def check_lab(session: SessionRef) -> None:
    """Make sure that the lab's tables still have a session, as it was submitted.

    Raises
    ------
    Refused
        The lab's row of the session names another recording now.
    DatabaseError
        The lab has no such session any more.
    """
    one = {"subject_id": session.subject_id, "session": session.session}
    rows = (experiment.Session() & one).to_dicts()
    names = (lab.WaterRestriction() & {"subject_id": session.subject_id}).to_dicts()
    if not rows or not names:
        raise missing(session)
    h2o, row = names[0]["water_restriction_number"], rows[0]
    now = SessionRef(*session.key, h2o, row["session_date"], clock(row.get("session_time")))
    if not is_same(session, now):
        wrong = mistaken(session, now, "submitted")
        raise Refused(f"{wrong.subpath}: {wrong.message}.", remedy=wrong.remedy)


def missing(session: SessionRef) -> DatabaseError:
    """Make the error of a session that is under way and that the lab's tables no longer have."""
    return DatabaseError(
        f"The lab's tables no longer have {session}, or its animal's water restriction; its transfer is under way.",
        remedy="enter the session again with the same number, animal and date, then publish.",
    )


def locked(table: Any, what: str, key: dict[str, Any]) -> Any:
    """Return one value of a row that nobody else can change before the transaction ends; None without such a row."""
    bound = database.connection()
    postgres = bound.adapter.backend == "postgresql"
    values = [(str(v) if postgres else v.bytes) if isinstance(v, uuid.UUID) else v for v in key.values()]
    where = " AND ".join(f"{name} = %s" for name in key)
    query = f"SELECT {what} FROM {table.full_table_name} WHERE {where} FOR UPDATE"  # noqa: S608 - our own names
    found = bound.query(query, tuple(values)).fetchone()
    return None if found is None else found[0]


def _names(entry: Entry) -> str:
    return ", ".join(str(part.manifest.session) for part in entry.parts)


@contextmanager
def told(sessions: Iterable[SessionRef]) -> Iterator[None]:
    """Turn what DataJoint refuses into an error that names the sessions."""
    try:
        yield
    except MapshellError:
        raise
    except dj.errors.DataJointError as error:
        said = str(error).strip().splitlines()
        raise DatabaseError(
            f"The rows of {', '.join(map(str, sessions))} could not be written: {said[0] if said else error!r}.",
            remedy="look whether the session is still in the lab's tables (experiment.Session); then publish again.",
        ) from error
