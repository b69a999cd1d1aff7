"""What is explained of one session: the decisions at each storage location, in the order of publish."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.archive.session import DatasetType

Verdict = Literal["passed", "failed", "not reached", "unknown"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One rule, and what came of it.

    ``computer`` is where it was looked at; ``commands`` are what may be run next, the best first; ``accept`` says that
    a person may accept it; ``files`` pairs each file that breaks the rule with what was found.
    """

    rule: str
    stage: str
    verdict: Verdict
    evidence: str = ""
    computer: str = ""
    remedy: str = ""
    commands: tuple[str, ...] = ()
    accept: bool = False
    files: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "rule": self.rule,
            "stage": self.stage,
            "verdict": self.verdict,
            "evidence": self.evidence,
            "computer": self.computer,
            "remedy": self.remedy,
            "commands": list(self.commands),
            "acceptable": self.accept,
            "files": [{"file": file, "found": found} for file, found in self.files],
        }


@dataclass(slots=True)
class Place:
    """A session at one storage location: its state in the words of every screen, why, and what to run next."""

    alias: str
    dataset_type: DatasetType
    state: str
    reason: str = ""
    folders: tuple[str, ...] = ()
    decisions: list[Decision] = field(default_factory=list)
    next: tuple[str, ...] = ()

    @property
    def failed(self) -> list[Decision]:
        """The decisions that keep the session from being archived, or need a look."""
        return [decision for decision in self.decisions if decision.verdict == "failed"]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "alias": self.alias,
            "dataset_type": self.dataset_type,
            "state": self.state,
            "reason": self.reason,
            "folders": list(self.folders),
            "decisions": [decision.to_json() for decision in self.decisions],
            "next": list(self.next),
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """The session as the lab's tables have it; ``h2o`` is None without a water restriction."""

    subject_id: int
    session: int
    h2o: str | None
    session_date: str
    session_time: str | None
    ident: str | None

    def __str__(self) -> str:
        at = f" {self.session_time}" if self.session_time else ""
        name = f"{self.h2o} (subject {self.subject_id})" if self.h2o else f"subject {self.subject_id}"
        return f"{name} session {self.session} of {self.session_date}{at}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "subject_id": self.subject_id,
            "h2o": self.h2o,
            "session": self.session,
            "session_date": self.session_date,
            "session_time": self.session_time,
            "ident": self.ident,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decisions for one session; ``asked`` says whether Globus was asked where that mattered."""

    session: Subject
    locations: tuple[Place, ...]
    computer: str
    asked: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "session": self.session.to_json(),
            "computer": self.computer,
            "globus_asked": self.asked,
            "locations": [place.to_json() for place in self.locations],
        }


def unique(commands: Iterable[str]) -> tuple[str, ...]:
    """Return commands each once, in their order."""
    return tuple(dict.fromkeys(filter(None, commands)))
