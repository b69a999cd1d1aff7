"""``mapshell tasks``: the journal beside Globus, waiting, cancelling; on each database."""

from __future__ import annotations

import json

import pytest

from mapshell.demo.run import ARCHIVE
from pipeline import publication
from tests.integration.rig import wait_until


@pytest.fixture
def held(each_bench):
    """A session whose transfer is under way and stays so, and another one that is archived."""
    done = each_bench.session("done")
    each_bench.publish()
    held = each_bench.session("held")
    each_bench.rig.admin.fail_tasks("hold", count=1, label="mapshell publish*")
    each_bench.publish(wait=False)
    yield each_bench, done, held
    each_bench.release()


def tasks(bench, *args, check=0):
    return json.loads(bench.run("tasks", *args, "--format", "json", check=check)[0])


def status(bench, row):
    return next(task["status"] for task in bench.rig.tasks() if task["task_id"] == row["task_id"])


def test_the_journal_with_its_live_state(held):
    bench, _, folder = held
    found = tasks(bench)
    assert found["globus"] is None
    (row,) = found["tasks"]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert (row["live"], row["state"], row["purpose"], row["bytes"]) == ("under way", "submitted", "publish", size)
    assert row["sessions"] == [{"h2o": "SC038", "subject_id": 480133, "session": 2, "alias": "raw-ephys"}]
    everything = tasks(bench, "list", "--all")["tasks"]
    assert [each["live"] for each in everything] == ["ended", "ended", "under way"]
    assert [each["purpose"] for each in everything] == ["publish", "manifest", "publish"]
    since = tasks(bench, "list", "--all", "--since", "2019-11-20")["tasks"]
    assert [each["transfer_id"] for each in since] == [each["transfer_id"] for each in everything]
    out, _ = bench.run("tasks", check=0)
    assert f"{row['task_id'][:8]}  SC038 session 2" in out

    # One question for all of them.
    bench.rig.admin.reset_counts()
    tasks(bench)
    assert sum(bench.rig.admin.counts().values()) <= 2

    # Without Globus, the journal's word.
    bench.rig.admin.fail_requests("*", status=503, count=None)
    found = tasks(bench)
    assert [each["live"] for each in found["tasks"]] == ["not known"]
    assert found["globus"]["remedy"]
    _, said = bench.run("tasks", check=0)
    assert "the journal's word alone" in said
    bench.rig.admin.clear_faults()

    # Another login's.
    publication.Transfer.update1({"transfer_id": row["transfer_id"], "identity": ARCHIVE})
    assert tasks(bench)["tasks"][0]["live"] == "another login's"
    _, said = bench.run("tasks", "cancel", row["task_id"], "--yes", check=4)
    assert "another login's" in said
    assert "mapshell login" in said
    assert status(bench, row) == "ACTIVE"


def test_waiting_and_what_it_says(held):
    bench, _, folder = held
    late = tasks(bench, "wait", "--timeout", "0.3s", check=3)["tasks"]
    assert [each["timed_out"] for each in late] == [True]
    assert "no time span" in bench.run("tasks", "wait", "--timeout", "soon", check=2)[1]
    name = late[0]["task_id"]
    bench.release()
    (row,) = tasks(bench, "wait", name[:6])["tasks"]
    assert (row["live"], row["timed_out"]) == ("arrived", False)
    assert "mapshell publication-publish" in bench.run("tasks", "wait", check=0)[1]
    assert bench.publish().whole
    bench.assert_archived(folder)
    assert tasks(bench, "wait")["tasks"] == []
    assert tasks(bench, "wait", name)["tasks"][0]["live"] == "ended"


def test_cancelling_touches_nothing_that_is_archived(held):
    bench, done, folder = held
    archived = {name: path.read_bytes() for name, path in bench.there().items()}
    (row,) = tasks(bench)["tasks"]
    assert "Nobody is there" in bench.run("tasks", "cancel", row["task_id"], check=2)[1]
    ended = tasks(bench, "list", "--all")["tasks"][0]["task_id"]
    for wrong, said in ((ended, "it has ended"), ("ffffffff", "knows no task"), ("", "without a character")):
        code = 1 if wrong == ended else 2
        assert said in bench.run("tasks", "cancel", row["task_id"], wrong, "--yes", check=code)[1]
    assert status(bench, row) == "ACTIVE"  # none, when one of them cannot be

    assert tasks(bench, "cancel", row["task_id"][:8], "--yes")["cancelled"][0]["task_id"] == row["task_id"]
    wait_until(lambda: tasks(bench)["tasks"][0]["live"] == "failed")
    assert "failed at Globus already" in bench.run("tasks", "cancel", row["task_id"], "--yes", check=1)[1]
    assert {name: bench.there()[name].read_bytes() for name in archived} == archived

    assert bench.publish().outcomes[1].state == "queued"
    journalled = publication.Transfer & {"transfer_id": row["transfer_id"]}
    assert journalled.to_dicts()[0]["state"] == "failed"  # a row is never lost
    assert bench.publish().whole
    bench.assert_archived(done, folder)


def test_with_nothing_under_way(bench):
    assert tasks(bench) == {"tasks": [], "globus": None}
    out, said = bench.run("tasks", check=0)
    assert (out, "No transfer is open" in said) == ("", True)
    assert "no such command" in bench.run("tasks", "stop", check=2)[1]
    assert "cannot be read" in bench.run("tasks", "list", "--since", "whenever", check=2)[1]
