"""Kills processes while they write a file of state, and looks at the file each time; itself a process without threads.

Each process that dies is forked from this one, which has imported what the writer needs.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import traceback
from pathlib import Path

from tests.faults.killed.writers import WRITERS

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CALLS = ("os.rename", "os.remove", "os.link", "os.truncate", "os.chmod", "os.mkdir", "os.rmdir", "sqlite3.connect")


def at_a_size(size):
    """Let the system end this process when it writes beyond a size, after the bytes up to there were written."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def at_a_call(folder, nth):
    """Kill this process before the nth call that opens to write, renames or removes below a folder: Python tells."""
    seen = []

    def watch(event, args):
        if not ((event == "open" and args[2] & _WRITING) or event in _CALLS):
            return
        if str(args[0]).startswith(str(folder)):
            seen.append(event)
            if len(seen) == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def write(name, folder, word, before=lambda: None):
    """Write in a process of its own; return how that ended, and what it said."""
    assert threading.active_count() == 1, "a process with threads must not be forked"
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            before()
            WRITERS[name].write(folder, word)
        except BaseException:  # noqa: BLE001 - told to the process that began this one
            os.write(writing, traceback.format_exc().encode()[-60_000:])
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        words = said.read().decode("utf-8", "replace")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), words


def main(name, place):
    """Kill at each size and at each call; print how many were killed."""
    writer, before, work = WRITERS[name], Path(place, "before"), Path(place, "work")
    before.mkdir()
    for word in ("old", "new"):  # what it imports is there for all the others
        Path(place, "first").mkdir(exist_ok=True)
        writer.write(Path(place, "first"), word)
        writer.read(Path(place, "first"))
    if not writer.once:
        assert write(name, before, "old") == (0, "")
    old = None if writer.once else "old"
    killed = 0

    def attempt(deadly, signal_):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(before, work)
        ended, said = write(name, work, "new", deadly)
        assert ended in (0, -signal_), said
        assert writer.read(work) in (old, "new")
        assert write(name, work, "new") == (0, "")
        assert writer.read(work) == "new"
        return ended != 0

    attempt(lambda: None, 0)
    size = max(path.stat().st_size for path in work.rglob("*") if path.is_file())
    for limit in sorted({0, 1, 512, 4096, size // 2, size - 1}):
        killed += attempt(lambda limit=limit: at_a_size(limit), signal.SIGXFSZ)
    assert killed
    for nth in range(1, 60):
        if not attempt(lambda nth=nth: at_a_call(work, nth), signal.SIGKILL):
            break
        killed += 1
    assert 1 < nth < 59
    sys.stdout.write(f"{killed}\n")
