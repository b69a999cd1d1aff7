"""DataJoint's adapter of PostgreSQL, mended where an account that may only read would see no primary keys.

``information_schema.key_column_usage`` shows a table only to those who may write to it; the catalogue itself shows it
to everybody.
"""

from __future__ import annotations

from typing import Any

from pipeline.database.quiet import dj

_PRIMARY_KEYS = """
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, position)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
WHERE i.indisprimary
"""


def adapter(backend: str) -> Any:
    """Return the adapter for a backend."""
    return PostgresAdapter() if backend == "postgresql" else dj.connection.get_adapter(backend)


# Not ``datajoint.adapters.postgres`` by name: DataJoint decides whether PostgreSQL can be used at all.
class PostgresAdapter(type(dj.connection.get_adapter("postgresql"))):  # type: ignore[misc]
    """PostgreSQL, with primary keys that readers see."""

    def get_primary_key_sql(self, schema_name: str, table_name: str) -> str:
        """Query for the primary key's columns of one table."""
        return (
            f"SELECT a.attname AS column_name {_PRIMARY_KEYS} "
            f"AND n.nspname = {self.quote_string(schema_name)} AND c.relname = {self.quote_string(table_name)} "
            "ORDER BY k.position"
        )

    def load_primary_keys_sql(self, schemas_list: str, like_pattern: str) -> str:
        """Query for the primary keys' columns of all tables of some schemas."""
        return (
            "SELECT '\"' || n.nspname || '\".\"' || c.relname || '\"' AS tab, a.attname AS column_name "
            f"{_PRIMARY_KEYS} AND c.relname NOT LIKE {like_pattern} AND n.nspname IN ({schemas_list})"
        )
