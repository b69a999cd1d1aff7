"""A copy between archives is killed at each step of the journal; running it again leaves no trace of that."""

from __future__ import annotations

import signal

import pytest

from pipeline import database, publication
from tests.faults.killed.test_publish import CASES
from tests.integration.copies.conftest import FIRST, OTHER
from tests.integration.kills import kill_at, needs_sigkill

ONLY = ("publication-publish", "--type", "ephys")

pytestmark = needs_sigkill


@pytest.fixture
def lacking(two):
    """A session that the second archive lacks and no computer has; what it held."""
    folder = two.bench.session("one")
    two.publish_at_first()
    held = two.take_away(folder)
    two.name_both()
    return held


@pytest.mark.parametrize(("step", "nth"), CASES, ids=[f"{step}-{nth}" for step, nth in CASES])
def test_killed_at_a_step_and_run_again(two, lacking, step, nth):
    before = len(two.rig.tasks())
    killed = two.rig.run(*ONLY, prelude=kill_at(step, nth))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    database.bind(two.rig.settings)
    committed = step in ("committed", "done")
    assert len(publication.ArchivedRawEphys() & {"globus_alias": OTHER}) == committed
    assert two.rows(OTHER) == (two.rows(FIRST) if committed else {})

    again = two.rig.run(*ONLY)
    assert again.returncode == 0, again.stdout + again.stderr
    two.rig.run(*ONLY, check=0)

    database.bind(two.rig.settings)
    assert two.data(two.other) == lacking
    two.assert_same()
    assert len(two.manifests(two.other)) == 1
    assert not publication.Claim()
    journal = publication.Transfer.to_dicts()
    assert {row["state"] for row in journal} == {"done"}
    submissions = [row["submission_id"] for row in journal]
    assert len(set(submissions)) == len(submissions) == 4
    tasks = two.rig.tasks()
    assert len(tasks) == before + 2, [task["label"] for task in tasks]
    assert {task["status"] for task in tasks} == {"SUCCEEDED"}
    assert not list((two.bench.ephys / ".mapshell").glob("*"))
