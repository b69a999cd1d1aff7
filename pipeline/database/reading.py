"""Many rows read at once, of columns that need no decoding."""

from __future__ import annotations

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
