"""Attributes of tables inside the texts of a restriction: ``publication.DataSet & "dataset_na``.  Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mapshell.completion.suggest import Suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_TABLE = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+")
_BEGUN = re.compile(r"[A-Za-z_]\w*$|$")


def attributes(text: str, headings: Callable[[str], Iterable[str]]) -> Iterator[Suggestion]:
    """Yield attributes of the tables that a line names, when the cursor is inside of a text.

    Parameters
    ----------
    text
        The line up to the cursor.
    headings
        Returns the attributes of a table by its dotted name.
    """
    if not _inside_text(text):
        return
    begun = _BEGUN.search(text)
    word = begun.group() if begun else ""
    seen: set[str] = set()
    for table in dict.fromkeys(_TABLE.findall(text)):
        for name in headings(table):
            if name.startswith(word) and name not in seen:
                seen.add(name)
                yield Suggestion(name, len(text) - len(word), table)


def _inside_text(text: str) -> bool:
    quote = ""
    index = 0
    while index < len(text):
        char = text[index]
        if char == "\\":
            index += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        index += 1
    return bool(quote)
