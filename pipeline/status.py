"""The state of every session at every storage location, from the index, the journal and a look at this computer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import publication, sessions
from pipeline.archive.plan import diff
from pipeline.archive.session import DatasetType, Location, SessionKey, dataset_name
from pipeline.journal import TableJournal
from pipeline.locations import locations
from pipeline.rounds import local_roots, look

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.find import Found
    from pipeline.settings import Settings

# When several computers have seen a session that is not archived, the most telling state is shown.
_TELLING = ("in flight", "archived with changes", "recording", "refused", "queued", "not here")


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One session at one storage location; ``size`` in bytes, ``archived_at`` in UTC.

    ``files`` and ``size`` are what the archive holds, or (not archived) what a computer has of it.
    """

    h2o: str
    subject_id: int
    session: int
    session_date: str
    alias: str
    state: str
    folders: tuple[str, ...] = ()
    files: int = 0
    size: int = 0
    archived_at: datetime | None = None
    reason: str = ""
    computer: str = ""


def status(
    settings: Settings, types: Sequence[DatasetType], restrictions: Sequence[Any] = ()
) -> Iterator[SessionStatus]:
    """Yield the chosen sessions in order, each once for every storage location of these types.

    The number of queries does not depend on the number of sessions.
    """
    computer = settings.archive.computer
    lab_sessions = sessions.load()
    keys = sessions.chosen(restrictions)
    wanted = set(lab_sessions.refs) if keys is None else keys & set(lab_sessions.refs)
    for location in locations(settings, types, register=False):
        journal = TableJournal(location, lab_sessions.refs, computer)
        found = look(settings, location, local_roots(settings, location.alias), journal, lab_sessions, wanted)
        archived, totals = _archived(location), _totals(location)
        elsewhere, under_way = _reported(location), _under_way(location)
        for key in sorted(
            wanted, key=lambda key: (lab_sessions.refs[key].h2o, lab_sessions.refs[key].session_date, key)
        ):
            ref = lab_sessions.refs[key]
            state, facts = _state(key, found, archived, elsewhere, under_way, computer)
            row = archived.get(key)
            if row is not None:
                files, size = totals.get(dataset_name(location.dataset_type, key), (0, 0))
                facts = {"folders": tuple(row["evidence"].get("folders", ())), "files": files, "size": size, **facts}
                facts["archived_at"] = row["archived_at"]
            yield SessionStatus(ref.h2o, key[0], key[1], ref.session_date.isoformat(), location.alias, state, **facts)


def _state(
    key: SessionKey,
    found: Found,
    archived: Mapping[SessionKey, Any],
    reported: Mapping[SessionKey, Mapping[str, Any]],
    under_way: Mapping[SessionKey, str],
    computer: str,
) -> tuple[str, dict[str, Any]]:
    """Decide the state of one session; facts are what the state brings along."""
    told = reported.get(key)
    facts: dict[str, Any] = {}
    here = found.sessions.get(key)
    if told is not None:
        facts = {"reason": told["reason"], "computer": told["computer"]}
    if key in archived:
        if here is not None and key in found.indexed:
            plan = diff(here.files, {entry.subpath: entry for entry in found.indexed[key].files})
            new, changed = len(plan.only("send")), len(plan.only("conflict"))
            if not new and not changed:
                return "archived", {}
            if told is None or not facts["reason"]:
                said = [f"{new} new files"] * bool(new) + [f"{changed} changed files"] * bool(changed)
                facts = {"reason": ", ".join(said), "computer": computer}
            return "archived with changes", facts
        return ("archived with changes", facts) if told is not None else ("archived", {})
    size = {"folders": here.folders, "files": len(here.files), "size": sum(f.size for f in here.files)} if here else {}
    if key in under_way:
        return "in flight", {**_told_size(told), **size, "reason": "", "computer": under_way[key]}
    if told is not None:
        return told["state"], {**_told_size(told), **size, **facts}
    if here is not None:
        return "queued", {**size, "reason": "not published yet", "computer": computer}
    return "not here", {}


def _told_size(told: Mapping[str, Any] | None) -> dict[str, Any]:
    if told is None:
        return {}
    folders = tuple(filter(None, told["folders"].split("\n")))
    return {"folders": folders, "files": told["files"], "size": told["bytes"]}


def _archived(location: Location) -> dict[SessionKey, Mapping[str, Any]]:
    table = publication.archived_table(location.dataset_type) & {"globus_alias": location.alias}
    return {(row["subject_id"], row["session"]): row for row in table.to_dicts()}


def _totals(location: Location) -> dict[str, tuple[int, int]]:
    import datajoint as dj

    files = publication.DataSet.PhysicalFile() & {"globus_alias": location.alias}
    query = dj.U("dataset_name").aggr(files, files="count(*)", size="sum(file_size)")
    return {row["dataset_name"]: (int(row["files"]), int(row["size"])) for row in query.to_dicts()}


def _reported(location: Location) -> dict[SessionKey, Mapping[str, Any]]:
    best: dict[SessionKey, Mapping[str, Any]] = {}
    for row in (publication.SessionState() & {"globus_alias": location.alias}).to_dicts():
        key = (row["subject_id"], row["session"])
        if key not in best or _TELLING.index(row["state"]) < _TELLING.index(best[key]["state"]):
            best[key] = row
    return best


def _under_way(location: Location) -> dict[SessionKey, str]:
    open_ = publication.Transfer() & "state in ('planned', 'submitted', 'checked')" & {"purpose": "publish"}
    rows = (publication.Transfer.Session() & {"globus_alias": location.alias}).proj() * open_.proj("computer")
    return {(row["subject_id"], row["session"]): row["computer"] for row in rows.to_dicts()}
