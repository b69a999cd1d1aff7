"""What tables there are and how they hang together, read from their definitions; connects to nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.database import binding, table_classes
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_REFERENCE = re.compile(r"->\s*(?:\[(?P<options>[^\]]*)\]\s*)?(?P<table>[\w.]+)")
_ATTRIBUTE = re.compile(r"(?P<name>\w+)\s*(?:=[^:]*)?:\s*(?P<type>[\w()0-9, ]+?)\s*(?:#\s*(?P<comment>.*))?$")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a table as its definition says it."""

    name: str
    type: str
    comment: str
    key: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: to which table (``schema.Table``), whether it is part of the key, whether it may be missing."""

    to: str
    key: bool
    nullable: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table: ``schema.Name`` (a part: ``schema.Master.Part``), DataJoint's tier, its comment and what it holds."""

    name: str
    schema: str
    tier: str
    comment: str
    attributes: tuple[Attribute, ...]
    references: tuple[Reference, ...]


def tables() -> list[Table]:
    """Return all tables, in the order in which they can be created."""
    from pipeline import lab, experiment, ephys, tracking, publication  # noqa: F401, I001 - the order of creation

    classes = [(group.name, table) for group in binding.GROUPS.values() for table in group.tables()]
    names = {table: _name(schema, table) for schema, table in classes}
    return [_table(schema, table, names) for schema, table in classes]


def chosen(schemas: Sequence[str]) -> list[Table]:
    """Return the tables of these schemas (of all when none is named), with those that they refer to.

    Raises
    ------
    UsageError
        There is no such schema.
    """
    found = tables()
    known = {table.schema for table in found}
    for schema in schemas:
        if schema not in known:
            raise UsageError(f"There is no schema {schema}.", remedy=f"there are: {', '.join(sorted(known))}.")
    mine = [table for table in found if not schemas or table.schema in schemas]
    todo, needed = list(mine), {table.name for table in mine}
    by_name = {table.name: table for table in found}
    while todo:
        for reference in todo.pop().references:
            if reference.to not in needed:
                needed.add(reference.to)
                todo.append(by_name[reference.to])
    return [table for table in found if table.name in needed]


def _name(schema: str, table: Any) -> str:
    master = getattr(table, "_master", None)
    return f"{schema}.{master.__name__}.{table.__name__}" if master is not None else f"{schema}.{table.__name__}"


def _table(schema: str, table: Any, names: dict[Any, str]) -> Table:
    attributes: list[Attribute] = []
    references: list[Reference] = []
    comment, key = "", True
    for line in (each.strip() for each in table.definition.strip().splitlines()):
        if line.startswith("#") and not comment and not attributes and not references:
            comment = line.lstrip("# ")
        elif set(line) == {"-"}:
            key = False
        elif found := _REFERENCE.match(line):
            to = _referred(found["table"], table, names)
            references.append(Reference(to, key, "nullable" in (found["options"] or "")))
        elif found := _ATTRIBUTE.match(line):
            attributes.append(Attribute(found["name"], found["type"].strip(), (found["comment"] or "").strip(), key))
    tier = next(each.__name__ for each in table.__mro__[1:] if each.__module__ == table_classes.__name__)
    return Table(names[table], schema, tier, comment, tuple(attributes), tuple(references))


def _referred(said: str, table: Any, names: dict[Any, str]) -> str:
    """Return the full name of the table that a definition refers to."""
    context = binding.declaration_context(table)
    first, *rest = said.split(".")
    value = context[first]
    for part in rest:
        value = getattr(value, part)
    return names[value]


def depths(found: Sequence[Table]) -> dict[str, int]:
    """Return how many tables, at most, must be there before each: the layers of a drawing."""
    by_name = {table.name: table for table in found}
    known: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in known:
            known[name] = max((depth(each.to) + 1 for each in by_name[name].references), default=0)
        return known[name]

    for table in found:
        depth(table.name)
    return known
