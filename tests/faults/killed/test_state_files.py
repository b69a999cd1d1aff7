"""A process is killed while it writes a file of state: whoever reads it then finds the old content or the new."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.faults.killed.writers import WRITERS
from tests.integration import ready
from tests.integration.kills import needs_sigkill

ROOT = Path(__file__).resolve().parents[3]

pytestmark = [needs_sigkill, pytest.mark.fault(10)]

WRITE = """
import sys
from pathlib import Path
from tests.faults.killed.writers import WRITERS
name, folder, word = sys.argv[1:4]
{before}
WRITERS[name].write(Path(folder), word)
"""
# The system ends a process that writes beyond a limit, after the bytes up to there were written.
AT_A_SIZE = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
"""
# Python tells of every file that is opened to be written, renamed or removed, right before it is done.
AT_A_CALL = """
import os, signal
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def watch(event, args, seen=[]):
    if not (event == "open" and args[2] & WRITING or event in {calls!r}):
        return
    if str(args[0]).startswith(folder):
        seen.append(event)
        if len(seen) == {nth}:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
"""
CALLS = ("os.rename", "os.remove", "os.link", "os.truncate", "os.chmod", "os.mkdir", "os.rmdir", "sqlite3.connect")


def write(name, folder, word, before=""):
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    args = (name, str(folder), word)
    return ready.run(WRITE.format(before=before), args, cwd=ROOT, env=environ, timeout=60)


def largest(folder):
    return max(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", WRITERS)
def test_it_is_the_old_or_the_new(tmp_path, name):
    writer = WRITERS[name]
    before, work = tmp_path / "before", tmp_path / "work"
    before.mkdir()
    if not writer.once:
        assert write(name, before, "old").returncode == 0
    old = None if writer.once else "old"

    def begin():
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(before, work)

    def check():
        assert writer.read(work) in (old, "new")
        done = write(name, work, "new")
        assert done.returncode == 0, done.stderr
        assert writer.read(work) == "new"

    begin()
    assert write(name, work, "new").returncode == 0
    size = largest(work)
    assert writer.read(work) == "new"
    for limit in sorted({0, 1, 512, 4096, size // 2, size - 1}):
        begin()
        done = write(name, work, "new", AT_A_SIZE.format(size=limit))
        assert done.returncode in (0, -signal.SIGXFSZ), done.stderr
        check()
    for nth in range(1, 60):
        begin()
        done = write(name, work, "new", AT_A_CALL.format(calls=CALLS, nth=nth))
        check()
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert 1 < nth < 59
