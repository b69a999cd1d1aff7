"""What matching works on: folders found, the facts of sessions, and the outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import TYPE_CHECKING, NamedTuple

from pipeline.archive.naming import default_ident

if TYPE_CHECKING:
    from datetime import date

    from pipeline.archive.naming import FolderName
    from pipeline.archive.session import SessionKey


@dataclass(frozen=True, slots=True, eq=False)
class FoundFolder:
    """A folder on this computer: what its name says, where it is, and when its recordings began.

    ``started`` is naive local time of the acquisition computer (earliest of its metas), None when no meta tells.
    """

    name: FolderName
    subpath: str
    started: datetime | None


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What matching needs of a session.

    ``session_time`` is local wall time ``HH:MM:SS``, None when unknown; ``ident_by_hand`` the ident that a person (or
    ingest) set, ``""`` for "none", None when nobody did; ``index`` the position among the sessions of the day, from 0.
    """

    key: SessionKey
    h2o: str
    session_date: date
    session_time: str | None = None
    ident_by_hand: str | None = None
    index: int = 0

    @property
    def started(self) -> datetime | None:
        """When the session began (naive local time), None when the time is unknown."""
        if self.session_time is None:
            return None
        try:
            return datetime.combine(self.session_date, time.fromisoformat(self.session_time).replace(tzinfo=None))
        except ValueError:
            return None

    @property
    def ident(self) -> str | None:
        """The ident that its folders are expected to have."""
        return default_ident(self.index) if self.ident_by_hand is None else self.ident_by_hand or None

    def __str__(self) -> str:
        at = f" {self.session_time}" if self.session_time else ""
        return f"session {self.key[1]} of {self.h2o} ({self.session_date}{at})"


class Owner(NamedTuple):
    """The session that gets a folder, and the rule that gave it."""

    session: SessionFacts
    rule: str


@dataclass(frozen=True, slots=True)
class Unowned:
    """A folder that no session owns: by which rule, why, what to do, and the sessions it might have belonged to."""

    folder: FoundFolder
    reason: str
    remedy: str
    candidates: tuple[SessionKey, ...] = ()
    rule: str = ""

    @property
    def session(self) -> SessionKey | None:
        """The one session that it might have belonged to; None when there are none or several."""
        return self.candidates[0] if len(self.candidates) == 1 else None


@dataclass(slots=True)
class Matching:
    """The outcome: folders by session, folders that contradict or fit several, folders without a session.

    ``rules`` names, by ``id`` of each folder that has an owner, the rule that decided so.
    """

    owned: dict[SessionKey, list[FoundFolder]] = field(default_factory=dict)
    refused: list[Unowned] = field(default_factory=list)
    unmatched: list[Unowned] = field(default_factory=list)
    rules: dict[int, str] = field(default_factory=dict)


MATCHING: dict[str, str] = {
    "A1": "the animal has no session",
    "A2": "the run is named for another animal than its folder",
    "H1": "one session of that day has this ident by hand",
    "H2": "two sessions of that day have this ident by hand",
    "D1": "the date in the name and the start in the metas contradict each other",
    "D2": "no date in the name, and no start in a meta",
    "D5": "its day has no session",
    "M0": "a further gate began with another session than its run",
    "M1": "of several sessions that day, one began when it did",
    "M2": "of several sessions that day, two fit it alike",
    "M3": "of several sessions that day, one without a start has its ident",
    "M4": "of several sessions that day, none began when it did",
    "M5": "of several sessions that day, by the start that its ident tells",
    "M6": "of several sessions that day, one has its ident",
    "M7": "of several sessions that day, nothing tells which",
    "L1": "the only session of its day has another ident by hand",
    "L2": "its day has one session, and one run",
    "L3": "its day has one session and several runs: who began with it",
    "L4": "its day has one session and several runs: who has no ident",
}
"""The rules that decide whose a folder is (``matching.py`` tells them in full), in a few words each."""
