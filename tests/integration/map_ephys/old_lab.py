"""A lab's running map-ephys database on MariaDB: its schemas as they were declared, filled, and what became of them."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from pipeline.settings.types import Secret, Settings

from .rows import LAB, PUBLICATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.settings.types import DatabaseSettings

LAB_SCHEMAS = ("lab", "experiment", "ephys", "tracking")
SCHEMAS = (*LAB_SCHEMAS, "publication")
FOLDER = Path(__file__).parent
PASSWORD = "of the tests"

# What a person would see of a schema, were it changed.
_SEEN = {
    "tables": "table_name, engine, row_format, table_collation, auto_increment, create_time, table_comment",
    "columns": "table_name, ordinal_position, column_name, column_type, is_nullable, column_default, column_key, "
    "extra, character_set_name, column_comment",
    "statistics": "table_name, index_name, seq_in_index, column_name, non_unique, nullable",
    "table_constraints": "table_name, constraint_name, constraint_type",
    "key_column_usage": "table_name, constraint_name, ordinal_position, column_name, referenced_table_schema, "
    "referenced_table_name, referenced_column_name",
    "triggers": "trigger_name, action_statement",
}


@dataclass
class OldLab:
    """The schemas ``<prefix>lab`` and so on, of which ``prefix`` is the test's own; two accounts.

    ``reader`` may only read them, ``writer`` may do anything to them; both may do all in schemas of ``own_prefix``.
    """

    server: DatabaseSettings
    prefix: str
    own_prefix: str
    reader: str
    writer: str
    _connection: Any = field(repr=False)

    # -- as whom, and with which prefix -------------------------------------------------------------------------

    def settings(self, user: str | None = None) -> Settings:
        """Return settings of the schemas of our own on this server, as the account that may only read the lab's."""
        user = user or self.reader
        account = replace(self.server, user=user, password=Secret(PASSWORD))
        schemas = tuple((schema, self.prefix + schema) for schema in SCHEMAS)
        return Settings(database=replace(account, schema_prefix=self.own_prefix, lab_schemas=schemas))

    # -- by the lab's own programs ------------------------------------------------------------------------------

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as the administrator; schemas may be called `map_v2_lab` and so on, in such quotes."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement.replace("`map_v2_", f"`{self.prefix}"), values or None)
            return list(cursor.fetchall())

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows into ``lab.subject`` or another table."""
        schema, name = table.split(".")
        for row in rows:
            columns = ", ".join(f"`{column}`" for column in row)
            marks = ", ".join(["%s"] * len(row))
            self.query(f"INSERT INTO `map_v2_{schema}`.`{name}` ({columns}) VALUES ({marks})", *row.values())

    def enter(self, lab: Any) -> None:
        """Enter the animals and sessions of a synthetic lab, as the lab's own pipeline does."""
        numbers: dict[int, int] = {}
        for animal in lab.subjects:
            cage = {"cage_number": 120001}
            born = {"date_of_birth": animal.date_of_birth, "sex": animal.sex}
            self.insert("lab.subject", [{"subject_id": animal.subject_id, **cage, **born, "username": "susu"}])
            name = {"subject_id": animal.subject_id, "water_restriction_number": animal.h2o}
            start = {"wr_start_date": "2019-10-01", "wr_start_weight": "23.5"}
            self.insert("lab.water_restriction", [{**name, **cage, **start}])
        for session in lab.sessions:
            number = numbers[session.subject_id] = numbers.get(session.subject_id, 0) + 1
            key = {"subject_id": session.subject_id, "session": number}
            start = {"session_date": session.start.date(), "session_time": f"{session.start:%H:%M:%S}"}
            self.insert("experiment.session", [{**key, **start, "username": "susu", "rig": "RRig"}])

    # -- what became of it --------------------------------------------------------------------------------------

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Return all rows of ``lab.subject`` or another table, in an order of their own."""
        schema, name = table.split(".")
        return sorted(self.query(f"SELECT * FROM `map_v2_{schema}`.`{name}`"), key=repr)

    def snapshot(self, schemas: Iterable[str] = SCHEMAS) -> dict[str, Any]:
        """Return everything about these schemas: tables, columns, keys, constraints, checksums, rows."""
        seen: dict[str, Any] = {
            "schemas": self.query(
                "SELECT schema_name, default_collation_name FROM information_schema.schemata "
                "WHERE schema_name LIKE %s ORDER BY 1",
                self.prefix.replace("_", r"\_") + "%",
            )
        }
        for schema in schemas:
            name = self.prefix + schema
            for what, columns in _SEEN.items():
                where = "trigger_schema" if what == "triggers" else "table_schema"
                query = f"SELECT {columns} FROM information_schema.{what} WHERE {where} = %s"
                seen[f"{schema}: {what}"] = sorted(self.query(query, name), key=repr)
            for (table,) in self.query(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", name
            ):
                seen[f"{schema}.{table}"] = self.rows(f"{schema}.{table}")
                seen[f"{schema}.{table}: checksum"] = self.query(f"CHECKSUM TABLE `{name}`.`{table}`")
        return seen


@contextlib.contextmanager
def old_lab(server: DatabaseSettings, unique: str | None = None) -> Iterator[OldLab]:
    """Make the schemas on a MariaDB server, with names and accounts of their own; drop them afterwards.

    With an empty ``unique`` they bear the very names of map-ephys: for a server on which nothing else lies.
    """
    unique = f"t{uuid.uuid4().hex[:10]}_" if unique is None else unique
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password.get_secret_value() if server.password else "",
        charset="utf8mb4",
        autocommit=True,
    )
    names = (f"{unique}{each}" for each in ("map_v2_", "mapshell_", "reader", "writer"))
    lab = OldLab(server, *names, connection)
    try:
        for schema in SCHEMAS:
            for statement in (FOLDER / f"{schema}.sql").read_text(encoding="utf-8").split(";\n"):
                if statement.strip():
                    lab.query(statement)
        for table, rows in {**LAB, **PUBLICATION}.items():
            lab.insert(table, rows)
        theirs, ours = (f"`{each.replace('_', chr(92) + '_')}%`.*" for each in (lab.prefix, lab.own_prefix))
        for account, right in ((lab.reader, "SELECT"), (lab.writer, "ALL")):
            lab.query(f"CREATE USER {account} IDENTIFIED BY '{PASSWORD}'")
            connection.query(f"GRANT {right} ON {theirs} TO {account}")
            connection.query(f"GRANT ALL ON {ours} TO {account}")
        yield lab
    finally:
        found = lab.query(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE %s", f"{unique}ma%"
        )
        connection.query("SET foreign_key_checks = 0")
        for (name,) in found:
            connection.query(f"DROP DATABASE `{name}`")
        for account in (lab.reader, lab.writer):
            connection.query(f"DROP USER IF EXISTS {account}")
        connection.close()


__all__ = ["FOLDER", "LAB_SCHEMAS", "PASSWORD", "SCHEMAS", "OldLab", "old_lab"]
