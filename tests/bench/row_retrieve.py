"""Row 8: archived sessions are brought to another computer; beside it one batch of the client ``globus``."""

from __future__ import annotations

import shutil
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mapshell.demo.run import ARCHIVE
from tests.load import check

from . import days
from .contenders import GlobusCli
from .instrument import Aim, Contender, Measured, Options, Table, contest, scratch
from .lab import collection, computer, corner, lab, pace, pairs, speeds
from .processes import mapshell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.place import Computer, Place

OURS, CLIENT = "mapshell", "globus-cli"
AGAIN = ("--sync-level", "checksum")


def measure(options: Options) -> list[Table]:
    """Fetch everything to a computer that has nothing, and once more to one that has all of it."""
    sessions, files = options.size(100, 2), options.size(20, 6)
    with scratch(options) as template, lab(options) as at, corner(at) as own:
        days.recordings(template, sessions, files, seconds=options.size(10, 1) / 10)
        rig = computer(own)
        days.lay(template, rig)
        days.enter(rig, sessions)
        mapshell(rig.command("publication-publish"))
        there = [(other, one) for one, other in pairs(rig.ephys)]
        client = GlobusCli(at)
        tables = []
        for speed in speeds(options):
            pace(at, speed, options)
            what = f"{len(there)} files of {sessions} sessions, {speed}"
            fetching = [
                Contender(OURS, lambda: ours(own)),
                Contender(CLIENT, lambda: by_client(own, client, there)),
            ]
            tables.append(contest(f"retrieve {what}", fetching, options, [Aim(OURS, CLIENT, 1.0)]))
            tables += again(own, client, there, options, what)
        return tables


@contextmanager
def home(own: Place) -> Iterator[Computer]:
    """Give a computer that has nothing."""
    there = computer(own, f"home-{uuid.uuid4().hex[:8]}")
    try:
        yield there
    finally:
        shutil.rmtree(there.folder)


def ours(own: Place) -> float:
    """Retrieve everything."""
    with home(own) as there:
        ran = mapshell(there.command("publication-retrieve", "--everything"))
        check.fetched(own, there.ephys)
        return ran.seconds


def by_client(own: Place, client: GlobusCli, files: list[tuple[str, str]]) -> float:
    """Fetch the same files in one task."""
    with home(own) as there:
        return _fetch(own, client, there, files)


def again(own: Place, client: GlobusCli, files: list[tuple[str, str]], options: Options, what: str) -> list[Table]:
    """Retrieve what is there already: how long it takes, and how many tasks it makes."""
    tasks: list[float] = []

    def repeated(there: Computer) -> float:
        own.admin.reset_counts()
        ran = mapshell(there.command("publication-retrieve", "--everything"))
        tasks.append(own.admin.counts().get("POST transfer/transfer", 0))
        return ran.seconds

    with home(own) as mine, home(own) as theirs:
        mapshell(mine.command("publication-retrieve", "--everything"))
        _fetch(own, client, theirs, files)
        both = [
            Contender(OURS, lambda: repeated(mine)),
            Contender(f"{CLIENT} {' '.join(AGAIN)}", lambda: _fetch(own, client, theirs, files, *AGAIN)),
        ]
        table = contest(f"retrieve again, all there: {what}", both, options)
        check.fetched(own, mine.ephys)
    none = [Aim(OURS, None, 0, "tasks")]
    return [table, Table(f"tasks when all is there: {what}", (Measured(OURS, tuple(tasks)),), tuple(none), "tasks")]


def _fetch(own: Place, client: GlobusCli, there: Computer, files: list[tuple[str, str]], *how: str) -> float:
    began = time.perf_counter()
    client.transfer(ARCHIVE, collection(there), files, *how)
    seconds = time.perf_counter() - began
    check.fetched(own, there.ephys)
    return seconds
