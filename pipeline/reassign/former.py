"""Which folders' names stand for another session now: read from the evidence of archived rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline import database, publication
from pipeline.archive.aliases import aliases_in, local_names, session_of
from pipeline.archive.walk.former_names import Former

if TYPE_CHECKING:
    from pipeline.archive.session import Location


def former_names(location: Location) -> dict[str, list[Former]]:
    """Return what names of folders stand for that sessions of a location had before they were reassigned.

    One query, which passes over every other session's evidence.
    """
    table = publication.archived_table(location.dataset_type)
    bound = database.connection()
    text = "evidence::text" if bound.adapter.backend == "postgresql" else "CAST(evidence AS CHAR)"
    rows = bound.query(
        f"SELECT subject_id, session FROM {table.full_table_name} "  # noqa: S608 - our own names
        f"WHERE globus_alias = %s AND {text} LIKE %s",
        (location.alias, '%"aliases"%'),
    ).fetchall()
    keys = [{"globus_alias": location.alias, "subject_id": int(row[0]), "session": int(row[1])} for row in rows]
    found: dict[str, list[Former]] = defaultdict(list)
    for row in (table & keys).to_dicts() if keys else ():
        now = local_names(row["evidence"])
        was = {old: session_of(record).key for record in aliases_in(row["evidence"]) for old in record["folders"]}
        for old, folder in now.items():
            found[old].append(Former((row["subject_id"], row["session"]), folder, was[old]))
    return dict(found)
