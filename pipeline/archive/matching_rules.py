"""The rules of ``matching.py``, one folder at a time; its docstring holds the table that the names here refer to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.archive.matching_types import FoundFolder, Owner, SessionFacts, Unowned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, timedelta

    from pipeline.archive.naming import FolderName
    from pipeline.archive.session import SessionKey


def claiming(name: FolderName) -> str:
    """Return the ident by hand that gives a session a folder of this name, whatever its start; empty for "none"."""
    if not name.dates or name.names_other_animal:
        return name.run
    return (name.number if name.origin == "old" else name.ident) or ""


def _set_ident(folder: FoundFolder) -> str:
    """Name the command that gives a session this folder, whatever its start."""
    name = folder.name
    ident = claiming(name) or "--none"
    said = f'"{ident}"' if " " in ident else ident
    return f"give the right one this ident by hand: `mapshell session-ident {name.h2o} N {said}`"


class Refusal(Exception):
    """A folder that contradicts its session, or fits several."""

    def __init__(self, rule: str, reason: str, remedy: str, candidates: Iterable[SessionFacts] = ()) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason
        self.remedy = remedy
        self.candidates = tuple(session.key for session in candidates)

    def unowned(self, folder: FoundFolder) -> Unowned:
        """Return the refusal of a folder."""
        return Unowned(folder, self.reason, self.remedy, self.candidates, self.rule)


@dataclass(frozen=True, slots=True)
class Day:
    """A folder of a day with just one session: whether it belongs there depends on the other runs of the day."""

    folder: FoundFolder
    start: datetime | None
    session: SessionFacts

    def settle(self, rivals: Sequence[Day], tolerance: timedelta) -> Owner | Unowned:
        """Decide by L1 to L4, given all folders of that day (this one too)."""
        ident = self.folder.name.ident
        near = self.near(tolerance)
        by_hand = self.session.ident_by_hand
        if by_hand is not None:  # H1 did not apply: the idents differ
            if near:
                return Owner(self.session, "L1")
            return self._not_its("L1", f"{self.session} has the ident {by_hand!r} by hand")
        if len({rival.folder.name.ident for rival in rivals}) == 1:
            return Owner(self.session, "L2")
        if any(rival.near(tolerance) for rival in rivals):
            if near or (ident is None and self.start is None):
                return Owner(self.session, "L3")
            return self._not_its("L3", f"another recording of that day began with {self.session}")
        if ident is None:
            return Owner(self.session, "L4")
        return self._not_its("L4", f"there are several recordings of that day, but just {self.session}")

    def near(self, tolerance: timedelta) -> bool:
        """Say whether the folder is known to have begun with the session."""
        begun = self.session.started
        start = self.start or _ident_start(self.folder, self.session.session_date)
        return begun is not None and start is not None and abs(start - begun) <= tolerance

    def _not_its(self, rule: str, why: str) -> Unowned:
        ident = self.folder.name.ident
        what = f"the ident {ident!r}" if ident else "no ident"
        return Unowned(
            self.folder,
            f"{why}, and this folder has {what}",
            "add the session it belongs to, or set the session's start time or its ident by hand "
            "(`mapshell session-ident`).",
            rule=rule,
        )


def judge(
    folder: FoundFolder,
    start: datetime | None,
    sessions: Mapping[str, Sequence[SessionFacts]],
    tolerance: timedelta,
) -> Owner | Unowned | Day:
    """Decide for one folder; a day with just one session is decided later, by :meth:`Day.settle`.

    Raises
    ------
    Refusal
        The folder contradicts its session, or fits several.
    """
    name = folder.name
    ours = sessions.get(name.h2o, ())
    if not ours:
        return Unowned(
            folder,
            f"the database has no session of {name.h2o}",
            "ingest the animal and its sessions (`mapshell ingest-subjects`, `mapshell ingest-recordings`).",
            rule="A1",
        )
    dated = bool(name.dates) and not name.names_other_animal
    by_hand = _claimed_by_hand(folder, ours, dated=dated)
    if by_hand is not None:
        return Owner(by_hand, "H1")
    _refuse_other_animal(folder, sessions)
    day = _day(folder, start, ours, tolerance) if dated else (start.date() if start else None)
    if isinstance(day, SessionFacts):
        return Owner(day, "D1")
    if day is None:
        return Unowned(
            folder,
            "its name has no date of this animal's, and no meta in it tells when it was recorded",
            f"set {name.run!r} as the ident of its session by hand (`mapshell session-ident`), or put its metas back.",
            rule="D2",
        )
    that_day = [session for session in ours if session.session_date == day]
    if not that_day:
        return _no_session(folder, day, start, ours)
    if len(that_day) == 1:
        return Day(folder, start, that_day[0])
    told = start is None  # by its ident alone, if at all
    return _among(folder, start or _ident_start(folder, day), that_day, tolerance, dated=dated, told=told)


def _refuse_other_animal(folder: FoundFolder, sessions: Mapping[str, Sequence[SessionFacts]]) -> None:
    name = folder.name
    if name.run_h2o is not None and not name.names_other_animal:
        return
    said = (name.run_h2o or name.run).casefold() + "_"
    for other in sessions:
        if other.casefold() != name.h2o.casefold() and said.startswith(other.casefold() + "_"):
            raise Refusal(
                "A2",
                f"it lies under {name.h2o}, but its run is named for {other}",
                f"move it under {other} if it is {other}'s; if it is not, rename nothing, and set {name.run!r} "
                "as the ident of its session by hand (`mapshell session-ident`).",
            )


def _claimed_by_hand(folder: FoundFolder, ours: Sequence[SessionFacts], *, dated: bool) -> SessionFacts | None:
    """Return the session whose ident by hand is this folder's (H1, H2; D2 for folders without a date)."""
    name = folder.name
    if dated:
        sure = set(name.dates) - name.legacy_dates
        ident = name.number if name.origin == "old" else name.ident
        claims = [s for s in ours if s.session_date in sure and s.ident_by_hand == (ident or "")]
    else:
        claims = [s for s in ours if s.ident_by_hand == name.run]
    if len(claims) > 1:
        raise Refusal(
            "H2",
            f"{_listed(claims)} have the same ident by hand",
            "give each its own ident (`mapshell session-ident`).",
            claims,
        )
    return claims[0] if claims else None


def _day(
    folder: FoundFolder, start: datetime | None, ours: Sequence[SessionFacts], tolerance: timedelta
) -> date | SessionFacts:
    """Return the day of a folder with a date, or at once the session when it began past that day's midnight."""
    dates = folder.name.dates
    sure = [day for day in dates if day not in folder.name.legacy_dates]
    if start is None:
        return sure[0] if sure else dates[0]
    if start.date() in dates:
        return start.date()
    near = [s for s in ours if s.session_date in dates and s.started and abs(s.started - start) <= tolerance]
    if len(near) == 1:
        return near[0]
    contradicted = [session for session in ours if session.session_date in sure]
    if not contradicted:
        return sure[0] if sure else dates[0]
    raise Refusal(
        "D1",
        f"its name says {sure[0]}, but its recording began on {start:%Y-%m-%d} at {start:%H:%M:%S}",
        "move it to where it belongs if it is another day's; if the clock was wrong, set the ident of its session "
        "by hand (`mapshell session-ident`).",
        contradicted,
    )


def _no_session(folder: FoundFolder, day: date, start: datetime | None, ours: Sequence[SessionFacts]) -> Unowned:
    legacy = [s for s in ours if s.session_date in folder.name.legacy_dates]
    hint = ""
    if legacy and start is None:
        hint = f"; it may be an older name of {legacy[0].session_date}, but no meta in it tells when it was recorded"
    elif start is not None and start.date() != day:
        hint = f", and its recording began on {start:%Y-%m-%d} at {start:%H:%M:%S}"
    remedy = "ingest the session (`mapshell ingest-recordings`)."
    if start is not None and any(session.session_date == start.date() for session in ours):
        remedy = f"if its name is wrong, rename it for {start:%Y-%m-%d}; else {remedy}"
    return Unowned(folder, f"the database has no session of {folder.name.h2o} on {day}{hint}", remedy, rule="D5")


def _among(
    folder: FoundFolder,
    start: datetime | None,
    that_day: Sequence[SessionFacts],
    tolerance: timedelta,
    *,
    dated: bool,
    told: bool,
) -> Owner:
    """Choose among several sessions of a day (M0 to M7)."""
    has_ident = dated and folder.name.origin != "old"
    near = _near(start, that_day, tolerance)
    if near:
        _refuse_other_start(folder, near[0][2], that_day, tolerance)
        if len(near) > 1 and near[0][0] == near[1][0]:
            raise _ambiguous("M2", folder, [near[0][2], near[1][2]])
        return Owner(near[0][2], "M5" if told else "M1")
    left = [session for session in that_day if start is None or session.started is None]
    same = [session for session in left if has_ident and session.ident == folder.name.ident]
    if len(same) == 1:
        return Owner(same[0], "M6" if told else "M3")
    if left:
        raise _ambiguous("M7" if told else "M4", folder, that_day)
    what = "recording" if folder.started in (None, start) else "run"
    raise Refusal(
        "M5" if told else "M4",
        f"its {what} began at {start:%H:%M:%S}, not within {tolerance.seconds // 60} min of {_listed(that_day)}",
        f"correct the start times of the sessions, or {_set_ident(folder)}.",
        that_day,
    )


def _near(
    start: datetime | None, sessions: Sequence[SessionFacts], tolerance: timedelta
) -> list[tuple[timedelta, SessionKey, SessionFacts]]:
    """Return the sessions that began near a start, the nearest first."""
    timed = [(abs(session.started - start), session) for session in sessions if session.started and start]
    return sorted((apart, session.key, session) for apart, session in timed if apart <= tolerance)


def _refuse_other_start(
    folder: FoundFolder, of_run: SessionFacts, that_day: Sequence[SessionFacts], tolerance: timedelta
) -> None:
    """Refuse a further gate that began with another session than its run: both may be right (M0)."""
    own = _near(folder.started, that_day, tolerance)
    if not own or own[0][2] is of_run:
        return
    other, name = own[0][2], folder.name
    ident = name.ident or "--none"
    raise Refusal(
        "M0",
        f"it is a further gate of the run that began with {of_run}, but it began with {other} itself",
        f"if it is of session {of_run.key[1]} like its run, say `mapshell session-ident {name.h2o} {of_run.key[1]} "
        f"{ident}`; if it is of session {other.key[1]}, rename the folder, with an ident of its own before _g"
        f"{name.gate}.",
        [of_run, other],
    )


def _ambiguous(rule: str, folder: FoundFolder, sessions: Sequence[SessionFacts]) -> Refusal:
    return Refusal(
        rule,
        f"{_listed(sessions)} fit it",
        f"set the recording start time of these sessions (session_time), or {_set_ident(folder)}.",
        sessions,
    )


def _ident_start(folder: FoundFolder, day: date) -> datetime | None:
    clock = folder.name.ident_time
    return None if clock is None else datetime.combine(day, clock)


def _listed(sessions: Sequence[SessionFacts]) -> str:
    names = [str(session) for session in sessions]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
