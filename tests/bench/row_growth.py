"""Row 12: rows of the benchmark at three sizes: what each piece of work costs may not grow with their number."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from . import plot
from .instrument import Aim, Contender, Measured, Options, Table, contest
from .rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .instrument import Growth, Row

#: The last of them is about the size of the row itself; it is run once.
SCALES, QUICK = (1, 10, 100), (1, 2, 4)
GROWING = (1, 4, 6, 7, 9)
TOLERANCE = 1.2
"""So much do runs differ."""
TITLE = "What each piece of work costs, the more there is of it"
BELOW = "Both axes are logarithmic. A level line: twice the work takes twice the time; a falling one: less."


def measure(options: Options) -> list[Table]:
    """Let the rows grow; draw them where the options say."""
    tables, lines = [], []
    for row in (ROWS[number] for number in options.growing or GROWING):
        if row.grow is None:
            continue
        growths: dict[int, Growth] = {}
        table = contest(f"{row.name}, growing", _contenders(row, row.grow, options, growths), options, unit="s")
        tables.append(_judged(row, table, list(growths.values())))
        lines += _line(row, table, list(growths.values()))
    if options.plot is not None and lines:
        drawn = plot.svg(TITLE, BELOW, "pieces of work", "time for each piece", lines)
        options.plot.write_text(drawn, encoding="utf-8")
    return tables


def _contenders(
    row: Row, grow: Callable[[Options, int], Growth], options: Options, growths: dict[int, Growth]
) -> list[Contender]:
    scales, once = QUICK if options.quick else SCALES, replace(options, repeat=1)  # turns are taken here

    def at(scale: int) -> float:
        growths[scale] = grow(once, scale)
        return growths[scale].seconds

    return [Contender(f"x{scale}", partial(at, scale), times=1 if scale == scales[-1] else None) for scale in scales]


def _judged(row: Row, table: Table, growths: list[Growth]) -> Table:
    """Say what each piece costs at each size, and what each of those costs that a larger size adds."""
    unit = growths[0].unit
    seconds = [each.median for each in table.measured]
    work = [each.work for each in growths]
    measured = [
        Measured(f"{work[n]:,} {unit} (x{work[n] // work[0]})", tuple(1000 * value / work[n] for value in each.values))
        for n, each in enumerate(table.measured)
    ]
    added = [
        Measured(
            f"each beyond {work[n]:,}", (max(0.0, 1000 * (seconds[n + 1] - seconds[n]) / (work[n + 1] - work[n])),)
        )
        for n in range(len(work) - 1)
    ]
    aims = [Aim(measured[-1].name, measured[-2].name, TOLERANCE)]
    if added[0].median > 0:  # else what is added is too small to be told from the rest
        aims.append(Aim(added[-1].name, added[0].name, TOLERANCE))
    return Table(f"row {row.number}, {row.name}: cost of each of the {unit}", (*measured, *added), tuple(aims), "ms")


def _line(row: Row, table: Table, growths: list[Growth]) -> list[plot.Series]:
    """Return the row's line; what took no time that can be told (beyond start-up) has no place on these axes."""
    points = [
        (float(growth.work), 1000 * each.median / growth.work)
        for growth, each in zip(growths, table.measured, strict=True)
        if each.median > 0
    ]
    return [plot.Series(f"{row.name} (row {row.number})", tuple(points), growths[0].unit)] if points else []
