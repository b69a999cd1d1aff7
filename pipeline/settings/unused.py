"""What is set and has no effect, in words for the person.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.settings.keys import BY_NAME, KEYS
from pipeline.settings.text import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.settings.types import DatabaseSettings


def lab_prefix(database: DatabaseSettings, values: Mapping[str, Any]) -> list[str]:
    """Return a warning where a prefix of lab schemas has no effect."""
    if database.embedded is None or values["database.lab_prefix"] is None:
        return []
    return [
        (
            "database.lab_prefix is not used: the database of this folder (database.embedded) has no tables of another "
            "program. Remedy: remove database.lab_prefix, or set database.host."
        )
    ]


def variables(environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each variable that looks like a setting of ours and is none."""
    known = {variable for key in KEYS for variable in key.variables}
    sections = {key.section for key in BY_NAME.values()}
    strange = [
        name
        for name in sorted(environ)
        if name.startswith("MAPSHELL_") and name not in known and name.split("_")[1].lower() in sections
    ]
    return [
        f"environment variable {name}: there is no such setting; "
        + suggest(name, [each for each in known if each.startswith("MAPSHELL_")]).rstrip(".")
        for name in strange
    ]
