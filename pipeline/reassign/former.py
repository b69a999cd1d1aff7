"""Which folders' names stand for another session now: read from the evidence of archived rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline import database, locations, publication
from pipeline.archive.aliases import aliases_in, local_names, session_of
from pipeline.archive.walk.former_names import Former, whose

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.archive.session import DatasetType, LocalFile, Location, SessionKey


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


class Reassigned:
    """Tells folders that bear the name of another session than the one that they are archived as.

    Parameters
    ----------
    kind
        What the folders hold.
    known
        The lab's sessions.
    """

    def __init__(self, kind: DatasetType, known: Collection[SessionKey]) -> None:
        self._known = known
        self._former = [
            (location, names)
            for location in locations.known().values()
            if location.dataset_type == kind and (names := former_names(location))
        ]

    def holds(self, folder: str, files: Sequence[LocalFile]) -> bool:
        """Say whether what lies in a folder is archived as a session that its name does not tell."""
        from pipeline.journal import TableJournal

        for location, names in self._former:
            candidates = names.get(folder, ())
            indexed = TableJournal(location, {}, "").indexed({one.key for one in candidates}) if candidates else {}
            if candidates and whose(candidates, folder, files, indexed, None, self._known) is not None:
                return True
        return False
