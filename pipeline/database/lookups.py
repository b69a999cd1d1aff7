"""Contents of the lookup tables: the terms that come with the program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.database import bulk
from pipeline.errors import DatabaseReadOnly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.database.binding import Binding

_GLOB_LIMIT = 1024
_DESCRIPTION_LIMIT = 255


@dataclass(frozen=True)
class Contents:
    """What a lookup table holds; ``key`` is its single primary attribute."""

    table: Any
    key: str
    rows: list[dict[str, Any]]


def contents() -> list[Contents]:
    """Return the contents of all lookup tables, in the order of their dependencies."""
    from pipeline import publication, tracking
    from pipeline.archive.filetypes import RULES
    from pipeline.archive.naming import CAMERAS

    types = [{"dataset_type": "ephys"}, {"dataset_type": "video"}]
    cameras = [{"camera": str(name), "camera_description": ""} for name in CAMERAS]
    return [
        Contents(publication.DataSetType, "dataset_type", types),
        Contents(publication.FileType, "file_type", _file_types(RULES)),
        Contents(tracking.CameraPosition, "camera", cameras),
    ]


def _file_types(rules: Any) -> list[dict[str, Any]]:
    """One row for each name; several rules of one name share it."""
    globs: dict[str, list[str]] = {}
    descriptions: dict[str, str] = {}
    for rule in rules:
        patterns = rule.globs if hasattr(rule, "globs") else rule.glob
        globs.setdefault(rule.name, []).extend([patterns] if isinstance(patterns, str) else patterns)
        descriptions.setdefault(rule.name, rule.description)
    return [
        {
            "file_type": name,
            "file_glob": _joined(patterns),
            "file_type_description": descriptions[name][:_DESCRIPTION_LIMIT],
        }
        for name, patterns in globs.items()
    ]


def _joined(patterns: list[str]) -> str:
    text = " ".join(patterns)
    return text if len(text) <= _GLOB_LIMIT else text[: _GLOB_LIMIT - 2].rsplit(" ", 1)[0] + " …"


def sync(binding: Binding) -> None:
    """Add missing rows to the lookup tables; none is removed or changed, so that programs of two ages get along.

    A reader's account that may not add them is no error: it does not need them.
    """
    connection = binding.connection
    try:
        own = [lookup for lookup in contents() if lookup.table._group in binding.own_groups]
        known = _known(binding, own)
        for number, lookup in enumerate(own):
            for row in lookup.rows:
                if (number, row[lookup.key]) not in known:
                    bulk.insert_if_absent(connection, lookup.table, row)
    except DatabaseReadOnly:
        return


def _known(binding: Binding, own: Sequence[Contents]) -> set[tuple[int, str]]:
    """Return the keys that are there, each with the number of its table; one statement for all of them."""
    connection = binding.connection
    parts = []
    for number, lookup in enumerate(own):
        name = connection.adapter.make_full_table_name(binding.database(lookup.table), lookup.table.table_name)
        parts.append(f"SELECT {number}, {lookup.key} FROM {name}")  # noqa: S608
    return {(int(row[0]), str(row[1])) for row in connection.query(" UNION ALL ".join(parts)).fetchall()}
