"""A simulated month of a lab; ends with 0 when board and report told the truth at each dawn, and all came back."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests import conftest

from . import servers
from .calendar import draw
from .month import play
from .report import report

DAYS = 30


def main(args):
    """Play a month on each database that was asked for."""
    if sys.platform == "win32":
        print("The month kills and mounts as POSIX does: it cannot run on Windows.", file=sys.stderr)
        return 1
    options = read(args)
    if options.plan:
        for day in draw(options.seed, options.first, options.days):
            print(day)
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it so wants nothing to be left, too
    os.environ.setdefault(conftest.SERVERS, tempfile.gettempdir())
    os.environ.setdefault(conftest.OWNER, str(os.getpid()))
    came = []
    try:
        for kind in options.kinds:
            print(f"{kind}: {options.days} days from {options.first}, seed {options.seed}", flush=True)
            came.append(_play(kind, options))
            print(f"\n{report(came[-1])}\n", flush=True)
    except KeyboardInterrupt:
        print("\nInterrupted; its servers, disks and folders are removed.", file=sys.stderr)
        return 130
    return int(any(each.wrong for each in came))


def _play(kind, options):
    with tempfile.TemporaryDirectory(prefix="month-", ignore_cleanup_errors=True) as folder:
        server = servers.start(kind, Path(folder) / "server")
        try:
            lab = Path(folder) / "lab"
            return play(lab, server, options.first, options.days, options.seed, lambda line: print(line, flush=True))
        finally:
            server.stop()


def read(args):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/month.py", description=__doc__)
    parser.add_argument("--days", type=_days, default=DAYS, metavar="N", help=f"how many days, 2 to 60 ({DAYS})")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="what the days are drawn from (1)")
    parser.add_argument("--database", choices=(*servers.KINDS, "both"), default="both", help="which (both)")
    parser.add_argument(
        "--from",
        dest="first",
        type=_monday,
        metavar="DATE",
        help="its first day, a Monday to come (the next but one day)",
    )
    parser.add_argument("--plan", action="store_true", help="only say what happens on which day")
    options = parser.parse_args(args)
    options.first = options.first or next_monday()
    options.kinds = [options.database] if options.database != "both" else list(servers.KINDS)
    for kind in list(options.kinds):
        if (lacking := servers.missing(kind)) is None or options.plan:
            continue
        if options.database != "both":
            parser.error(lacking)
        print(lacking, file=sys.stderr)
        options.kinds.remove(kind)
    return options


def next_monday():
    """Return the first Monday that is not today or tomorrow: the times of the system's own files lie before it."""
    soon = datetime.now(UTC).date() + timedelta(days=2)
    return soon + timedelta(days=-soon.weekday() % 7)


def _days(text):
    days = int(text)
    if not 2 <= days <= 60:
        raise argparse.ArgumentTypeError("must be 2 to 60")
    return days


def _monday(text):
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write 2027-03-01") from None
    if day.weekday() or day < next_monday():
        raise argparse.ArgumentTypeError(f"{day:%A %Y-%m-%d}: it must be a Monday, {next_monday()} or later")
    return day


_days.__name__ = "number"  # as argparse names it in its errors

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
