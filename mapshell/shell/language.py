"""What a line of the shell is: a subcommand, Python, a question, a command of the system.  Pure.

The rule, whole: a line whose first word is a command's name runs that command, unless the word is being given a value
(``status = 3``).  ``?name`` and ``name?`` ask, ``!text`` goes to the system's shell; anything else is Python.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

Kind = Literal["nothing", "command", "question", "system", "python"]

_ASSIGNED = re.compile(r"\s*(=(?!=)|:=|[-+*/|&^%@]=|//=|\*\*=|>>=|<<=)")
_LIKE_A_COMMAND = re.compile(r"[a-z]+(-[a-z]+)*")
_NEAR = 0.75  # of 1: how like a command's name a word must be
_NAME_ASKED = re.compile(r"[\w.-]*")


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is understood; ``text`` is what is run or asked: the words of a command are in it still."""

    kind: Kind
    text: str = ""


def understand(text: str, commands: Collection[str]) -> Line:
    """Say what a line is.

    Parameters
    ----------
    text
        The line; several lines of Python are one line here.
    commands
        The names that begin a command.
    """
    stripped = text.strip()
    if not stripped or (stripped.startswith("#") and "\n" not in stripped):
        return Line("nothing")
    if stripped.startswith("!"):
        return Line("system", stripped[1:].strip())
    if stripped.startswith("?") or (stripped.endswith("?") and "\n" not in stripped):
        asked = stripped.strip("?").strip()
        if _NAME_ASKED.fullmatch(asked):
            return Line("question", asked)
    word = first_word(stripped)
    if word in commands and not _ASSIGNED.match(stripped[len(word) :]):
        return Line("command", stripped)
    return Line("python", text)


def first_word(text: str) -> str:
    """Return what stands before the first white space."""
    parts = text.split(maxsplit=1)
    return parts[0] if parts else ""


def meant(text: str, commands: Collection[str]) -> str:
    """Return what to say of Python that is none, when a command may have been meant; else nothing.

    Parameters
    ----------
    text
        The line.
    commands
        The names that begin a command.
    """
    import difflib

    parts = text.split()
    if not parts or not _LIKE_A_COMMAND.fullmatch(parts[0]):
        return ""
    near = difflib.get_close_matches(parts[0], sorted(commands), n=1, cutoff=_NEAR)
    if near:
        return f"did you mean the command {near[0]}?"
    if len(parts) > 1 and parts[1].startswith("--"):
        return f"no command is called {parts[0]}; help lists them."
    return ""


def words(text: str, *, backslashes: bool) -> list[str]:
    r"""Split a command's line into words, by quotes as in a terminal.

    Parameters
    ----------
    text
        The line.
    backslashes
        Whether a backslash takes the next character as it is; on Windows it is a part of paths.

    Raises
    ------
    UsageError
        A quote is not closed.
    """
    lexer = shlex.shlex(_in_one_line(text), posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    if not backslashes:
        lexer.escape = ""
    try:
        return list(lexer)
    except ValueError as error:
        raise UsageError(
            f"The line cannot be taken apart: {str(error).lower()}.", remedy="close the quote, or put a \\ before it."
        ) from error


def _in_one_line(text: str) -> str:
    """Join lines that end in a backslash, as a terminal does: not inside single quotes, where it is a backslash."""
    kept, quote, index = [], "", 0
    while index < len(text):
        pair = text[index : index + 2]
        if pair == "\\\n" and quote != "'":
            kept.append("" if quote else " ")
            index += 2
            continue
        if pair[0] == "\\" and quote != "'":
            kept.append(pair)
            index += 2
            continue
        if quote:
            quote = "" if pair[0] == quote else quote
        elif pair[0] in "'\"":
            quote = pair[0]
        kept.append(pair[0])
        index += 1
    return "".join(kept)
