"""What a person sees: data on stdout, talk on stderr, the same facts as tables or JSON.

Rendering has no effects and does no work: commands hand over finished rows.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO

from pipeline.archive.paths import visible
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from mapshell.progress import Progress

Align = Literal["left", "right", "center"]
Format = Literal["table", "json", "csv"]
Kind = Literal["text", "number", "bytes"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its title, the row's key, and how to show it.

    ``style`` is a style name of rich ("bold", "green", "dim"), or a function from the row to one; ``wrap`` False keeps
    the cells on one line on a narrow terminal too.
    """

    title: str
    key: str
    align: Align = "left"
    style: str | Callable[[Mapping[str, Any]], str] = ""
    kind: Kind = "text"
    wrap: bool = True


class Output:
    """Prints for one command.

    Parameters
    ----------
    format
        "table" for people; for programs "json", one JSON document on stdout, or "csv", the rows of that document.
    quiet
        Say nothing but warnings and errors on stderr.
    stdout, stderr
        Where to write; the process's own streams when left out.
    environ
        Environment variables (``NO_COLOR``, ``TERM``).

    ``log`` is the log file, where there is one.
    """

    def __init__(
        self,
        format: Format = "table",  # noqa: A002 - the option's own name
        *,
        quiet: bool = False,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.format: Format = format
        self.quiet = quiet
        self.wrote_data = False
        self._stdout = stdout
        self._stderr = stderr
        self._environ = os.environ if environ is None else environ
        self.log: Path | None = None
        self._live: Any = None  # rich console of a running progress display

    @property
    def stdout(self) -> TextIO:
        """Stream of the data."""
        return self._stdout or sys.stdout

    @property
    def stderr(self) -> TextIO:
        """Stream of the talk."""
        return self._stderr or sys.stderr

    @property
    def for_programs(self) -> bool:
        """Whether stdout is for programs: one JSON document, or its rows as comma-separated values."""
        return self.format != "table"

    def fancy(self, stream: TextIO) -> bool:
        """Whether ``stream`` is a terminal that can show more than plain lines."""
        return _is_terminal(stream) and self._environ.get("TERM", "") not in {"dumb", "unknown"}

    def coloured(self, stream: TextIO) -> bool:
        """Whether colours may be used on ``stream`` (a terminal, and no ``NO_COLOR``)."""
        return self.fancy(stream) and not self._environ.get("NO_COLOR")

    # --- data: stdout ---------------------------------------------------------------------------------------------

    def data(self, value: Any) -> None:
        """Print a value: as JSON when asked for, else texts as they are and everything else as JSON too."""
        self.wrote_data = True
        if self.format == "csv":
            from mapshell.output_csv import to_csv

            self.stdout.write(to_csv(plain(value)))
        elif not self.for_programs and isinstance(value, str):
            self.stdout.write(visible(value, keep="\n\t") + "\n")
        else:
            self.stdout.write(to_json(value, ascii_only=not _speaks_unicode(self.stdout)) + "\n")
        self.stdout.flush()  # talk follows on stderr: in one log the two must keep their order

    def table(
        self, rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], *, title: str = "", empty: str = ""
    ) -> None:
        """Print rows as a table, or as a JSON list of the same rows.

        Parameters
        ----------
        rows
            Mappings; keys that no column names appear in JSON alone.
        title
            A line above the table.
        empty
            What to say (on stderr) when there are no rows.
        """
        listed = list(rows)
        if self.for_programs:
            self.data(listed)
            return
        self.wrote_data = True
        if not listed:
            if empty:
                self.say(empty)
            return
        if self.fancy(self.stdout):
            from mapshell.output_rich import print_table

            print_table(listed, columns, title=title, stream=self.stdout, colour=self.coloured(self.stdout))
        else:
            self.stdout.write(plain_table(listed, columns, title=title))
        self.stdout.flush()

    def result(self, value: Any, render: Callable[[], None]) -> None:
        """Print ``value`` as the JSON document, or call ``render``, which prints the same facts for people."""
        if self.for_programs:
            self.data(value)
        else:
            render()

    # --- talk: stderr ---------------------------------------------------------------------------------------------

    def say(self, text: str = "", *, style: str = "") -> None:
        """Tell the person something on stderr; silent with ``--quiet``.  ``style`` is a colour's name, or "bold"."""
        if not self.quiet:
            self._talk(text, style)

    def warn(self, text: str) -> None:
        """Warn on stderr, also with ``--quiet``."""
        self._talk(f"Warning: {text}", "yellow")

    def error(self, message: str, remedy: str = "") -> None:
        """Show an error and what to do about it on stderr."""
        self._talk(f"Error: {message}", "red")
        if remedy:
            self._talk(f"Remedy: {remedy}", "bold")

    def progress(self) -> Progress:
        """Return a progress display that suits stderr: bars, plain lines, or nothing (quiet, JSON).

        Use it as a context manager.
        """
        from mapshell import progress

        if self.quiet or self.for_programs:
            return progress.SilentProgress()
        if self.fancy(self.stderr):
            return progress.BarProgress(self)
        return progress.LineProgress(self)

    def set_live(self, console: Any) -> None:
        """Let talk go through the console of a running progress display (None: directly again)."""
        self._live = console

    def _talk(self, text: str, style: str) -> None:
        shown = visible(text, keep="\n")
        if self._live is not None:
            from rich.text import Text

            self._live.print(Text(shown, style=style if self.coloured(self.stderr) else ""))
            return
        import click

        if style and self.coloured(self.stderr):
            shown = click.style(shown, bold=True) if style == "bold" else click.style(shown, fg=style)
        click.echo(shown, file=self.stderr, color=True if self.coloured(self.stderr) else None)


# --- pure rendering -----------------------------------------------------------------------------------------------


def plain_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, title: str = "") -> str:
    """Return rows as aligned text, two spaces between columns, nothing cut."""
    padded = [_padded([column.title, *(cell(row, column) for row in rows)], column.align) for column in columns]
    lines = [title] if title else []
    lines += ["  ".join(parts).rstrip() for parts in zip(*padded, strict=True)]
    return "".join(f"{line}\n" for line in lines)


def _padded(texts: Sequence[str], align: Align) -> list[str]:
    """Return the texts of a column, all as wide as the widest; most of them come many times."""
    different = set(texts)
    to = max(map(width, different))
    found = {text: _pad(text, to, align) for text in different}
    return [found[text] for text in texts]


def cell(row: Mapping[str, Any], column: Column) -> str:
    """Return the text of one cell."""
    value = row.get(column.key)
    if value is None or value == "":
        return ""
    if column.kind == "text" and isinstance(value, str):
        return visible(value)
    if column.kind == "bytes":
        return human_bytes(int(value))
    if column.kind == "number":
        return f"{value:,}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple, set, frozenset)):
        return visible(", ".join(str(each) for each in value))
    return visible(str(value))


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes (wide and combining characters counted)."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def to_json(value: Any, *, ascii_only: bool = False) -> str:
    """Return a value as indented JSON; instants as ISO text, UUIDs and paths as texts, secrets masked."""
    from mapshell.output_json import indented

    return indented(plain(value), ascii_only=ascii_only)


_AS_IT_IS = {str, int, bool, type(None)}


def plain(value: Any) -> Any:
    """Return a value as what JSON has: keys become texts too, so that no row can break the document."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON has no NaN and no infinity
    if isinstance(value, (list, tuple)):
        return [each if type(each) in _AS_IT_IS else plain(each) for each in value]
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): each if type(each) in _AS_IT_IS else plain(each) for key, each in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(each) for each in value), key=str)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return plain(value.item())  # a number of numpy
    return str(value)


def _pad(text: str, to: int, align: Align) -> str:
    if align == "left" and text.isascii():
        return text.ljust(to)
    room = to - width(text)
    left = {"left": 0, "right": room, "center": room // 2}[align]
    return " " * left + text + " " * (room - left)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (ValueError, AttributeError):  # closed, or a stand-in
        return False


def _speaks_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")
