"""``publication-publish`` is killed at each step of the journal; running it again leaves no trace of that."""

from __future__ import annotations

import signal

import pytest

from pipeline import database, publication
from tests.integration.kills import kill_at, needs_sigkill
from tests.integration.publish.faults import DATA, converges, journal_states, nothing_archived

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
CASES = [(step, 1) for step in STEPS] + [("submitting", 2), ("accepted", 2), ("submitted", 2)]
ONLY = ("publication-publish", "--subject", "SC048", "--session", "1", "--type", "ephys")

pytestmark = needs_sigkill


@pytest.mark.fault(1, 2, 3, 5, 6, 7)
@pytest.mark.parametrize(("step", "nth"), CASES, ids=[f"{step}-{nth}" for step, nth in CASES])
def test_killed_at_a_step_and_run_again(rig, step, nth):
    killed = rig.run(*ONLY, prelude=kill_at(step, nth))
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    session = next(s for s in rig.lab.sessions if (s.h2o, s.start.year) == ("SC048", 2020))
    expected = {f"ephys/{file.subpath}": rig.rig / "ephys" / file.subpath for file in session.of_kind("ephys")}
    database.bind(rig.settings)
    committed = step in ("committed", "done")
    assert len(publication.ArchivedRawEphys()) == len(publication.DataSet()) == committed
    assert len(publication.DataSet.PhysicalFile()) == committed * len(expected)

    again = rig.run(*ONLY)
    assert again.returncode == 0, again.stdout + again.stderr
    rig.run(*ONLY, check=0)

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


@pytest.mark.fault(4)
def test_killed_while_the_task_is_at_work(pg_rig):
    pg_rig.admin.fail_tasks("hold", label=DATA)
    killed = pg_rig.run(*ONLY, prelude=kill_at("submitted"))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (task,) = pg_rig.tasks()
    assert task["status"] == "ACTIVE"
    said = pg_rig.run(*ONLY, "--no-wait", check=0)
    assert "in flight" in said.stdout
    assert [each["task_id"] for each in pg_rig.tasks()] == [task["task_id"]]
    nothing_archived(pg_rig)
    assert journal_states(pg_rig) == [("publish", "submitted")]
    pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, tasks=2)
