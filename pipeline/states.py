"""What computers last saw of sessions that are not simply archived: told by publish, read by status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import database, publication

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.archive.journal import Outcome
    from pipeline.archive.session import Location, SessionKey

_CHUNK = 200


def remember(location: Location, computer: str, outcomes: Sequence[Outcome], gone: Collection[SessionKey] = ()) -> None:
    """Write down what a computer saw of sessions; forget what it said of settled ones and of those ``gone`` from it.

    That a session is *in flight* is the journal's to say, as long as it is true; here it waits, with what there is to
    say of it.
    """
    here = {"globus_alias": location.alias, "computer": computer}
    known = {(r["subject_id"], r["session"]): r for r in (publication.SessionState() & here).to_dicts()}
    # What is present without more ado is the index's to say.
    settled = {o.key for o in outcomes if o.state == "archived" or (o.state == "present" and not o.failed)}
    over = sorted(known.keys() & (set(gone) | settled))
    for some in (over[first : first + _CHUNK] for first in range(0, len(over), _CHUNK)):
        keys = [{"subject_id": subject_id, "session": session} for subject_id, session in some]
        (publication.SessionState() & here & keys).delete_quick()
    _forget_copies(location, [o.key for o in outcomes if o.key in settled and o.copied_from])
    now = database.now()
    for outcome in outcomes:
        if outcome.key in settled:
            continue
        row = {**here, "subject_id": outcome.key[0], "session": outcome.key[1], **_facts(outcome), "seen_at": now}
        if outcome.key in known:
            publication.SessionState.update1(row)
        else:
            publication.SessionState.insert1(row)


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
