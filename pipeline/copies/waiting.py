"""What a named copy still waits for: sessions that are archived at another one, and not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import publication
from pipeline.copies.named import others
from pipeline.database.quiet import dj
from pipeline.database.reading import columns
from pipeline.locations import known

if TYPE_CHECKING:
    from pipeline.archive.session import Location, SessionKey


def waiting(location: Location) -> dict[SessionKey, dict[str, Any]]:
    """Return, of each session that another copy has and this one lacks: reason, files and bytes.

    Empty for a location that is not named.  That its archived row was deleted here on purpose, the caller knows.
    """
    aliases = others(location.alias)
    if not aliases:
        return {}
    mine, places = set(amounts(location)), known()
    found: dict[SessionKey, dict[str, Any]] = {}
    for alias in aliases:
        for key, (files, size) in amounts(places[alias]).items():
            if key not in mine and key not in found:
                reason = f"from {alias}: the next publish copies it"
                found[key] = {"reason": reason, "files": files, "size": size}
    return found


def amounts(location: Location) -> dict[SessionKey, tuple[int, int]]:
    """Return the number of files, and their bytes, of the sessions that are archived at a location."""
    here = {"globus_alias": location.alias}
    rows = columns(
        publication.archived_table(location.dataset_type)() & here, ("dataset_name", "subject_id", "session")
    )
    files = publication.DataSet.PhysicalFile() & here
    sums = dj.U("dataset_name").aggr(files, files="count(*)", size="sum(file_size)")
    sums_of = {
        name: (int(count), int(size or 0)) for name, count, size in sums.connection.query(sums.make_sql()).fetchall()
    }
    return {(subject_id, session): sums_of.get(name, (0, 0)) for name, subject_id, session in rows}
