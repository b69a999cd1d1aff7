"""Which computer wrote last with which mapshell: read before a step that locks older programs out."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.database import server as db_server
from pipeline.database import versions
from pipeline.errors import DatabaseReadOnly

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.database.binding import Binding
    from pipeline.database.lab_connection import LabConnection

TABLE = "~writers"


@dataclass(frozen=True, slots=True)
class Writer:
    """A computer that wrote: with which mapshell, which version of the tables it knows, when (UTC).

    ``program`` and ``knows`` are None where only its rows tell that it wrote.  ``working`` says whether it holds a
    session just now.
    """

    computer: str
    program: str | None
    knows: int | None
    last: datetime | None
    working: bool = False


def create(connection: LabConnection, prefix: str) -> None:
    """Make the table, unless it is there."""
    stamp = "TIMESTAMP" if connection.adapter.backend == "postgresql" else "DATETIME"
    statement = (
        f"CREATE TABLE IF NOT EXISTS {_name(connection, prefix)} (computer VARCHAR(255) NOT NULL PRIMARY KEY, "
        f"program VARCHAR(64) NOT NULL, knows INTEGER NOT NULL, last_at {stamp} NOT NULL)"
    )
    if connection.rewrite is None:
        statement = db_server.table_rewriter(connection)(statement)
    connection.query(statement)


def note(binding: Binding, computer: str, knows: int) -> None:
    """Write down that a computer is about to write; an account that may not is told so elsewhere."""
    connection = binding.connection
    name, now = _name(connection, binding.prefix), db_server.utc_now_sql(connection)
    if connection.adapter.backend == "postgresql":
        update = (
            "ON CONFLICT (computer) DO UPDATE SET program = excluded.program, knows = excluded.knows, "
            "last_at = excluded.last_at"
        )
    else:
        update = "ON DUPLICATE KEY UPDATE program = VALUES(program), knows = VALUES(knows), last_at = VALUES(last_at)"
    with contextlib.suppress(DatabaseReadOnly):
        connection.query(
            f"INSERT INTO {name} (computer, program, knows, last_at) VALUES (%s, %s, %s, {now}) {update}",  # noqa: S608
            (computer, versions.program(), knows),
        )


def listed(binding: Binding) -> list[Writer]:
    """Return the computers that wrote, the latest first, as far as the database knows."""
    connection = binding.connection
    there = _tables(binding)
    found: dict[str, Writer] = {}
    if TABLE in there:
        rows = connection.query(
            f"SELECT computer, program, knows, last_at FROM {_name(connection, binding.prefix)}"  # noqa: S608
        ).fetchall()
        found = {row[0]: Writer(*row) for row in rows}
    for table, column in (("transfer", "created_at"), ("claim", "claimed_at")):
        if table not in there:
            continue
        name = connection.adapter.make_full_table_name(binding.prefix + "publication", table)
        rows = connection.query(f"SELECT computer, MAX({column}) FROM {name} GROUP BY computer").fetchall()  # noqa: S608
        for computer, last in rows:
            known = found.get(computer, Writer(computer, None, None, None))
            if known.last is None or (last is not None and last > known.last):
                found[computer] = Writer(computer, known.program, known.knows, last)
    for computer in _working(binding) if "claim" in there else ():
        known = found.get(computer, Writer(computer, None, None, None))
        found[computer] = Writer(computer, known.program, known.knows, known.last, working=True)
    return sorted(found.values(), key=lambda each: (each.last is not None, each.last, each.computer), reverse=True)


def _working(binding: Binding) -> list[str]:
    connection = binding.connection
    name = connection.adapter.make_full_table_name(binding.prefix + "publication", "claim")
    rows = connection.query(
        f"SELECT DISTINCT computer FROM {name} WHERE expires_at > {db_server.utc_now_sql(connection)}"  # noqa: S608
    ).fetchall()
    return [row[0] for row in rows]


def _tables(binding: Binding) -> set[str]:
    rows = binding.connection.query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (binding.prefix + "publication",)
    ).fetchall()
    return {row[0] for row in rows}


def _name(connection: LabConnection, prefix: str) -> str:
    return str(connection.adapter.make_full_table_name(prefix + "publication", TABLE))
