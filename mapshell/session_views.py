"""What the screens about sessions share: columns, and how a problem is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapshell.output import Column
from pipeline.archive.paths import visible
from pipeline.database.entering import fitting

if TYPE_CHECKING:
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


def problem(output: Output, what: str, reason: str, remedy: str) -> None:
    """Tell what needs a person: the thing, the cause, the remedy if there is one."""
    output.say()
    output.say(visible(what), style="yellow")
    output.say(f"    {visible(reason)}")
    if remedy:
        output.say(f"    Remedy: {visible(fitting(remedy))}")
