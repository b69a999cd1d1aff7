"""The morning report as plain data: what needs a person, what was done, what waits, who was seen.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

Kind = Literal[
    "database",
    "archive differs",
    "lost",
    "disk",
    "disk missing",
    "login",
    "missed",
    "round",
    "cannot look",
    "refused",
    "changed",
    "in flight",
    "waiting",
    "clock",
    "tombstone",
    "lease",
]

TITLES: dict[Kind, str] = {
    "database": "the database cannot be read",
    "archive differs": "the archive differs from the index",
    "lost": "gone, and not archived",
    "disk": "a disk fills up",
    "disk missing": "a disk cannot be looked at",
    "login": "a login is needed",
    "missed": "a round is missing",
    "round": "a round did not end well",
    "cannot look": "the folders cannot be looked at",
    "refused": "refused",
    "changed": "archived with changes",
    "in flight": "in flight for long",
    "waiting": "recorded long ago, not archived",
    "clock": "",
    "tombstone": "",
    "lease": "left claimed",
}
"""What can need a person, the most urgent first, with its title; empty where ``who`` says all."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs a person: what kind, whose, what is the matter, what to do."""

    kind: Kind
    who: str
    what: str
    remedy: str

    @property
    def title(self) -> str:
        """Whose it is, and what is the matter in a few words."""
        return ": ".join(filter(None, (self.who, TITLES[self.kind])))


@dataclass(frozen=True, slots=True)
class Done:
    """What one computer did since; sizes in bytes.

    ``archived`` counts sessions of which the index says so, ``reclaimed`` those whose last file was deleted here, and
    ``back`` how many of these were fetched back meanwhile.
    """

    computer: str
    archived: int = 0
    archived_bytes: int = 0
    retrieved_files: int = 0
    retrieved_bytes: int = 0
    reclaimed: int = 0
    reclaimed_bytes: int = 0
    back: int = 0

    @property
    def anything(self) -> bool:
        """Whether it did anything at all."""
        return bool(self.archived or self.retrieved_files or self.reclaimed)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was verified since: sessions listed, of these those that differ, and files read back; size in bytes."""

    sessions: int = 0
    differing: int = 0
    files: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits to be archived, at all computers; ``hours`` is None where nobody knows, ``places`` as on the board."""

    sessions: int = 0
    size: int = 0
    hours: float | None = None
    states: Mapping[str, int] = field(default_factory=dict)
    places: int = 1


@dataclass(frozen=True, slots=True)
class Sign:
    """The last sign of life of a computer; instants in UTC, sizes in bytes, None where nobody knows.

    ``late`` says in words that a round is missing, empty when none is; ``gone`` that it was not seen for long.
    """

    computer: str
    seen_at: datetime
    verb: str = ""
    result: str = ""
    program: str = ""
    next_at: datetime | None = None
    free: int | None = None
    late: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class MorningReport:
    """One report; instants in UTC without zone, ``zone`` is that of its words, ``computer`` made it.

    ``waiting`` is None where nobody could look; ``known`` False says that the database could not be asked at all.
    """

    computer: str
    made_at: datetime
    since: datetime
    zone: tzinfo
    needs: tuple[Need, ...] = ()
    done: tuple[Done, ...] = ()
    looked: Looked = Looked()
    waiting: Waiting | None = Waiting()
    computers: tuple[Sign, ...] = ()
    known: bool = True

    @property
    def whole(self) -> bool:
        """Whether nothing needs a person."""
        return not self.needs

    @property
    def subject(self) -> str:
        """One line that says what it comes to."""
        from pipeline.morning.words import subject

        return subject(self)

    @property
    def text(self) -> str:
        """The report as plain text, at most 80 columns wide."""
        from pipeline.morning.words import lines

        return "".join(f"{line.text}\n" for line in lines(self))

    def document(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            "subject": self.subject,
            "needs_person": [
                {"kind": each.kind, "who": each.who, "what": each.what, "remedy": each.remedy} for each in self.needs
            ],
            "computer": self.computer,
            "made_at": self.made_at.isoformat(),
            "since": self.since.isoformat(),
            "done": [
                {
                    "computer": each.computer,
                    "archived_sessions": each.archived,
                    "archived_bytes": each.archived_bytes,
                    "retrieved_files": each.retrieved_files,
                    "retrieved_bytes": each.retrieved_bytes,
                    "reclaimed_sessions": each.reclaimed,
                    "reclaimed_bytes": each.reclaimed_bytes,
                    "reclaimed_and_back": each.back,
                }
                for each in self.done
            ],
            "verified": {
                "sessions": self.looked.sessions,
                "differing": self.looked.differing,
                "files": self.looked.files,
                "bytes": self.looked.size,
            },
            "backlog": None
            if self.waiting is None
            else {
                "sessions": self.waiting.sessions,
                "bytes": self.waiting.size,
                "places": self.waiting.places,
                "hours": self.waiting.hours,
                "states": dict(self.waiting.states),
            },
            "computers": [
                {
                    "computer": each.computer,
                    "seen_at": each.seen_at.isoformat(),
                    "verb": each.verb,
                    "result": each.result,
                    "program": each.program,
                    "next_at": None if each.next_at is None else each.next_at.isoformat(),
                    "free_bytes": each.free,
                    "late": each.late,
                    "gone": each.gone,
                }
                for each in self.computers
            ],
            "text": self.text,
        }
