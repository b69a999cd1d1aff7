"""Table classes that find their database at the moment of use.

DataJoint binds a table class to one connection for good.  Ours look up connection, schema and heading whenever they
are used: nothing is connected on import, the first use binds to the configured database, and binding again moves all
tables to another one.
"""

from __future__ import annotations

import sys
import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.database.quiet import dj

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.database.lab_connection import LabConnection
    from pipeline.settings.types import Settings

LOCK = threading.RLock()


class Binding:
    """All tables on one database.

    Parameters
    ----------
    connection
        The connection.
    prefix
        What the names of our schemas begin with.
    identity
        What this binding was made from; the same again needs no new binding.
    """

    def __init__(self, connection: LabConnection, prefix: str, identity: Any = None) -> None:
        self.connection = connection
        self.prefix = prefix
        self.identity = identity
        self.settings: Settings | None = None
        self.knows: int | None = None
        self._headings: dict[type, Any] = {}
        self.schemas: dict[str, Any] = {}
        for group in GROUPS.values():
            schema = dj.Schema(connection=connection, create_schema=False, create_tables=False)
            schema.database = prefix + group.name
            self.schemas[group.name] = schema
            connection.register(schema)

    def database(self, table: type) -> str:
        """Name of the table's schema on the server."""
        return self.prefix + _group(table).name

    def heading(self, table: Any) -> Any:
        """Heading of the table, read from the server once."""
        if table not in self._headings:
            self._headings[table] = dj.heading.Heading(
                table_info={
                    "conn": self.connection,
                    "database": self.database(table),
                    "table_name": table.table_name,
                    "context": declaration_context(table),
                }
            )
        return self._headings[table]

    def forget(self) -> None:
        """Forget what the tables look like: they were changed."""
        self._headings.clear()
        self.connection.dependencies.clear()


_current: Binding | None = None


def set_current(binding: Binding | None) -> None:
    """Make all tables use this binding."""
    global _current  # noqa: PLW0603 - one database at a time is what DataJoint's class-level tables mean
    _current = binding


def get_current() -> Binding | None:
    """Return the binding of the tables, None before the first use."""
    return _current


def _bound() -> Binding:
    """Return the binding, made from the settings at hand on first use."""
    if _current is None:
        from pipeline import database

        database.bind()
    assert _current is not None  # noqa: S101 - bind() raises or sets it
    return _current


class TableGroup:
    """The tables of one module, decorated in the order in which they can be created.

    Parameters
    ----------
    name
        Name of the schema without the prefix.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.masters: list[Any] = []
        GROUPS[name] = self

    def __call__(self, table: Any) -> Any:
        """Add a table class and its parts."""
        table._group = self
        self.masters.append(table)
        for part in _parts(table):
            part._group = self
            part._master = table
        return table

    def tables(self) -> Iterator[Any]:
        """Yield each table, followed by its parts."""
        for master in self.masters:
            yield master
            yield from _parts(master)

    @property
    def database(self) -> str:
        """Name of the schema on the server."""
        return _bound().prefix + self.name


GROUPS: dict[str, TableGroup] = {}


def _parts(table: Any) -> list[Any]:
    return [
        value
        for name, value in vars(table).items()
        if name[0].isupper() and isinstance(value, type) and issubclass(value, dj.Part)
    ]


def _group(table: Any) -> TableGroup:
    group: TableGroup | None = getattr(table, "_group", None)
    if group is None:
        raise dj.errors.DataJointError(f"Table {table.__name__} is in no schema.")
    return group


def declaration_context(table: Any) -> dict[str, Any]:
    """Names that a table's definition may refer to: those of its module, its master and itself."""
    context = dict(vars(sys.modules[table.__module__]))
    master = getattr(table, "_master", None)
    context.update({"self": table, (master or table).__name__: master or table})
    if master is not None:
        context["master"] = master
    return context


class _FromBinding:
    """A class attribute that is looked up in the current binding."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __get__(self, instance: Any, owner: Any) -> Any:
        if getattr(owner, "_group", None) is None:
            return None
        if self._what == "context":
            return declaration_context(owner)
        binding = _bound()
        if self._what == "connection":
            return binding.connection
        if self._what == "database":
            return binding.database(owner)
        if self._what == "heading":
            return binding.heading(owner)
        return [owner.full_table_name]


class _Lazy:
    """Mixed into table classes before DataJoint's: all that its ``Schema`` would set for good."""

    _group: TableGroup | None = None
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

    def _Table__make_placeholder(self, name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: N802 - DataJoint's name
        """Give PostgreSQL its native uuid as text; DataJoint 2.3 hands it the bytes that MySQL wants."""
        made = super()._Table__make_placeholder(name, *args, **kwargs)  # type: ignore[misc]
        postgres = self.connection.adapter.backend == "postgresql"  # type: ignore[attr-defined]
        if postgres and made and isinstance(made[2], bytes) and self.heading[name].uuid:  # type: ignore[attr-defined]
            return made[0], made[1], str(uuid.UUID(bytes=made[2]))
        return made


class Manual(_Lazy, dj.Manual):  # type: ignore[misc]
    """A table whose rows people and programs enter."""


class Lookup(_Lazy, dj.Lookup):  # type: ignore[misc]
    """A table of fixed terms; its contents come with the program (``pipeline.database.lookups``)."""


class Imported(_Lazy, dj.Imported):  # type: ignore[misc]
    """A table whose rows are made from files."""


class Part(_Lazy, dj.Part):  # type: ignore[misc]
    """A table of details of its master's rows."""
