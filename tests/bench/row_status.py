"""Row 9: ``publication-status``, the board, over ten thousand sessions."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import large_board, large_index
from .apart import apart
from .instrument import Aim, Contender, Growth, Measured, Table, contest
from .lab import computer, corner, lab
from .probe import probed
from .processes import mapshell, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.place import Computer, Place

    from .instrument import Options

FILES = 100
COMMAND = "publication-status"
DRIVER = "driver alone"


def measure(options: Options) -> list[Table]:
    """Measure the command as a person and as a program runs it, and count its queries."""
    sessions, files = options.size(10_000, 30), options.size(FILES, 5)
    fewer = options.size(100, 4)
    with (
        lab(options) as at,
        filled(options, at, 0, 0) as empty,
        filled(options, at, fewer, files) as small,
        filled(options, at, sessions, files) as large,
    ):
        tables = []
        for form in ("table", "json"):
            title = f"status of {sessions:,} sessions, {sessions * files:,} files ({form})"
            contenders = [
                Contender("mapshell", lambda form=form: status(large, sessions, form)),
                Contender("start-up", lambda form=form: status(empty, 0, form)),
                Contender(DRIVER, lambda: bare(large, "board")),
            ]
            tables.append(contest(title, contenders, options, [Aim("mapshell", "start-up", 0.5, "s")], notes=NOTES))
        return [*tables, queries("that status", (large, sessions, COMMAND), (small, fewer, COMMAND))]


NOTES = (
    "Every other session is reclaimed; five computers left signs of life.",
    f"{DRIVER}: a process that reads the same rows, the server's sums among them, and shows nothing.",
)


def grow(options: Options, scale: int) -> Growth:
    """Measure ours alone, with its start-up: the best of some runs, for what a session adds is small beside it."""
    sessions, files = scale * options.size(100, 3), options.size(FILES, 5)
    with lab(options) as at, filled(options, at, sessions, files) as rig:
        return Growth(sessions, "sessions", min(status(rig, sessions, "json") for _ in range(options.size(5, 1))))


@contextmanager
def filled(options: Options, at: Place, sessions: int, files: int) -> Iterator[Computer]:
    """Give a computer without recordings, whose database has so many archived sessions, every other one reclaimed."""
    with corner(at) as own:
        rig = computer(own)
        config = str(rig.folder / "dj_local_conf.json")
        options.tell(f"filling an index: {sessions:,} sessions, {sessions * files:,} files")
        apart(large_index.fill, rig.folder, config, sessions, files)
        if sessions:
            apart(large_board.fill, rig.folder, config, sessions)
        status(rig, sessions, "json")  # whatever is done the first time only
        yield rig


def status(rig: Computer, sessions: int, form: str) -> float:
    """Run the command; return its seconds."""
    command = rig.command(COMMAND)
    ran = mapshell(replace(command, args=(COMMAND, "--format", form)))
    if form == "json":
        document = json.loads(ran.out)
        states = [row["state"] for row in document["sessions"]]
        computers = len({row["computer"] for row in document["computers"]})
    else:
        states = [line.split()[0] for line in ran.out.splitlines() if "raw-ephys" in line]
        computers = large_board.COMPUTERS
    wanted = {"archived": sessions // 2, "reclaimed": (sessions + 1) // 2}
    seen = {state: states.count(state) for state in wanted}
    if seen != wanted or (sessions and computers < large_board.COMPUTERS):
        raise SystemExit(f"WRONG: {seen} of {sessions} sessions\n{ran.out[:2000]}")
    return ran.seconds


def bare(rig: Computer, *what: str) -> float:
    """Let the driver alone read the rows that an answer is made of; return its seconds, with its own start-up."""
    config = str(rig.folder / "dj_local_conf.json")
    command = rig.command()
    ran = timed([sys.executable, "-m", "tests.bench.bare", config, *what], environ=command.environ)
    if int(ran.out) < 1:
        raise SystemExit(f"WRONG: the driver read nothing for {' '.join(what)}")
    return ran.seconds


def queries(title: str, *labs: tuple[Any, ...]) -> Table:
    """Count the statements of one run in a large lab and in a small one: computer, sessions, command line."""
    counted = [Measured(f"{size:,} sessions", (probed(rig, *line)["statements"],)) for rig, size, *line in labs]
    many, few = (each.name for each in counted)
    return Table(f"queries of {title}", tuple(counted), (Aim(many, few, 1),), "queries")
