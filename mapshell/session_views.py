"""What the screens about sessions share: columns, and how a problem is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from pipeline.archive.drift import quoted
from pipeline.archive.paths import visible
from pipeline.database.entering import fitting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output

WHO = (
    Column("h2o", "h2o", style="bold"),
    Column("Subject", "subject_id", align="right"),
    Column("Session", "session", align="right"),
    Column("Date", "session_date"),
)
"""Which session a row is about."""

HOW_MUCH = (
    Column("Archive", "alias"),
    Column("Files", "files", align="right", kind="number"),
    Column("Size", "bytes", align="right", kind="bytes"),
)
"""Where its files are, and how many."""


STYLES = {
    "archived": "green",
    "archived with changes": "yellow",
    "present": "yellow",
    "in flight": "cyan",
    "queued": "cyan",
    "recording": "yellow",
    "refused": "red",
    "not here": "dim",
    "reclaimed": "dim",
    "withdrawn": "dim",
    "without session": "yellow",
}
"""The colour of each state."""


def state_style(row: Mapping[str, Any]) -> str:
    """Return how a row is shown, by its state."""
    return STYLES.get(row["state"], "")


def without_zeros(row: Mapping[str, Any], files: str, size: str) -> dict[str, Any]:
    """Return the row with empty cells where there is no file: a column of zeros hides the rest."""
    return dict(row) if row[files] else {**row, files: None, size: None}


def hint_at_why(output: Output, sessions: Sequence[tuple[str, int]]) -> None:
    """Name, once for a screen, the command that tells of a session rule by rule; ``sessions`` as (h2o, number)."""
    if sessions:
        h2o, number = sessions[0]
        each = " (so of each other one)" if len(sessions) > 1 else ""
        output.say()
        output.say(visible(f"Why, rule by rule{each}: mapshell publication-why {quoted(h2o)} {number}"))


def problem(output: Output, what: str, reason: str, remedy: str) -> None:
    """Tell what needs a person: the thing, the cause, the remedy if there is one."""
    output.say()
    output.say(visible(what), style="yellow")
    output.say(f"    {visible(reason)}")
    if remedy:
        output.say(f"    Remedy: {visible(fitting(remedy))}")
