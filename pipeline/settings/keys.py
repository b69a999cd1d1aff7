"""The table of every setting, as data: the parser, ``mapshell config`` and the manual's reference come from it."""

from __future__ import annotations

from pipeline.settings.sections import archive, database, globus, report
from pipeline.settings.sections.key import Key, Kind

__all__ = ["BY_NAME", "IN_CUSTOM", "KEYS", "RETIRED", "STRICT_SECTIONS", "Key", "Kind"]

KEYS: tuple[Key, ...] = (*database.KEYS, *globus.KEYS, *archive.KEYS, *report.KEYS)

BY_NAME: dict[str, Key] = {key.name: key for key in KEYS}

# Keys of the predecessor's file that are ours to know and never to use.
RETIRED: dict[str, str] = {
    "globus.token": (
        "{place}: a Globus token lies in this file. It is not used. "
        "Remove the line, and end that login at https://app.globus.org/settings/consents; "
        "`mapshell login` keeps tokens in a file of your own."
    ),
}

STRICT_SECTIONS = ("globus", "archive", "report", "notify")
"""Sections that are ours alone: an unknown key in them is an error.  ``database`` is shared with DataJoint."""

IN_CUSTOM = ("globus", "archive")
"""Sections that may also stand under ``custom``, as the predecessor has it; there, other names are others'."""
