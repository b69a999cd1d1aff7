"""Collections that are away, closed, full or unknown, while a session is published."""

from __future__ import annotations

import pytest

from mapshell.demo.run import ARCHIVE, RIG
from mapshell.errors import PARTLY
from tests.integration.publish.faults import TWO, command, converges, impatient, journal_states, refused, told

LS = "transfer/operation/endpoint/<id>/ls"


@pytest.mark.fault(15, 16)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"missing": True}, ("Globus knows no collection", ARCHIVE)),
        ({"offline": True}, ("the endpoint does not answer",)),
        ({"denied": True}, ("permission denied",)),
    ],
    ids=["missing", "offline", "denied"],
)
def test_an_archive_that_is_away(pg_rig, change, words):
    impatient(pg_rig)
    pg_rig.admin.set_collection(ARCHIVE, **change)
    refused(pg_rig, says=words)
    assert pg_rig.tasks() == []
    assert journal_states(pg_rig) == []
    pg_rig.admin.set_collection(ARCHIVE, **dict.fromkeys(change, False))
    converges(pg_rig, tasks=2)


@pytest.mark.fault(16)
def test_an_archive_that_is_away_is_not_asked_again_for_each_session(pg_rig):
    pg_rig.admin.set_collection(ARCHIVE, offline=True)
    pg_rig.admin.reset_counts()
    outcomes, _ = told(pg_rig, TWO, code=PARTLY)
    assert [session.state for session in outcomes] == ["queued", "queued"]
    assert all("does not answer" in session.reason for session in outcomes)
    assert pg_rig.admin.total(LS) <= 3  # the attempts of one session


@pytest.mark.fault(15)
def test_a_local_collection_that_globus_does_not_know(pg_rig):
    pg_rig.admin.set_collection(RIG, missing=True)
    refused(pg_rig, says=("No such endpoint", RIG))
    assert pg_rig.tasks() == []
    assert journal_states(pg_rig) == [("publish", "failed")]  # refused for good: planned anew next time
    pg_rig.admin.set_collection(RIG, missing=False)
    converges(pg_rig, tasks=2)


@pytest.mark.fault(15, 16, 21)
@pytest.mark.parametrize(
    ("collection", "change", "mended", "word"),
    [
        (RIG, {"offline": True}, {"offline": False}, "connect failed"),
        (RIG, {"deny": ["/ephys/SC048/SC048_122920_g0/*imec0*"]}, {"deny": []}, "permission denied"),
        (ARCHIVE, {"read_only": True}, {"read_only": False}, "permission denied"),
    ],
    ids=["rig offline", "source denied", "archive read-only"],
)
def test_a_transfer_that_only_meets_errors_is_named_early_and_not_waited_for(pg_rig, collection, change, mended, word):
    impatient(pg_rig)
    pg_rig.admin.set_collection(collection, **change)
    refused(pg_rig, state="in flight", says=("keeps trying", word), seconds=20)
    pg_rig.admin.set_collection(collection, **mended)
    converges(pg_rig, tasks=2)  # the same task went on


@pytest.mark.fault(15)
def test_a_folder_that_may_not_be_listed_is_not_an_empty_one(pg_rig):
    (pg_rig.archive / "raw-ephys/SC048").mkdir()
    pg_rig.admin.set_collection(ARCHIVE, deny=["/raw-ephys/SC048"])
    document, _ = command(pg_rig, "publication-publish", "--type", "ephys", "--until", "2020-12-30", code=PARTLY)
    states = {(session["h2o"], session["state"]) for session in document["sessions"]}
    assert states == {("SC038", "archived"), ("SC048", "queued")}
    (denied,) = [session for session in document["sessions"] if session["h2o"] == "SC048"]
    assert "Cannot list /raw-ephys/SC048" in denied["reason"]
    assert "permission denied" in denied["reason"]
    assert denied["remedy"]
    assert not list((pg_rig.archive / "raw-ephys/SC048").iterdir())
    assert not [task for task in pg_rig.tasks() if "SC048" in task["label"]]


@pytest.mark.fault(27)
def test_no_room_at_the_archive(pg_rig):
    pg_rig.admin.set_collection(ARCHIVE, quota=1_500_000)
    refused(pg_rig, says=("the transfer failed", "quota exceeded"))
    assert pg_rig.archived()  # what fitted
    pg_rig.admin.set_collection(ARCHIVE, quota=None)
    converges(pg_rig, tasks=3)
