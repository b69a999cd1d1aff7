"""A program with its arguments, as people write it into the settings: a list of texts, or one that is split."""

from __future__ import annotations

import ntpath
import os
import re
import shlex
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REMEDY = 'write the program and each of its arguments: ["python3", "/home/me/mail-report.py"]'
_FOR_SHELLS = {"|", "||", "&&", ";", ">", ">>", "<", "&", "2>&1", "2>"}


def as_command(value: Any, place: str, *, base: Path, home: Path, windows: bool = os.name == "nt") -> tuple[str, ...]:
    """Return a program and its arguments; a path of the program starts at ``base``, ``~`` is the home folder.

    No shell ever reads it: what only a shell would understand is refused, so that nobody believes it works.

    Raises
    ------
    ConfigError
        It is no command.
    """
    words = split(value, place, windows=windows) if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
        raise ConfigError(f"{place}: expected a list of texts, or one text.", remedy=f"{_REMEDY}.")
    if not words or not words[0].strip():
        raise ConfigError(f"{place}: no program is named.", remedy=f"{_REMEDY}, or remove the line.")
    if any(_CONTROL.search(each) for each in words):
        raise ConfigError(
            f'{place}: the command holds a tab, a line end or another control character (a "\\t" in a folder?).',
            remedy='write folders with forward slashes ("C:/data") or with each backslash twice ("C:\\\\data").',
        )
    shells = next((each for each in words if each in _FOR_SHELLS), None)
    if shells is not None and isinstance(value, str):
        raise ConfigError(
            f"{place}: {shells} is for shells, and no shell reads this command.",
            remedy="put the line into a script and name the script; the report comes on its standard input.",
        )
    return tuple(_at(each, base, home, program=not number) for number, each in enumerate(words))


def split(text: str, place: str, *, windows: bool) -> list[str]:
    """Split one text into words, as a shell does; on Windows, where paths have backslashes, these stay.

    Raises
    ------
    ConfigError
        A quotation mark is not closed.
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    if windows:
        lexer.escape, lexer.quotes = "", '"'
    try:
        return list(lexer)
    except ValueError:
        raise ConfigError(f"{place}: a quotation mark is not closed.", remedy=f"close it, or {_REMEDY}.") from None


def _at(word: str, base: Path, home: Path, *, program: bool) -> str:
    if word == "~" or word.startswith(("~/", "~\\")):
        return str(home / word[2:])
    if program and ("/" in word or "\\" in word) and not (ntpath.splitdrive(word)[0] or word.startswith(("/", "\\"))):
        return str(base / word)
    return word
