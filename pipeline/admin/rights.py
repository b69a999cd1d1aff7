"""What an account of the database may do with our schemas; asked, never tried."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pipeline.database.lab_connection import LabConnection

_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<schema>`[^`]*`|\*)\.(?P<table>`[^`]*`|\*) TO ")
_WRITE = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Rights:
    """Whether an account may read and write rows, and make tables and schemas; None: that cannot be told.

    ``server`` says why nobody may write at present, where the server itself is read-only.
    """

    read: bool | None
    write: bool | None
    create: bool | None
    server: str = ""

    def __str__(self) -> str:
        words = (("read", self.read), ("write", self.write), ("create tables", self.create))
        can = [word for word, may in words if may]
        cannot = [word for word, may in words if may is False]
        said = [f"may {', '.join(can)}"] if can else []
        said += [f"may not {', '.join(cannot)}"] if cannot else []
        said += [self.server] if self.server else []
        return "; ".join(said) or "cannot be told"


def rights(connection: LabConnection, schemas: Sequence[str], there: Collection[str]) -> Rights:
    """Return what the account may do.

    Parameters
    ----------
    connection
        The database.
    schemas
        Our schemas.
    there
        Those of them that exist.
    """
    if connection.adapter.backend == "postgresql":
        return _postgresql(connection, schemas, there)
    lines = [str(row[0]) for row in connection.query("SHOW GRANTS").fetchall()]
    locked = connection.query("SELECT @@read_only").fetchone()[0]
    # The server lets administrators write all the same; ours are no administrators.
    return of_grants(lines, schemas, read_only=str(locked) not in ("0", "OFF", "NO"))


def of_grants(lines: Iterable[str], schemas: Sequence[str], *, read_only: bool = False) -> Rights:
    """Return what lines of ``SHOW GRANTS`` mean for some schemas: what holds for all of them."""
    found: list[tuple[re.Pattern[str], set[str]]] = []
    for line in lines:
        grant = _GRANT.match(line)
        if grant is None or grant["table"] != "*":
            continue  # a role's name, a proxy, or a right on one table alone
        words = {word.strip().upper() for word in re.sub(r"\([^)]*\)", "", grant["rights"]).split(",")}
        found.append((_pattern(grant["schema"]), words))

    def may(*wanted: str) -> bool:
        def of(schema: str) -> set[str]:
            return {word for pattern, words in found if pattern.fullmatch(schema) for word in words}

        return all({"ALL PRIVILEGES", "ALL"} & of(schema) or set(wanted) <= of(schema) for schema in schemas)

    told = "the server is read-only at present" if read_only else ""
    return Rights(may("SELECT"), may(*_WRITE), may("CREATE", "ALTER", "REFERENCES"), told)


def _pattern(schema: str) -> re.Pattern[str]:
    r"""Return what a schema of a grant matches: ``%`` and ``_`` stand for any text and character unless after ``\``."""
    if schema == "*":
        return re.compile(".*")
    parts = re.findall(r"\\.|.", schema.strip("`"), re.DOTALL)
    joker = {"%": ".*", "_": "."}
    return re.compile("".join(joker.get(part, re.escape(part.removeprefix("\\") or "\\")) for part in parts))


def _postgresql(connection: LabConnection, schemas: Sequence[str], there: Collection[str]) -> Rights:
    locked = connection.query("SHOW transaction_read_only").fetchone()[0] == "on"
    recovering = connection.query("SELECT pg_is_in_recovery()").fetchone()[0]
    create = bool(connection.query("SELECT has_database_privilege(current_database(), 'CREATE')").fetchone()[0])
    mine = [schema for schema in schemas if schema in there]
    read = write = None
    if mine:
        use, make = connection.query(
            "SELECT bool_and(has_schema_privilege(n.oid, 'USAGE')), bool_and(has_schema_privilege(n.oid, 'CREATE')) "
            "FROM pg_namespace n WHERE n.nspname = ANY(%s)",
            (mine,),
        ).fetchone()
        create = bool(make) and (create or len(mine) == len(schemas))
        each = ", ".join(["bool_and(has_table_privilege(c.oid, %s))"] * (1 + len(_WRITE)))
        tables = connection.query(
            f"SELECT {each} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "  # noqa: S608 - no value in it
            "WHERE n.nspname = ANY(%s) AND c.relkind = 'r'",
            ("SELECT", *_WRITE, mine),
        ).fetchone()
        if tables[0] is not None:
            read, write = bool(use and tables[0]), bool(use and all(tables[1:]))
    told = "the server is read-only at present" if locked or recovering else ""
    return Rights(read, write, create, told)
