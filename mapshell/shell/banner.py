"""What the shell says of itself: at the beginning, and when asked for help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapshell.shell.names import MODULES

if TYPE_CHECKING:
    from collections.abc import Mapping


def banner(version: str, database: Mapping[str, str] | None) -> str:
    """Return the lines above the first prompt.

    Parameters
    ----------
    version
        Of mapshell.
    database
        What ``pipeline.database.describe`` says; None while there is none.
    """
    if database is None:
        place = "no database"
    elif database["kind"] == "embedded":
        place = f"database of this computer ({database['server']})"
    else:
        name = f", database {database['database']}" if database["database"] else ""
        place = f"{database['place']} ({database['server']}{name})"
    return (
        f"mapshell {version} · {place}\n"
        f"schemas: {', '.join(MODULES[:5])} · ingest, dj\n"
        "Commands and Python; Tab completes, help explains, Ctrl-D leaves."
    )


def how_to() -> str:
    """Return what ``help`` says of the shell itself."""
    return """
In this shell
  status --subject SC038        a line that begins with a command's name runs it
  help status   ?status         how a command is used
  publication.ArchivedRawEphys  anything else is Python; the last value is in _
  ?publication.DataSet          what a Python name is
  status = 3                    Python too: a name that is given a value
  !df -h                        a command of the system
  exit   Ctrl-D                 leave; Ctrl-C drops the line, or stops what runs (transfers go on)

Keys
  Tab completes, → takes the grey suggestion, ↑ ↓ and Ctrl-R search what you typed before,
  Alt-Enter runs several lines, F4 is vi or emacs."""
