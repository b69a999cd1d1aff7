"""The Python names that are at hand in the shell."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

MODULES = ("publication", "lab", "experiment", "ephys", "tracking", "ingest")
"""Modules of ``pipeline`` under their own names; ``dj`` is DataJoint."""


def at_hand() -> dict[str, Any]:
    """Return a new namespace with the schema modules and DataJoint; connects to nothing."""
    from importlib import import_module

    from pipeline.database.quiet import dj

    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__, "dj": dj}
    for name in MODULES:
        names[name] = import_module(f"pipeline.{name}")
    return names


def describe(names: dict[str, Any], dotted: str) -> str | None:
    """Return what is known of a Python name: its signature and documentation; None when there is no such name.

    Attributes are looked up one by one; nothing is called.
    """
    import builtins
    import inspect

    first, *rest = dotted.split(".")
    if first not in names and not hasattr(builtins, first):
        return None
    value = names.get(first, getattr(builtins, first, None))
    for part in rest:
        try:
            value = getattr(value, part)
        except Exception:  # noqa: BLE001 - a table's attribute may ask the database, which may be down
            return None
    head = dotted
    if callable(value):
        with suppress(TypeError, ValueError):  # some built-in functions have none
            head += str(inspect.signature(value))
    definition = getattr(value, "definition", "")
    said = inspect.getdoc(value) if not isinstance(value, (int, str, float, list, dict, tuple)) else repr(value)
    parts = [head, (said or "").strip(), inspect.cleandoc(definition) if isinstance(definition, str) else ""]
    return "\n\n".join(part for part in parts if part)


def headings(names: dict[str, Any], dotted: str) -> tuple[str, ...]:
    """Return the attributes of a table by its dotted Python name, none when there is no such table (or no database)."""
    first, *rest = dotted.split(".")
    value: Any = names.get(first)
    try:
        for part in rest:
            value = getattr(value, part)
        return tuple(value.heading.names)
    except Exception:  # noqa: BLE001 - no table, or the database is down: there is nothing to suggest
        return ()
