"""Runs the command line: in this process for speed, in one of its own where start-up or signals matter."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from mapshell import errors, log
from mapshell.cli import cli
from mapshell.context import Context

FOREIGN = ("DJ_", "MAPSHELL_", "GLOBUS_SDK_")


@dataclass(frozen=True)
class Result:
    """What one command line did."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self):
        """The one JSON document of stdout."""
        return json.loads(self.stdout)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty working directory, with a home of its own and none of the settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    work = tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("MAPSHELL_HOME", str(home))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def mapshell(workplace, monkeypatch):
    """A function that runs ``mapshell ARGS`` in this process and returns its ``Result``."""

    def run(*args, stdin="", command=cli):
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = errors.run(command, [str(each) for each in args], Context())
        log.tear_down()
        return Result(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def mapshell_process(workplace):
    """A function that runs ``mapshell ARGS`` in a process of its own."""

    def run(*args, stdin="", **options):
        command = [sys.executable, "-m", "mapshell", *(str(each) for each in args)]
        done = subprocess.run(
            command, input=stdin, capture_output=True, encoding="utf-8", timeout=60, check=False, **options
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run
