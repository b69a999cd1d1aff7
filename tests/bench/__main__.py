"""Speed, side by side with what a user would use instead.

Each row measures ours and the others in turn, verifies what came of every run, and prints medians, spread and ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from . import machine, report
from .instrument import REPEAT, Options
from .rows import NAMES, ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .instrument import Row

EXAMPLE = """\
rows:
{rows}

examples:
  python3 scripts/bench.py --quick                 all rows in small, to see that they work
  python3 scripts/bench.py publish discover        two rows in full
  python3 scripts/bench.py 12 --plot growth.svg    how cost grows with the work
"""


def main(args: Sequence[str]) -> int:
    """Measure the rows; print them; return 0 when all of them were measured, whether their aims are met or not.

    A row of which somebody did not do the work is told, and the others are measured all the same.
    """
    chosen, options, rows = read(args)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # who uses a program has it compiled; so have all contenders
    say(f"{machine.kind()}; {options.database}; {options.repeat} runs each\n")
    documents: list[dict[str, Any]] = []
    failed = []
    try:
        for row in rows:
            try:
                tables = row.measure(options)
            except SystemExit as wrong:
                say(f"Row {row.number} was not measured: {wrong}\n", sys.stderr)
                failed.append(row.number)
                continue
            say(report.block(row, tables, options))
            documents.append(report.document(row, tables))
            if chosen.json:  # a long run that breaks off leaves what it has
                whole = {"machine": machine.kind(), "database": options.database, "quick": options.quick}
                chosen.json.write_text(json.dumps({**whole, "rows": documents}, indent=1) + "\n", encoding="utf-8")
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; its servers and folders are removed.\n")
        return 130
    if failed:
        say(f"Not measured: {', '.join(f'row {number}' for number in failed)}; why is told above.", sys.stderr)
    return 1 if failed else 0


def read(args: Sequence[str]) -> tuple[argparse.Namespace, Options, list[Row]]:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench.py",
        description=__doc__,
        epilog=EXAMPLE.format(rows="\n".join(f"  {row.number:>2}  {row.name:<12}{row.title}" for row in ROWS.values())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="number or name of a row; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: does it work?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw row 12 there")
    parser.add_argument(
        "--of", action="append", default=[], metavar="ROW", help="row 12: of this row alone; repeatable"
    )
    parser.add_argument("--database", choices=["postgresql", "mariadb"], default="postgresql")
    parser.add_argument("--repeat", type=int, metavar="N", help=f"runs of each contender; default {REPEAT}, quick: 1")
    parser.add_argument("--dir", type=Path, help="a disk with room (50 GB for all rows); default: temporary")
    parser.add_argument(
        "--whole", action="store_true", help="rows 1 and 6: others do all of it, not a part (two hours)"
    )
    chosen = parser.parse_args(args)
    rows = [_row(parser, name) for name in chosen.rows] or list(ROWS.values())
    repeat = chosen.repeat if chosen.repeat is not None else 1 if chosen.quick else REPEAT
    if not 1 <= repeat <= 1000:
        parser.error(f"--repeat {repeat}: give a number from 1 to 1000")
    if chosen.plot and 12 not in {row.number for row in rows}:
        parser.error("--plot draws row 12, which is not among those named: name 12, too")
    if chosen.of and 12 not in {row.number for row in rows}:
        parser.error("--of belongs to row 12, which is not among those named: name 12, too")
    if chosen.plot and chosen.plot.suffix != ".svg":
        parser.error(f"--plot {chosen.plot}: an SVG is drawn; give a name that ends in .svg")
    for option, file in (("--json", chosen.json), ("--plot", chosen.plot)):
        if file and not file.absolute().parent.is_dir():
            parser.error(f"{option} {file}: there is no folder {file.absolute().parent}; make it first")
    folder = chosen.dir or Path(tempfile.gettempdir())
    if not folder.is_dir():
        parser.error(f"--dir {folder}: there is no such folder; make it first")
    options = Options(
        quick=chosen.quick,
        database=chosen.database,
        repeat=repeat,
        folder=folder.absolute(),
        whole=chosen.whole,
        growing=tuple(_row(parser, name, growing=True).number for name in chosen.of),
        plot=chosen.plot and chosen.plot.absolute(),
        tell=lambda text: say(f"  {text}", sys.stderr),
    )
    return chosen, options, rows


def _row(parser: argparse.ArgumentParser, name: str, *, growing: bool = False) -> Row:
    row = ROWS.get(int(name)) if name.isdecimal() else NAMES.get(name)
    if row is None or (growing and row.grow is None):
        told = ", ".join(f"{each.number} {each.name}" for each in ROWS.values() if each.grow or not growing)
        parser.error(f"there is no {'growing ' if growing else ''}row {name!r}; there are: {told}")
    return row


def say(text: str, stream: TextIO | None = None) -> None:
    print(text, file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
