"""Python at the prompt: one piece after the other, with the value of each shown; errors as a person wants them."""

from __future__ import annotations

import ast
import linecache
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from mapshell.output import Output

LAST = "_"
_OURS = Path(__file__).parent


class Python:
    """Runs Python in one namespace.

    Parameters
    ----------
    names
        The namespace.
    show
        Called with the value of each expression that is not None; the value is in ``_`` then.

    ``line`` is the number of the line that was run last, or that is no Python.
    """

    def __init__(self, names: dict[str, Any], show: Callable[[Any], None]) -> None:
        self.names = names
        self._show = show
        self.line = 1
        self._count = 0

    def run(self, text: str, file: str = "", line: int = 1) -> None:
        """Run a text; whatever it raises goes to the caller.

        Parameters
        ----------
        text
            One or more statements.
        file, line
            Where it stands, for tracebacks; by default the prompt.
        """
        self._count += 1
        name = file or f"<line {self._count}>"
        source = "\n" * (line - 1) + text
        # Tracebacks show the lines of what was typed.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        self.line = line
        try:
            nodes = ast.parse(source, name).body
        except SyntaxError as error:
            self.line = error.lineno or line
            raise
        for node in nodes:
            self.line = node.lineno
            if isinstance(node, ast.Expr):
                code = compile(ast.Expression(node.value), name, "eval")
                value = eval(code, self.names)  # noqa: S307 - running what the person types is what a prompt is for
                if value is not None:
                    self.names[LAST] = value
                    self._show(value)
            else:
                exec(compile(ast.Module([node], []), name, "exec"), self.names)  # noqa: S102 - as above


def tell(error: BaseException, output: Output) -> None:
    """Show an error of Python code: message and remedy where it has them, else the lines that led to it."""
    if isinstance(error, MapshellError):
        output.error(error.message, error.remedy)
        return
    if _is_datajoint(error):
        said = " ".join(str(part) for part in error.args) or type(error).__name__
        output.error(said, str(getattr(error, "suggestion", "") or ""))
        return
    from pipeline.private.redaction import redact

    if isinstance(error, SyntaxError) and error.__traceback__ is not None and _unparsed(error.__traceback__):
        output.say(redact("".join(traceback.format_exception_only(error))).rstrip(), style="red")
        return
    frames = error.__traceback__
    while frames is not None and Path(frames.tb_frame.f_code.co_filename).parent == _OURS:
        frames = frames.tb_next
    output.say(redact("".join(traceback.format_exception(type(error), error, frames))).rstrip(), style="red")


def _is_datajoint(error: BaseException) -> bool:
    return any(each.__module__ == "datajoint.errors" for each in type(error).__mro__)


def _unparsed(frames: TracebackType) -> bool:
    """Say whether an error came of reading what was typed, before any of it ran."""
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(frames)]
    return all(Path(file).parent == _OURS or file == ast.__file__ for file in files)
