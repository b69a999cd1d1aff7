"""What computers last saw of sessions that are not simply archived: told by publish, read by status."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.session import dataset_name
from pipeline.database.bulk import bulk_update
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.journal import Outcome
    from pipeline.archive.session import Location, SessionKey

_CHUNK = 200

LOST = "not here"
"""The state of a session whose files were here, were never archived, and are here no more."""
TOLD_FOR = timedelta(days=14)
"""How long it is told of a session that it was lost."""


def remember(location: Location, computer: str, outcomes: Sequence[Outcome], gone: Collection[SessionKey] = ()) -> None:
    """Write down what a computer saw of sessions; forget what it said of settled ones and of those ``gone`` from it.

    What had files, is gone, and was never archived is not forgotten before a person could hear of it.

    That a session is *in flight* is the journal's to say, as long as it is true; here it waits, with what there is to
    say of it.
    """
    here = {"globus_alias": location.alias, "computer": computer}
    known = {(r["subject_id"], r["session"]): r for r in (publication.SessionState() & here).to_dicts()}
    # What is present without more ado is the index's to say.
    settled = {o.key for o in outcomes if o.state == "archived" or (o.state == "present" and not o.failed)}
    now = database.now()
    lost = _lost(location, {key: known[key] for key in known.keys() & (set(gone) - settled)}, now)
    over = sorted(known.keys() & (set(gone) | settled) - lost)
    for some in (over[first : first + _CHUNK] for first in range(0, len(over), _CHUNK)):
        keys = [{"subject_id": subject_id, "session": session} for subject_id, session in some]
        (publication.SessionState() & here & keys).delete_quick()
    _forget_copies(location, [o.key for o in outcomes if o.key in settled and o.copied_from])
    for outcome in outcomes:
        if outcome.key in settled:
            continue
        row = {**here, "subject_id": outcome.key[0], "session": outcome.key[1], **_facts(outcome), "seen_at": now}
        if outcome.key in known:
            publication.SessionState.update1(row)
        else:
            publication.SessionState.insert1(row)


def _lost(location: Location, rows: Mapping[SessionKey, Mapping[str, Any]], now: datetime) -> set[SessionKey]:
    """Mark the rows of sessions that are gone without having been archived; return whose they are."""
    earlier = {key for key, row in rows.items() if row["state"] == LOST and now - row["seen_at"] < TOLD_FOR}
    had = {key for key, row in rows.items() if row["files"] and row["state"] != LOST}
    if had | earlier:
        safe = _safe(location, had | earlier)
        had, earlier = had - safe, earlier - safe
    marked = []
    for key in sorted(had):
        row = rows[key]
        files = "1 file" if row["files"] == 1 else f"{row['files']:,} files"
        reason = (
            f"{files} ({human_bytes(row['bytes'])}) were here on {row['seen_at']:%Y-%m-%d} and are gone; "
            f"they were not archived ({row['state']})"
        )
        marked.append({**row, "state": LOST, "reason": reason, "files": 0, "bytes": 0})
    bulk_update(database.connection(), publication.SessionState, marked)
    return had | earlier


def _safe(location: Location, keys: Collection[SessionKey]) -> set[SessionKey]:
    """Return which of these sessions the index has at any location of this kind, or had until somebody withdrew it."""
    names = {dataset_name(location.dataset_type, key): key for key in sorted(keys)}
    found = set()
    for some in (list(names)[first : first + _CHUNK] for first in range(0, len(names), _CHUNK)):
        rows = [{"dataset_name": name} for name in some]
        for table in (publication.DataSet(), publication.Withdrawal()):
            found |= {names[row["dataset_name"]] for row in (table & rows).proj("dataset_name").to_dicts()}
    return found


def _forget_copies(location: Location, keys: Sequence[SessionKey]) -> None:
    """Forget what any computer without files of these sessions said of copying them: it is done."""
    for some in (keys[first : first + _CHUNK] for first in range(0, len(keys), _CHUNK)):
        rows = [{"subject_id": subject_id, "session": session} for subject_id, session in some]
        said = publication.SessionState() & {"globus_alias": location.alias, "files": 0, "folders": ""} & rows
        said.delete_quick()


def _facts(outcome: Outcome) -> dict[str, Any]:
    flying = outcome.state == "in flight"
    return {
        "state": "queued" if flying else outcome.state,
        "reason": "" if flying and not outcome.failed else outcome.reason[:2048],
        "folders": "\n".join(outcome.folders)[:4096],
        "files": outcome.files,
        "bytes": outcome.size,
    }


def told(location: Location) -> dict[SessionKey, list[Mapping[str, Any]]]:
    """Return what computers said of sessions, the newest word first."""
    rows = (publication.SessionState() & {"globus_alias": location.alias} & "state != 'in flight'").to_dicts()
    found: dict[SessionKey, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["seen_at"], row["computer"]), reverse=True):
        found.setdefault((row["subject_id"], row["session"]), []).append(row)
    return found
