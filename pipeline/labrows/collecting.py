"""Sessions' rows of the lab's tables, as their manifests carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import ephys, experiment, lab, tracking
from pipeline.database.binding import is_there
from pipeline.labrows.tables import json_value, tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from pipeline.archive.session import SessionKey, SessionRef

SUBJECT, SESSION = ("subject_id",), ("subject_id", "session")
#: What finds a table's rows: the columns of a session's key; or those of a table whose rows refer to them.
CHOSEN: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "lab.AnimalSource": (lab.Subject, SUBJECT),
    "lab.Person": (experiment.Session, SESSION),
    "lab.Rig": (experiment.Session, SESSION),
    "lab.Subject": (None, SUBJECT),
    "lab.WaterRestriction": (None, SUBJECT),
    "lab.Probe": (ephys.ProbeInsertion, SESSION),
    "tracking.CameraPosition": (tracking.TrackingDevice, SESSION),
    "experiment.Session": (None, SESSION),
    "publication.SessionIdent": (None, SESSION),
    "ephys.ProbeInsertion": (None, SESSION),
    "ephys.ProbeInsertion.Recording": (None, SESSION),
    "tracking.TrackingDevice": (None, SESSION),
}


def collect(sessions: Collection[SessionRef]) -> dict[SessionKey, dict[str, list[dict[str, Any]]]]:
    """Return each session's rows of the lab's tables and the rows that they refer to, as JSON data for its manifest.

    About as many statements for many sessions as for one.
    """
    found: dict[SessionKey, dict[str, list[dict[str, Any]]]] = {one.key: {} for one in sessions}
    for name, table in tables().items():
        referring, key = CHOSEN[name]
        rows = _own(table, key, found) if referring is None else _referred(table, referring, key, found)
        for one, row in rows:
            found[one].setdefault(name, []).append({each: json_value(value) for each, value in row.items()})
    return found


def _own(
    table: Any, names: Sequence[str], keys: Iterable[SessionKey], columns: Sequence[str] | None = None
) -> Iterator[tuple[SessionKey, dict[str, Any]]]:
    """Yield a table's rows of sessions, each with the session (of an animal's row: with each of its sessions).

    A lab's own tables may lack one of ours, or have one of its name that knows no sessions.
    """
    if not is_there(table) or not set(names) <= set(table.heading.names):
        return
    asked: dict[tuple[int, ...], list[SessionKey]] = {}
    for key in keys:
        asked.setdefault(key[: len(names)], []).append(key)
    query = table() & [dict(zip(names, each, strict=True)) for each in asked]
    wanted = table.heading.non_blobs if columns is None else dict.fromkeys((*columns, *names))
    for row in query.proj(*wanted).to_dicts(order_by="KEY"):
        for key in asked[tuple(int(row[name]) for name in names)]:
            yield key, row


def _referred(
    table: Any, referring: Any, names: Sequence[str], keys: Iterable[SessionKey]
) -> Iterator[tuple[SessionKey, dict[str, Any]]]:
    """Yield the rows of a table that another table's rows of sessions refer to.

    The server finds them: it may take two spellings of a name for the same.
    """
    if not is_there(table) or not is_there(referring):
        return
    primary = table.heading.primary_key
    if not set(primary) <= set(referring.heading.names):
        return
    links: dict[tuple[Any, ...], dict[SessionKey, None]] = {}
    for key, row in _own(referring, names, keys, primary):
        links.setdefault(tuple(row[name] for name in primary), {})[key] = None
    for values, theirs in sorted(links.items(), key=repr):  # the same order with whomever a session departs
        if None in values:
            continue
        query = table() & dict(zip(primary, values, strict=True))
        for row in query.proj(*table.heading.non_blobs).to_dicts(order_by="KEY"):
            yield from ((key, row) for key in theirs)
