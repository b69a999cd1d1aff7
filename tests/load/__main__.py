"""Load: the real commands over many sessions and many files, watched from outside.  ``scripts/load.py`` starts this."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .loads import LOADS, MOST_MEMORY, MOST_OPEN
from .place import place
from .watch import MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .watch import Figures

TITLES = f"{'command':<26}{'computer':<10}{'s':>8}{'MB':>8}{'open':>6}{'requests':>10}"


def main(args: Sequence[str]) -> int:
    """Carry the loads; print what each command came to; return 0 when all of it is as it must be."""
    parser = argparse.ArgumentParser(prog="scripts/load.py", description=__doc__)
    parser.add_argument("loads", nargs="*", metavar="LOAD", help=f"{', '.join(LOADS)}; all when none is named")
    parser.add_argument("--database", choices=["postgresql", "mariadb"], default="postgresql")
    parser.add_argument("--scale", type=float, default=1.0, metavar="F", help="part of the full load, such as 0.01")
    parser.add_argument("--dir", type=Path, help="a disk with room (a million files are 10 GB); default: temporary")
    chosen = parser.parse_args(args)
    if unknown := [name for name in chosen.loads if name not in LOADS]:
        parser.error(f"no load is called {unknown[0]!r}; there are: {', '.join(LOADS)}")
    if not 0 < chosen.scale <= 100:
        parser.error("--scale must be more than 0, at most 100")
    try:
        bounded = [carry(name, chosen.database, chosen.scale, chosen.dir) for name in chosen.loads or LOADS]
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; its servers and folders are removed.\n")
        return 130
    return 0 if all(bounded) else 1


def carry(name: str, database: str, scale: float, folder: Path | None = None) -> bool:
    """Carry one load; say whether memory and open files stayed within their bounds."""
    say(f"{name}, scale {scale:g}, {database}\n{TITLES}")
    with place(
        Path(tempfile.mkdtemp(prefix="mapshell-load-", dir=folder)), database, lambda each: say(line(each))
    ) as at:
        what = LOADS[name](at, scale)
        within = [each.memory <= MOST_MEMORY and each.open_files <= MOST_OPEN for each in at.figures]
    say(f"{what}: all at the archive and in the index, byte for byte, each in one task\n")
    return all(within)


def line(figures: Figures) -> str:
    """Return what a command came to, in one line."""
    calls = "" if figures.calls is None else figures.calls
    what, cost = f"{figures.title:<26}{figures.computer:<10}{figures.seconds:>8.1f}", figures.memory / MEGABYTE
    return f"{what}{cost:>8.0f}{figures.open_files:>6}{calls:>10}"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - figures for whoever asked for them


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
