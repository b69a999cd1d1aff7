"""A service in a process of its own: what it tells, line by line, and the signals that end it."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest

from tests.integration import ready
from tests.integration.rig import wait_until

if sys.platform == "win32":
    collect_ignore_glob = ["test_service.py"]  # signals and killed processes are POSIX here


class Service:
    """``mapshell publication-publish --every`` and what it has told so far."""

    def __init__(self, rig, *args, prelude=""):
        self.rig = rig
        self._told = rig.folder / f"told-{len(list(rig.folder.glob('told-*')))}"
        code = (
            # a run of the tests that outlasts its terminal ignores this signal, and so would the service
            "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
            f"import sys\nsys.stdout = open({str(self._told)!r}, 'w', encoding='utf-8')\n{prelude}\n"
            "from mapshell.cli import main\nmain(sys.argv[1:])"
        )
        command = ["publication-publish", "--format", "json", *args]
        self.process = ready.begin(code, command, cwd=rig.folder, env=rig.environ)

    @property
    def pid(self):
        return self.process.pid

    def told(self, event=""):
        """Return what it told so far."""
        text = self._told.read_text("utf-8") if self._told.exists() else ""
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        return [line for line in lines if event in ("", line["event"])]

    def wait_for(self, event, count=1):
        """Wait until it has told so many of an event; return the last one."""
        wait_until(lambda: len(self.told(event)) >= count or self.ended(), 60)
        assert len(self.told(event)) >= count, self.process.end(10)
        return self.told(event)[count - 1]

    def ended(self):
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def signal(self, number=signal.SIGTERM):
        os.kill(self.pid, number)

    def end(self):
        """Wait for its end; return exit code and what it said on stderr."""
        done = self.process.end(60)
        return done.returncode, done.stderr


@pytest.fixture
def serving(request):
    """Begin services; whoever still runs at the end is killed."""
    begun = []

    def begin(rig, *args, prelude=""):
        begun.append(Service(rig, *args, prelude=prelude))
        return begun[-1]

    yield begin
    for each in begun:
        each.process.kill()


@pytest.fixture
def faster():
    """Code that lets a minute of the service's clock pass in no time, and everything else as it is."""
    return "import pipeline.nights.rhythm as r, datetime as d\nr._SHORTEST = d.timedelta(0)\n"
