"""Row 13: ``publication-why`` about one session among ten thousand: one that is archived, and one that is not."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import large_index, large_lab
from .apart import apart
from .instrument import Aim, Contender, Table, contest
from .lab import computer, corner, lab
from .processes import mapshell
from .row_status import DRIVER, bare, queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.place import Computer, Place

    from .instrument import Options

FILES, HERE = 100, 20
COMMAND = "publication-why"
ARCHIVED, NEW = 2, 1
"""Counted from the last session: the new one was recorded last, and lies here unfinished."""


def measure(options: Options) -> list[Table]:
    """Measure both questions beside a command that asks nothing of sessions, and count their queries."""
    sessions, files = options.size(10_000, 30), options.size(FILES, 5)
    fewer = options.size(100, 10)
    with (
        lab(options) as at,
        _filled(options, at, 0, 0) as empty,
        _filled(options, at, fewer, files) as small,
        _filled(options, at, sessions, files) as large,
    ):
        tables = []
        for name, which, state in (("archived", ARCHIVED, "archived"), ("refused", NEW, "refused")):
            one = large_lab.ref(sessions - which)
            contenders = [
                Contender("mapshell", lambda which=which, state=state: _why(large, sessions - which, state)),
                Contender("start-up", lambda: mapshell(empty.command("publication-status")).seconds),
                Contender(DRIVER, lambda one=one: bare(large, "why", str(one.subject_id), str(one.session))),
            ]
            title = f"why, of a session that is {name}: one of {sessions:,}, {HERE} of them on this disk"
            notes = ["Start-up is publication-status in a lab without sessions."]
            tables.append(contest(title, contenders, options, [Aim("mapshell", "start-up", 0.5, "s")], notes=notes))
        for name, which in (("archived", ARCHIVED), ("refused", NEW)):
            labs = [(rig, size, COMMAND, *_line(size - which)) for rig, size in ((large, sessions), (small, fewer))]
            tables.append(queries(f"why, {name}", *labs))
        return tables


@contextmanager
def _filled(options: Options, at: Place, sessions: int, files: int) -> Iterator[Computer]:
    """Give a computer with the last sessions of a lab; all but the very last are archived."""
    with corner(at) as own:
        rig = computer(own)
        options.tell(f"filling an index: {sessions:,} sessions, {sessions * files:,} files")
        new = [sessions - NEW] if sessions else []
        apart(large_index.fill, rig.folder, str(rig.folder / "dj_local_conf.json"), sessions, files, new)
        for number in range(max(sessions - HERE, 0), sessions):
            large_lab.write(rig.ephys, number, files)
        if sessions:
            _why(rig, sessions - ARCHIVED, "archived")  # whatever is done the first time only
        yield rig


def _line(number: int) -> tuple[str, str]:
    one = large_lab.ref(number)
    return one.h2o, str(one.session)


def _why(rig: Computer, number: int, state: str) -> float:
    """Ask about a session; return the seconds."""
    ran = mapshell(rig.command(COMMAND, *_line(number)))
    told = {place["alias"]: place["state"] for place in json.loads(ran.out)["locations"]}
    if told.get("raw-ephys") != state:
        raise SystemExit(f"WRONG: {_line(number)} is {state}, and {told}\n{ran.out[:2000]}")
    return ran.seconds
