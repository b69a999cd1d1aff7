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


class Wanting(NamedTuple):
    """What a named copy lacks: facts of the sessions that are to come, and of those that it has not all of."""

    coming: dict[SessionKey, dict[str, Any]]
    behind: dict[SessionKey, Behind]


class Behind(NamedTuple):
    """In words what another copy of a session has more, and the bytes that this is at least."""

    reason: str
    size: int


def wanting(location: Location, dataset: str = "") -> Wanting:
    """Return what another copy has of sessions, and this one lacks.

    Empty for a location that is not named.  That its archived row was deleted here on purpose, the caller knows.
    With the name of a ``dataset``, of its session alone.
    """
    found = Wanting({}, {})
    aliases = others(location.alias)
    if not aliases:
        return found
    mine, places = amounts(location, dataset), known()
    for alias in aliases:
        for key, amount in amounts(places[alias], dataset).items():
            if not amount.whole:
                continue
            if key not in mine and key not in found.coming:
                reason = f"from {alias}: the next publish copies it"
                found.coming[key] = {"reason": reason, "files": amount.files, "size": amount.size}
            elif key in mine and key not in found.behind and _more(amount, mine[key]):
                more = amount.files - mine[key].files
                said = f"{more:,} more file{'' if more == 1 else 's'}" if more else "other files"
                reason = f"{alias} has {said}: the next publish compares the two"
                found.behind[key] = Behind(reason, max(amount.size - mine[key].size, 0))
    return found


def _more(theirs: Amount, mine: Amount) -> bool:
    return theirs.files > mine.files or (theirs.files == mine.files and theirs.size != mine.size)


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


def as_behind(state: str, reason: str, behind: Behind | None) -> tuple[str, str]:
    """Return state and reason of a session in the index: what another copy has more of is not all archived here."""
    if behind is None or state not in ("archived", "reclaimed"):
        return state, reason
    return "archived with changes", "; ".join(filter(None, (behind.reason, reason)))
