"""Which database the tables are on, at the moment of use.

DataJoint binds a table class to one connection for good.  Ours (``table_classes``) look up connection, schema and
heading whenever they are used: nothing is connected on import, the first use binds to the configured database, and
binding again moves all tables to another one.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from pipeline.database.catalogue import Catalogue
from pipeline.database.first_look import look
from pipeline.database.lab_tables import LabTables
from pipeline.database.quiet import dj

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    lab_schemas
        The lab's own schemas by group of tables: those groups are read there, and never written.
    seen
        What has just been found on the server (:func:`first_look.look`).
    """

    def __init__(
        self,
        connection: LabConnection,
        prefix: str,
        identity: Any = None,
        lab_schemas: Mapping[str, str] | None = None,
        seen: dict[tuple[str, str], set[str]] | None = None,
    ) -> None:
        self._seen = seen
        self.connection = connection
        self.prefix = prefix
        self.identity = identity
        self.settings: Settings | None = None
        self.knows: int | None = None
        self._headings: dict[type, Any] = {}
        groups = {name: schema for name, schema in (lab_schemas or {}).items() if name in GROUPS}
        self.lab = LabTables(connection, groups)
        self.schemas: dict[str, Any] = {}
        for group in GROUPS.values():
            schema = dj.Schema(connection=connection, create_schema=False, create_tables=False)
            schema.database = self.schema_name(group)
            self.schemas[group.name] = schema
            connection.register(schema)
        self._catalogue = Catalogue(connection, [self.schema_name(group) for group in self.own_groups])

    @property
    def own_groups(self) -> list[TableGroup]:
        """The groups whose tables are ours, in the order in which they can be created."""
        return [group for group in GROUPS.values() if group.name not in self.lab.schemas]

    def schema_name(self, group: TableGroup) -> str:
        """Name of a group's schema on the server."""
        return self.lab.schemas.get(group.name, self.prefix + group.name)

    def database(self, table: type) -> str:
        """Name of the table's schema on the server."""
        return self.schema_name(group_of(table))

    def heading(self, table: Any) -> Any:
        """Heading of the table, read from the server once."""
        if table not in self._headings:
            group = group_of(table)
            table_info = {
                "conn": self.connection,
                "database": self.schema_name(group),
                "table_name": table.table_name,
                "context": declaration_context(table),
            }
            if group.name not in self.lab.schemas:
                self._headings[table] = self._catalogue.heading(table_info)
            elif self.lab.has(group.name, table.table_name):
                self._headings[table] = self.lab.heading(table_info)
            else:
                raise self.lab.missing(group.name, spoken(table))
        return self._headings[table]

    def take_first_look(self) -> dict[tuple[str, str], set[str]]:
        """Return what is on the server: what was seen when this was made, for the first who asks, then a new look."""
        seen, self._seen = self._seen, None
        return look(self.connection, self.prefix) if seen is None else seen

    def forget(self) -> None:
        """Forget what the tables look like: they were changed."""
        self._headings.clear()
        self._catalogue.forget()
        self.connection.dependencies.clear()


_current: Binding | None = None


def set_current(binding: Binding | None) -> None:
    """Make all tables use this binding."""
    global _current  # noqa: PLW0603 - one database at a time is what DataJoint's class-level tables mean
    _current = binding


def get_current() -> Binding | None:
    """Return the binding of the tables, None before the first use."""
    return _current


def in_use() -> Binding:
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
        return in_use().schema_name(self)


GROUPS: dict[str, TableGroup] = {}


def _parts(table: Any) -> list[Any]:
    return [
        value
        for name, value in vars(table).items()
        if name[0].isupper() and isinstance(value, type) and issubclass(value, dj.Part)
    ]


def group_of(table: Any) -> TableGroup:
    """Return the group that a table is of."""
    group: TableGroup | None = getattr(table, "_group", None)
    if group is None:
        raise dj.errors.DataJointError(f"Table {table.__name__} is in no schema.")
    return group


def spoken(table: Any) -> str:
    """Return what the table is called in Python: ``lab.Subject``."""
    return f"{group_of(table).name}.{table.__qualname__}"


def declaration_context(table: Any) -> dict[str, Any]:
    """Names that a table's definition may refer to: those of its module, its master and itself."""
    context = dict(vars(sys.modules[table.__module__]))
    master = getattr(table, "_master", None)
    context.update({"self": table, (master or table).__name__: master or table})
    if master is not None:
        context["master"] = master
    return context


def is_there(table: Any) -> bool:
    """Tell whether the database in use has a table: ours are all there, a lab's own may lack one."""
    group, lab = group_of(table), in_use().lab
    return group.name not in lab.schemas or lab.has(group.name, table.table_name)


def refuse_if_the_labs(table: Any) -> None:
    """Refuse to change one of the lab's own tables.

    Raises
    ------
    LabTableReadOnly
        It is one.
    """
    group, lab = group_of(table), in_use().lab
    if group.name in lab.schemas:
        raise lab.refuse(group.name, spoken(table))
