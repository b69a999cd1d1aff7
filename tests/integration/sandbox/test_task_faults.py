"""Faults of tasks take effect: how they end, what they leave, where they stop, and in what they lie."""

from __future__ import annotations

import globus_sdk
import pytest

from .conftest import ARCHIVE, GUEST, ended, until
from .faulty import BYTES, arrived, new_files, submit


@pytest.fixture
def name(sandbox):
    return new_files(sandbox)


def details(client, task_id):
    return {event["code"] for event in client.task_event_list(task_id)}


def test_a_task_fails_with_the_error_that_was_asked_for(sandbox, client, name):
    sandbox.admin.fault("fail", code="PERMISSION_DENIED", description="because")
    task = ended(client, submit(client, name))
    assert (task["status"], task["files_transferred"]) == ("FAILED", 0)
    assert task["fatal_error"] == {"code": "PERMISSION_DENIED", "description": "because"}
    assert not arrived(sandbox, name).exists()


@pytest.mark.parametrize(("kind", "code"), [("fail", "ENDPOINT_ERROR"), ("cancel", "CANCELED")])
@pytest.mark.parametrize(("limit", "part"), [({"after_files": 1}, 50), ({"after_bytes": 130}, 30)])
def test_a_task_that_ends_badly_leaves_a_partial_file(sandbox, client, name, kind, code, limit, part):
    sandbox.admin.fault(kind, partial=True, label="*bad*", **limit)
    good = submit(client, f"{name}3", label="good")
    task = ended(client, submit(client, name, f"{name}2", label="a bad one"))
    assert (task["status"], task["files_transferred"], task["fatal_error"]["code"]) == ("FAILED", 1, code)
    assert arrived(sandbox, name).read_bytes() == BYTES
    assert arrived(sandbox, f"{name}2").read_bytes() == BYTES[:part]
    assert ended(client, good)["status"] == "SUCCEEDED"


def test_an_administrator_cancels_and_says_why(sandbox, client, name):
    sandbox.admin.fault("cancel", message="maintenance")
    task = ended(client, submit(client, name))
    assert (task["fatal_error"]["code"], task["canceled_by_admin_message"]) == ("CANCELED", "maintenance")


@pytest.mark.parametrize("how", ["missing", "short", "flip"])
def test_success_that_lies(sandbox, client, name, how):
    sandbox.admin.fault("lie", how=how, file=f"*{name}2")
    task = ended(client, submit(client, name, f"{name}2", verify_checksum=True))
    assert (task["status"], task["files_transferred"]) == ("SUCCEEDED", 2)
    assert arrived(sandbox, name).read_bytes() == BYTES
    spoilt = arrived(sandbox, f"{name}2")
    if how == "missing":
        assert not spoilt.exists()
        return
    found = spoilt.read_bytes()
    if how == "short":
        assert 0 < len(found) < 100
        assert BYTES.startswith(found)
    else:
        assert sum((a ^ b).bit_count() for a, b in zip(found, BYTES, strict=True)) == 1


def test_a_lie_about_a_later_file(sandbox, client, name):
    sandbox.admin.fault("lie", how="missing", after_files=1)
    ended(client, submit(client, name, f"{name}2"))
    assert arrived(sandbox, name).exists()
    assert not arrived(sandbox, f"{name}2").exists()


def test_skipped_files_that_nobody_asked_for(sandbox, client, name):
    sandbox.admin.fault("skip", file=f"*{name}2")
    task_id = submit(client, name, f"{name}2")
    task = ended(client, task_id)
    assert (task["status"], task["files_transferred"], task["subtasks_skipped_errors"]) == ("SUCCEEDED", 1, 1)
    (skipped,) = client.task_skipped_errors(task_id)["DATA"]
    assert skipped["source_path"] == f"/{name}2"
    assert not arrived(sandbox, f"{name}2").exists()


@pytest.mark.parametrize("mend", ["clear", "release"])
def test_a_task_is_stuck_on_a_file_that_is_there(sandbox, client, name, mend):
    sandbox.admin.fault("stuck", file=f"*{name}2")
    task_id = submit(client, name, f"{name}2", f"{name}3")
    task = until(lambda: client.get_task(task_id), lambda task: task["faults"] > 1)
    assert (task["status"], task["nice_status"], task["files_transferred"]) == ("ACTIVE", "FILE_NOT_FOUND", 2)
    assert "FILE_NOT_FOUND" in details(client, task_id)
    if mend == "clear":
        sandbox.admin.clear_faults()
    else:
        sandbox.admin.control_task(task_id, "release")
    assert ended(client, task_id)["status"] == "SUCCEEDED"
    assert arrived(sandbox, f"{name}2").read_bytes() == BYTES


def test_a_deadline_passes(sandbox, client, name):
    sandbox.admin.fault("deadline", after_files=1)
    task = ended(client, submit(client, name, f"{name}2"))
    assert (task["status"], task["files_transferred"]) == ("FAILED", 1)
    assert task["fatal_error"]["code"] == "EXPIRED"
    assert task["subtasks_expired"] == 1


HOLDS = [("hold", "ACTIVE", False), ("pause", "ACTIVE", True), ("inactive", "INACTIVE", False)]


@pytest.mark.parametrize(("kind", "status", "paused"), HOLDS)
def test_tasks_on_hold_go_on_when_released(sandbox, client, name, kind, status, paused):
    sandbox.admin.fault(kind, after_files=1)
    task_id = submit(client, name, f"{name}2")
    until(lambda: client.get_task(task_id), lambda task: task["files_transferred"] == 1)
    sandbox.admin.control_task(task_id, kind)
    task = client.get_task(task_id)
    assert (task["status"], task["is_paused"], task["files_transferred"]) == (status, paused, 1)
    assert bool(client.task_pause_info(task_id)["pause_rules"]) == paused
    sandbox.admin.control_task(task_id, "release")
    assert ended(client, task_id)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(("kind", "status", "paused"), HOLDS)
def test_tasks_on_hold_from_the_beginning(sandbox, client, name, kind, status, paused):
    sandbox.admin.fault(kind)
    task_id = submit(client, name)
    task = client.get_task(task_id)
    assert (task["status"], task["is_paused"], task["files_transferred"]) == (status, paused, 0)
    sandbox.admin.control_task(task_id, "release")
    assert ended(client, task_id)["status"] == "SUCCEEDED"


def test_a_task_stops_at_a_file_of_a_pattern(sandbox, client, name):
    sandbox.admin.fault("fail", file=f"*/{name}3")
    task = ended(client, submit(client, name, f"{name}2", f"{name}3"))
    assert (task["status"], task["files_transferred"]) == ("FAILED", 2)


def test_tasks_can_be_ended_from_outside(sandbox, client, name):
    sandbox.admin.fault("hold", count=3)
    first, second, third = (submit(client, f"{name}{suffix}") for suffix in ("", "2", "3"))
    sandbox.admin.control_task(first, "fail", code="X", description="because")
    assert client.get_task(first)["fatal_error"] == {"code": "X", "description": "because"}
    sandbox.admin.control_task(second, "cancel", message="by the lab")
    assert client.get_task(second)["canceled_by_admin_message"] == "by the lab"
    sandbox.admin.control_task(third, "release")
    assert ended(client, third)["status"] == "SUCCEEDED"


def test_which_tasks_are_met(sandbox, client, name):
    sandbox.admin.fault("fail", label="bad*", nth=2)
    sandbox.admin.fault("cancel", collection=ARCHIVE, count=None)
    names = {f"{name}": "bad 1", f"{name}2": "good", f"{name}3": "bad 2"}
    tasks = [ended(client, submit(client, file, label=label)) for file, label in names.items()]
    assert [task["status"] for task in tasks] == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
    sandbox.admin.clear_faults()
    sandbox.admin.fault("cancel", collection=GUEST)
    assert ended(client, submit(client, name))["fatal_error"]["code"] == "CANCELED"


@pytest.mark.parametrize(
    ("kind", "status"), [("fail", "FAILED"), ("cancel", "FAILED"), ("deadline", "FAILED"), ("skip", "SUCCEEDED")]
)
def test_deletes_go_wrong_too(sandbox, client, kind, status):
    made = [sandbox.folder / "guest" / f"{kind}{number}" for number in (1, 2)]
    data = globus_sdk.DeleteData(GUEST)
    for path in made:
        path.write_bytes(b"x")
        data.add_item(f"/{path.name}")
    sandbox.admin.fault(kind, file=f"*{kind}2")
    task = ended(client, client.submit_delete(data)["task_id"])
    assert task["status"] == status
    assert [path.exists() for path in made] == [False, True]


def test_a_delete_is_stuck_and_goes_on(sandbox, client):
    path = sandbox.folder / "guest" / "stays"
    path.write_bytes(b"x")
    data = globus_sdk.DeleteData(GUEST)
    data.add_item("/stays")
    sandbox.admin.fault("stuck")
    task_id = client.submit_delete(data)["task_id"]
    until(lambda: client.get_task(task_id), lambda task: task["faults"] > 0)
    assert path.exists()
    sandbox.admin.clear_faults()
    assert ended(client, task_id)["status"] == "SUCCEEDED"
    assert not path.exists()
