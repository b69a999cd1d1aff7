"""Killed at each step while files are adopted, and run again: the same rows and bytes, and nothing sent twice."""

from __future__ import annotations

import signal

import pytest

from pipeline import database, publication
from tests.faults.killed.test_publish import STEPS
from tests.integration.adopt.conftest import data_tasks, only_listed, plant
from tests.integration.kills import kill_at, needs_sigkill
from tests.integration.publish.bench import write

COMMAND = ("publication-publish", "--type", "ephys")
COMPARED = "adopt: compared"

pytestmark = [needs_sigkill, pytest.mark.fault(1, 2, 3, 4, 5, 6, 7)]


def killed_and_run_again(bench, step, nth, *options):
    killed = bench.rig.run(*COMMAND, *options, prelude=kill_at(step, nth))
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    bench.rig.run(*COMMAND, *options, check=0)
    bench.rig.run(*COMMAND, check=0)
    database.bind(bench.rig.settings)
    assert not publication.Claim()
    assert set(publication.Transfer().to_arrays("state")) == {"done"}
    assert len({row["label"] for row in bench.rig.tasks()}) == len(bench.rig.tasks())
    assert not list((bench.ephys / ".mapshell").glob("*"))


@pytest.mark.parametrize("step", [COMPARED, *STEPS])
def test_while_a_whole_session_is_adopted(bench, step):
    folder = bench.session("one")
    there = plant(bench, folder)
    times = {path: path.stat().st_mtime_ns for path in there.values()}
    killed_and_run_again(bench, step, 1)
    bench.assert_archived(folder)
    assert data_tasks(bench) == []
    assert len(bench.rig.tasks()) == 1
    assert {path: path.stat().st_mtime_ns for path in there.values()} == times
    assert {row["verified_how"] for row in bench.indexed().values()} == {"read back over HTTPS"}
    assert len(publication.Transfer()) == 2
    assert len(bench.rig.manifests()) == 1


@pytest.mark.parametrize(
    ("step", "nth"),
    [(COMPARED, 1), ("planned", 1), ("accepted", 1), ("submitted", 1), ("succeeded", 1), ("checked", 1), ("done", 1)],
)
def test_while_some_files_are_adopted_and_others_sent(bench, step, nth):
    folder = bench.session("one")
    write(folder / "notes.txt", b"notes")
    plant(bench, folder, "*.bin")
    killed_and_run_again(bench, step, nth)
    bench.assert_archived(folder)
    (task,) = data_tasks(bench)
    assert task["files"] == 2
    assert sum(row["verified_how"] == "read back over HTTPS" for row in bench.indexed().values()) == 1
    assert len(bench.rig.archived()) == 3


@pytest.mark.parametrize("step", [COMPARED, "planned", "checked", "committing", "committed"])
def test_while_a_listed_session_is_proved(bench, step):
    folder = only_listed(bench)
    tasks = len(bench.rig.tasks())
    killed_and_run_again(bench, step, 1, "--adopt")
    bench.assert_archived(folder)
    assert len(bench.rig.tasks()) == tasks + 1
    rows = bench.indexed().values()
    assert {(row["file_generation"], row["file_sha1"] is None) for row in rows} == {(2, False)}
    assert publication.ArchivedRawEphys.fetch1("generation") == 2
