"""Many rows read at once, of columns that need no decoding; and times of day as every server has them."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def columns(query: Any, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the values of these columns for every row of a DataJoint query, as the driver gives them.

    DataJoint decodes value by value, which takes longer than the query itself once there are thousands of rows; here
    nothing is decoded, so this is for numbers, texts and dates alone.

    Parameters
    ----------
    query
        A table or query of DataJoint.
    names
        The columns, in the wanted order; one that the table does not have is None in every row.
    """
    known = set(query.heading.names)
    projected = query.proj(*(name for name in names if name in known and name not in query.primary_key))
    places = {name: place for place, name in enumerate(projected.heading.names)}
    wanted = [places.get(name) for name in names]
    for row in projected.connection.query(projected.make_sql()).fetchall():
        yield tuple(None if place is None else row[place] for place in wanted)


def clock(value: Any) -> str | None:
    """Return a local wall time as ``HH:MM:SS``: our tables hold it as text, others' in a type of the server's own."""
    if isinstance(value, timedelta):  # what MySQL's type becomes, which also counts hours of several days
        seconds = int(value.total_seconds())
        if not 0 <= seconds < 24 * 3600:
            return None
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, time):
        return f"{value:%H:%M:%S}"
    return None if value is None else str(value)
