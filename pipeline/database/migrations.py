"""Creating and upgrading the tables: one writer at a time, numbered steps, a version in the database.

A new database gets the tables as the classes define them now, and the number of the latest migration.  An older one
gets the missing migrations in order, without being asked as long as they only add what older programs need not know.
A step that locks older programs out waits for ``upgrade``: somebody must see to the other computers first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.database import server as db_server
from pipeline.database import standing_in, versions, writers
from pipeline.errors import DatabaseError, DatabaseReadOnly, SchemaVersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.database.binding import Binding
    from pipeline.database.lab_connection import LabConnection


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
    oldest_writer
        The oldest version of the tables whose programs may go on writing after it; by default only those that know
        this step.  A step that merely adds tables, or columns that may stay empty, names the version of the last step
        that did more.
    """

    number: int
    description: str
    apply: Callable[[LabConnection, str], None]
    oldest_writer: int | None = None

    @property
    def writers_from(self) -> int:
        """The oldest version whose programs may go on writing after it."""
        return self.number if self.oldest_writer is None else self.oldest_writer


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


def _unknown_sizes(connection: LabConnection, prefix: str) -> None:
    """Let sizes and times of files be unknown, and give the notes on writers their table."""
    writers.create(connection, prefix)
    for column in ("file_size", "file_mtime"):
        db_server.let_be_null(connection, prefix + "publication", "data_set__physical_file", column)


# Number 1: the tables as they were before there were numbers.
FIRST_VERSION = 1
MIGRATIONS: tuple[Migration, ...] = (
    Migration(2, "checks of files, withdrawals, retrievals", _new_tables("FileCheck", "Withdrawal", "Retrieval")),
    # Older programs count on a size of every file.
    Migration(3, "files whose size nobody knows yet; which mapshell wrote last", _unknown_sizes),
    Migration(4, "loose drives", _new_tables("Drive"), oldest_writer=3),
    Migration(5, "rounds, copies, reclaimed files", _new_tables("Copy", "Round", "Reclaim"), oldest_writer=3),
)


def latest_version(migrations: Sequence[Migration] | None = None) -> int:
    """Version of the tables that this program knows."""
    migrations = MIGRATIONS if migrations is None else migrations
    return max((step.number for step in migrations), default=FIRST_VERSION)


def oldest_writer(migrations: Sequence[Migration]) -> int:
    """Oldest version of the tables whose programs may write into those of the latest one."""
    return max((step.writers_from for step in migrations), default=FIRST_VERSION)


def missing(stored: versions.Stored, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """Return the steps that a database lacks, in order."""
    migrations = MIGRATIONS if migrations is None else migrations
    return [step for step in sorted(migrations, key=lambda each: each.number) if step.number > stored.version]


def locking(stored: versions.Stored, steps: Sequence[Migration]) -> list[Migration]:
    """Return those steps after which some program that may write now must not write any more."""
    return [step for step in steps if step.writers_from > stored.oldest_writer]


def ensure_tables(binding: Binding, migrations: Sequence[Migration] | None = None, *, lock_out: bool = False) -> None:
    """Create or upgrade what is missing; does nothing (one look) when everything is there.

    Parameters
    ----------
    binding
        The database.
    migrations
        The steps that the program knows; this program's own by default.
    lock_out
        Take steps that lock older programs out, too.

    Raises
    ------
    SchemaVersionError
        The database is newer than this program can bear, or needs a step that locks older programs out.
    DatabaseReadOnly
        Something must be created and the account may not.
    """
    migrations = MIGRATIONS if migrations is None else migrations
    binding.knows = latest = latest_version(migrations)
    seen = binding.take_first_look()
    stored = versions.read(binding, seen)
    versions.refuse_newer(binding, stored, latest)
    standing_in.check(binding, there=stored is not None, seen=seen)
    if stored is not None:
        if stored.version >= latest:
            return
        if not lock_out:
            refuse_silence(binding, stored, migrations)
    db_server.check(binding.connection)
    try:
        with db_server.exclusive(binding.connection, binding.prefix):
            # Another process may have done it while we waited.
            stored = versions.read(binding)
            versions.refuse_newer(binding, stored, latest)
            if stored is None:
                _create(binding, latest, oldest_writer(migrations))
            else:
                _take(binding, stored, missing(stored, migrations))
    except DatabaseReadOnly as error:
        what = "has no tables of mapshell" if stored is None else f"lacks {_said(missing(stored, migrations))}"
        raise DatabaseReadOnly(
            f"The database at {binding.connection.target.place} ({binding.prefix}…) {what}, and the account "
            f"{binding.connection.target.user} may not make them.",
            remedy="Run `mapshell database upgrade` once under an account that may create tables there "
            "(`mapshell database status` shows what is missing).",
        ) from error
    binding.forget()


def _take(binding: Binding, stored: versions.Stored, steps: Sequence[Migration]) -> None:
    oldest = stored.oldest_writer
    for step in steps:
        step.apply(binding.connection, binding.prefix)
        oldest = max(oldest, step.writers_from)
        versions.stamp(binding, step.number, oldest)


def refuse_silence(binding: Binding, stored: versions.Stored, migrations: Sequence[Migration]) -> None:
    """Refuse to lock other computers' programs out by the way."""
    steps = missing(stored, migrations)
    if locking(stored, steps):
        raise SchemaVersionError(
            f"The tables at {binding.connection.target.place} ({binding.prefix}…) have version {stored.version}; this "
            f"mapshell {versions.program()} needs {steps[-1].number}, and a step to it locks out computers with an "
            "older mapshell. Nothing was changed.",
            remedy="Upgrade mapshell on the computers that share this database, then take the step once: "
            "`mapshell database upgrade` (--dry-run shows what it would do).",
        )


def _said(steps: Sequence[Migration]) -> str:
    return "; ".join(f"version {step.number} ({step.description})" for step in steps)


def _create(binding: Binding, version: int, oldest: int) -> None:
    connection = binding.connection
    check_not_foreign(binding)
    for group in binding.own_groups:
        db_server.create_schema(connection, binding.prefix + group.name)
    connection.rewrite = db_server.table_rewriter(connection)
    try:
        with db_server.ddl_block(connection):
            for group in binding.own_groups:
                for table in group.tables():
                    _declare(table())
            writers.create(connection, binding.prefix)
            versions.create(binding, version, oldest)
    finally:
        connection.rewrite = None


def check_not_foreign(binding: Binding) -> None:
    """Refuse to put our tables among those of another program, as with an empty prefix on a lab's own server."""
    connection = binding.connection
    for group in binding.own_groups:
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
                remedy="Set database.prefix so that mapshell's schemas get names of their own (mapshell_). To read the "
                f"lab's own tables there: database.lab_prefix {binding.prefix or schema}.",
            )


def _declare(table: Any) -> None:
    context = table.declaration_context
    if table.is_declared:
        # Left from a creation that was interrupted: DataJoint's own notes about it may be missing.
        table._refresh_lineage(context)
    else:
        table.declare(context)
    db_server.inherit_comments(table.connection, table.full_table_name)


def drop_everything(binding: Binding) -> None:
    """Drop our schemas with all they hold; for tests and for taking a demo apart."""
    connection = binding.connection
    for group in reversed(binding.own_groups):
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
