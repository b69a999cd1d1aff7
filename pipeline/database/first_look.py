"""What a server has of mapshell's tables and of a lab's own, in one statement: a command begins with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.settings import lab

if TYPE_CHECKING:
    from pipeline.database.lab_connection import LabConnection

VERSION_TABLE = "~schema_version"
SESSION, WATER_RESTRICTION = "session", "water_restriction"


def look(connection: LabConnection, prefix: str) -> dict[tuple[str, str], set[str]]:
    """Return the columns of the few tables that tell what is there, by schema and table; what is not there is left out.

    Parameters
    ----------
    connection
        The database.
    prefix
        What the names of our schemas begin with.
    """
    schemas = (
        f"{prefix}publication",
        f"{prefix}experiment",
        f"{lab.OLD_PREFIX}lab",
        f"{lab.OLD_PREFIX}experiment",
    )
    rows = connection.query(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns "
        "WHERE table_schema IN (%s, %s, %s, %s) AND table_name IN (%s, %s, %s)",
        (*schemas, VERSION_TABLE, SESSION, WATER_RESTRICTION),
    ).fetchall()
    found: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in rows:
        found.setdefault((str(schema), str(table)), set()).add(str(column))
    return found
