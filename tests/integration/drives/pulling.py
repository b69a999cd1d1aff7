"""A drive that is pulled out by the very process that reads from it: at a named step, or while it looks or reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Python's own audit events tell the steps, the folders listed and the files opened; the program knows nothing of it.
_PULL = """
import os, sys
drive, away = {drive!r}, {away!r}
seen = 0
def watch(event, args):
    global seen
    if seen >= {nth}:
        return
    said = args[0] if args else ""
    if event == {event!r} and (said == {name!r} if event == "mapshell.step" else str(said).startswith({name!r})):
        seen += 1
        if seen == {nth}:
            os.rename(drive, away)
sys.addaudithook(watch)
"""


def pull(drive: Path, event: str, name: str, nth: int = 1) -> str:
    """Return the prelude of a process that pulls the drive out at an event."""
    away = str(drive.with_name("away"))
    return _PULL.format(drive=str(drive), away=away, event=event, name=name, nth=nth)


def put_back(drive: Path) -> None:
    """Connect the drive again at its place."""
    drive.with_name("away").rename(drive)
