"""Many rows read at once, as DataJoint reads them or undecoded; and times of day as every server has them."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.database.quiet import dj

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def dicts(query: Any, *, squeeze: bool = False) -> list[dict[str, Any]]:
    """Return the rows of a DataJoint query as its ``to_dicts`` does, which looks the heading up anew for every value.

    Parameters
    ----------
    query
        A table or query of DataJoint.
    squeeze
        Whether arrays lose dimensions of the length one.
    """
    attributes = query.heading.attributes
    connection = query.connection
    coded = [(name, each) for name, each in attributes.items() if each.codec or each.json or each.uuid]
    found = [dict(zip(attributes, row, strict=True)) for row in connection.query(query.make_sql()).fetchall()]
    for name, attribute in coded:
        for row in found:
            if row[name] is not None:
                row[name] = dj.codecs.decode_attribute(attribute, row[name], squeeze, connection=connection)
    return found


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
    there = [name for name in names if name in known]
    if isinstance(query, dj.Table) and not query._distinct:  # its rows need not be told apart by their keys
        statement, got = query.make_sql(there), there
    else:
        projected = query.proj(*(name for name in there if name not in query.primary_key))
        statement, got = projected.make_sql(), projected.heading.names
    rows = query.connection.query(statement).fetchall()
    if list(names) == got:
        yield from rows
        return
    places = {name: place for place, name in enumerate(got)}
    wanted = [places.get(name) for name in names]
    for row in rows:
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
