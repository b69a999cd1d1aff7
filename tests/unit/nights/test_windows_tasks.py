"""Tasks of Windows, told to a stand-in for schtasks that keeps them; and signals of a service."""

from __future__ import annotations

import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import time, timedelta
from pathlib import Path

import pytest

from mapshell.serving.lines import span
from mapshell.serving.signals import Signals
from pipeline.errors import ServiceError
from pipeline.nights.stopping import Stop
from pipeline.schedule import tasks
from pipeline.schedule.plan import Job, Plan


class Library:
    """What the Task Scheduler keeps."""

    def __init__(self):
        self.kept = {}
        self.refuses = ""

    def __call__(self, command):
        program, action, _, name, *rest = command
        assert program == "schtasks"
        if action == "/Query":
            return self._done(0 if name in self.kept else 1)
        if self.refuses:
            return self._done(1, self.refuses)
        if action == "/Create":
            assert (rest[0], rest[2]) == ("/XML", "/F")
            self.kept[name] = ET.fromstring(Path(rest[1]).read_bytes())
        else:
            assert (action, rest) == ("/Delete", ["/F"])
            del self.kept[name]
        return self._done(0)

    @staticmethod
    def _done(code, said=""):
        return subprocess.CompletedProcess([], code, "", said)


NIGHT = Job("", "the round", ("publication-publish",), time(22))
REPORT = Job("-report", "the report", ("publication-report",), time(7))


def planned(*jobs):
    return Plan("mapshell-lab-1", "C:\\lab\\dj_local_conf.json", ("C:\\python.exe", "-m", "mapshell"), jobs)


def test_tasks_are_made_changed_and_removed():
    library = Library()
    dry = tasks.install(planned(NIGHT, REPORT), dry_run=True, run=library)
    assert (set(dry.files.values()), library.kept) == ({"new"}, {})
    tasks.install(planned(NIGHT, REPORT), dry_run=False, run=library)
    assert list(library.kept) == ["\\mapshell\\mapshell-lab-1", "\\mapshell\\mapshell-lab-1-report"]
    again = tasks.install(planned(NIGHT), dry_run=False, run=library)
    assert again.files == {"\\mapshell\\mapshell-lab-1": "changed", "\\mapshell\\mapshell-lab-1-report": "removed"}
    assert list(tasks.remove("mapshell-lab-1", dry_run=True, run=library).files) == list(library.kept)
    tasks.remove("mapshell-lab-1", dry_run=False, run=library)
    assert library.kept == {}
    assert tasks.remove("mapshell-lab-1", dry_run=False, run=library).files == {}


def test_what_windows_refuses_is_told():
    library = Library()
    library.refuses = "ERROR: Access is denied.\r\n"
    with pytest.raises(ServiceError, match="Access is denied"):
        tasks.install(planned(NIGHT), dry_run=False, run=library)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
def test_signals_are_given_back_and_an_ignored_one_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    usual = signal.getsignal(signal.SIGTERM)
    try:
        stop = Stop()
        with Signals(stop):
            signal.raise_signal(signal.SIGHUP)
            assert stop.why == ""
            signal.raise_signal(signal.SIGTERM)
            assert stop.why == "SIGTERM"
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is usual
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("seconds", "said"), [(60, "1 min"), (5400, "1 h 30 min"), (90, "1 min 30 s"), (86_400, "1 d"), (0.2, "0 s")]
)
def test_spans_in_words(seconds, said):
    assert span(timedelta(seconds=seconds)) == said
