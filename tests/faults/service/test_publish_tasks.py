"""Tasks that do not do what was asked, while a session is published."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from mapshell.demo.run import ARCHIVE, RIG
from mapshell.errors import PARTLY
from pipeline import publication
from pipeline.settings.types import ArchiveSettings
from pipeline.work import Silence, SystemClock
from tests.integration.discover.losing import discover
from tests.integration.publish.faults import (
    DATA,
    MANIFEST,
    ONE,
    TWO,
    bind,
    converges,
    files_of,
    impatient,
    journal_states,
    nothing_archived,
    refused,
    told,
)


@pytest.mark.fault(17)
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


@pytest.mark.fault(17)
def test_what_a_failed_task_left_is_nothing_that_discover_takes(pg_rig):
    pg_rig.admin.fail_tasks(action="fail", after_files=2, partial=True)
    refused(pg_rig, says="the transfer failed")
    (found,) = discover(pg_rig, types=("ephys",)).sessions
    assert (found.state, found.reason) == ("in flight", "a transfer that failed left what lies there")
    assert "publication-publish" in found.remedy
    assert not publication.DataSet()
    converges(pg_rig, tasks=3)


@pytest.mark.fault(17)
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


@pytest.mark.fault(17)
def test_the_deadline_of_a_task_passes(pg_rig):
    pg_rig.admin.set_collection(RIG, offline=True)
    told(pg_rig, wait=False)
    (task,) = pg_rig.tasks()
    pg_rig.admin.control_task(task["task_id"], "expire")
    refused(pg_rig, says="deadline")
    pg_rig.admin.set_collection(RIG, offline=False)
    converges(pg_rig, tasks=3)


@pytest.mark.fault(17)
@pytest.mark.parametrize(("action", "word"), [("pause", "paused"), ("inactive", "inactive")])
def test_a_task_that_waits_for_somebody_is_left_in_flight(pg_rig, action, word):
    pg_rig.admin.fail_tasks(action)
    refused(pg_rig, state="in flight", says=word, seconds=20)
    (task,) = pg_rig.tasks()
    pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, tasks=2)


@pytest.mark.fault(4, 20)
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


@pytest.mark.fault(19)
@pytest.mark.parametrize(("how", "rule"), [("missing", "does not list it"), ("short", "bytes instead of")])
def test_a_task_that_lies(pg_rig, how, rule):
    pg_rig.admin.fail_tasks("lie", how=how, path="*.meta")
    refused(pg_rig, state="refused", says=rule)
    converges(pg_rig, tasks=3)


@pytest.mark.fault(19)
def test_one_flipped_bit_is_found_by_whoever_reads_the_bytes(pg_rig):
    """The same name and size: publishing cannot see it; verify and retrieve read the bytes."""
    pg_rig.admin.fail_tasks("lie", how="flip", path="*.meta")
    told(pg_rig)
    expected, there = files_of(pg_rig), pg_rig.archived()
    different = {name for name, path in expected.items() if path.read_bytes() != there[name].read_bytes()}
    assert different
    rows = {row["file_subpath"]: row for row in (bind(pg_rig).DataSet.PhysicalFile()).to_dicts()}
    assert all(rows[name.removeprefix("ephys/")]["file_sha1"] for name in different)  # what is compared with

    one = ("--subject", "SC048", "--session", "1", "--type", "ephys", "--format", "json")
    done = pg_rig.run("publication-verify", "--checksum", "all", *one, check=PARTLY)
    (session,) = json.loads(done.stdout)["sessions"]
    assert {f"ephys/{each['file']}": each["kind"] for each in session["drift"]} == dict.fromkeys(different, "bytes")
    assert session["verdict"] != "verified"

    to = pg_rig.rig / "ephys" / "fetched"
    done = pg_rig.run("publication-retrieve", "--to", str(to), *one, check=PARTLY)
    verdicts = {f"ephys/{each['subpath']}": each["verdict"] for each in json.loads(done.stdout)["files"]}
    assert verdicts == {name: "damaged" if name in different else "fetched" for name in expected}
    named = {f"ephys/{path.relative_to(to).as_posix()}": path.read_bytes() for path in to.rglob("*") if path.is_file()}
    assert named == {name: path.read_bytes() for name, path in expected.items() if name not in different}


@pytest.mark.fault(18)
@pytest.mark.parametrize("path", ["*.meta", "*imec0.ap.bin"])
def test_a_task_that_skips_files_is_not_committed(pg_rig, path):
    pg_rig.admin.fail_tasks("skip", path=path)
    refused(pg_rig, state="refused", says="archive")
    converges(pg_rig, tasks=3)


@pytest.mark.fault(18)
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


@pytest.mark.fault(17)
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


@pytest.mark.fault(20)
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


@pytest.mark.fault(21)
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


@pytest.mark.fault(17, 19)
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


@pytest.mark.fault(21)
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


class Sped(SystemClock):
    """A clock on which waiting takes as long as it is asked for, and really takes a moment."""

    def __init__(self):
        self.ahead = timedelta()

    def now(self):
        return super().now() + self.ahead

    def epoch(self):
        return time.time() + self.ahead.total_seconds()

    def sleep(self, seconds):
        self.ahead += timedelta(seconds=seconds)
        super().sleep(min(seconds, 0.05))


class Heard(Silence):
    """Notes what is said, and when on a clock."""

    def __init__(self, clock):
        self._clock = clock
        self.said = []

    def say(self, message):
        self.said.append((self._clock.ahead, message))


@pytest.mark.fault(21)
def test_a_file_that_the_service_does_not_find_is_said_within_a_minute(pg_rig):
    """With the usual patience; the task itself would go on asking for a day."""
    pg_rig.admin.fail_tasks("stuck", path="*imec0.ap.bin")
    clock, own = Sped(), pg_rig.settings
    usual = ArchiveSettings()
    pg_rig.settings = replace(
        own, archive=replace(own.archive, poll_seconds=usual.poll_seconds, stall_seconds=usual.stall_seconds)
    )
    heard = Heard(clock)
    report = pg_rig.publish(ONE, types=("ephys",), clock=clock, epoch=clock.epoch, progress=heard)
    pg_rig.settings = own
    (session,) = report.outcomes
    assert (session.state, session.failed) == ("in flight", True)
    assert "imec0.ap.bin" in session.reason
    assert session.remedy
    assert min(when for when, message in heard.said if "imec0.ap.bin" in message) <= timedelta(minutes=1)
    assert clock.ahead < timedelta(minutes=10)
    nothing_archived(pg_rig)
    (task,) = pg_rig.tasks()
    pg_rig.admin.clear_faults()
    pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, tasks=2)
