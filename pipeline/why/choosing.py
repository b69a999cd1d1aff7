"""Which session a person means: an animal, and a number or a day as people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pipeline import experiment, sessions
from pipeline.archive.dates import read_date
from pipeline.archive.drift import quoted
from pipeline.archive.paths import printable
from pipeline.database.reading import clock, columns
from pipeline.errors import UsageError
from pipeline.sessionless import everywhere
from pipeline.subjects import resolve
from pipeline.why.explanation import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOST_NUMBER = 32767
"""The largest session number: the width of its column."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """The session that is meant, and all sessions of its animal."""

    session: Subject
    of_animal: sessions.LabSessions

    @property
    def key(self) -> tuple[int, int]:
        """``(subject_id, session)``."""
        return self.session.subject_id, self.session.session


def choose(
    subject: str | int,
    said: str | int,
    today: date,
    *,
    ask: Callable[[Sequence[Subject]], Subject] | None = None,
    lying_here: Callable[[str, date], Sequence[str]],
) -> Chosen:
    """Return the session of an animal that a number or a day means.

    Parameters
    ----------
    subject
        Water restriction or subject id.
    said
        A number, or a day: ``2019-11-19``, ``20191119``, ``111919`` as in folder names, ``today``, ``yesterday``.
    today
        This day, where the lab is.
    ask
        Asks a person which of several sessions of a day; without it, several are an error that names them.
    lying_here
        Returns the folders of an animal and day that lie on this computer.

    Raises
    ------
    UsageError
        There is no such subject, session or day, or several sessions are of that day.
    """
    subject_id = resolve(subject)
    every, loaded = _sessions(subject_id)
    number, day = _read(str(said).strip(), today, subject)
    found = [each for each in every if number == each.session or (day and each.session_date == day.isoformat())]
    if not found:
        raise _unknown(subject_id, subject, number, day, every, lying_here)
    if len(found) > 1:
        if ask is None:
            raise _several(found)
        return Chosen(ask(found), loaded)
    return Chosen(found[0], loaded)


def _sessions(subject_id: int) -> tuple[list[Subject], sessions.LabSessions]:
    loaded = sessions.load([subject_id])
    every = [
        Subject(*ref.key, ref.h2o, ref.session_date.isoformat(), ref.session_time, ref.ident)
        for ref in loaded.refs.values()
    ]
    if loaded.nameless:
        rows: Any = columns(
            experiment.Session() & {"subject_id": subject_id}, ("session", "session_date", "session_time")
        )
        every += [
            Subject(subject_id, number, None, day.isoformat(), clock(begun), None)
            for number, day, begun in rows
            if (subject_id, number) in loaded.nameless
        ]
    return sorted(every, key=lambda each: each.session), loaded


def _read(said: str, today: date, subject: str | int) -> tuple[int | None, date | None]:
    """Return the number or the day that is meant."""
    word = said.casefold()
    if word in ("today", "yesterday"):
        return None, today - timedelta(days=word == "yesterday")
    if re.fullmatch("[0-9]{1,5}", said) and int(said) <= _MOST_NUMBER:
        return int(said), None
    reading = read_date(said)
    if reading is not None and reading.text == said:
        return None, reading.dates[0]
    raise UsageError(
        f"{printable(said)!r} is neither a session number nor a day.",
        remedy="write a number, or a day as 2019-11-19, 20191119, 111919, today or yesterday; "
        f"`mapshell publication-status --subject {quoted(str(subject))}` lists the sessions.",
    )


def _unknown(
    subject_id: int,
    subject: str | int,
    number: int | None,
    day: date | None,
    every: Sequence[Subject],
    lying_here: Callable[[str, date], Sequence[str]],
) -> UsageError:
    name = quoted(str(subject))
    lost = [each for some in everywhere(("ephys", "video")).values() for each in some]
    for each in lost:
        ref = each.session
        if ref.subject_id == subject_id and (ref.session == number or ref.session_date == day):
            return UsageError(f"{each} is without session: {each.reason}.", remedy=each.remedy)
    h2o = next((each.h2o for each in every if each.h2o), None) or _h2o(subject_id)
    who = h2o or f"subject {subject_id}"
    what = f"session {number}" if day is None else f"session on {day}"
    lying = list(lying_here(h2o, day)) if h2o and day else []
    if lying:
        more = f" and {len(lying) - _NAMED} more" if len(lying) > _NAMED else ""
        return UsageError(
            f"{who} has no {what}, but of that day there lies here: {', '.join(lying[:_NAMED])}{more}.",
            remedy=f"enter the session: `mapshell ingest-recordings --subject {name}`.",
        )
    if not every:
        return UsageError(
            f"{who} has no session at all in the lab's tables.",
            remedy=f"enter its sessions: `mapshell ingest-recordings --subject {name}`, or bring them back from the "
            f"archive: `mapshell publication-discover --create-sessions`.",
        )
    near = sorted(every, key=lambda each: _apart(each, number, day))[:3]
    commands = ", ".join(f"`mapshell publication-why {name} {each.session}` ({each.session_date})" for each in near)
    return UsageError(f"{who} has no {what}.", remedy=f"nearest: {commands}.")


def _apart(each: Subject, number: int | None, day: date | None) -> tuple[int, int]:
    apart = (
        abs(each.session - (number or 0)) if day is None else abs((date.fromisoformat(each.session_date) - day).days)
    )
    return apart, each.session


def _h2o(subject_id: int) -> str | None:
    from pipeline import lab

    rows = (lab.WaterRestriction() & {"subject_id": subject_id}).to_dicts()
    return rows[0]["water_restriction_number"] if rows else None


def _several(found: Sequence[Subject]) -> UsageError:
    first = found[0]
    name = quoted(first.h2o or str(first.subject_id))
    which = "; ".join(
        f"`mapshell publication-why {name} {each.session}`"
        + (f" (began {each.session_time})" if each.session_time else "")
        for each in found
    )
    return UsageError(
        f"{first.h2o or f'subject {first.subject_id}'} has {len(found)} sessions on {first.session_date}.",
        remedy=f"say which: {which}.",
    )
