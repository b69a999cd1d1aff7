"""What is at the database that the settings name: looked at whatever it is, and never changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import database
from pipeline.admin.rights import Rights, rights
from pipeline.database import migrations as steps_of
from pipeline.database import server as db_server
from pipeline.database import versions, writers
from pipeline.errors import DatabaseError, DatabaseReadOnly, MapshellError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.database.binding import Binding, TableGroup
    from pipeline.database.migrations import Migration
    from pipeline.database.versions import Stored
    from pipeline.database.writers import Writer
    from pipeline.settings import Settings

COUNTED = (
    ("lab", "Subject"),
    ("experiment", "Session"),
    ("publication", "GlobusStorageLocation"),
    ("publication", "DataSet"),
    ("publication", "DataSet.PhysicalFile"),
    ("publication", "ArchivedRawEphys"),
    ("publication", "ArchivedTrackingVideo"),
)
"""The tables whose rows are counted."""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """One group of tables: its schema, whether it exists, how many of our tables are in it; ``lab`` is the lab's own.

    ``foreign`` names tables of another program in it; ``size`` in bytes, None where it cannot be told.
    """

    group: str
    name: str
    exists: bool
    tables: int
    expected: int
    lab: bool = False
    foreign: tuple[str, ...] = ()
    size: int | None = None


@dataclass(frozen=True, slots=True)
class StepState:
    """A step that the database lacks; ``locks_out`` says that older programs must not write after it."""

    number: int
    description: str
    locks_out: bool


@dataclass(slots=True)
class DatabaseState:
    """What is at the database; ``problem`` is why ordinary commands would refuse to work with it, None when they work.

    ``rows`` counts those of the main tables, None where it cannot be read.
    """

    server: str
    kind: str
    place: str
    database: str
    account: str
    encrypted: bool | None
    prefix: str
    rights: Rights
    known: int
    program: str
    schemas: list[SchemaState] = field(default_factory=list)
    stored: Stored | None = None
    steps: list[StepState] = field(default_factory=list)
    rows: dict[str, int | None] = field(default_factory=dict)
    writers: list[Writer] = field(default_factory=list)
    problem: MapshellError | None = None

    @property
    def size(self) -> int | None:
        """Bytes of our own schemas on the server's disk; None where they cannot be told."""
        sizes = [each.size for each in self.schemas if not each.lab and each.size is not None]
        return sum(sizes) if sizes else None

    @property
    def empty(self) -> bool:
        """Whether there is no table of ours yet."""
        return self.stored is None


def look(settings: Settings, migrations: Sequence[Migration] | None = None) -> DatabaseState:
    """Look at the database of the settings; nothing is written.

    Raises
    ------
    pipeline.errors.DatabaseUnavailable
        The server cannot be reached.
    """
    binding = database.unused_binding(settings)
    try:
        return _look(binding, steps_of.MIGRATIONS if migrations is None else migrations)
    finally:
        binding.connection.close()


def _look(binding: Binding, migrations: Sequence[Migration]) -> DatabaseState:
    from pipeline.database.binding import GROUPS

    connection, target = binding.connection, binding.connection.target
    schemas = [_schema(binding, group) for group in GROUPS.values()]
    ours = [each for each in schemas if not each.lab]
    state = DatabaseState(
        server=db_server.version(connection),
        kind="embedded" if target.embedded else "server",
        place=target.place,
        database=target.name or "",
        account=target.user,
        encrypted=_encrypted(binding),
        prefix=binding.prefix,
        rights=rights(connection, [each.name for each in ours], {each.name for each in ours if each.exists}),
        known=steps_of.latest_version(migrations),
        program=versions.program(),
        schemas=schemas,
    )
    try:
        state.stored = versions.read(binding)
        state.steps = _steps(state.stored, migrations)
        state.problem = _problem(binding, state, migrations)
    except MapshellError as error:
        state.problem = error
    if state.stored is not None:
        state.rows = {name: _count(binding, group, name) for group, name in COUNTED}
        try:
            state.writers = writers.listed(binding)
        except DatabaseReadOnly:
            state.writers = []
    return state


def _problem(binding: Binding, state: DatabaseState, migrations: Sequence[Migration]) -> MapshellError | None:
    """Return what an ordinary command would raise; None when it would work."""
    try:
        db_server.check(binding.connection)
        versions.refuse_newer(binding, state.stored, state.known)
        if state.stored is None:
            steps_of.check_not_foreign(binding)
        else:
            steps_of.refuse_silence(binding, state.stored, migrations)
    except DatabaseError as error:
        return error
    if (state.stored is None or state.steps) and state.rights.create is False:
        what = (
            f"its tables lack {len(state.steps)} of this mapshell's steps" if state.stored else "it has no tables yet"
        )
        return DatabaseReadOnly(
            f"The account {state.account} may not make tables at {state.place}, and {what}.",
            remedy="Run `mapshell database upgrade` once under an account that may.",
        )
    return None


def _steps(stored: Stored | None, migrations: Sequence[Migration]) -> list[StepState]:
    if stored is None:
        return []
    missing = steps_of.missing(stored, migrations)
    locking = steps_of.locking(stored, missing)
    return [StepState(step.number, step.description, step in locking) for step in missing]


def _schema(binding: Binding, group: TableGroup) -> SchemaState:
    theirs, name = group.name in binding.lab.schemas, binding.schema_name(group)
    rows = binding.connection.query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (name,)
    ).fetchall()
    ours = {table.table_name for table in group.tables()}
    if theirs:
        ours = {binding.lab.table_name(group.name, each) for each in ours}
    found = {row[0] for row in rows}
    foreign = sorted(each for each in found - ours if not each.startswith("~"))
    return SchemaState(
        group=group.name,
        name=name,
        exists=db_server.schema_exists(binding.connection, name),
        tables=len(found & ours),
        expected=len(ours),
        lab=theirs,
        foreign=() if theirs else tuple(foreign),
        size=_size(binding, name),
    )


def _size(binding: Binding, schema: str) -> int | None:
    if binding.connection.adapter.backend == "postgresql":
        query = (
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relkind = 'r'"
        )
    else:
        query = "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = %s"
    size = binding.connection.query(query, (schema,)).fetchone()[0]
    return None if size is None else int(size)


def _count(binding: Binding, group: str, name: str) -> int | None:
    from importlib import import_module

    table: Any = import_module(f"pipeline.{group}")
    for part in name.split("."):
        table = getattr(table, part)
    theirs, ours = group in binding.lab.schemas, table.table_name
    schema = binding.lab.schemas.get(group, binding.prefix + group)
    called = binding.lab.table_name(group, ours) if theirs else ours
    full = binding.connection.adapter.make_full_table_name(schema, called)
    try:
        return int(binding.connection.query(f"SELECT COUNT(*) FROM {full}").fetchone()[0])  # noqa: S608
    except (DatabaseError, _missing_table()):
        return None


def _missing_table() -> type[Exception]:
    from pipeline.database.quiet import dj

    missing: type[Exception] = dj.errors.DataJointError
    return missing


def _encrypted(binding: Binding) -> bool | None:
    connection = binding.connection
    if connection.adapter.backend == "postgresql":
        return bool(connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()[0])
    row = connection.query("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()
    return bool(row and row[1])
