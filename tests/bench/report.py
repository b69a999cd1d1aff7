"""What was measured, as text that can be pasted into a document, and as JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .instrument import judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .instrument import Aim, Measured, Options, Row, Table

WIDTH = 100
_NAME = 40
QUICK = "quick: sizes are small, each contender ran once; the figures say nothing"


def block(row: Row, tables: Sequence[Table], options: Options) -> str:
    """Return a row as it is printed."""
    head = f"Row {row.number}: {row.title}"
    lines = [head, "-" * len(head)]
    if options.quick:
        lines.append(f"({QUICK})")
    for table in tables:
        lines += ["", *_table(table)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> Iterator[str]:
    yield from _wrapped(table.title)
    yield f"  {'':<{_NAME}}{'median':>12}{'least':>12}{'most':>12}{'runs':>6}"
    for each in table.measured:
        median, least, most = (figure(value, table.unit) for value in (each.median, min(each.values), max(each.values)))
        yield f"  {each.name:<{_NAME}}{median:>12}{least:>12}{most:>12}{len(each.values):>6}"
    for aim in table.aims:
        yield from _wrapped(said(table, aim), "  ")
    for note in table.notes:
        yield from _wrapped(note, "  ")


def said(table: Table, aim: Aim) -> str:
    """Return an aim, what was reached of it, and whether that is enough."""
    judged = judge(table, aim)
    if aim.unit == "x":
        reached = f"{aim.ours} / {aim.other} = {ratio(judged.value)}"
    elif aim.other is None:
        reached = f"{aim.ours} = {figure(judged.value, aim.unit)}"
    else:
        reached = f"{aim.ours} - {aim.other} = {figure(judged.value, aim.unit)}"
    most = ratio(aim.at_most) if aim.unit == "x" else figure(aim.at_most, aim.unit)
    return f"{reached}; aim: at most {most}: {'met' if judged.met else 'MISSED'}"


def ratio(value: float) -> str:
    if not math.isfinite(value):
        return "no ratio: nothing to compare with"
    return f"{value:.3g} x" if value < 0.1 else f"{value:.2f} x"


def figure(value: float, unit: str) -> str:
    """Return a figure with three digits that count, and its unit."""
    text = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text} {unit}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    from textwrap import wrap

    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)


def document(row: Row, tables: Sequence[Table]) -> dict[str, Any]:
    """Return a row as plain data."""
    return {"row": row.number, "name": row.name, "title": row.title, "tables": [_plain(table) for table in tables]}


def _plain(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "unit": table.unit,
        "contenders": [_values(each) for each in table.measured],
        "aims": [_aim(table, aim) for aim in table.aims],
        "notes": list(table.notes),
    }


def _values(each: Measured) -> dict[str, Any]:
    return {
        "name": each.name,
        "median": each.median,
        "least": min(each.values),
        "most": max(each.values),
        "values": list(each.values),
    }


def _aim(table: Table, aim: Aim) -> dict[str, Any]:
    judged = judge(table, aim)
    return {
        "ours": aim.ours,
        "other": aim.other,
        "at_most": aim.at_most,
        "unit": aim.unit,
        "value": judged.value if math.isfinite(judged.value) else None,
        "met": judged.met,
    }
