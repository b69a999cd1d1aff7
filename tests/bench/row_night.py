"""Row 3: a night with nothing new: ten thousand sessions in the index, three hundred of them on this computer."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import large_index, large_lab
from .apart import apart
from .instrument import Aim, Contender, Measured, Table, contest
from .lab import computer, corner, lab
from .probe import probed
from .processes import mapshell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.place import Computer, Place

    from .instrument import Options

FILES = 100
COMMAND = "publication-publish"


def measure(options: Options) -> list[Table]:
    """Measure the night, and count what it asks and lists."""
    sessions, here = options.size(10_000, 30), options.size(300, 6)
    files = options.size(FILES, 10)
    with (
        lab(options) as at,
        _rig(options, at, 0, 0, files) as empty,
        _rig(options, at, sessions, here, files) as rig,
    ):
        title = f"a night with nothing new: {sessions:,} sessions indexed, {here * files:,} files here"
        night = contest(
            title,
            [Contender("mapshell", lambda: _night(rig, here)), Contender("start-up", lambda: _night(empty, 0))],
            options,
            [Aim("mapshell", "start-up", 1.0, "s")],
            notes=["Start-up is the same command in a lab without sessions."],
        )
        return [night, *_counted(at, rig)]


def _counted(at: Place, rig: Computer) -> list[Table]:
    """Count what such a night asks of Globus, and how often it walks the disk."""
    at.admin.reset_counts()
    did = probed(rig, COMMAND)
    requests = at.admin.total()
    folders = 1 + sum(path.is_dir() for path in rig.ephys.rglob("*"))
    note = f"{folders:,} folders, listed {did['listed']:,} times; {did['opened']:,} files opened in them"
    asked = (Measured("mapshell", (requests,)),)
    walks = (Measured("mapshell", (did["listed"] / folders,)),)
    return [
        Table("what that night asks of Globus", asked, (Aim("mapshell", None, 0, "requests"),), "requests"),
        Table("how often it walks the disk", walks, (Aim("mapshell", None, 1, "walks"),), "walks", (note,)),
    ]


@contextmanager
def _rig(options: Options, at: Place, sessions: int, here: int, files: int) -> Iterator[Computer]:
    """Give a computer on which the last sessions still lie; all of them are archived."""
    with corner(at) as own:
        rig = computer(own)
        options.tell(f"filling an index: {sessions:,} sessions, {sessions * files:,} files")
        apart(large_index.fill, rig.folder, str(rig.folder / "dj_local_conf.json"), sessions, files)
        for number in range(sessions - here, sessions):
            large_lab.write(rig.ephys, number, files)
        _night(rig, here)  # whatever is done the first time only
        yield rig


def _night(rig: Computer, here: int) -> float:
    """Publish as cron does; nothing may come of it."""
    ran = mapshell(rig.command(COMMAND))
    told = json.loads(ran.out)
    outcomes = [(each["state"], each["sent_files"]) for each in told["sessions"]]
    if outcomes != [("archived", 0)] * here or told["stopped"] is not None or told["folders_without_session"]:
        raise SystemExit(f"WRONG: {len(outcomes)} outcomes of {here} sessions\n{ran.out[:2000]}")
    return ran.seconds
