"""Writing many rows at once, with the same values on every server."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pipeline.database import copying
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipeline.database.lab_connection import LabConnection

# MariaDB takes 16 MB a packet by default, older servers 4 MB.
BATCH_BYTES = 1_000_000
BATCH_ROWS = 1_000
_TEXT = re.compile(r"(?:var)?char\((\d+)\)")
_OF_ONE_SIZE = re.compile(
    r"(?:tiny|small|medium|big)?int|float|double|real|decimal|numeric|bool|date|time|uuid|binary\(16\)"
)
_SHORT = 64
"""Characters; shorter texts are counted as if they were as long as they may be."""
_AS_THEY_ARE = frozenset({str, int, float, bool, date, type(None)})
"""Types that drivers take for texts, numbers and days (not for instants, which may have a zone)."""


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
    names: tuple[str, ...] = ()
    total = 0
    for batch in _batches(table.heading, rows):
        names = names or _names(table, batch[0])
        values = _encoded(connection, table, names, batch)
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
    for batch in _batches(table.heading, rows):
        names = _names(table, batch[0])
        order = (*(name for name in names if name not in heading.primary_key), *heading.primary_key)
        values = _encoded(connection, table, order, batch)
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
    (values,) = _encoded(connection, table, names, [row])
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


def _batches(heading: Any, rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    longest = {name: _longest(each.type) for name, each in heading.attributes.items()}
    measured = [name for name, most in longest.items() if most is None]
    least = sum(most or 0 for most in longest.values())
    batch: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += least
        for name in measured:
            value = row.get(name)
            size += len(value) if isinstance(value, (str, bytes)) else 24
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _longest(kind: str) -> int | None:
    """Return what a value counts for whatever it is; None where that has to be looked at."""
    text = _TEXT.match(kind)
    if text is not None:
        return int(text[1]) if int(text[1]) <= _SHORT else None
    return 24 if _OF_ONE_SIZE.match(kind) else None


def _encoded(
    connection: LabConnection, table: Any, names: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[Any, ...]]:
    """Return the values of rows as the driver takes them: column by column, most of which are taken as they are."""
    mine = set(names)
    for row in rows:
        if row.keys() != mine:
            raise UsageError(
                f"Rows for {table.__name__} differ in their attributes: {', '.join(row)} after {', '.join(names)}.",
                remedy="Give every row the same attributes.",
            )
    attributes = table.heading.attributes
    columns: list[Sequence[Any]] = []
    for name in names:
        values = [row[name] for row in rows]
        encode = _encoder(attributes[name], connection.adapter.backend)
        if encode not in (_plain, _number) or not _AS_THEY_ARE.issuperset(map(type, values)):
            values = [None if value is None else encode(value) for value in values]
        columns.append(values)
    return list(zip(*columns, strict=True))


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
    return _as_uuid(value).hex


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


def _insert(connection: LabConnection, table: Any, names: tuple[str, ...], values: Sequence[Sequence[Any]]) -> None:
    if connection.adapter.backend != "postgresql":
        _executemany(connection, _statement(connection, table, names, f"({', '.join(['%s'] * len(names))})"), values)
        return
    content = copying.written(values) if len(values) >= copying.WORTH else None
    if content is not None:
        columns = ", ".join(connection.adapter.quote_identifier(name) for name in names)
        copied = f"COPY {table.full_table_name} ({columns}) FROM STDIN"
        connection.run(lambda raw: copying.copy(raw, copied, content), copied)
        return
    statement = _statement(connection, table, names, "%s")

    def run(raw: Any) -> None:
        from psycopg2.extras import execute_values

        with raw.cursor() as cursor:
            execute_values(cursor, statement, values, page_size=len(values))

    connection.run(run, statement)


def _executemany(connection: LabConnection, statement: str, values: Sequence[Sequence[Any]]) -> None:
    postgres = connection.adapter.backend == "postgresql"

    def run(raw: Any) -> None:
        with raw.cursor() as cursor:
            if postgres:  # its own executemany asks once for each row
                from psycopg2.extras import execute_batch

                execute_batch(cursor, statement, values, page_size=len(values))
            else:
                cursor.executemany(statement, values)

    connection.run(run, statement)
