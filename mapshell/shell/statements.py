"""A script of the shell, taken apart into what is run one after the other.  Pure."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapshell.shell.language import Line, understand

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of a script as it is understood, and the number of its first line (from 1)."""

    line: Line
    number: int


def statements(script: str, commands: Collection[str]) -> Iterator[Statement]:
    """Yield what a script says, in order.

    A command takes one line (a backslash at its end goes on); Python as many as it needs: a line that looks like a
    command but stands in the middle of a string, a bracket or a block is Python.
    """
    lines = script.removeprefix("\ufeff").splitlines()
    at = 0
    while at < len(lines):
        end = at + 1
        kind = understand(lines[at], commands).kind
        if kind == "nothing":
            at = end
            continue
        if kind == "command":
            while lines[end - 1].endswith("\\") and end < len(lines):
                end += 1
        elif kind == "python":
            while end < len(lines) and not _ends(lines, at, end, commands):
                end += 1
        text = "\n".join(lines[at:end])
        yield Statement(understand(text, commands) if kind != "python" else Line("python", text), at + 1)
        at = end


def _ends(lines: list[str], start: int, end: int, commands: Collection[str]) -> bool:
    """Say whether Python that began at ``start`` is over before the line ``end``."""
    following = lines[end]
    if following[:1].isspace() or understand(following, commands).kind in ("nothing", "python"):
        return False
    return is_whole("\n".join(lines[start:end]))


def is_whole(text: str) -> bool:
    """Say whether a text is Python with nothing left open; what can never be Python counts as whole."""
    try:
        ast.parse(text)
    except SyntaxError as error:
        return not _is_open(text, error)
    except ValueError:  # a null byte
        return True
    return True


def _is_open(text: str, error: SyntaxError) -> bool:
    """Say whether more lines could mend a syntax error: a bracket, a string or a block that is still open."""
    said = error.msg or ""
    if "was never closed" in said or "unterminated triple-quoted" in said or "expected an indented block" in said:
        return True
    return text.rstrip().endswith("\\") or "unexpected EOF" in said or "expected 'except' or 'finally'" in said
