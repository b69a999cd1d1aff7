"""What PostgreSQL, MySQL and MariaDB do differently when tables are made: one place for all of it.

Paths must be compared byte by byte everywhere: ``A.bin`` and ``a.bin``, a trailing space, composed and decomposed
accents are different files.  MySQL and MariaDB do so only with a binary collation that does not pad.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING, Any

from pipeline.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.database.lab_connection import LabConnection

_LOCK_PATIENCE_S = 120
# MariaDB's name, then that of MySQL 8.
_COLLATIONS = ("utf8mb4_nopad_bin", "utf8mb4_0900_bin")


def _is_postgres(connection: LabConnection) -> bool:
    return bool(connection.adapter.backend == "postgresql")


def collation(connection: LabConnection) -> str:
    """Return the binary collation that does not pad, of a MySQL or MariaDB server.

    Raises
    ------
    DatabaseError
        The server is too old to have one.
    """
    rows = connection.query(
        "SELECT collation_name FROM information_schema.collations WHERE collation_name IN (%s, %s)", _COLLATIONS
    ).fetchall()
    found = {row[0] for row in rows}
    for name in _COLLATIONS:
        if name in found:
            return name
    raise DatabaseError(
        f"The database server at {connection.target.place} cannot compare names byte by byte (it has none of the "
        f"collations {' and '.join(_COLLATIONS)}).",
        remedy="Use MariaDB 10.6 or later, MySQL 8.0 or later, or PostgreSQL 13 or later.",
    )


def check(connection: LabConnection) -> None:
    """Refuse a server on which names could not be stored as they are.

    Raises
    ------
    DatabaseError
        The encoding or the collations do not do.
    """
    if not _is_postgres(connection):
        collation(connection)
        return
    encoding = connection.query("SHOW server_encoding").fetchone()[0]
    if encoding != "UTF8":
        raise DatabaseError(
            f"The database {connection.target.name or 'postgres'} at {connection.target.place} stores text as "
            f"{encoding}, not UTF-8.",
            remedy="Create a database with ENCODING 'UTF8' and name it in database.name.",
        )


@contextlib.contextmanager
def exclusive(connection: LabConnection, name: str) -> Iterator[None]:
    """Hold a lock on the server, so that one process at a time makes tables; the server frees it with the connection.

    Raises
    ------
    DatabaseError
        Somebody else held it for two minutes.
    """
    key = int.from_bytes(hashlib.sha256(f"mapshell {name}".encode()).digest()[:8], "big", signed=True)
    text = f"mapshell_{key & 0xFFFFFFFFFFFFFFFF:016x}"
    if _is_postgres(connection):
        connection.query(f"SET lock_timeout = '{_LOCK_PATIENCE_S}s'")
        taken = True
        try:
            connection.query("SELECT pg_advisory_lock(%s)", (key,))
        except DatabaseError:
            taken = False
        finally:
            connection.query("SET lock_timeout = '20s'")
    else:
        taken = connection.query("SELECT GET_LOCK(%s, %s)", (text, _LOCK_PATIENCE_S)).fetchone()[0] == 1
    if not taken:
        raise DatabaseError(
            f"Another process has been setting up the tables at {connection.target.place} for {_LOCK_PATIENCE_S} s.",
            remedy="Wait until it is done, then run the command again.",
        )
    try:
        yield
    finally:
        # A connection that was lost has lost the lock as well; an error on the way out must not hide the first one.
        with contextlib.suppress(DatabaseError):
            if _is_postgres(connection):
                connection.query("SELECT pg_advisory_unlock(%s)", (key,))
            else:
                connection.query("SELECT RELEASE_LOCK(%s)", (text,))


def schema_exists(connection: LabConnection, name: str) -> bool:
    """Tell whether the schema (on MySQL: database) is there and visible to us."""
    row = connection.query(
        "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s", (name,)
    ).fetchone()
    return bool(row[0])


def create_schema(connection: LabConnection, name: str) -> None:
    """Create a schema with byte-wise comparison, unless it is there (an administrator may have made it for us)."""
    if schema_exists(connection, name):
        return
    quoted = connection.adapter.quote_identifier(name)
    if _is_postgres(connection):
        connection.query(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
    else:
        connection.query(
            f"CREATE DATABASE IF NOT EXISTS {quoted} CHARACTER SET utf8mb4 COLLATE {collation(connection)}"
        )


_TEXT_TYPE = re.compile(r"(?<!:)\b((?:var)?char\(\d+\))", re.IGNORECASE)


def table_rewriter(connection: LabConnection) -> Callable[[str], str]:
    """Return what changes the statements with which DataJoint creates tables.

    They get the collation: a schema that an administrator made, or a PostgreSQL database of another locale, then does
    as well.  They lose the foreign keys into schemas of the lab's own.
    """
    collate = _collating(connection)
    lab = connection.lab_tables
    if lab is None:
        return collate
    return lambda statement: collate(lab.without_constraints(statement))


def _collating(connection: LabConnection) -> Callable[[str], str]:
    if _is_postgres(connection):

        def with_column_collation(statement: str) -> str:
            if not statement.lstrip().upper().startswith("CREATE TABLE"):
                return statement
            return _TEXT_TYPE.sub(r'\1 COLLATE "C"', statement)

        return with_column_collation
    name = collation(connection)

    def with_table_collation(statement: str) -> str:
        if not statement.lstrip().upper().startswith("CREATE TABLE"):
            return statement
        return f"{statement} DEFAULT CHARACTER SET utf8mb4 COLLATE {name}"

    return with_table_collation


@contextlib.contextmanager
def ddl_block(connection: LabConnection) -> Iterator[None]:
    """Make all tables or none, where the server can (PostgreSQL); DataJoint need not know of the transaction."""
    if not _is_postgres(connection):
        yield
        return
    connection.query("BEGIN")
    try:
        yield
    except BaseException:
        with contextlib.suppress(DatabaseError):
            connection.query("ROLLBACK")
        raise
    connection.query("COMMIT")


def inherit_comments(connection: LabConnection, table: str) -> None:
    """Give the columns of a new table's foreign keys the comments of their parents, as DataJoint does on MySQL.

    The comment also carries DataJoint's type: without it a uuid that refers to another table is no uuid any more.

    Parameters
    ----------
    connection
        The database.
    table
        Quoted name with schema.
    """
    if not _is_postgres(connection):
        return
    found = connection.query(
        """
        SELECT child.attname, col_description(con.confrelid, parent.attnum)
        FROM pg_constraint con
        CROSS JOIN LATERAL unnest(con.conkey, con.confkey) AS pair(child, parent)
        JOIN pg_attribute child ON child.attrelid = con.conrelid AND child.attnum = pair.child
        JOIN pg_attribute parent ON parent.attrelid = con.confrelid AND parent.attnum = pair.parent
        WHERE con.contype = 'f' AND con.conrelid = %s::regclass AND col_description(con.conrelid, pair.child) IS NULL
        """,
        (table,),
    ).fetchall()
    for column, comment in found:
        if comment is not None:
            connection.query(
                f"COMMENT ON COLUMN {table}.{connection.adapter.quote_identifier(column)} IS %s", (comment,)
            )


def let_be_null(connection: LabConnection, schema: str, table: str, column: str) -> None:
    """Let a column be empty, with the type and the comment that it has (DataJoint reads its type there)."""
    name = connection.adapter.make_full_table_name(schema, table)
    quoted = connection.adapter.quote_identifier(column)
    if _is_postgres(connection):
        connection.query(f"ALTER TABLE {name} ALTER COLUMN {quoted} DROP NOT NULL")
        return
    kind, comment = connection.query(
        "SELECT column_type, column_comment FROM information_schema.columns "
        "WHERE table_schema = %s AND table_name = %s AND column_name = %s",
        (schema, table, column),
    ).fetchone()
    connection.query(f"ALTER TABLE {name} MODIFY {quoted} {kind} DEFAULT NULL COMMENT %s", (comment,))


def utc_now_sql(connection: LabConnection) -> str:
    """Expression for the server's present time in UTC, with microseconds, without zone."""
    return "clock_timestamp() AT TIME ZONE 'UTC'" if _is_postgres(connection) else "UTC_TIMESTAMP(6)"


def version(connection: LabConnection) -> str:
    """Name and version of the server, such as ``PostgreSQL 18.4`` or ``MariaDB 10.11.6``."""
    if _is_postgres(connection):
        return f"PostgreSQL {connection.query('SHOW server_version').fetchone()[0].split()[0]}"
    text: Any = connection.query("SELECT @@version").fetchone()[0]
    return f"{'MariaDB' if 'MariaDB' in text else 'MySQL'} {str(text).split('-')[0]}"
