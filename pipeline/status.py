"""The state of every session at every storage location, from the index, the journal and a look at this computer."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import publication, sessions
from pipeline.archive.acceptance import folders_in, rules_in
from pipeline.archive.checksums import ChecksumCache
from pipeline.archive.evidence import records
from pipeline.archive.identity import unlisted
from pipeline.archive.known import LISTED, in_words
from pipeline.archive.plan import diff
from pipeline.archive.renamed import in_short, suspects, with_renames
from pipeline.archive.session import DatasetType, Location, SessionKey, dataset_name
from pipeline.archive.walk.listing import Listing
from pipeline.drifted import drifted
from pipeline.folders import cache_folder
from pipeline.here import local_roots, look
from pipeline.journal import TableJournal
from pipeline.locations import locations
from pipeline.oldlab.evidence import in_words as adopted_from
from pipeline.reassign.meanwhile import being_moved
from pipeline.sessionless import STATE, Sessionless, meets, sessionless
from pipeline.states import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import datetime

    from pipeline.archive.find import Found, LocalSession
    from pipeline.archive.manifest import Manifest
    from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One session at one storage location; ``size`` in bytes (None: nobody has looked), ``archived_at`` in UTC.

    ``files`` and ``size`` are what the archive holds, or (not archived) what a computer has of it; ``accepted`` names
    the rules that files of an archived session broke, and that a person accepted; ``superseded`` counts files whose
    bytes others took the place of; ``remedy`` is told where nobody else tells it.
    """

    h2o: str
    subject_id: int
    session: int
    session_date: str
    alias: str
    state: str
    folders: tuple[str, ...] = ()
    files: int = 0
    size: int | None = 0
    archived_at: datetime | None = None
    reason: str = ""
    computer: str = ""
    accepted: tuple[str, ...] = ()
    superseded: int = 0
    remedy: str = ""


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
    listing = Listing()
    with closing(ChecksumCache(cache_folder(os.environ) / "sha1.sqlite")) as cache, ThreadPoolExecutor(1) as beside:
        for location in locations(settings, types, register=False):
            sums = _totals(location, beside)
            journal = TableJournal(location, lab_sessions.refs, computer)
            lost = sessionless(location, lab_sessions)
            roots = local_roots(settings, location.alias)
            found = look(settings, location, roots, journal, lab_sessions, wanted, lost, listing)
            archived, totals, differs = _archived(location), sums(), drifted(location)
            if any(dataset_name(location.dataset_type, key) not in totals for key in archived):
                totals = _totals(location, beside)()  # something was committed after the sums were begun
            gone = _withdrawn(location)
            said, under_way = told(location), {**_under_way(location), **journal.working()}
            moving = being_moved(journal)
            for key in sorted(
                wanted, key=lambda key: (lab_sessions.refs[key].h2o, lab_sessions.refs[key].session_date, key)
            ):
                ref = lab_sessions.refs[key]
                state, facts = _state(key, found, archived, said.get(key, ()), under_way, computer, cache)
                row = archived.get(key)
                if row is None and key in gone and state != "in flight":
                    state, facts = "withdrawn", {**facts, **gone[key]}
                elif row is None and dataset_name(location.dataset_type, key) in totals and state != "in flight":
                    wrong = unlisted(ref)
                    state, facts = "refused", {**facts, "reason": wrong.message, "remedy": wrong.remedy}
                if row is not None:
                    name = dataset_name(location.dataset_type, key)
                    files, size, listed = totals.get(name, (0, 0, 0))
                    state, reason = _as_verified(state, facts.get("reason", ""), differs.get(name, ""))
                    come = adopted_from(row["evidence"]) or LISTED
                    state, reason = _as_known(state, reason, in_words(files, listed, come))
                    rules = rules_in(row["evidence"])
                    facts["reason"] = "; ".join(filter(None, (reason, _as_accepted(rules))))
                    facts = {
                        "accepted": rules,
                        "superseded": len(records(row["evidence"], "superseded")),
                        "folders": folders_in(row["evidence"]),
                        "files": files,
                        "size": size,
                        **facts,
                    }
                    facts["archived_at"] = None if listed else row["archived_at"]
                if state == "in flight" and key in moving:
                    facts["reason"] = moving[key]
                yield SessionStatus(
                    ref.h2o, key[0], key[1], ref.session_date.isoformat(), location.alias, state, **facts
                )
            yield from (_without_session(each) for each in lost if meets(each.session, restrictions))


def _without_session(gone: Sessionless) -> SessionStatus:
    ref = gone.session
    return SessionStatus(
        ref.h2o,
        ref.subject_id,
        ref.session,
        ref.session_date.isoformat(),
        gone.alias,
        STATE,
        folders=gone.folders,
        files=gone.files,
        size=gone.size,
        archived_at=gone.archived_at,
        reason=gone.reason,
        remedy=gone.remedy,
    )


def _state(
    key: SessionKey,
    found: Found,
    archived: Mapping[SessionKey, Any],
    said: Sequence[Mapping[str, Any]],
    under_way: Mapping[SessionKey, str],
    computer: str,
    cache: ChecksumCache,
) -> tuple[str, dict[str, Any]]:
    """Decide the state of one session; facts are what the state brings along.

    ``said`` is what computers told of it, the newest first; ``under_way`` is true now, and wins.
    """
    here = found.sessions.get(key)
    size = {"folders": here.folders, "files": len(here.files), "size": sum(f.size for f in here.files)} if here else {}
    newest = said[0] if said else None
    if key in under_way:
        theirs = next((row for row in said if row["computer"] == under_way[key]), None)
        facts = {"reason": theirs["reason"] if theirs else "", "computer": under_way[key]}
        return "in flight", facts if key in archived else {**_told_size(theirs or newest), **size, **facts}
    if key in archived:
        changes = [row for row in said if row["reason"] or row["state"] != "queued"]
        if changes:
            return "archived with changes", {"reason": changes[0]["reason"], "computer": changes[0]["computer"]}
        reason = _changes(here, found.indexed.get(key), cache)
        return ("archived with changes", {"reason": reason, "computer": computer}) if reason else ("archived", {})
    if newest is not None:
        told_facts = {"reason": newest["reason"], "computer": newest["computer"]}
        return newest["state"], {**_told_size(newest), **size, **told_facts}
    if here is not None and here.defects:
        first = here.defects[0]
        return "refused", {**size, "reason": f"{first.subpath}: {first.message}", "computer": computer}
    if here is not None:
        return "queued", {**size, "reason": "not published yet", "computer": computer}
    for stray in found.strays:
        if key in stray.candidates:
            folders = (stray.folder,)
            return "refused", {"folders": folders, "reason": f"{stray.folder}: {stray.reason}", "computer": computer}
    return "not here", {}


def _as_verified(state: str, reason: str, differs: str) -> tuple[str, str]:
    """Return state and reason of a session in the index; what the archive has lost is never called archived."""
    if not differs or not state.startswith("archived"):
        return state, reason
    return "archived with changes", "; ".join(filter(None, (differs, reason)))


def _as_known(state: str, reason: str, listed: str) -> tuple[str, str]:
    """Return state and reason of a session in the index; what was only ever listed is never called archived."""
    if not listed or not state.startswith("archived"):
        return state, reason
    return "present", "; ".join(filter(None, (listed, reason)))


def _as_accepted(rules: Sequence[str]) -> str:
    """Say that a session was archived although something is wrong with it; empty when nothing is."""
    return f"archived with accepted defects: {', '.join(rules)}" if rules else ""


def _changes(here: LocalSession | None, known: Manifest | None, cache: ChecksumCache) -> str:
    """Say how an archived session differs here from the index; empty when it does not."""
    if here is None or known is None:
        return ""
    earlier = {entry.subpath: entry for entry in known.files}
    maybe = suspects(here.files, earlier)
    undecided = {*(item.subpath for item in diff(here.files, earlier).only("hash")), *maybe}
    read_before = cache.get_all([file for file in here.files if file.subpath in undecided]) if undecided else {}
    sha1s = {file.subpath: sha1 for file, sha1 in read_before.items()}
    plan = with_renames(diff(here.files, earlier, checksums=sha1s), maybe, sha1s)
    new, changed, renamed = len(plan.only("send")), len(plan.only("conflict")), plan.only("renamed")
    unread = plan.only("hash")
    perhaps = sum(bool(item.was) for item in unread)
    moved = len(unread) - perhaps
    found = [f"{here.defects[0].subpath}: {here.defects[0].message}"] if here.defects else []
    found += [f"{new} new {_files(new)}"] if new else []
    found += [f"{changed} changed {_files(changed)}"] if changed else []
    found += [f"{len(renamed)} renamed {_files(len(renamed))}: {in_short(renamed[0])}"] if renamed else []
    found += [f"{perhaps} {_files(perhaps)} perhaps renamed, which the next publish compares"] if perhaps else []
    found += [f"{moved} {_files(moved)} of another time, which the next publish compares"] if moved else []
    return ", ".join(found)


def _files(count: int) -> str:
    return "file" if count == 1 else "files"


def _told_size(told: Mapping[str, Any] | None) -> dict[str, Any]:
    if told is None:
        return {}
    folders = tuple(filter(None, told["folders"].split("\n")))
    return {"folders": folders, "files": told["files"], "size": told["bytes"]}


def _withdrawn(location: Location) -> dict[SessionKey, dict[str, Any]]:
    """Return what is told of sessions whose archived rows somebody deleted on purpose."""
    return {
        (row["subject_id"], row["session"]): {
            "reason": f"its archived row was deleted on {row['withdrawn_at']:%Y-%m-%d}",
            "computer": row["computer"],
        }
        for row in (publication.Withdrawal() & {"globus_alias": location.alias}).to_dicts()
    }


def _archived(location: Location) -> dict[SessionKey, Mapping[str, Any]]:
    table = publication.archived_table(location.dataset_type) & {"globus_alias": location.alias}
    return {(row["subject_id"], row["session"]): row for row in table.to_dicts()}


def _totals(location: Location, beside: Executor) -> Callable[[], dict[str, tuple[int, int | None, int]]]:
    """Return what returns files, bytes and files without a known SHA1 of the recording's own bytes, of every dataset.

    The server goes through all files for it: it is asked at once, in a thread with a connection of its own, and
    meanwhile the rest is read.
    """
    import datajoint as dj

    files = publication.DataSet.PhysicalFile() & {"globus_alias": location.alias}
    proved = "count(file_sha1) - count(case when sha1_source = 'archive' then file_sha1 end)"
    query = dj.U("dataset_name").aggr(files, files="count(*)", size="sum(file_size)", known=proved)
    connection, statement = query.connection, query.make_sql()
    rows = beside.submit(lambda: connection.query(statement).fetchall())

    def totals() -> dict[str, tuple[int, int | None, int]]:
        sums = [(name, int(count), _whole(size), int(known)) for name, count, size, known in rows.result()]
        replaced = _replaced(files) if any(known < count for _, count, _, known in sums) else Counter[str]()
        return {name: (count, size, count - known - replaced[name]) for name, count, size, known in sums}

    return totals


def _replaced(files: Any) -> Counter[str]:
    """Count files without such a SHA1 whose place others have taken, by dataset: there are hardly ever any."""
    unproved = files & "file_sha1 is null or sha1_source = 'archive'" & "position('.superseded-' in file_subpath) > 0"
    return Counter(
        row["dataset_name"]
        for row in unproved.to_dicts()
        if files
        & {"dataset_name": row["dataset_name"], "file_subpath": row["file_subpath"].rpartition(".superseded-")[0]}
    )


def _whole(value: Any) -> int | None:
    """Return a sum of the database as a number; None where there was nothing to sum up."""
    return None if value is None else int(value)


def _under_way(location: Location) -> dict[SessionKey, str]:
    open_ = publication.Transfer() & "state in ('planned', 'submitted', 'checked')" & "purpose in ('publish', 'move')"
    rows = (publication.Transfer.Session() & {"globus_alias": location.alias}).proj() * open_.proj("computer")
    return {(row["subject_id"], row["session"]): row["computer"] for row in rows.to_dicts()}
