"""``publication-publish`` is killed at each step of the journal; running it again leaves no trace of that."""

import signal
import sys

import pytest

from pipeline import database, publication

STEPS = (
    "claimed",
    "planning",
    "planned",
    "submitting",
    "accepted",
    "submitted",
    "succeeded",
    "checking",
    "checked",
    "staged",
    "manifest planning",
    "manifest planned",
    "described",
    "committing",
    "committed",
    "done",
)

# Python's own audit events tell the steps; the program knows nothing of being watched.
KILL_AT = """
import os, signal
seen = 0
def watch(event, args):
    global seen
    if event == "mapshell.step" and args[0] == {step!r}:
        seen += 1
        if seen == {nth}:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
"""


def steps_in_the_code():
    """Return the names of all steps, from the calls of ``step``."""
    import ast
    from pathlib import Path

    import pipeline

    names = set()
    for file in Path(pipeline.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "step":
                names.add(node.args[0].value)
    return names


def test_every_step_in_the_code_is_aimed_at():
    # Those of other commands begin with the command's name; their own tests aim at them.
    assert {name for name in steps_in_the_code() if ": " not in name} == set(STEPS)


CASES = [(step, 1) for step in STEPS] + [("submitting", 2), ("accepted", 2), ("submitted", 2)]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize(("step", "nth"), CASES, ids=[f"{step}-{nth}" for step, nth in CASES])
def test_killed_at_a_step_and_run_again(rig, step, nth):
    only = ("publication-publish", "--subject", "SC048", "--session", "1", "--type", "ephys")
    killed = rig.run(*only, prelude=KILL_AT.format(step=step, nth=nth))
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    again = rig.run(*only)
    assert again.returncode == 0, again.stdout + again.stderr
    rig.run(*only, check=0)

    session = next(s for s in rig.lab.sessions if (s.h2o, s.start.year) == ("SC048", 2020))
    expected = {f"ephys/{file.subpath}": rig.rig / "ephys" / file.subpath for file in session.of_kind("ephys")}
    there = rig.archived()
    assert set(there) == set(expected)
    for name, path in expected.items():
        assert there[name].read_bytes() == path.read_bytes(), name
    assert len(rig.manifests()) == 1

    database.bind(rig.settings)
    assert len(publication.ArchivedRawEphys()) == 1
    assert len(publication.DataSet()) == 1
    assert len(publication.DataSet.PhysicalFile()) == len(expected)
    assert not publication.Claim()
    journal = publication.Transfer.to_dicts()
    assert {row["state"] for row in journal} == {"done"}
    submissions = [row["submission_id"] for row in journal]
    assert len(set(submissions)) == len(submissions) == 2
    tasks = rig.tasks()
    assert len(tasks) == 2, [task["label"] for task in tasks]
    assert {task["status"] for task in tasks} == {"SUCCEEDED"}
    assert not list((rig.rig / "ephys/.mapshell").glob("*"))
