"""What a doctor says: findings as plain data, checks as a table's rows, and the report of all.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import ConfigError, LoginNeeded, MapshellError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.doctor.world import World

Level = Literal["ok", "warning", "failure", "skipped"]
Section = Literal["configuration", "computer", "database", "login", "collections", "folders", "archive", "journal"]

SECTIONS: dict[Section, str] = {
    "configuration": "the settings of this computer",
    "computer": "versions, clock, disks, private files, local services",
    "database": "reachable, rights, version of the tables",
    "login": "Globus, who is logged in, consents",
    "collections": "every Globus collection: known, online",
    "folders": "the local folders: on disk and in Globus the same",
    "archive": "where archives lie: readable, writable, HTTPS, times",
    "journal": "transfers and leases that wait for somebody",
}
"""The parts of a report in their order, with what each looks at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen.

    ``error`` tells of a failure what kind it is; ``facts`` are for programs.
    """

    level: Level
    message: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: MapshellError | None = None


def ok(message: str, **facts: Any) -> Finding:
    """Say that something is as it should be."""
    return Finding("ok", message, facts=facts)


def warning(message: str, remedy: str, **facts: Any) -> Finding:
    """Say that something works, and had better be mended."""
    return Finding("warning", message, remedy, facts)


def failure(error: MapshellError, **facts: Any) -> Finding:
    """Say that something does not work, as an error tells it."""
    return Finding("failure", error.message, error.remedy, facts, error)


def skipped(message: str) -> Finding:
    """Say that something was not looked at."""
    return Finding("skipped", message)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check is about when it is made once for each of several: a folder, a collection, an archive.

    ``key`` tells it apart, ``name`` is for people, ``thing`` is what the check works with, ``endpoint`` the collection
    that it lies in.
    """

    key: str = ""
    name: str = ""
    endpoint: str = ""
    thing: Any = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Parameters
    ----------
    name
        What it looks at, in a word or two.
    section
        Where it stands in the report.
    run
        Looks, and yields findings; an error of ours is a failure.
    needs
        Names of checks without whose success it cannot be made, each with how it is called in "because ...".  Of those
        made for each subject, the one of the same subject or of its collection is meant.
    after
        Names of checks that go before it, whatever comes of them.
    each
        Gives the subjects for each of which it is made; None: it is made once.
    lane
        Checks of one lane are never made at the same time; those of a subject's collection have a lane of their own.
    globus
        It asks Globus.
    limit
        How long it may take (s); None: as long as any.
    """

    name: str
    section: Section
    run: Callable[[World, Subject], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    each: Callable[[World], Sequence[Subject]] | None = None
    lane: str = ""
    globus: bool = False
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A finding in its place in the report."""

    section: Section
    check: str
    about: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the sections, and what was left at an archive (``left``, for people)."""

    lines: tuple[Line, ...]
    left: tuple[str, ...] = ()

    def count(self, level: Level) -> int:
        """Return how many findings are of a level."""
        return sum(line.finding.level == level for line in self.lines)

    @property
    def worst(self) -> MapshellError | None:
        """What must be mended first: the configuration, then the login, then the rest; None without a failure."""
        errors = [line.finding.error for line in self.lines if line.finding.error is not None]
        for kind in (ConfigError, LoginNeeded, MapshellError):
            for error in errors:
                if isinstance(error, kind):
                    return error
        return None

    def __str__(self) -> str:
        said = [f"{self.count('ok')} ok"]
        counts: dict[str, int] = {"warning": self.count("warning"), "failure": self.count("failure")}
        said += [f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts.items()]
        if self.count("skipped"):
            said.append(f"{self.count('skipped')} not looked at")
        return ", ".join(said) + "."


def document(report: Report) -> dict[str, Any]:
    """Return the report as JSON has it."""
    return {
        "counts": {level: report.count(level) for level in ("ok", "warning", "failure", "skipped")},
        "findings": [
            {
                "section": line.section,
                "check": line.check,
                "about": line.about,
                "level": line.finding.level,
                "message": line.finding.message,
                "remedy": line.finding.remedy,
                "error": None if line.finding.error is None else type(line.finding.error).__name__,
                "facts": dict(line.finding.facts),
            }
            for line in report.lines
        ],
        "left": list(report.left),
    }
