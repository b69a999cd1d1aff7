"""Which session a person means: as it was archived, and as the lab's tables have it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline import lab, publication, sessions
from pipeline.archive.session import SessionKey, SessionRef
from pipeline.errors import UsageError
from pipeline.subjects import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.sessions import LabSessions

_NAME = re.compile(r"(?:ephys|video)-([0-9]+)-([0-9]+)")
_EXAMPLE = "write SUBJECT/NUMBER or SUBJECT/DATE, such as SC038/3 or SC038/2019-11-19."
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Said:
    """What a person wrote: an animal, and a session's number or day."""

    text: str
    subject: str
    number: int | None
    day: date | None

    def fits(self, session: SessionRef) -> bool:
        """Say whether a session is one of this number, or of this day."""
        return session.session == self.number if self.number is not None else session.session_date == self.day


def read(text: str) -> Said:
    """Read ``SC038/3``, ``407513/3`` or ``SC038/2019-11-19``.

    Raises
    ------
    UsageError
        It is none of them.
    """
    subject, slash, which = text.strip().rpartition("/")
    number = int(which) if which.isascii() and which.isdigit() and len(which) < 6 else None
    day = None
    if number is None:
        try:
            day = date.fromisoformat(which)
        except ValueError:
            day = None
    if not slash or not subject or (number is None and day is None):
        raise UsageError(f"{text!r} names no session.", remedy=_EXAMPLE)
    return Said(text.strip(), subject.strip(), number, day)


def archived(said: Said, aliases: Sequence[str]) -> SessionRef | None:
    """Return the session, as it was when it was archived, whose datasets are meant; None when the index has none.

    Raises
    ------
    UsageError
        Several are.
    """
    found: dict[SessionKey, SessionRef] = {}
    for row in (publication.DataSet() & [{"globus_alias": alias} for alias in aliases]).to_dicts():
        session = as_archived(row)
        if session is not None and is_meant(said, session):
            found[session.key] = session
    if len(found) > 1:
        raise UsageError(
            f"{said.text} may be any of {_listed(found.values())}.",
            remedy="name the one by its number: SUBJECT/NUMBER.",
        )
    return next(iter(found.values()), None)


def is_meant(said: Said, session: SessionRef) -> bool:
    """Say whether a session is one that a person means."""
    return said.fits(session) and _is_animal(said.subject, session)


def as_archived(row: Any) -> SessionRef | None:
    """Return the session of a row of ``publication.DataSet`` as it was then."""
    name = _NAME.fullmatch(row["dataset_name"])
    if name is None:
        return None
    return SessionRef(int(name[1]), int(name[2]), row["dataset_h2o"], row["dataset_date"], row["dataset_time"])


def _is_animal(subject: str, session: SessionRef) -> bool:
    if subject.casefold() in (session.h2o.casefold(), str(session.subject_id)):
        return True
    # An animal that was given another water restriction since.
    named = lab.WaterRestriction() & {"subject_id": session.subject_id}
    return subject.casefold() in {row["water_restriction_number"].casefold() for row in named.to_dicts()}


def in_lab(said: Said, lab_sessions: LabSessions) -> SessionRef:
    """Return the session of the lab's tables that is meant.

    Raises
    ------
    UsageError
        There is none, or there are several.
    """
    subject_id = resolve(said.subject)
    theirs = [ref for key, ref in sorted(lab_sessions.refs.items()) if key[0] == subject_id]
    found = [ref for ref in theirs if said.fits(ref)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{said.text} may be any of {_listed(found)}.", remedy="name the one by its number.")
    if any(key[0] == subject_id for key in lab_sessions.nameless):
        raise UsageError(
            f"Subject {subject_id} has no water restriction, so its folders have no name.",
            remedy="enter it with `mapshell ingest-subjects`.",
        )
    have = f"{said.subject} has {_listed(theirs)}" if theirs else f"{said.subject} has no session yet"
    raise UsageError(
        f"The lab's tables have no session {said.text}.",
        remedy=f"{have}; enter the right one first (`mapshell ingest-recordings`), then reassign to it.",
    )


def none_archived(said: Said, aliases: Sequence[str]) -> UsageError:
    """Make the error of a session of which nothing is archived: it says what there is."""
    every = [as_archived(row) for row in (publication.DataSet() & [{"globus_alias": a} for a in aliases]).to_dicts()]
    known = {session.key: session for session in every if session is not None}.values()
    theirs = [session for session in known if _is_animal(said.subject, session)]
    names = sorted({session.h2o for session in known})
    near = difflib.get_close_matches(said.subject, names, n=3, cutoff=0.5)
    if theirs:
        remedy = f"archived of {said.subject}: {_listed(theirs)}."
    elif near:
        remedy = f"nothing of {said.subject} is archived; did you mean {' or '.join(near)}?"
    else:
        remedy = "`mapshell publication-status` lists every session with its state."
    return UsageError(f"Nothing is archived as {said.text} at {', '.join(aliases)}.", remedy=remedy)


def _listed(found: Any) -> str:
    names = [f"{s.h2o}/{s.session} of {s.session_date:%Y-%m-%d}" for s in sorted(found, key=lambda s: s.key)]
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def lab_now() -> LabSessions:
    """Return the lab's sessions."""
    return sessions.load()
