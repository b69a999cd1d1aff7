"""Row 9: ``publication-status`` over ten thousand sessions."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from . import large_index
from .apart import apart
from .instrument import Aim, Contender, Growth, Measured, Table, contest
from .lab import computer, corner, lab
from .probe import probed
from .processes import mapshell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.place import Computer, Place

    from .instrument import Options

FILES = 100
COMMAND = "publication-status"


def measure(options: Options) -> list[Table]:
    """Measure the command as a person and as a program runs it, and count its queries."""
    sessions, files = options.size(10_000, 30), options.size(FILES, 5)
    fewer = sessions // 10
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
            ]
            tables.append(contest(title, contenders, options, [Aim("mapshell", "start-up", 0.5, "s")]))
        many, few = f"{sessions:,} sessions", f"{fewer:,} sessions"
        counted = [Measured(name, (statements(rig),)) for name, rig in ((many, large), (few, small))]
        aims = [Aim(many, few, 0, "queries")]
        return [*tables, Table("queries of that status", tuple(counted), tuple(aims), "queries")]


def grow(options: Options, scale: int) -> Growth:
    """Measure ours alone, with its start-up: the best of some runs, for what a session adds is small beside it."""
    sessions, files = scale * options.size(100, 3), options.size(FILES, 5)
    with lab(options) as at, filled(options, at, sessions, files) as rig:
        return Growth(sessions, "sessions", min(status(rig, sessions, "json") for _ in range(options.size(5, 1))))


@contextmanager
def filled(options: Options, at: Place, sessions: int, files: int) -> Iterator[Computer]:
    """Give a computer without recordings, whose database has so many archived sessions."""
    with corner(at) as own:
        rig = computer(own)
        options.tell(f"filling an index: {sessions:,} sessions, {sessions * files:,} files")
        apart(large_index.fill, rig.folder, str(rig.folder / "dj_local_conf.json"), sessions, files)
        status(rig, sessions, "json")  # whatever is done the first time only
        yield rig


def status(rig: Computer, sessions: int, form: str) -> float:
    """Run the command; return its seconds."""
    command = rig.command(COMMAND)
    ran = mapshell(replace(command, args=(COMMAND, "--format", form)))
    if form == "json":
        states = [row["state"] for row in json.loads(ran.out)["sessions"]]
        seen = len(states) if set(states) <= {"archived"} else -1
    else:
        seen = ran.out.count("archived")
    if seen != sessions:
        raise SystemExit(f"WRONG: {seen} of {sessions} sessions are archived\n{ran.out[:2000]}")
    return ran.seconds


def statements(rig: Computer) -> float:
    """Count the statements of one run."""
    return probed(rig, COMMAND)["statements"]
