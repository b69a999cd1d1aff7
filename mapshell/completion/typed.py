"""A line that is being typed, taken apart at the cursor.  Pure."""

from __future__ import annotations

import os
from dataclasses import dataclass

_QUOTES = "'\""
_WHITE = " \t\r\n"
_SPECIAL = {*_WHITE, *_QUOTES, "\\"}


@dataclass(frozen=True, slots=True)
class Typed:
    """The words that are whole, the one that is being typed, where that begins, and the quote it stands in."""

    words: tuple[str, ...]
    last: str
    start: int
    quote: str = ""


def take_apart(text: str, *, backslashes: bool = os.name != "nt") -> Typed:
    """Split a line as ``mapshell.shell.language.words`` does; the last word may be open, even inside a quote."""
    words: list[str] = []
    word, start, began, quote = "", 0, False, ""
    index = 0
    while index < len(text):
        char = text[index]
        if backslashes and char == "\\" and quote != "'" and index + 1 < len(text):
            follows = text[index + 1]
            word += follows if not quote or follows in '"\\' else char + follows
            start, began = (start if began else index), True
            index += 2
            continue
        if quote:
            if char == quote:
                quote = ""
            else:
                word += char
        elif char in _QUOTES:
            start, began, quote = (start if began else index), True, char
        elif char in _WHITE:
            if began:
                words.append(word)
            word, began = "", False
        else:
            start, began = (start if began else index), True
            word += char
        index += 1
    if not began:
        return Typed(tuple(words), "", len(text))
    return Typed(tuple(words), word, start, quote)


def quoted(word: str, quote: str = "", *, open_: bool = False) -> str:
    """Return a word as it must be typed; ``open_`` leaves the quote open, since more may follow."""
    if not quote and not _SPECIAL & set(word):
        return word
    mark = quote or ("'" if "'" not in word else '"')
    inner = word
    if mark == '"':
        inner = word.replace("\\", "\\\\").replace('"', '\\"')
    elif "'" in word:
        inner = word.replace("'", "'\"'\"'")
    return mark + inner + ("" if open_ else mark)
