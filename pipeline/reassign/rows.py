"""The rows of a relocation: one session's dataset, files, checks and archived row become another's, or get other names.

Keys are changed in place: what refers to a row (checks of files, looks at sessions, tables of the lab) follows by the
database's own cascade.  Call it in a transaction.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.journal import step
from pipeline.archive.relocate.plan import translation
from pipeline.archive.session import file_id
from pipeline.errors import LeaseLost
from pipeline.rows import archived_row, dataset_row
from pipeline.transitions import check_lab, locked

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.archive.journal import Part
    from pipeline.archive.manifest import Manifest

_CHUNK = 300


def rehome(part: Part) -> None:
    """Bring the rows of a session to what its relocation has made of it.

    Raises
    ------
    LeaseLost
        The index does not have what the relocation began with.
    Refused, DatabaseError
        The lab's tables say something else of the session now, or have it no longer.
    """
    before, after = part.before, part.manifest
    assert before is not None  # noqa: S101  # that is what makes it a relocation
    check_lab(after.session)
    old, new = dataset_row(before), dataset_row(after)
    key = {name: old[name] for name in ("globus_alias", "dataset_name")}
    stored = locked(publication.DataSet, "dataset_generation", key)
    if stored != before.generation:
        raise LeaseLost(
            f"The index has generation {stored or 0} of {before.session}, not {before.generation}, which was moved.",
            remedy="look at it: `mapshell publication-verify`.",
        )
    _update(publication.DataSet, key, {name: new[name] for name in new if name != "globus_alias"})
    _rename_files(part, new["dataset_name"])
    step("move: committing")
    _rehome_archived(before, after)
    for session in (before.session, after.session):  # what computers said of them was of before
        mine = {"subject_id": session.subject_id, "session": session.session, "globus_alias": after.alias}
        (publication.SessionState() & mine).delete_quick()


def _rename_files(part: Part, dataset_name: str) -> None:
    new_name, files = translation(part.renames), part.before.files if part.before is not None else ()
    table = publication.DataSet.PhysicalFile
    bound = database.connection()
    postgres = bound.adapter.backend == "postgresql"
    pairs = ((entry.subpath, new_name(entry.subpath)) for entry in files)
    for some in _chunks(pair for pair in pairs if pair[0] != pair[1]):
        ids: list[Any] = []
        paths: list[Any] = []
        for old, new in some:
            ids += [_key(file_id(old), postgres=postgres), _key(file_id(new), postgres=postgres)]
            paths += [_key(file_id(old), postgres=postgres), new]
        # One statement for many files: the database's cascade takes their checks along.
        this, text = ("%s::uuid", "%s::text") if postgres else ("%s", "%s")
        whens = " ".join([f"WHEN {this} THEN {this}"] * len(some))
        names = " ".join([f"WHEN {this} THEN {text}"] * len(some))
        chosen = ", ".join([this] * len(some))
        # The path first: MySQL computes the second value from what the first one has set.
        bound.query(
            f"UPDATE {table.full_table_name} SET file_subpath = CASE file_id {names} END, "  # noqa: S608 - our own names
            f"file_id = CASE file_id {whens} END "
            f"WHERE globus_alias = %s AND dataset_name = %s AND file_id IN ({chosen})",
            (*paths, *ids, part.manifest.alias, dataset_name, *ids[::2]),
        )


def _rehome_archived(before: Manifest, after: Manifest) -> None:
    """Give the archived row its new key; where the lab's deletion has taken it along, make it again."""
    table = publication.archived_table(after.dataset_type)
    old, new = archived_row(before), archived_row(after)
    key = {name: old[name] for name in table.primary_key}
    if not table & key:
        table.insert1(new, allow_direct_insert=True)
        return
    changed = {name: new[name] for name in new if name not in ("globus_alias", "dataset_name")}
    _update(table, key, {**changed, "evidence": json.dumps(new["evidence"])})


def _update(table: Any, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Change one row, its key included, which DataJoint does not."""
    quote = database.connection().adapter.quote_identifier
    assignments = ", ".join(f"{quote(name)} = %s" for name in values)
    where = " AND ".join(f"{quote(name)} = %s" for name in key)
    database.connection().query(
        f"UPDATE {table.full_table_name} SET {assignments} WHERE {where}",  # noqa: S608 - our own names
        (*values.values(), *key.values()),
    )


def _key(value: uuid.UUID, *, postgres: bool) -> Any:
    return str(value) if postgres else value.bytes


def _chunks(pairs: Iterator[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    while chunk := list(islice(pairs, _CHUNK)):
        yield chunk
