"""What the server says of our tables, asked once for all of them.

DataJoint asks half a dozen questions for each table that is used, some of them twice.  Here the answers for all tables
of our schemas are read in a few statements, and DataJoint's own reading of a heading gets them instead of asking;
whatever else it asks goes to the server as ever.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pipeline.database.quiet import dj

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.database.lab_connection import LabConnection

_LINEAGE = "~lineage"
_OF = {
    "postgresql": {
        "table": "SELECT t.*, "
        "obj_description(to_regclass(format('%%I.%%I', t.table_schema, t.table_name)), 'pg_class') AS table_comment, "
        "t.table_schema AS schema_, t.table_name AS table_ "
        "FROM information_schema.tables t WHERE t.table_schema IN ({})",
        # As information_schema.columns has them, in half its time: the comments joined, and what nobody reads left out.
        "columns": "SELECT a.attname AS column_name, t.typname AS udt_name, "
        "CASE WHEN t.typtype IN ('e', 'c') OR t.typnamespace <> 'pg_catalog'::regnamespace THEN 'USER-DEFINED' "
        "WHEN t.typcategory = 'A' THEN 'ARRAY' ELSE format_type(a.atttypid, NULL) END AS data_type, "
        "CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable, "
        "pg_get_expr(d.adbin, d.adrelid) AS column_default, "
        "information_schema._pg_char_max_length(a.atttypid, a.atttypmod) AS character_maximum_length, "
        "information_schema._pg_numeric_precision(a.atttypid, a.atttypmod) AS numeric_precision, "
        "information_schema._pg_numeric_scale(a.atttypid, a.atttypmod) AS numeric_scale, "
        "o.description AS column_comment, n.nspname AS schema_, c.relname AS table_ "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "JOIN pg_type t ON t.oid = a.atttypid "
        "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
        "LEFT JOIN pg_description o ON o.objoid = c.oid AND o.objsubid = a.attnum "
        "AND o.classoid = 'pg_class'::regclass "
        "WHERE c.relkind IN ('r', 'v', 'f', 'p') AND n.nspname IN ({}) ORDER BY a.attnum",
        "key": "SELECT a.attname AS column_name, n.nspname AS schema_, c.relname AS table_ "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, position) "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum "
        "WHERE i.indisprimary AND n.nspname IN ({}) ORDER BY k.position",
        "indexes": "SELECT indexname, indexdef, schemaname AS schema_, tablename AS table_ FROM pg_indexes "
        "WHERE schemaname IN ({})",
    },
    # The columns have to be asked for table by table: only SHOW tells defaults as DataJoint reads them.
    "mysql": {
        "table": "SELECT t.*, t.table_schema AS schema_, t.table_name AS table_ "
        "FROM information_schema.tables t WHERE t.table_schema IN ({})",
        "key": "SELECT column_name AS column_name, table_schema AS schema_, table_name AS table_ "
        "FROM information_schema.key_column_usage "
        "WHERE constraint_name = 'PRIMARY' AND table_schema IN ({}) ORDER BY ordinal_position",
        "indexes": "SELECT index_name AS index_name, column_name AS column_name, non_unique AS non_unique, "
        "seq_in_index AS seq_in_index, table_schema AS schema_, table_name AS table_ "
        "FROM information_schema.statistics "
        "WHERE index_name != 'PRIMARY' AND table_schema IN ({}) ORDER BY index_name, seq_in_index",
    },
}


class Catalogue:
    """The tables of some schemas, as the server describes them.

    Parameters
    ----------
    connection
        The database.
    schemas
        Names of the schemas.
    """

    def __init__(self, connection: LabConnection, schemas: Sequence[str]) -> None:
        self._connection = connection
        self._schemas = schemas
        self._told: dict[str, dict[tuple[str, str], list[dict[str, Any]]]] | None = None
        self._lineages: dict[str, dict[str, list[tuple[str, str]]]] = {}

    def heading(self, table_info: dict[str, Any]) -> Any:
        """Return the heading of a table, which is read when it is used first."""
        return _Heading(self, table_info)

    def forget(self) -> None:
        """Ask anew when somebody wants to know: tables were changed."""
        self._told = None
        self._lineages = {}

    def answers(self, schema: str, table: str) -> dict[str, list[Any]]:
        """Return the answers to DataJoint's questions about a table, by question; none when it is not known."""
        told = self._all()
        at = (schema, table)
        if at not in told["table"]:  # made since
            return {}
        ask = self._connection.adapter
        found = {
            ask.get_table_info_sql(*at): told["table"][at],
            ask.get_primary_key_sql(*at): told["key"].get(at, []),
            ask.get_indexes_sql(*at): told["indexes"].get(at, []),
            ask.get_table_info_sql(schema, _LINEAGE): told["table"].get((schema, _LINEAGE), []),
        }
        if "columns" in told:
            found[ask.get_columns_sql(*at)] = told["columns"].get(at, [])
        return found

    def lineage(self, schema: str, table: str) -> list[tuple[str, str]]:
        """Return where the attributes of a table come from, as DataJoint has noted it beside the tables."""
        if schema not in self._lineages:
            quote = self._connection.adapter.quote_identifier
            found = defaultdict(list)
            query = f"SELECT table_name, attribute_name, lineage FROM {quote(schema)}.{quote(_LINEAGE)}"  # noqa: S608
            for name, attribute, lineage in self._connection.query(query).fetchall():
                found[name].append((attribute, lineage))
            self._lineages[schema] = found
        return self._lineages[schema].get(table, [])

    def query(self, statement: str, args: Sequence[Any] = (), **options: Any) -> Any:
        """Ask the server."""
        return self._connection.query(statement, args, **options)

    @property
    def adapter(self) -> Any:
        """How the server is asked."""
        return self._connection.adapter

    def _all(self) -> dict[str, dict[tuple[str, str], list[dict[str, Any]]]]:
        if self._told is None:
            marks = ", ".join(["%s"] * len(self._schemas))
            told: dict[str, dict[tuple[str, str], list[dict[str, Any]]]] = {}
            for what, statement in _OF[self.adapter.backend].items():
                told[what] = {}
                for row in self._connection.query(statement.format(marks), tuple(self._schemas), as_dict=True):
                    told[what].setdefault((row.pop("schema_"), row.pop("table_")), []).append(row)
            self._told = told
        return self._told


class _Heading(dj.heading.Heading):  # type: ignore[misc]
    """A heading that is read from the catalogue."""

    def __init__(self, catalogue: Catalogue, table_info: dict[str, Any]) -> None:
        super().__init__(table_info=table_info)
        self._catalogue = catalogue

    def _init_from_database(self) -> None:
        asked = {**self.table_info, "conn": _Asked(self._catalogue, self.table_info)}
        read = dj.heading.Heading(table_info=asked)
        read._init_from_database()
        self.indexes = read.indexes
        self._table_status = read._table_status
        self._lineage_available = read._lineage_available
        self._attributes: Any = read._attributes


class _Asked:
    """What DataJoint asks while it reads one heading."""

    def __init__(self, catalogue: Catalogue, table_info: dict[str, Any]) -> None:
        self._catalogue = catalogue
        self._at = (table_info["database"], table_info["table_name"])
        self._known = catalogue.answers(*self._at)
        self.adapter = catalogue.adapter

    def query(self, statement: str, args: Sequence[Any] = (), **options: Any) -> Any:
        """Answer from the catalogue, or ask the server."""
        if statement in self._known:
            return _Rows(self._known[statement])
        if self._known and _LINEAGE in statement and tuple(args) == self._at[1:]:
            return _Rows(self._catalogue.lineage(*self._at))
        return self._catalogue.query(statement, args, **options)


class _Rows(list[Any]):
    """Rows as a cursor gives them."""

    def fetchone(self) -> Any:
        """Return the first row, None when there is none."""
        return self[0] if self else None

    def fetchall(self) -> list[Any]:
        """Return all rows."""
        return self
