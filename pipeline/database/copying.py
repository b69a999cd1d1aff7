"""Many rows to PostgreSQL by COPY: the server reads values, not a statement in which they stand.

Values are written as COPY's text format has them: a tab between columns, a line for each row, and a backslash before
whatever would else mean one of these.
"""

from __future__ import annotations

from datetime import date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORTH = 20
"""Rows; fewer are there sooner by an INSERT, which asks the server once."""
_NULL = "\\N"
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_WRITTEN: dict[type, Callable[[Any], str]] = {
    str: lambda value: value.translate(_ESCAPED),
    int: str,
    date: date.isoformat,
    datetime: datetime.isoformat,
    type(None): lambda _: _NULL,
}
"""What the server reads as it would read the same value in an INSERT, whatever the type of its column."""
_CHUNK = 1 << 16


def written(rows: Sequence[Sequence[Any]]) -> bytes | None:
    """Return rows in the text format of COPY; None when one of the values has no text that is known here."""
    columns = []
    for values in zip(*rows, strict=True):
        column = _column(values)
        if column is None:
            return None
        columns.append(column)
    return "".join([f"{line}\n" for line in map("\t".join, zip(*columns, strict=True))]).encode()


def copy(raw: Any, statement: str, content: bytes) -> None:
    """Send rows that are :func:`written` already; the statement is ``COPY ... FROM STDIN``.

    Raises
    ------
    psycopg2.Error
        The server refuses them, in the words that it has for an INSERT.
    """
    import psycopg2

    with raw.cursor() as cursor:
        try:
            cursor.copy_expert(statement, BytesIO(content), size=_CHUNK)
        except psycopg2.Error as error:
            error.args = (_without_context(error), *error.args[1:])
            raise


def _column(values: Sequence[Any]) -> Sequence[str] | None:
    kinds = set(map(type, values))
    if kinds == {str}:
        return _texts(values)
    if not kinds <= _WRITTEN.keys():
        return None
    if kinds == {type(None)}:
        return [_NULL] * len(values)
    if str in kinds and "\0" in "".join(value for value in values if type(value) is str):
        return None
    if datetime in kinds and any(type(value) is datetime and value.tzinfo is not None for value in values):
        return None
    return [_WRITTEN[type(value)](value) for value in values]


def _texts(values: Sequence[str]) -> Sequence[str] | None:
    """Return texts as they are, most of the time: looked at all together."""
    joined = "".join(values)
    if "\0" in joined:  # the driver refuses it in its own words
        return None
    if any(sign in joined for sign in "\\\t\n\r"):
        return [value.translate(_ESCAPED) for value in values]
    return values


def _without_context(error: Any) -> str:
    """Return what the server said, without the line of our data at which it said so."""
    said, context = str(error), error.diag.context
    if not context or context not in said:
        return said
    before, _, _ = said[: said.rindex(context)].rpartition("\n")
    return f"{before}\n"
