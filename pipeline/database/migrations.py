"""Creating and upgrading the tables: one writer at a time, numbered steps, a version in the database.

A new database gets the tables as the classes define them now, and the number of the latest migration.  An older one
gets the missing migrations in order.  A newer one is refused: an old program must not write into tables whose rules
it does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.database import server as db_server
from pipeline.errors import DatabaseError, SchemaVersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.database.binding import Binding
    from pipeline.database.lab_connection import LabConnection

VERSION_TABLE = "~schema_version"


@dataclass(frozen=True)
class Migration:
    """One step from the version before to ``number``.

    Parameters
    ----------
    number
        Version of the tables after it.
    description
        What changes, in a few words.
    apply
        Called with the connection and the schema prefix.  MySQL commits each statement that defines tables at once, so
        it must bear being run again after a crash half-way.
    """

    number: int
    description: str
    apply: Callable[[LabConnection, str], None]


def _new_tables(*names: str) -> Callable[[LabConnection, str], None]:
    """Return a step that declares tables of ``publication`` that came with a version."""

    def apply(connection: LabConnection, prefix: str) -> None:
        del prefix
        from pipeline import publication

        connection.rewrite = db_server.table_rewriter(connection)
        try:
            with db_server.ddl_block(connection):
                for name in names:
                    table = getattr(publication, name)
                    for each in (table, getattr(table, "Session", None)):
                        if each is not None:
                            _declare(each())
        finally:
            connection.rewrite = None

    return apply


# Number 1: the tables as they were before there were numbers.
FIRST_VERSION = 1
MIGRATIONS: tuple[Migration, ...] = (
    Migration(2, "checks of files, withdrawals, retrievals", _new_tables("FileCheck", "Withdrawal", "Retrieval")),
)


def latest_version(migrations: Sequence[Migration] | None = None) -> int:
    """Version of the tables that this program knows."""
    migrations = MIGRATIONS if migrations is None else migrations
    return max((step.number for step in migrations), default=FIRST_VERSION)


def stored_version(binding: Binding) -> int | None:
    """Version that the database says it has; None when there is none (new, or not finished)."""
    connection, schema = binding.connection, binding.prefix + "publication"
    found = connection.query(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
        (schema, VERSION_TABLE),
    ).fetchone()
    if not found[0]:
        return None
    row = connection.query(f"SELECT MAX(version) FROM {_version_table(binding)}").fetchone()  # noqa: S608
    return None if row[0] is None else int(row[0])


def _version_table(binding: Binding) -> str:
    return str(binding.connection.adapter.make_full_table_name(binding.prefix + "publication", VERSION_TABLE))


def ensure_tables(binding: Binding, migrations: Sequence[Migration] | None = None) -> None:
    """Create or upgrade what is missing; does nothing (one look) when everything is there.

    Raises
    ------
    SchemaVersionError
        The database is newer than this program.
    DatabaseReadOnly
        Something must be created and the account may not.
    """
    migrations = MIGRATIONS if migrations is None else migrations
    latest = latest_version(migrations)
    version = stored_version(binding)
    _check_not_newer(binding, version, latest)
    if version == latest:
        return
    db_server.check(binding.connection)
    with db_server.exclusive(binding.connection, binding.prefix):
        # Another process may have done it while we waited.
        version = stored_version(binding)
        _check_not_newer(binding, version, latest)
        if version is None:
            _create(binding, latest)
        else:
            for step in sorted(migrations, key=lambda step: step.number):
                if step.number > version:
                    step.apply(binding.connection, binding.prefix)
                    _stamp(binding, step.number)
    binding.connection.dependencies.clear()


def _check_not_newer(binding: Binding, version: int | None, latest: int) -> None:
    if version is not None and version > latest:
        raise SchemaVersionError(
            f"The tables at {binding.connection.target.place} ({binding.prefix}…) have version {version}; "
            f"this mapshell knows versions up to {latest}.",
            remedy="Upgrade mapshell on this computer (pipx upgrade mapshell); nothing was changed.",
        )


def _create(binding: Binding, version: int) -> None:
    from pipeline.database.binding import GROUPS

    connection = binding.connection
    _check_not_foreign(binding)
    for group in GROUPS.values():
        db_server.create_schema(connection, binding.prefix + group.name)
    connection.rewrite = db_server.table_rewriter(connection)
    try:
        with db_server.ddl_block(connection):
            for group in GROUPS.values():
                for table in group.tables():
                    _declare(table())
            connection.query(_version_table_sql(binding))
            _stamp(binding, version)
    finally:
        connection.rewrite = None


def _check_not_foreign(binding: Binding) -> None:
    """Refuse to put our tables among those of another program, as with an empty prefix on a lab's own server."""
    from pipeline.database.binding import GROUPS

    connection = binding.connection
    for group in GROUPS.values():
        schema = binding.prefix + group.name
        rows = connection.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (schema,)
        ).fetchall()
        ours = {table.table_name for table in group.tables()}
        foreign = sorted(row[0] for row in rows if row[0] not in ours and not row[0].startswith("~"))
        if foreign:
            raise DatabaseError(
                f"The schema {schema} at {connection.target.place} holds tables of another program, such as "
                f"{foreign[0]}; nothing was changed.",
                remedy="Set database.prefix so that mapshell's schemas get names of their own.",
            )


def _declare(table: Any) -> None:
    context = table.declaration_context
    if table.is_declared:
        # Left from a creation that was interrupted: DataJoint's own notes about it may be missing.
        table._refresh_lineage(context)
    else:
        table.declare(context)
    db_server.inherit_comments(table.connection, table.full_table_name)


def _version_table_sql(binding: Binding) -> str:
    stamp = "TIMESTAMP" if binding.connection.adapter.backend == "postgresql" else "DATETIME"
    return (
        f"CREATE TABLE IF NOT EXISTS {_version_table(binding)} (version INTEGER NOT NULL PRIMARY KEY, "
        f"applied_at {stamp} NOT NULL, program VARCHAR(64) NOT NULL)"
    )


def _stamp(binding: Binding, version: int) -> None:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as program_version

    try:
        program = program_version("mapshell")
    except PackageNotFoundError:
        program = "unknown"
    binding.connection.query(
        f"INSERT INTO {_version_table(binding)} (version, applied_at, program) "  # noqa: S608
        f"VALUES (%s, {db_server.utc_now_sql(binding.connection)}, %s)",
        (version, program),
    )


def drop_everything(binding: Binding) -> None:
    """Drop our schemas with all they hold; for tests and for taking a demo apart."""
    from pipeline.database.binding import GROUPS

    connection = binding.connection
    for group in reversed(list(GROUPS.values())):
        name = connection.adapter.quote_identifier(binding.prefix + group.name)
        if connection.adapter.backend == "postgresql":
            connection.query(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        else:
            connection.query(f"DROP DATABASE IF EXISTS {name}")


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that would need quoting, or that could make our names collide with the system's.

    Raises
    ------
    DatabaseError
        It is not made of lower-case letters, digits and underscores, or is too long.
    """
    if not re.fullmatch(r"([a-z][a-z0-9_]{0,39})?", prefix) or prefix.startswith("pg_"):
        raise DatabaseError(
            f"The schema prefix {prefix!r} cannot be used.",
            remedy="Set database.prefix to lower-case letters, digits and underscores, beginning with a letter, "
            "40 characters at most.",
        )
