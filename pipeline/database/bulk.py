"""Writing many rows at once, with the same values on every server."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.database.lab_connection import LabConnection

# MariaDB takes 16 MB a packet by default, older servers 4 MB.
BATCH_BYTES = 1_000_000
BATCH_ROWS = 1_000


def bulk_insert(connection: LabConnection, table: Any, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows in batches of about a megabyte; memory is bounded whatever their number.

    Parameters
    ----------
    connection
        The database.
    table
        Table class.
    rows
        Mappings with the same attributes each; an attribute that is left out gets the table's default.

    Returns
    -------
    int
        How many rows were inserted.

    Raises
    ------
    UsageError
        An attribute is unknown, or the rows do not have the same ones.
    """
    heading = table.heading
    names: tuple[str, ...] = ()
    total = 0
    for batch in _batches(rows):
        names = names or _names(table, batch[0])
        encoders = [_encoder(heading[name], connection.adapter.backend) for name in names]
        values = [_encode_row(table, names, encoders, row) for row in batch]
        _insert(connection, table, names, values)
        total += len(values)
    return total


def bulk_update(
    connection: LabConnection, table: Any, rows: Iterable[Mapping[str, Any]], *, append: bool = False
) -> int:
    """Change rows that exist, each found by its primary key, in batches; what was not there is not made.

    Parameters
    ----------
    connection
        The database.
    table
        Table class.
    rows
        Mappings with the same attributes each, the primary key among them; the others get these values.
    append
        The values are bytes, and are appended to those that are there.

    Returns
    -------
    int
        How many rows were given.

    Raises
    ------
    UsageError
        An attribute is unknown, or the rows do not have the same ones.
    """
    heading, quote = table.heading, connection.adapter.quote_identifier

    def value(name: str) -> str:
        joined = f"{quote(name)} || %s" if connection.adapter.backend == "postgresql" else f"CONCAT({quote(name)}, %s)"
        return joined if append else "%s"

    total = 0
    for batch in _batches(rows):
        names = _names(table, batch[0])
        order = (*(name for name in names if name not in heading.primary_key), *heading.primary_key)
        encoders = [_encoder(heading[name], connection.adapter.backend) for name in order]
        values = [_encode_row(table, order, encoders, row) for row in batch]
        changed = ", ".join(f"{quote(name)} = {value(name)}" for name in order[: -len(heading.primary_key)])
        where = " AND ".join(f"{quote(name)} = %s" for name in heading.primary_key)
        statement = f"UPDATE {table.full_table_name} SET {changed} WHERE {where}"  # noqa: S608 - our own names
        _executemany(connection, statement, values)
        total += len(values)
    return total


def insert_if_absent(connection: LabConnection, table: Any, row: Mapping[str, Any]) -> bool:
    """Insert one row unless its key (primary or unique) is taken; never breaks a transaction.

    Returns
    -------
    bool
        Whether it was inserted.
    """
    heading = table.heading
    names = _names(table, row)
    encoders = [_encoder(heading[name], connection.adapter.backend) for name in names]
    values = _encode_row(table, names, encoders, row)
    if connection.adapter.backend == "postgresql":
        clause = " ON CONFLICT DO NOTHING"
    else:
        # Not INSERT IGNORE, which also passes over missing parents and texts that are too long.
        key = connection.adapter.quote_identifier(heading.primary_key[0])
        clause = f" ON DUPLICATE KEY UPDATE {key} = {key}"
    statement = _statement(connection, table, names, f"({', '.join(['%s'] * len(names))})") + clause

    def run(raw: Any) -> int:
        with raw.cursor() as cursor:
            cursor.execute(statement, values)
            return int(cursor.rowcount)

    return bool(connection.run(run, statement) == 1)


def _names(table: Any, row: Mapping[str, Any]) -> tuple[str, ...]:
    unknown = [name for name in row if name not in table.heading.names]
    if unknown:
        raise UsageError(
            f"The table {table.__name__} has no attribute {', '.join(unknown)}.",
            remedy=f"Its attributes are: {', '.join(table.heading.names)}.",
        )
    return tuple(row)


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) if isinstance(value, (str, bytes)) else 24 for value in row.values())
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _encode_row(table: Any, names: tuple[str, ...], encoders: list[Any], row: Mapping[str, Any]) -> list[Any]:
    if len(row) != len(names) or any(name not in row for name in names):
        raise UsageError(
            f"Rows for {table.__name__} differ in their attributes: {', '.join(row)} after {', '.join(names)}.",
            remedy="Give every row the same attributes.",
        )
    return [None if row[name] is None else encode(row[name]) for name, encode in zip(names, encoders, strict=True)]


def _encoder(attribute: Any, backend: str) -> Any:
    if attribute.uuid:
        return _uuid_text if backend == "postgresql" else _uuid_bytes
    if attribute.json:
        return json.dumps
    if attribute.is_blob:
        return bytes
    if attribute.numeric:
        return _number
    return _plain


def _as_uuid(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))


def _uuid_text(value: Any) -> str:
    return str(_as_uuid(value))


def _uuid_bytes(value: Any) -> bytes:
    return _as_uuid(value).bytes


def _number(value: Any) -> Any:
    """Plain Python numbers: drivers do not know those of numpy."""
    return value.item() if hasattr(value, "item") else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        # Instants are stored in UTC without zone.
        return value.astimezone(UTC).replace(tzinfo=None)
    return str(value) if isinstance(value, str) else value


def _statement(connection: LabConnection, table: Any, names: tuple[str, ...], values: str) -> str:
    columns = ", ".join(connection.adapter.quote_identifier(name) for name in names)
    return f"INSERT INTO {table.full_table_name} ({columns}) VALUES {values}"  # noqa: S608 - names of our own tables


def _insert(connection: LabConnection, table: Any, names: tuple[str, ...], values: list[list[Any]]) -> None:
    if connection.adapter.backend == "postgresql":
        from psycopg2.extras import execute_values

        statement = _statement(connection, table, names, "%s")

        def run(raw: Any) -> None:
            with raw.cursor() as cursor:
                execute_values(cursor, statement, values, page_size=len(values))
    else:
        _executemany(connection, _statement(connection, table, names, f"({', '.join(['%s'] * len(names))})"), values)
        return
    connection.run(run, statement)


def _executemany(connection: LabConnection, statement: str, values: list[list[Any]]) -> None:
    postgres = connection.adapter.backend == "postgresql"

    def run(raw: Any) -> None:
        with raw.cursor() as cursor:
            if postgres:  # its own executemany asks once for each row
                from psycopg2.extras import execute_batch

                execute_batch(cursor, statement, values, page_size=len(values))
            else:
                cursor.executemany(statement, values)

    connection.run(run, statement)
