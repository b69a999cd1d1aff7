"""More sessions than the service lets wait; many that are under way while one departs."""

from __future__ import annotations

from collections import Counter

import pytest

from mapshell.sandbox.spec import CollectionSpec
from pipeline import database
from pipeline.archive.departing import queue
from pipeline.archive.journal import Part
from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.journal import TableJournal
from pipeline.locations import known

MANY = 8


@pytest.fixture
def backlog(bench):
    for number in range(MANY):
        bench.session(f"session {number}")
    return bench


@pytest.fixture
def most(bench):
    """Change how many tasks the service lets wait."""

    def change(tasks):
        bench.rig.admin.set_realism(pending_tasks=tasks)

    return change


def each_in_one_task(bench):
    labels = Counter(task["label"].rsplit(" ", 1)[0] for task in bench.rig.tasks() if " publish " in task["label"])
    assert set(labels.values()) == {1}
    assert len(labels) == MANY
    assert bench.archived_keys() == set(bench.keys.values())
    bench.assert_archived(bench.ephys)


@pytest.mark.parametrize("tasks", [1, 3])
def test_one_night_archives_more_sessions_than_the_service_lets_wait(backlog, most, tasks):
    most(tasks)
    report = backlog.publish()
    assert report.whole
    assert {outcome.state for outcome in report.outcomes} == {"archived"}
    each_in_one_task(backlog)


def test_without_waiting_as_many_are_submitted_as_the_service_takes(backlog, most):
    most(3)
    backlog.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    outcomes = backlog.publish(wait=False).outcomes
    assert Counter(outcome.state for outcome in outcomes) == {"in flight": 3, "queued": MANY - 3}
    (said,) = {outcome.reason for outcome in outcomes if outcome.state == "queued"}
    assert "as many tasks of this login waiting as it takes" in said
    backlog.release()
    assert backlog.publish().whole
    each_in_one_task(backlog)


def test_others_of_the_same_login_take_all_the_room(backlog, most):
    """Nothing of this round will make room: it ends, says so, and the next one goes on under the same ids."""
    admin, rig = backlog.rig.admin, backlog.rig
    other = rig.folder / "other"
    other.mkdir()
    (other / "film.avi").write_bytes(b"frames")
    collection = "d3e0a001-0000-4000-8000-00000000a00f"
    admin.put_collection(collection, CollectionSpec(other, personal=True))
    admin.fail_tasks("hold", count=None, label="somebody*")
    with rig.globus() as globus:
        item = TransferItem("/film.avi", "/film-2.avi", None)
        globus.submit(
            TransferRequest(globus.new_submission_id(), collection, collection, "somebody else's film", (item,))
        )
    most(1)
    stdout = backlog.command(check=3)
    assert {row["state"] for row in stdout["sessions"].values()} == {"queued"}
    assert all("some have ended" in row["remedy"] for row in stdout["sessions"].values())
    assert not backlog.there()
    backlog.release()
    assert backlog.publish().whole
    each_in_one_task(backlog)


def test_one_session_reads_nothing_of_the_others_that_are_under_way(backlog, monkeypatch):
    read = []
    unpack = Part.unpack.__func__

    def counted(cls, payload):
        part = unpack(cls, payload)
        read.append(part.key)
        return part

    backlog.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    monkeypatch.setattr(Part, "unpack", classmethod(counted))
    backlog.publish(wait=False)
    assert len(read) <= 2 * MANY, "the journal is read anew for each session"
    key = backlog.keys["session 1"]
    database.bind(backlog.rig.settings)
    journal = TableJournal(known()["raw-ephys"], {}, "rig")
    read.clear()
    (entry,) = journal.unfinished([key])
    assert [part.key for part in entry.parts] == read == [key]
    assert len(journal.unfinished()) == MANY
    backlog.release()


def test_no_more_are_in_the_air_than_may_be(backlog, monkeypatch):
    seen = []
    depart = queue.Queue.depart

    def counted(self, in_the_air):
        flights = depart(self, in_the_air)
        seen.append(in_the_air + len(flights))
        return flights

    monkeypatch.setattr(queue, "IN_THE_AIR", 3)
    monkeypatch.setattr(queue.Queue, "depart", counted)
    assert backlog.publish().whole
    assert max(seen) == 3
    each_in_one_task(backlog)
