"""How contenders are measured against each other: one after the other in turn, several times, every run verified."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.settings.types import DatabaseSettings

REPEAT = 5


@dataclass(frozen=True)
class Options:
    """What the person who measures chose.

    Parameters
    ----------
    quick
        Small sizes, once: to see that it works. The figures say nothing.
    database
        ``postgresql`` or ``mariadb``.
    repeat
        How many times each contender is run.
    folder
        A disk with room; None: the temporary folder.
    server
        A running server instead of one that is begun for each row (the tests have one).
    whole
        Run also what takes hours in full, rather than a part of it.
    growing
        Which rows row 12 measures; none: all that it can.
    plot
        Where row 12 is drawn.
    tell
        What is being done now, for whoever waits.
    """

    quick: bool = False
    database: str = "postgresql"
    repeat: int = REPEAT
    folder: Path | None = None
    server: DatabaseSettings | None = None
    whole: bool = False
    growing: tuple[int, ...] = ()
    plot: Path | None = None
    tell: Callable[[str], None] = field(default=lambda _: None)

    def size(self, full: int, quick: int) -> int:
        """Return how much is measured: ``full``, or ``quick`` of it under ``--quick``."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Contender:
    """One of those who do the same work.

    Parameters
    ----------
    name
        What the tables call it: "mapshell", "globus-cli", "sha1sum".
    run
        Prepares in folders that nobody used before, runs once, verifies what came of it; returns the seconds of the
        measured part alone (or a figure in the table's unit).
    times
        How many times at most, for what takes very long; None: as often as the others.
    """

    name: str
    run: Callable[[], float]
    times: int | None = None


@dataclass(frozen=True)
class Measured:
    """What a contender came to, each time."""

    name: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True)
class Aim:
    """What is aimed at.

    With the unit "x": ours <= at_most x other. With another unit: ours <= at_most, in that unit, or ours - other <=
    at_most where there is another ("a second beyond start-up").
    """

    ours: str
    other: str | None
    at_most: float
    unit: str = "x"


@dataclass(frozen=True)
class Table:
    """One comparison, as it is printed: what was measured, who came to what, and the aims."""

    title: str
    measured: tuple[Measured, ...]
    aims: tuple[Aim, ...] = ()
    unit: str = "s"
    notes: tuple[str, ...] = ()

    def of(self, name: str) -> Measured:
        return next(each for each in self.measured if each.name == name)


@dataclass(frozen=True)
class Growth:
    """What a row costs at one of its sizes: for so much work (in ``unit``, such as "files") so many seconds."""

    work: int
    unit: str
    seconds: float


@dataclass(frozen=True)
class Row:
    """A row of the benchmark; ``grow`` measures ours alone at a scale (1, 10, 100; the last is about the full size)."""

    number: int
    name: str
    title: str
    measure: Callable[[Options], list[Table]]
    grow: Callable[[Options, int], Growth] | None = None


@dataclass(frozen=True)
class Judged:
    """An aim, held against what was measured."""

    aim: Aim
    value: float
    met: bool


def contest(
    title: str,
    contenders: Sequence[Contender],
    options: Options,
    aims: Sequence[Aim] = (),
    *,
    unit: str = "s",
    notes: Sequence[str] = (),
) -> Table:
    """Run the contenders in turn (A B C A B C ...), as often as is wanted: a slow minute meets all of them."""
    values: dict[str, list[float]] = {each.name: [] for each in contenders}
    for turn in range(options.repeat):
        for each in (each for each in contenders if each.times is None or turn < each.times):
            options.tell(f"{title}: {each.name} ({turn + 1}/{options.repeat})")
            values[each.name].append(each.run())
    return Table(
        title, tuple(Measured(name, tuple(each)) for name, each in values.items()), tuple(aims), unit, tuple(notes)
    )


def judge(table: Table, aim: Aim) -> Judged:
    """Hold an aim against the medians."""
    ours = table.of(aim.ours).median
    other = None if aim.other is None else table.of(aim.other).median
    if aim.unit == "x":
        if other is None:
            raise ValueError(f"{aim.ours}: a ratio needs another contender")
        value = ours / other if other > 0 else float("inf") if ours > 0 else 1.0
    else:
        value = ours if other is None else ours - other
    return Judged(aim, value, value <= aim.at_most)


@contextmanager
def scratch(options: Options, name: str = "") -> Iterator[Path]:
    """Give an empty folder on the chosen disk, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"mapshell-bench-{name}", dir=options.folder)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
