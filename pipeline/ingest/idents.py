"""Idents set by hand: what stands between date and gate in the names of a session's folders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.archive.matching import SessionFacts
    from pipeline.archive.session import SessionKey


@dataclass(frozen=True, slots=True)
class Ident:
    """The ident of a session; None when its folders have none.  ``folder`` is the usual name of its ephys folder."""

    h2o: str
    subject_id: int
    session: int
    session_date: date
    session_time: str | None
    ident: str | None
    by_hand: bool
    folder: str


def list_idents(subject_id: int, chosen: str | None = None) -> list[Ident]:
    """Return the idents of an animal's sessions, of one session number or date when ``chosen``.

    Raises
    ------
    pipeline.errors.UsageError
        The animal has no water restriction, or no such session.
    """
    return [_ident(facts) for facts in _choose(subject_id, chosen)]


def set_ident(subject_id: int, chosen: str, ident: str | None, *, default: bool = False) -> Ident:
    """Set the ident of one session by hand.

    Parameters
    ----------
    subject_id
        The animal.
    chosen
        Session number, or a date (``YYYY-MM-DD``) on which it has one session.
    ident
        The text as it stands in folder names; None for no ident.
    default
        Forget what was set by hand instead.

    Raises
    ------
    pipeline.errors.UsageError
        There is no such session, there are several, or another one of that day has this ident.
    pipeline.errors.NameRefused
        The ident cannot stand in a folder's name.
    """
    from pipeline import database, publication, sessions

    found = _choose(subject_id, chosen)
    if len(found) > 1:
        raise UsageError(
            f"There are several sessions of {found[0].h2o} on {chosen}: "
            + ", ".join(f"{facts.key[1]} ({facts.session_time or 'time unknown'})" for facts in found)
            + ".",
            remedy="name one of them by its number.",
        )
    facts = found[0]
    if not default:
        _check(facts, ident)
    key = {"subject_id": facts.key[0], "session": facts.key[1]}

    def work() -> Literal[True]:
        (publication.SessionIdent() & key).delete_quick()
        if not default:
            publication.SessionIdent.insert1({**key, "session_ident": ident or ""})
        return True

    database.run_transaction(work, done=lambda: _stored(key) == (None if default else ident or ""))
    return _ident(sessions.load().facts[facts.key])


def _check(facts: SessionFacts, ident: str | None) -> None:
    from pipeline import sessions
    from pipeline.archive.naming import MAX_IDENT, session_folder

    if ident is not None and len(ident) > MAX_IDENT:
        raise UsageError(f"The ident has {len(ident)} characters.", remedy=f"use {MAX_IDENT} at the most.")
    session_folder(facts.h2o, facts.session_date, ident, "ephys")
    for other in sessions.load().facts.values():
        same_day = other.h2o == facts.h2o and other.session_date == facts.session_date
        if same_day and other.key != facts.key and other.ident == ident:
            raise UsageError(
                f"Session {other.key[1]} of {other.h2o} on {other.session_date} has "
                + (f"the ident {ident!r} already." if ident else "no ident already."),
                remedy="give that one another ident first.",
            )


def _stored(key: dict[str, int]) -> str | None:
    from pipeline import publication

    rows = (publication.SessionIdent() & key).to_dicts()
    return rows[0]["session_ident"] if rows else None


def _choose(subject_id: int, chosen: str | None) -> list[SessionFacts]:
    from pipeline import sessions

    loaded = sessions.load()
    ours = sorted((facts for facts in loaded.facts.values() if facts.key[0] == subject_id), key=lambda facts: facts.key)
    if not ours:
        if any(key[0] == subject_id for key in loaded.nameless):
            raise UsageError(
                f"Subject {subject_id} has no water restriction, so no folder can be named for its sessions.",
                remedy="enter it with `mapshell ingest-subjects`.",
            )
        raise UsageError(
            f"Subject {subject_id} has no session.", remedy="enter its sessions with `mapshell ingest-recordings`."
        )
    if chosen is None:
        return ours
    found = [facts for facts in ours if _is(facts, chosen)]
    if not found:
        known = ", ".join(f"{facts.key[1]} ({facts.session_date})" for facts in ours[:20])
        more = "" if len(ours) <= 20 else f" and {len(ours) - 20} more"
        raise UsageError(
            f"{ours[0].h2o} has no session {chosen}.",
            remedy=f"name one by its number or date (YYYY-MM-DD): {known}{more}.",
        )
    return found


def _is(facts: SessionFacts, chosen: str) -> bool:
    if chosen.isascii() and chosen.isdigit() and len(chosen) < 6:
        return facts.key[1] == int(chosen)
    try:
        return facts.session_date == date.fromisoformat(chosen)
    except ValueError:
        return False


def _ident(facts: SessionFacts) -> Ident:
    from pipeline.archive.naming import session_folder
    from pipeline.errors import NameRefused

    try:
        folder = session_folder(facts.h2o, facts.session_date, facts.ident, "ephys")
    except NameRefused:
        folder = ""
    key: SessionKey = facts.key
    by_hand = facts.ident_by_hand is not None
    return Ident(facts.h2o, *key, facts.session_date, facts.session_time, facts.ident, by_hand, folder)
