"""The classes of our tables: DataJoint's, which look up connection, schema and heading when they are used.

Where a lab's own tables stand in, the same classes mean those, under the names that they have there, and they refuse to
write.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.database import binding, reading
from pipeline.database.quiet import dj


class _FromBinding:
    """A class attribute that is looked up in the current binding."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __get__(self, instance: Any, owner: Any) -> Any:
        if getattr(owner, "_group", None) is None:
            return None
        if self._what == "context":
            return binding.declaration_context(owner)
        present = binding.in_use()
        if self._what == "connection":
            return present.connection
        if self._what == "database":
            return present.database(owner)
        if self._what == "heading":
            return present.heading(owner)
        return [owner.full_table_name]


class _LazyMeta(type(dj.Manual)):  # type: ignore[misc]
    """Table classes whose name on the server is that of the database in use: the lab's own may be of another tier."""

    @property
    def table_name(cls) -> Any:
        """Name of the table on the server."""
        ours = super().table_name
        group = getattr(cls, "_group", None)
        present = binding.get_current()
        if group is None or present is None or group.name not in present.lab.schemas:
            return ours
        return present.lab.table_name(group.name, ours)


class _LazyPartMeta(_LazyMeta, type(dj.Part)):  # type: ignore[misc]
    """The same for parts, which are named by their masters."""


def _to_dicts(
    self: Any, order_by: Any = None, limit: int | None = None, offset: int | None = None, squeeze: bool = False
) -> list[dict[str, Any]]:
    """Return the rows, see DataJoint; whose 2.3 takes longer to look up their heading than to read them."""
    return reading.dicts(self._apply_top(order_by, limit, offset), squeeze=squeeze)


class _Lazy:
    """Mixed into table classes before DataJoint's: all that its ``Schema`` would set for good."""

    _group: binding.TableGroup | None = None
    _connection = _FromBinding("connection")
    _heading = _FromBinding("heading")
    _support = _FromBinding("support")
    database = _FromBinding("database")
    declaration_context = _FromBinding("context")

    def restrict(self, restriction: Any, semantic_check: bool = True) -> Any:
        """Restrict, see DataJoint; whose 2.3 negates the first condition only when several are taken away at once."""
        if isinstance(restriction, dj.Not) and isinstance(restriction.restriction, (Mapping, dj.AndList, np.void)):
            restriction = dj.Not([restriction.restriction])
        return super().restrict(restriction, semantic_check)  # type: ignore[misc]

    to_dicts: Any = _to_dicts

    def _populate_lineage(self, primary_key: list[str], fk_attribute_map: dict[str, tuple[str, str]]) -> None:
        """Note where the attributes come from; DataJoint would warn of each that comes from the lab's own tables."""
        lab = binding.in_use().lab
        if not lab:
            super()._populate_lineage(primary_key, fk_attribute_map)  # type: ignore[misc]
            return
        lab.note_lineage(self, primary_key, fk_attribute_map)

    def _Table__make_placeholder(self, name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: N802 - DataJoint's name
        """Give PostgreSQL its native uuid as text; DataJoint 2.3 hands it the bytes that MySQL wants."""
        made = super()._Table__make_placeholder(name, *args, **kwargs)  # type: ignore[misc]
        postgres = self.connection.adapter.backend == "postgresql"  # type: ignore[attr-defined]
        if postgres and made and isinstance(made[2], bytes) and self.heading[name].uuid:  # type: ignore[attr-defined]
            return made[0], made[1], str(uuid.UUID(bytes=made[2]))
        return made


_WRITES = (
    *("declare", "alter", "insert", "insert_dataframe", "update1"),
    *("delete", "delete_quick", "drop", "drop_quick"),
)


def _guarded(name: str) -> Any:
    """Return DataJoint's method, refused for a table of the lab's own."""

    @functools.wraps(getattr(dj.table.Table, name))
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        binding.refuse_if_the_labs(type(self))
        return getattr(super(_Lazy, self), name)(*args, **kwargs)

    return method


for _name in _WRITES:
    setattr(_Lazy, _name, _guarded(_name))


class Manual(_Lazy, dj.Manual, metaclass=_LazyMeta):  # type: ignore[misc]
    """A table whose rows people and programs enter."""


class Lookup(_Lazy, dj.Lookup, metaclass=_LazyMeta):  # type: ignore[misc]
    """A table of fixed terms; its contents come with the program (``pipeline.database.lookups``)."""


class Imported(_Lazy, dj.Imported, metaclass=_LazyMeta):  # type: ignore[misc]
    """A table whose rows are made from files."""


class Part(_Lazy, dj.Part, metaclass=_LazyPartMeta):  # type: ignore[misc]
    """A table of details of its master's rows."""
