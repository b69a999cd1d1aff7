"""Commands that run in a process of their own, killed (or met by something else) at a named step of the journal.

Python's own audit events tell the steps; the program knows nothing of being watched.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import pipeline

needs_sigkill = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")

_HOOK = """
import os, signal, pathlib
def _at(event, args, seen=[]):
    if event == "mapshell.step" and args[0] == {step!r}:
        seen.append(1)
        if len(seen) == {nth}:
            {what}
sys.addaudithook(_at)
"""


def do_at(step, what, nth=1):
    """Return a prelude that does something at the n-th time of a step."""
    return _HOOK.format(step=step, what=what, nth=nth)


def kill_at(step, nth=1):
    """Return a prelude that kills the process at the n-th time of a step."""
    return do_at(step, "os.kill(os.getpid(), signal.SIGKILL)", nth)


def steps_in_the_code(of=""):
    """Return the names of all steps, or of those of one command, from the calls of ``step``."""
    names = set()
    for file in Path(pipeline.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "step":
                names.add(node.args[0].value)
    return {name for name in names if name.startswith(of)}
