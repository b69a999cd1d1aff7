"""Which schemas of the lab are read instead of ours: our own setting, and what the predecessor's file says.  Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUPS = ("lab", "experiment", "ephys", "tracking")
"""The groups of tables that a lab may have already."""

OLD_PREFIX = "map_v2_"
"""How the predecessor names the schemas that its file does not name."""

# Where the predecessor's file names a schema: at the top in its first years, later under ``custom``.
SCHEMA_NAMES: dict[str, str] = {f"{group}.database": group for group in (*GROUPS, "publication")}

_PREFIX = re.compile(r"[A-Za-z0-9_$-]{1,48}")
_SCHEMA = re.compile(r"[A-Za-z0-9_$-]{1,64}")


def is_prefix(text: str) -> bool:
    """Say whether names of schemas can begin with this."""
    return bool(_PREFIX.fullmatch(text))


def is_schema(value: object) -> bool:
    """Say whether this can be the name of a schema."""
    return isinstance(value, str) and bool(_SCHEMA.fullmatch(value))


def schemas(lab_prefix: str | None, named: Mapping[str, str], own_prefix: str) -> tuple[tuple[str, str], ...] | None:
    """Return the lab's schemas by group of tables; nothing when the tables are ours, None when nothing is said.

    Parameters
    ----------
    lab_prefix
        The setting ``database.lab_prefix``; that of our own schemas means: tables of our own.
    named
        Schemas that the predecessor's file names.
    own_prefix
        The setting ``database.prefix``.
    """
    if lab_prefix == own_prefix:
        return ()
    if lab_prefix is None:
        if not any(group in named for group in GROUPS):
            return None
        lab_prefix = OLD_PREFIX
    return tuple((group, named.get(group, lab_prefix + group)) for group in SCHEMA_NAMES.values())
