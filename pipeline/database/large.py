"""Values of many megabytes, whatever the server takes in one statement.

Servers of MySQL's family take ``max_allowed_packet`` bytes (16 MB by default), and drivers write two characters for a
byte.  So a large value is written in pieces; joining them is what the server does to the same limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.database import bulk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.database.lab_connection import LabConnection

_ALWAYS_TAKEN = 400_000
"""Bytes; the smallest limit that such servers came with is 1 MB."""


def limit(connection: LabConnection, size: int) -> int | None:
    """Return how many bytes a value may have; None when one of ``size`` bytes fits."""
    if size <= _ALWAYS_TAKEN or connection.adapter.backend == "postgresql":
        return None
    most = int(connection.query("SELECT @@max_allowed_packet").fetchone()[0])
    return None if size < most else most


def write(connection: LabConnection, table: Any, row: Mapping[str, Any], name: str, *, new: bool) -> None:
    """Insert a row, or change one that exists (found by its primary key), of which one value may be large.

    To be called in a transaction: others see the row whole or not at all.
    """
    value = bytes(row[name])
    piece = len(value)
    if (most := limit(connection, 2 * len(value) + _ALWAYS_TAKEN)) is not None:
        piece = max(_ALWAYS_TAKEN, most // 4)
    first = {**row, name: value[:piece]}
    (bulk.bulk_insert if new else bulk.bulk_update)(connection, table, [first])
    key = {each: row[each] for each in table.heading.primary_key}
    for begin in range(piece, len(value), piece):
        bulk.bulk_update(connection, table, [{**key, name: value[begin : begin + piece]}], append=True)
