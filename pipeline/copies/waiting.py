"""What a named copy still waits for: sessions that are archived at another one, and not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import publication
from pipeline.copies.named import others
from pipeline.database.quiet import dj
from pipeline.database.reading import columns
from pipeline.locations import known

if TYPE_CHECKING:
    from pipeline.archive.session import Location, SessionKey


def waiting(location: Location, dataset: str = "") -> dict[SessionKey, dict[str, Any]]:
    """Return, of each session that another copy has and this one lacks: reason, files and bytes.

    Empty for a location that is not named.  That its archived row was deleted here on purpose, the caller knows.
    With the name of a ``dataset``, of its session alone.
    """
    aliases = others(location.alias)
    if not aliases:
        return {}
    mine, places = set(amounts(location, dataset)), known()
    found: dict[SessionKey, dict[str, Any]] = {}
    for alias in aliases:
        for key, amount in amounts(places[alias], dataset).items():
            if amount.whole and key not in mine and key not in found:
                reason = f"from {alias}: the next publish copies it"
                found[key] = {"reason": reason, "files": amount.files, "size": amount.size}
    return found


class Amount(NamedTuple):
    """How much of a session is archived: files and bytes; ``whole`` says that the SHA1 of every file was proved."""

    files: int
    size: int
    whole: bool


def amounts(location: Location, dataset: str = "") -> dict[SessionKey, Amount]:
    """Return how much is archived at a location of each session, or of that of one ``dataset``."""
    here = {"globus_alias": location.alias, **({"dataset_name": dataset} if dataset else {})}
    rows = columns(
        publication.archived_table(location.dataset_type)() & here, ("dataset_name", "subject_id", "session")
    )
    files = publication.DataSet.PhysicalFile() & here
    proved = "count(file_sha1) - count(case when sha1_source = 'archive' then file_sha1 end)"
    sums = dj.U("dataset_name").aggr(files, files="count(*)", size="sum(file_size)", known=proved)
    found = {
        name: Amount(int(count), int(size or 0), int(known) == int(count))
        for name, count, size, known in sums.connection.query(sums.make_sql()).fetchall()
    }
    return {(subject_id, session): found.get(name, _NOTHING) for name, subject_id, session in rows}


_NOTHING = Amount(0, 0, whole=False)


def as_waiting(state: str, facts: dict[str, Any], coming: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return state and facts of a session that is to be copied from another archive, unless something else holds."""
    if state == "not here":
        return "queued", dict(coming)
    if state == "queued" and not facts.get("files"):  # as a computer said that tried it
        return state, {**coming, **{name: value for name, value in facts.items() if value}}
    return state, facts
