"""Row 1: sessions are published; beside it the client ``globus`` with ``sha1sum``, and one task per file."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from mapshell.demo.run import ARCHIVE
from tests.load import check

from . import days
from .contenders import GlobusCli, per_file
from .instrument import Aim, Contender, Growth, Options, Table, contest, scratch
from .lab import SPEEDS, collection, computer, corner, lab, pace, pairs, speeds
from .processes import mapshell, timed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.load.place import Place

OURS, CLIENT, SINGLY = "mapshell", "globus-cli + sha1sum", "one task per file"
EMPTY = "mapshell, nothing to send"
AIMS = {
    SPEEDS[0]: (Aim(OURS, CLIENT, 1.25),),
    SPEEDS[1]: (Aim(OURS, CLIENT, 1.0), Aim(OURS, SINGLY, 0.02)),
}


def measure(options: Options) -> list[Table]:
    """Measure it without added latency and with the real service's."""
    sessions, files = options.size(20, 2), options.size(50, 6)
    alone = sessions * files if options.whole else min(sessions * files, options.size(50, 2))
    with scratch(options) as template, lab(options) as at:
        days.recordings(template, sessions, files, seconds=options.size(10, 1) / 10)
        client = GlobusCli(at)
        contenders = [
            Contender(OURS, lambda: ours(at, template, sessions)),
            Contender(CLIENT, lambda: by_client(at, template, client)),
            Contender(EMPTY, lambda: empty(at)),
            Contender(SINGLY, lambda: singly(at, template, alone), times=None if alone <= 2 else 1),
        ]
        note = f"{SINGLY}: {alone} of the {sessions * files} files were sent; the time is that of all, in proportion"
        tables = []
        for speed in speeds(options):
            pace(at, speed, options)
            title = f"publish {sessions} sessions of {files} files, {speed}"
            notes = () if alone == sessions * files else (note,)
            tables.append(contest(title, contenders, options, AIMS[speed], notes=notes))
        return tables


def grow(options: Options, scale: int) -> Growth:
    """Publish more and more sessions."""
    sessions, files = options.size(4, 1) * scale, options.size(50, 4)
    with scratch(options) as template, lab(options) as at:
        days.recordings(template, sessions, files, seconds=0.01)
        return Growth(sessions * files, "files", ours(at, template, sessions))


def ours(at: Place, template: Path, sessions: int) -> float:
    """Publish the recordings as a person does; what comes of it is judged by disks and rows."""
    with corner(at) as own:
        rig = computer(own)
        days.lay(template, rig)
        days.enter(rig, sessions)
        ran = mapshell(rig.command("publication-publish"))
        check.archived(own, [rig], sessions)
        return ran.seconds


def empty(at: Place) -> float:
    """Publish where nothing was recorded: what beginning and ending take."""
    with corner(at) as own:
        rig = computer(own)
        days.enter(rig, 1)
        return mapshell(rig.command("publication-publish")).seconds


def by_client(at: Place, template: Path, client: GlobusCli) -> float:
    """Send the same files in one task of ``globus transfer --batch``, and compute their SHA1."""
    with corner(at) as own:
        rig = computer(own)
        days.lay(template, rig)
        files, source = pairs(rig.ephys), collection(rig)
        began = time.perf_counter()
        client.transfer(source, ARCHIVE, files)
        sums = timed(["sha1sum", "--", *(str(rig.folder / "rig" / one[1:]) for one, _ in files)]).out
        seconds = time.perf_counter() - began
        check.must(len(sums.splitlines()) == len(files), "sha1sum has not read all files")
        check.must(check.facts(own.archive) == check.facts(rig.ephys), "globus-cli has not sent all files")
        return seconds


def singly(at: Place, template: Path, count: int) -> float:
    """Send so many of the files singly; return the time that all would take."""
    with corner(at) as own:
        rig = computer(own)
        days.lay(template, rig)
        files = pairs(rig.ephys)
        seconds = per_file(at, collection(rig), ARCHIVE, files[-count:])
        there = check.facts(own.archive)
        check.must(len(there) == count, f"{len(there)} of {count} files were sent singly")
        shutil.rmtree(own.archive)
        return seconds * len(files) / count
