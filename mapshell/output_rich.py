"""Tables on a terminal, drawn with rich; imported only when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mapshell.output import cell, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.segment import Segment

    from mapshell.output import Column


_LONG = 24
"""A column with wider cells than this goes below its row when the terminal is narrow."""


def print_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, title: str, stream: TextIO, colour: bool
) -> None:
    """Draw rows on a terminal; nothing is cut: on a narrow one, long cells stand below their rows."""
    console = Console(
        file=stream,
        color_system="auto" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )
    widths = [max(width(each.title), *(width(cell(row, each)) for row in rows)) for each in columns]
    if sum(widths) + 2 * len(columns) <= console.width:
        console.print(_table(rows, columns, title))
        return
    long = [each for each, wide in zip(columns, widths, strict=True) if wide > _LONG and not each.style]
    short = [each for each in columns if each not in long]
    table = _table(rows, short, title)
    table.box = None
    lines = console.render_lines(table, console.options.update_width(sum(widths) + 2 * len(widths)), pad=False)
    head, body = lines[: -len(rows)], lines[-len(rows) :]
    for line in head:
        _print_line(console, line)
    for row, line in zip(rows, body, strict=True):
        _print_line(console, line)
        for each in long:
            for text in _pieces(row.get(each.key), each, row):
                console.print(Text(f"    {text}", style="dim"), soft_wrap=True)


def _print_line(console: Console, line: Iterable[Segment]) -> None:
    console.print(Text.assemble(*((part.text, part.style or "") for part in line)), soft_wrap=True)


def _pieces(value: Any, column: Column, row: Mapping[str, Any]) -> list[str]:
    """Return what stands below a row: each part of a list on a line of its own."""
    if isinstance(value, list | tuple):
        return [cell({column.key: each}, column) for each in value]
    text = cell(row, column)
    return [text] if text else []


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], title: str) -> Table:
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
    return table


def _styled(row: Mapping[str, Any], column: Column) -> Text:
    style = column.style if isinstance(column.style, str) else column.style(row)
    return Text(cell(row, column), style=style)
