"""Results as comma-separated values: the rows of the very document that ``--format json`` prints."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any


def to_csv(document: Any) -> str:
    """Return the rows of a document (plain JSON data) as text with a line of titles.

    Of a document with several lists of rows it is the first that has some: the main one stands first everywhere.  A
    document without rows is one row itself.  What is nested in a row stands in its cell as JSON.
    """
    rows = rows_of(document)
    titles = list(dict.fromkeys(name for row in rows for name in row))
    lines = [titles, *([_cell(row.get(name)) for name in titles] for row in rows)] if titles else []
    return "".join(map(_line, lines))


def rows_of(document: Any) -> list[Mapping[str, Any]]:
    """Return the main rows of a document."""
    if isinstance(document, list):
        return [row if isinstance(row, Mapping) else {"value": row} for row in document]
    if not isinstance(document, Mapping):
        return [] if document is None else [{"value": document}]
    tables = [value for value in document.values() if isinstance(value, list) and _is_table(value)]
    if tables:
        return list(tables[0])
    if document and all(isinstance(value, list) for value in document.values()):
        return []
    return [document]


def _is_table(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(row, Mapping) for row in value)


def _line(cells: list[str]) -> str:
    """Return one line; the writer quotes every sign that ends lines anywhere, so it is told of all of them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, Mapping)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
