"""Whoever adds a place that writes a file says here what becomes of the file when the process is killed meanwhile."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mapshell
import pipeline
from tests.faults.killed.writers import WRITERS

WHOLE = "written beside and renamed, as shown for the state of a service"
SQLITE = "a transaction of SQLite"
KNOWN = {
    # State: each has a writer that is killed.
    "pipeline/services.py": WHOLE,
    "pipeline/globus/tokens.py": "tokens",
    "pipeline/archive/cachefile.py": "checksums",
    "mapshell/completion/knowledge.py": "what completion knows",
    "mapshell/completion/installing.py": "start-up file of a person's shell",
    "mapshell/demo/run.py": "settings of a demo",
    "mapshell/shell/prompt.py": "history of the shell",
    "mapshell/sandbox/database.py": SQLITE,
    # Data on their way: under another name until they are whole.
    "pipeline/archive/describe.py": "a manifest: beside, then renamed; steps of publishing",
    "pipeline/archive/fetchweb.py": "a part under a name of our own; steps of retrieving",
    "pipeline/archive/spool.py": "no name, and gone with the process",
    "pipeline/archive/place.py": "what was fetched: made durable under a name of our own, then named",
    "mapshell/sandbox/moving.py": "files of the sandbox's collections, as Globus writes them",
    "mapshell/sandbox/anchor.py": "files of the sandbox's collections, as Globus writes them",
    "pipeline/archive/reclaiming/ground.py": "a tombstone: beside, then renamed; steps of reclaim",
    # Neither: nothing is read from them that matters.
    "pipeline/archive/onlyone.py": "who holds a lock, for display; the lock itself is the system's",
    "pipeline/doctor/probe.py": "a probe of the doctor, cleared by a later one",
    "pipeline/embedded/process.py": "a log",
    "mapshell/log.py": "a log",
    "pipeline/morning/notifying.py": "the report for a program: a file without a name",
    "pipeline/schedule/installing.py": "units of systemd: beside, then renamed; made anew by installing again",
    "pipeline/schedule/tasks.py": "a task for Windows to read: beside, then deleted",
    "mapshell/errors.py": "the null device",
    "mapshell/show_erd.py": "a picture that a person asked for",
    # The synthetic lab, made before anything is archived; unfinished ones are made anew.
    "mapshell/demo/lab.py": "recordings of the demo",
    "mapshell/demo/recordings.py": "recordings of the demo",
    "mapshell/demo/signals.py": "recordings of the demo",
    "mapshell/demo/sorting.py": "recordings of the demo",
    "mapshell/demo/videos.py": "recordings of the demo",
}
ALWAYS = {
    "SQLiteTokenStorage",
    "write_text",
    "write_bytes",
    "mkstemp",
    "NamedTemporaryFile",
    "TemporaryFile",
    "SpooledTemporaryFile",
}


def _writes(call):
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    text = ast.unparse(call)
    if name == "connect":
        return "sqlite3" in text
    if name == "open":
        modes = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        modes += [each.value.value for each in call.keywords if each.arg == "mode"]
        return "O_CREAT" in text or "flags" in text or any(set(mode) & set("wax+") and len(mode) < 4 for mode in modes)
    return name in ALWAYS


@pytest.mark.fault(10)
def test_every_place_that_writes_a_file_is_known():
    found = set()
    for package in (mapshell, pipeline):
        base = Path(package.__file__).parent
        for file in base.rglob("*.py"):
            calls = [each for each in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(each, ast.Call)]
            if any(_writes(call) for call in calls):
                found.add(file.relative_to(base.parent).as_posix())
    assert found == set(KNOWN)
    assert {how for how in KNOWN.values() if how in WRITERS} >= {"tokens", "checksums", "settings of a demo"}
