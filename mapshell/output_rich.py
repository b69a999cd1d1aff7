"""Tables on a terminal, drawn with rich; imported only when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mapshell.output import cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Column


def print_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, title: str, stream: TextIO, colour: bool
) -> None:
    """Draw rows on a terminal; cells that are too wide are folded, never cut."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="bold",
    )
    for column in columns:
        table.add_column(
            column.title, justify=column.align, overflow="fold", no_wrap=column.kind != "text" or not column.wrap
        )
    for row in rows:
        table.add_row(*(_styled(row, column) for column in columns))
    Console(file=stream, color_system="auto" if colour else None, highlight=False, markup=False, emoji=False).print(
        table
    )


def _styled(row: Mapping[str, Any], column: Column) -> Text:
    style = column.style if isinstance(column.style, str) else column.style(row)
    return Text(cell(row, column), style=style)
