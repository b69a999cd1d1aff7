"""What ``scripts/campaign.py`` is asked for, or why it cannot be done."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import textwrap
from pathlib import Path

from . import servers

LENGTH = 40
AIMS = ("minutes", "kills", "cycles", "schedules")
USAGE = """scripts/campaign.py [--minutes N | --kills N | --cycles N | --schedules N]
                           [--seed N] [--length N] [--jobs N] [--go-on]
                           [--database postgresql|mariadb|both] [--json FILE]
       scripts/campaign.py --play FILE [--database ...]
       scripts/campaign.py --mutations [NAME ...] [--database ...] [--seed N]"""


def read(args):
    """Return the options; end with 2 where they cannot be followed."""
    parser = _parser()
    options = parser.parse_args(args)
    if sys.platform == "win32":
        parser.error("the campaign forks and kills as POSIX does: run it on Linux or macOS")
    options.kinds = servers.KINDS if options.database == "both" else (options.database,)
    if options.mutations is not None:
        _known(parser, options.mutations)
        options.kinds = options.kinds[:1]
    options.moves = _moves(parser, options.play) if options.play else None
    if options.json and not Path(options.json).absolute().parent.is_dir():
        parser.error(f"--json {options.json}: there is no such folder")
    for kind in options.kinds:
        if missing := servers.missing(kind):
            parser.error(f"{missing}. Without it: --database postgresql")
    if all(getattr(options, name) is None for name in AIMS):
        options.minutes = 2.0 / len(options.kinds)
    return options


def _parser():
    parser = argparse.ArgumentParser(
        prog="scripts/campaign.py",
        usage=USAGE,
        description="Random nights over a growing lab, with faults and kills, checked after every step.",
        epilog=(
            "Without an aim: two minutes in all. What was begun is finished, so a run takes up to a minute more. "
            "Ctrl-C ends it, and prints what it came to. Exit code: 0 all promises kept, 1 one broken (the shortest "
            "schedule that does is printed) or a mutation not found, 2 wrong options, 130 Ctrl-C."
        ),
    )
    aims = parser.add_mutually_exclusive_group()
    aims.add_argument("--minutes", type=_minutes, metavar="N", help="go on for so long, on each database")
    aims.add_argument(
        "--kills", type=_number, metavar="N", help="until so many processes were killed, on each database"
    )
    aims.add_argument("--cycles", type=_number, metavar="N", help="publish, verify, retrieve so many small sessions")
    aims.add_argument("--schedules", type=_number, metavar="N", help="so many schedules, on each database")
    aims.add_argument("--play", metavar="FILE", help="play the schedule of a file again")
    aims.add_argument(
        "--mutations",
        nargs="*",
        metavar="NAME",
        help="break guards of the product in a copy (all, or those named): each must be found; on PostgreSQL, "
        "unless --database says mariadb",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the first schedule; then one more (1)")
    parser.add_argument("--length", type=_number, default=LENGTH, metavar="N", help=f"moves of a schedule ({LENGTH})")
    parser.add_argument("--database", choices=(*servers.KINDS, "both"), default="both", help="which (both)")
    parser.add_argument(
        "--jobs", type=_number, default=os.cpu_count() or 1, metavar="N", help="workers at once (one for each core)"
    )
    parser.add_argument("--go-on", action="store_true", help="do not end with the first violation")
    parser.add_argument("--json", metavar="FILE", help="write the report as data, too")
    return parser


def _number(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _minutes(text):
    minutes = float(text)
    if not 0 < minutes < math.inf:
        raise argparse.ArgumentTypeError("must be more than 0")
    return minutes


_number.__name__, _minutes.__name__ = "number", "number"  # as argparse names them in its errors


def _known(parser, names):
    from .mutations import MUTATIONS

    known = [mutation.name for mutation in MUTATIONS]
    if unknown := [name for name in names if name not in known]:
        there_are = textwrap.fill(", ".join(known), 78, break_on_hyphens=False)
        parser.error(f"there is no mutation {unknown[0]!r}; there are:\n{there_are}")


def _moves(parser, file):
    from .acts import Stage

    try:
        moves = json.loads(Path(file).read_text("utf-8"))
    except OSError as error:
        parser.error(f"--play {file}: {error.strerror}")
    except ValueError as error:
        parser.error(f"--play {file}: no JSON ({error})")
    if not isinstance(moves, list) or not moves or not all(isinstance(move, dict) for move in moves):
        parser.error(
            f"--play {file}: no schedule, which is a list of moves such as a campaign writes when it finds one"
        )
    for number, move in enumerate(moves, 1):
        does = move.get("do")
        if not isinstance(does, str) or does.startswith("_") or not callable(getattr(Stage, does, None)):
            parser.error(f"--play {file}: move {number} is none that this version knows: {json.dumps(move)}")
    return moves
