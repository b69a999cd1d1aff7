"""The version of the tables as the database tells it, and which programs may write into them.

Each migration says which is the oldest program that may go on writing afterwards (``oldest_writer``, kept beside the
version): tables that were added, or columns that may stay empty, do no harm to a program that does not know them.  So
two computers whose programs are one release apart go on with one database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.database import server as db_server
from pipeline.database.first_look import VERSION_TABLE, look
from pipeline.errors import SchemaVersionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pipeline.database.binding import Binding

_FAR = 10_000
_LEARNT = "oldest_writer"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says of its tables: version, the oldest program version that may write, who made it so, when.

    ``applied_at`` is in UTC.
    """

    version: int
    oldest_writer: int
    program: str
    applied_at: datetime | None


def read(binding: Binding, seen: Mapping[tuple[str, str], set[str]] | None = None) -> Stored | None:
    """Return what the database says of its version; None when it has no tables of ours (or not all of them yet).

    ``seen`` is what :func:`first_look.look` has just found there; None: it looks itself.

    Raises
    ------
    SchemaVersionError
        It says something that no mapshell writes.
    """
    connection = binding.connection
    seen = look(connection, binding.prefix) if seen is None else seen
    columns = seen.get((binding.prefix + "publication", VERSION_TABLE), set())
    if not columns:
        return None
    if not {"version", "applied_at", "program"} <= columns:
        raise _broken(binding, f"its columns are {', '.join(sorted(columns))}")
    wanted = ("version", "program", "applied_at", *({_LEARNT} & columns))
    found = connection.query(f"SELECT {', '.join(wanted)} FROM {version_table(binding)}").fetchall()  # noqa: S608
    if not found:
        raise _broken(binding, "it is empty")
    newest = max((dict(zip(wanted, row, strict=True)) for row in found), key=lambda row: _number(binding, row))
    version = _number(binding, newest)
    oldest = newest.get(_LEARNT)
    return Stored(version, version if oldest is None else int(oldest), str(newest["program"]), newest["applied_at"])


def _number(binding: Binding, row: dict[str, Any]) -> int:
    said = row["version"]
    try:
        version = int(said)
    except (TypeError, ValueError):
        version = 0
    if not 0 < version < _FAR:
        raise _broken(binding, f"it says {said!r}")
    return version


def _broken(binding: Binding, why: str) -> SchemaVersionError:
    return SchemaVersionError(
        f"The version of the tables at {binding.connection.target.place} cannot be told from "
        f"{binding.prefix}publication.{VERSION_TABLE}: {why}. Nothing was changed.",
        remedy="restore the database from a backup (`mapshell publication-discover --create-sessions` rebuilds the "
        "index in a new one: set database.prefix to another name).",
    )


def refuse_newer(binding: Binding, stored: Stored | None, latest: int) -> None:
    """Refuse a database whose tables a program that knows versions up to ``latest`` must not write into.

    Raises
    ------
    SchemaVersionError
        Both versions are named, and what to do.
    """
    if stored is None or latest >= stored.oldest_writer:
        return
    raise SchemaVersionError(
        f"The tables at {binding.connection.target.place} ({binding.prefix}…) have version {stored.version}, made by "
        f"mapshell {stored.program}; programs that know versions below {stored.oldest_writer} must not write into "
        f"them. This is mapshell {program()}, which knows versions up to {latest}.",
        remedy="Upgrade mapshell on this computer (pipx upgrade mapshell); nothing was changed.",
    )


def version_table(binding: Binding) -> str:
    """Quoted name of the table of versions."""
    return str(binding.connection.adapter.make_full_table_name(binding.prefix + "publication", VERSION_TABLE))


def create(binding: Binding, version: int, oldest_writer: int) -> None:
    """Make the table of versions with its first row; it gets its name last, so that there is never an empty one."""
    connection = binding.connection
    name = connection.adapter.make_full_table_name
    schema = binding.prefix + "publication"
    making = name(schema, f"{VERSION_TABLE}_making")
    postgres = connection.adapter.backend == "postgresql"
    connection.query(f"DROP TABLE IF EXISTS {making}")
    connection.query(
        f"CREATE TABLE {making} (version INTEGER NOT NULL PRIMARY KEY, "
        f"applied_at {'TIMESTAMP' if postgres else 'DATETIME'} NOT NULL, program VARCHAR(64) NOT NULL, "
        f"{_LEARNT} INTEGER NULL)"
    )
    _insert(binding, making, version, oldest_writer)
    new = connection.adapter.quote_identifier(VERSION_TABLE) if postgres else version_table(binding)
    connection.query(f"ALTER TABLE {making} RENAME TO {new}")


def _insert(binding: Binding, table: str, version: int, oldest_writer: int) -> None:
    binding.connection.query(
        f"INSERT INTO {table} (version, applied_at, program, {_LEARNT}) "  # noqa: S608
        f"VALUES (%s, {db_server.utc_now_sql(binding.connection)}, %s, %s)",
        (version, program(), oldest_writer),
    )


def stamp(binding: Binding, version: int, oldest_writer: int) -> None:
    """Write down that the tables have a version now."""
    learn(binding)
    _insert(binding, version_table(binding), version, oldest_writer)


def learn(binding: Binding) -> None:
    """Let a table of versions that is older than this rule have the column for it."""
    there = binding.connection.query(
        "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "AND column_name = %s",
        (binding.prefix + "publication", VERSION_TABLE, _LEARNT),
    ).fetchone()
    if not there[0]:
        binding.connection.query(f"ALTER TABLE {version_table(binding)} ADD COLUMN {_LEARNT} INTEGER NULL")


def program() -> str:
    """Version of this mapshell."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("mapshell")
    except PackageNotFoundError:
        return "unknown"
