"""How animals and sessions get into the database in use: by commands of ours, or by the lab's own pipeline."""

from __future__ import annotations

import re
import sys

LABS = "the lab's own pipeline"
_OURS = re.compile(r"`?mapshell ingest-(?:subjects|recordings)(?: FILE| SHEET)?`?")


def fitting(remedy: str) -> str:
    """Return a remedy in which commands of ours that enter rows give way, where the lab's own tables stand in.

    Rules that know no database name these commands; a person who is told to use one would only be refused by it.
    """
    loaded = sys.modules.get("pipeline.database.binding")  # without it no database is in use, and none is to be loaded
    present = None if loaded is None else loaded.get_current()
    return without_our_commands(remedy) if present is not None and present.lab else remedy


def without_our_commands(remedy: str) -> str:
    """Name the lab's own pipeline, once, in the place of our commands; pure."""
    said = _OURS.sub(LABS, remedy)
    return re.sub(rf"{re.escape(LABS)}(?:(?:, then |, | and ){re.escape(LABS)})+", LABS, said)
