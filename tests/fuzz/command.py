"""The command line of ``scripts/fuzz.py``."""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .supervise import Report


def main(args: Sequence[str]) -> int:
    """Feed targets; return 0 when nothing broke, 1 when something did, 2 for arguments that make no sense."""
    from .supervise import Bounds, supervise, worker
    from .targets import TARGETS

    if args[:1] == ["--worker"]:
        order = json.loads(args[1])
        table = runpy.run_path(order["module"])["TARGETS"] if order["module"] else TARGETS
        try:
            worker(order, table, Path(args[2]), Path(args[3]))
        except KeyboardInterrupt:  # whoever watches got it too, and says so
            return 130
        return 0
    parser = argparse.ArgumentParser(
        prog="fuzz.py",
        description="Hostile bytes for the readers of what comes from outside: only errors of mapshell's own may come "
        "of them, in bounded time and memory, and no path outside of a root. What breaks one is printed and kept as a "
        "seed under tests/fuzz/seeds, which every run tries first.",
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"which readers: {', '.join(TARGETS)} (all)")
    parser.add_argument("--minutes", type=_positive, help="minutes, shared out among the targets (1 without --inputs)")
    parser.add_argument("--inputs", type=int, help="inputs for each target")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations (0)")
    parser.add_argument("--limit", type=_positive, default=20.0, help="seconds that one input may take (20)")
    given = parser.parse_args(args)
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]!r}; there are: {', '.join(TARGETS)}")
    if given.inputs is not None and given.inputs < 1:
        parser.error("--inputs must be at least 1")
    names = given.targets or list(TARGETS)
    minutes = given.minutes if given.minutes is not None else (None if given.inputs else 1.0)
    seconds = None if minutes is None else minutes * 60 / len(names)
    _say(f"fuzz.py --seed {given.seed}: {', '.join(names)}")
    reports = []
    try:
        for name in names:
            report = supervise(
                name,
                seed=given.seed,
                inputs=given.inputs,
                seconds=seconds,
                bounds=Bounds(seconds=given.limit),
                say=_say,
            )
            reports.append(report)
            _say(_row(report) if len(reports) > 1 else f"{_HEAD}\n{_row(report)}")
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130
    total = sum(report.inputs for report in reports)
    broken = sum(len(report.crashes) + len(report.hangs) for report in reports)
    _say(f"{total:,} inputs, {broken} findings")
    return 1 if broken else 0


_HEAD = f"{'target':<10}{'inputs':>11}{'seconds':>9}{'outcomes':>10}{'lines':>7}{'crashes':>9}{'hangs':>7}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _row(report: Report) -> str:
    return (
        f"{report.target:<10}{report.inputs:>11,}{report.seconds:>9.0f}{len(report.outcomes):>10}"
        f"{len(report.lines):>7}{len(report.crashes):>9}{len(report.hangs):>7}"
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError("must be a positive number")
    return value
