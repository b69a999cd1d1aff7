"""Globus misbehaves: collections that are away, answers that do not come, tasks that do not do what was asked."""

import uuid

import pytest

from mapshell.demo.run import ARCHIVE, RIG
from mapshell.errors import FAILED, PARTLY
from pipeline import publication
from pipeline.archive.journal import Part

from .faults import (
    BOTH,
    DATA,
    MANIFEST,
    TWO,
    bind,
    command,
    converges,
    files_of,
    impatient,
    journal_states,
    nothing_archived,
    refused,
    told,
    whole,
)

LS, SUBMIT, TASKS = "transfer/operation/endpoint/<id>/ls", "transfer/transfer", "transfer/task_list"


# ---- collections


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


def test_an_archive_that_is_away_is_not_asked_again_for_each_session(pg_rig):
    pg_rig.admin.set_collection(ARCHIVE, offline=True)
    pg_rig.admin.reset_counts()
    outcomes, _ = told(pg_rig, TWO, code=PARTLY)
    assert [session.state for session in outcomes] == ["queued", "queued"]
    assert all("does not answer" in session.reason for session in outcomes)
    assert pg_rig.admin.total(LS) <= 3  # the attempts of one session


def test_a_local_collection_that_globus_does_not_know(pg_rig):
    pg_rig.admin.set_collection(RIG, missing=True)
    refused(pg_rig, says=("No such endpoint", RIG))
    assert pg_rig.tasks() == []
    assert journal_states(pg_rig) == [("publish", "failed")]  # refused for good: planned anew next time
    pg_rig.admin.set_collection(RIG, missing=False)
    converges(pg_rig, tasks=2)


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


def test_no_room_at_the_archive(pg_rig):
    pg_rig.admin.set_collection(ARCHIVE, quota=1_500_000)
    refused(pg_rig, says=("the transfer failed", "quota exceeded"))
    assert pg_rig.archived()  # what fitted
    pg_rig.admin.set_collection(ARCHIVE, quota=None)
    converges(pg_rig, tasks=3)


# ---- answers


def test_a_few_bad_answers_change_nothing(pg_rig):
    pg_rig.admin.fail_requests(LS, 429, retry_after=1)
    pg_rig.admin.fail_requests(LS, 502, count=2)
    pg_rig.admin.fail_requests("transfer/submission_id", 502)
    pg_rig.admin.fail_requests(SUBMIT, 503)
    pg_rig.admin.fail_requests(TASKS, 500)
    pg_rig.admin.fail_requests(TASKS, 504)
    converges(pg_rig, tasks=2)


@pytest.mark.parametrize("mode", ["lost", "cut"])
def test_answers_that_are_lost_or_cut_change_nothing(pg_rig, mode):
    for path in (LS, SUBMIT, TASKS, "transfer/submission_id"):
        pg_rig.admin.fail_requests(path, mode=mode)
    converges(pg_rig, tasks=2)


def test_a_service_that_is_out_of_order_ends_the_round_in_bounded_time(pg_rig):
    impatient(pg_rig)
    pg_rig.admin.fail_requests("transfer/*", 503, count=None)
    document, _ = command(pg_rig, *BOTH, code=FAILED, seconds=20)
    assert "503" in document["stopped"]
    assert [session["state"] for session in document["sessions"]] == ["queued"]  # the next one was not tried
    nothing_archived(pg_rig)
    pg_rig.admin.clear_faults()
    converges(pg_rig, (3, 4), TWO)


def test_a_service_that_takes_no_transfer(pg_rig):
    impatient(pg_rig)
    pg_rig.admin.fail_requests(SUBMIT, 503, count=None)
    refused(pg_rig, code=FAILED, says="503", seconds=15)
    assert journal_states(pg_rig) == [("publish", "planned")]
    pg_rig.admin.clear_faults()
    converges(pg_rig, tasks=2)
    assert journal_states(pg_rig) == [("publish", "done"), ("manifest", "done")]  # the very same entry went on


def test_the_answer_to_the_submission_is_lost_for_good(pg_rig):
    impatient(pg_rig)
    pg_rig.admin.fail_requests(SUBMIT, mode="lost", count=None)
    refused(pg_rig, code=FAILED, says="Cannot submit", seconds=15)
    assert len(pg_rig.tasks()) == 1
    pg_rig.admin.clear_faults()
    converges(pg_rig, tasks=2)


def test_a_service_that_stops_telling_how_a_task_is(pg_rig):
    impatient(pg_rig)
    pg_rig.admin.fail_tasks("hold")
    pg_rig.admin.fail_requests(TASKS, 503, count=None, after=2)
    refused(pg_rig, code=FAILED, state="in flight", says="503", seconds=25)
    (task,) = pg_rig.tasks()
    pg_rig.admin.clear_faults()
    pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, tasks=2)


def test_one_answer_that_cannot_be_read_while_waiting_ends_nothing(pg_rig):
    pg_rig.admin.fail_requests(TASKS, mode="html", count=2, after=1)
    converges(pg_rig, tasks=2)


def test_a_web_page_instead_of_an_answer(pg_rig):
    pg_rig.admin.fail_requests(LS, mode="html", count=None)
    session = refused(pg_rig, says=("cannot be understood", "try again later"))
    assert "proxy" in session.remedy
    assert pg_rig.tasks() == []
    pg_rig.admin.clear_faults()
    converges(pg_rig, tasks=2)


# ---- tasks that end badly


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"action": "fail"}, "endpoint error"),
        ({"action": "fail", "after_files": 2, "partial": True}, "endpoint error"),
        ({"action": "cancel", "after_files": 1}, "canceled"),
    ],
    ids=["failed", "failed in a file", "cancelled"],
)
def test_a_task_that_fails(pg_rig, fault, word):
    pg_rig.admin.fail_tasks(**fault)
    refused(pg_rig, says=("the transfer failed", word))
    assert journal_states(pg_rig) == [("publish", "failed")]
    converges(pg_rig, tasks=3)


def test_a_file_of_somebody_else_is_not_taken_for_our_own_partial_one(pg_rig):
    """It came while the task ran, which left it alone and failed later."""
    pg_rig.admin.fail_tasks("hold")
    told(pg_rig, wait=False)
    (task,) = pg_rig.tasks()
    name = min(files_of(pg_rig)).removeprefix("ephys/")
    theirs = pg_rig.archive / "raw-ephys" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    pg_rig.admin.set_collection(ARCHIVE, quota=1)
    pg_rig.admin.control_task(task["task_id"], "release")
    refused(pg_rig, says="quota exceeded")
    pg_rig.admin.set_collection(ARCHIVE, quota=None)
    refused(pg_rig, state="refused", says=(name, "the archive holds another file"))
    assert theirs.read_bytes() == b"theirs"


def test_the_deadline_of_a_task_passes(pg_rig):
    pg_rig.admin.set_collection(RIG, offline=True)
    told(pg_rig, wait=False)
    (task,) = pg_rig.tasks()
    pg_rig.admin.control_task(task["task_id"], "expire")
    refused(pg_rig, says="deadline")
    pg_rig.admin.set_collection(RIG, offline=False)
    converges(pg_rig, tasks=3)


@pytest.mark.parametrize(("action", "word"), [("pause", "paused"), ("inactive", "inactive")])
def test_a_task_that_waits_for_somebody_is_left_in_flight(pg_rig, action, word):
    pg_rig.admin.fail_tasks(action)
    refused(pg_rig, state="in flight", says=word, seconds=20)
    (task,) = pg_rig.tasks()
    pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, tasks=2)


def test_without_waiting_the_next_run_reattaches(pg_rig):
    pg_rig.admin.fail_tasks("hold")
    outcomes, _ = told(pg_rig, wait=False)
    assert outcomes[0].state == "in flight"
    outcomes, _ = told(pg_rig, wait=False)
    assert outcomes[0].state == "in flight"
    nothing_archived(pg_rig)
    (task,) = pg_rig.tasks()
    pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, tasks=2)


# ---- tasks that end well, but not truly


@pytest.mark.parametrize(("how", "rule"), [("missing", "does not list it"), ("short", "bytes instead of")])
def test_a_task_that_lies(pg_rig, how, rule):
    pg_rig.admin.fail_tasks("lie", how=how, path="*.meta")
    refused(pg_rig, state="refused", says=rule)
    converges(pg_rig, tasks=3)


def test_one_flipped_bit_is_what_only_a_comparison_of_checksums_can_find(pg_rig):
    """A limit, written down: same name, same size.  ``verify`` and ``retrieve`` read the bytes."""
    pg_rig.admin.fail_tasks("lie", how="flip", path="*.meta")
    told(pg_rig)
    expected, there = files_of(pg_rig), pg_rig.archived()
    different = [name for name, path in expected.items() if path.read_bytes() != there[name].read_bytes()]
    assert different
    rows = {row["file_subpath"]: row for row in (bind(pg_rig).DataSet.PhysicalFile()).to_dicts()}
    assert all(rows[name.removeprefix("ephys/")]["file_sha1"] for name in different)  # what verify compares with


@pytest.mark.parametrize("path", ["*.meta", "*imec0.ap.bin"])
def test_a_task_that_skips_files_is_not_committed(pg_rig, path):
    pg_rig.admin.fail_tasks("skip", path=path)
    refused(pg_rig, state="refused", says="archive")
    converges(pg_rig, tasks=3)


def test_a_file_that_was_skipped_where_our_partial_one_lay(pg_rig):
    """What our earlier task left is set aside, so that nothing can be taken for the file that was skipped."""
    pg_rig.admin.fail_tasks("lie", how="missing", path="*imec0.ap.meta")
    refused(pg_rig, state="refused", says="does not list it")
    name = next(name for name in files_of(pg_rig) if name.endswith("ap.bin")).removeprefix("ephys/")
    spoilt = pg_rig.archive / "raw-ephys" / name
    spoilt.write_bytes(bytes(spoilt.stat().st_size))
    pg_rig.admin.fail_tasks("skip", path=f"*{spoilt.name}")
    refused(pg_rig, state="refused", says=(spoilt.name, "does not list it"))
    converges(pg_rig, tasks=4)


# ---- tasks that are gone


def test_a_task_that_the_service_has_forgotten(pg_rig):
    pg_rig.admin.fail_tasks("hold", after_files=3)
    told(pg_rig, wait=False)
    (task,) = pg_rig.tasks()
    pg_rig.admin.control_task(task["task_id"], "cancel")
    row = bind(pg_rig).Transfer.to_dicts()[0]
    publication.Transfer.update1({"transfer_id": row["transfer_id"], "task_id": uuid.uuid4()})
    publication.Transfer.update1({"transfer_id": row["transfer_id"], "submitted_at": "2020-01-01"})
    refused(pg_rig, says="does not know its task")
    converges(pg_rig, tasks=3)


@pytest.mark.parametrize("state", ["planned", "submitted"])
def test_a_task_of_another_login_is_not_gone(pg_rig, state):
    """And it keeps nobody else from being archived."""
    pg_rig.admin.fail_tasks("hold")
    told(pg_rig, wait=False)
    (task,) = pg_rig.tasks()
    row = bind(pg_rig).Transfer.to_dicts()[0]
    mine = {name: row[name] for name in ("transfer_id", "identity", "task_id", "state")}
    changed = {"identity": str(uuid.uuid4()), "task_id": uuid.uuid4() if state == "submitted" else None}
    publication.Transfer.update1({**mine, **changed, "state": state})
    outcomes, _ = told(pg_rig, TWO, code=PARTLY)
    first, second = outcomes
    assert (first.state, second.state) == ("in flight", "archived")
    assert changed["identity"] in first.reason
    assert "log in as that identity" in first.remedy
    assert len(pg_rig.tasks()) == 3
    publication.Transfer.update1(mine)
    pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, 4, TWO)


def test_a_source_that_vanished_is_said_at_once(pg_rig):
    pg_rig.admin.fail_tasks("hold")
    told(pg_rig, wait=False)
    (task,) = pg_rig.tasks()
    gone = files_of(pg_rig)[min(files_of(pg_rig))]
    kept = gone.with_name(gone.name + ".kept")
    gone.rename(kept)
    pg_rig.admin.control_task(task["task_id"], "release")
    refused(pg_rig, says=(gone.name, "vanished"), seconds=20)
    assert pg_rig.tasks()[0]["status"] == "FAILED"  # we gave it up: it would have gone on asking
    kept.rename(gone)
    converges(pg_rig, tasks=3)


# ---- the manifest's own task


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"action": "fail"}, "its manifest is not"),
        ({"action": "lie", "how": "missing"}, "lists nothing"),
        ({"action": "lie", "how": "short"}, "instead of"),
    ],
    ids=["failed", "missing", "short"],
)
def test_a_manifest_that_does_not_arrive(pg_rig, fault, word):
    pg_rig.admin.fail_tasks(label=MANIFEST, **fault)
    refused(pg_rig, state="in flight", says=word)
    assert ("publish", "checked") in journal_states(pg_rig)
    converges(pg_rig, tasks=3)


def test_a_manifest_whose_task_only_meets_errors(pg_rig):
    impatient(pg_rig)
    pg_rig.admin.fail_tasks("hold", label=MANIFEST)
    pg_rig.admin.fail_tasks("hold", label=DATA)
    told(pg_rig, wait=False)
    (task,) = pg_rig.tasks()
    pg_rig.admin.clear_faults()
    pg_rig.admin.control_task(task["task_id"], "release")
    pg_rig.admin.set_collection(RIG, deny=["*.mapshell*"])
    refused(pg_rig, state="in flight", says=("its manifest is not", "permission denied"), seconds=20)
    pg_rig.admin.set_collection(RIG, deny=[])
    converges(pg_rig, tasks=2)


def test_a_manifest_of_somebody_else_stops_only_its_own_session(pg_rig):
    pg_rig.admin.fail_tasks("hold", count=2, label=DATA)
    told(pg_rig, TWO, wait=False)
    tables = bind(pg_rig)
    subpaths = {
        row["session"]: Part.unpack(row["payload"]).manifest.subpath for row in tables.Transfer.Session.to_dicts()
    }
    theirs = pg_rig.archive / "raw-ephys" / subpaths[1]
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_bytes(b"{}")
    for task in pg_rig.tasks():
        pg_rig.admin.control_task(task["task_id"], "release")
    outcomes, _ = told(pg_rig, TWO, code=PARTLY)
    first, second = outcomes
    assert (first.state, second.state) == ("in flight", "archived")
    assert "not overwritten" in first.reason
    assert theirs.read_bytes() == b"{}"
    theirs.unlink()
    told(pg_rig, TWO)
    whole(pg_rig, files_of(pg_rig, 0, 1), sessions=2)
