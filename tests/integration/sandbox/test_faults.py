from __future__ import annotations

import time
import uuid

import globus_sdk
import pytest

from .conftest import ARCHIVE, GUEST, RIG, ended, items, until
from .test_transfer import failing


@pytest.fixture
def name(sandbox):
    made = uuid.uuid4().hex
    for suffix in ("", "2", "3"):
        (sandbox.rig / f"{made}{suffix}").write_bytes(b"0123456789" * 10)
    return made


def submit(client, *names, **options):
    return client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST, **options), *names))["task_id"]


def arrived(sandbox, name):
    return sandbox.folder / "guest" / "in" / name


@pytest.mark.parametrize(("status", "code"), [(500, "InternalError"), (503, "ServiceUnavailable"), (429, "RateLimit")])
def test_next_requests_fail_with_a_status(sandbox, client, status, code):
    sandbox.admin.fail_requests("transfer/operation/endpoint/<id>/ls", status, count=2, code=code)
    assert client.get_submission_id()["value"]
    for _ in range(2):
        error = failing(client.operation_ls, RIG)
        assert (error.http_status, error.code) == (status, code)
    assert client.operation_ls(RIG)["DATA_TYPE"] == "file_list"


def test_a_lost_answer_was_executed_all_the_same(sandbox, client, name):
    data = items(globus_sdk.TransferData(RIG, GUEST, submission_id=str(uuid.uuid4())), name)
    sandbox.admin.fail_requests("transfer/transfer", mode="lost", method="POST")
    with pytest.raises(globus_sdk.NetworkError):
        client.submit_transfer(data)
    again = client.submit_transfer(data)
    assert again["code"] == "Duplicate"
    assert ended(client, again["task_id"])["status"] == "SUCCEEDED"


def test_html_and_cut_bodies(sandbox, client):
    sandbox.admin.fail_requests("transfer/task_list", mode="html")
    assert not isinstance(client.task_list().data, dict)
    sandbox.admin.fail_requests("transfer/task_list", mode="cut")
    with pytest.raises(globus_sdk.NetworkError):
        client.task_list()


def test_delay_and_after(sandbox, client):
    sandbox.admin.fail_requests("transfer/submission_id", mode="delay", seconds=0.3, after=1)
    client.get_submission_id()
    began = time.monotonic()
    client.get_submission_id()
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("collection", "code"),
    [(RIG, "ExternalError.DirListingFailed.GCDisconnected"), (GUEST, "ExternalError.DirListingFailed.ConnectFailed")],
)
def test_offline_collections(sandbox, client, name, collection, code):
    sandbox.admin.set_collection(collection, offline=True)
    error = failing(client.operation_ls, collection)
    assert (error.http_status, error.code) == (502, code)
    task_id = submit(client, name)
    until(lambda: client.get_task(task_id), lambda task: task["faults"] > 0)
    sandbox.admin.set_collection(collection, offline=False)
    assert ended(client, task_id)["status"] == "SUCCEEDED"


def test_read_only_denied_and_missing_collections(sandbox, client, name):
    sandbox.admin.set_collection(GUEST, read_only=True)
    assert failing(client.operation_mkdir, GUEST, "/x").code == "EndpointPermissionDenied"
    assert client.operation_ls(GUEST)["DATA_TYPE"] == "file_list"
    task_id = submit(client, name)
    task = until(lambda: client.get_task(task_id), lambda task: task["faults"] > 0)
    assert (task["status"], task["nice_status"]) == ("ACTIVE", "PERMISSION_DENIED")
    client.cancel_task(task_id)
    sandbox.admin.set_collection(GUEST, read_only=False, denied=True)
    assert failing(client.operation_ls, GUEST).code == "EndpointPermissionDenied"
    assert failing(submit, client, name).code == "PermissionDenied"
    sandbox.admin.set_collection(GUEST, denied=False, missing=True)
    assert failing(client.operation_ls, GUEST).code == "EndpointNotFound"


def test_denied_paths(sandbox, client):
    (sandbox.rig / "locked").mkdir(exist_ok=True)
    sandbox.admin.set_collection(RIG, deny=["/locked*"])
    assert failing(client.operation_ls, RIG, "/locked/").code == "EndpointPermissionDenied"
    assert client.operation_ls(RIG)["total"] > 0


@pytest.mark.parametrize("fail", [True, False])
def test_quota(sandbox, client, name, fail):
    sandbox.admin.set_collection(GUEST, quota=150)
    task_id = submit(client, name, f"{name}2", fail_on_quota_errors=fail)
    task = until(lambda: client.get_task(task_id), lambda task: task["faults"] > 0 or task["status"] != "ACTIVE")
    assert task["files_transferred"] == 1
    if fail:
        assert ended(client, task_id)["fatal_error"]["code"] == "QUOTA_EXCEEDED"
    else:
        sandbox.admin.set_collection(GUEST, quota=None)
        assert ended(client, task_id)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("action", ["fail", "cancel"])
def test_a_task_that_ends_badly_leaves_a_partial_file(sandbox, client, name, action):
    sandbox.admin.fail_tasks(action, after_files=1, partial=True, label="*bad*")
    good = submit(client, f"{name}3", label="good")
    task = ended(client, submit(client, name, f"{name}2", label="a bad one"))
    assert (task["status"], task["files_transferred"]) == ("FAILED", 1)
    assert task["fatal_error"]["code"] == ("ENDPOINT_ERROR" if action == "fail" else "CANCELED")
    assert arrived(sandbox, f"{name}2").read_bytes() == b"0123456789" * 5
    assert ended(client, good)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("how", ["missing", "short", "flip"])
def test_success_that_lies(sandbox, client, name, how):
    sandbox.admin.fail_tasks("lie", how=how, path=f"*{name}2")
    task = ended(client, submit(client, name, f"{name}2", verify_checksum=True))
    assert (task["status"], task["files_transferred"]) == ("SUCCEEDED", 2)
    assert arrived(sandbox, name).read_bytes() == b"0123456789" * 10
    spoilt = arrived(sandbox, f"{name}2")
    if how == "missing":
        assert not spoilt.exists()
    else:
        assert (spoilt.stat().st_size < 100) == (how == "short")
        assert spoilt.read_bytes() != b"0123456789" * 10


def test_skipped_files_that_nobody_asked_for(sandbox, client, name):
    sandbox.admin.fail_tasks("skip", path=f"*{name}2")
    task = ended(client, submit(client, name, f"{name}2"))
    assert (task["status"], task["subtasks_skipped_errors"]) == ("SUCCEEDED", 1)


@pytest.mark.parametrize(
    ("action", "status", "paused"),
    [("hold", "ACTIVE", False), ("pause", "ACTIVE", True), ("inactive", "INACTIVE", False)],
)
def test_tasks_on_hold_go_on_when_released(sandbox, client, name, action, status, paused):
    sandbox.admin.fail_tasks(action, after_files=1)
    task_id = submit(client, name, f"{name}2")
    until(lambda: client.get_task(task_id), lambda task: task["files_transferred"] == 1)
    sandbox.admin.control_task(task_id, action)
    task = client.get_task(task_id)
    assert (task["status"], task["is_paused"], task["files_transferred"]) == (status, paused, 1)
    assert bool(client.task_pause_info(task_id)["destination_pause_message"]) == paused
    sandbox.admin.control_task(task_id, "release")
    assert ended(client, task_id)["status"] == "SUCCEEDED"


def test_tasks_can_be_ended_from_outside(sandbox, client, name):
    sandbox.admin.fail_tasks("hold", count=3)
    first, second, third = (submit(client, f"{name}{suffix}") for suffix in ("", "2", "3"))
    sandbox.admin.control_task(first, "fail", code="X", description="because")
    assert client.get_task(first)["fatal_error"] == {"code": "X", "description": "because"}
    sandbox.admin.control_task(second, "cancel", message="by the lab")
    assert client.get_task(second)["canceled_by_admin_message"] == "by the lab"
    sandbox.admin.control_task(third, "release")
    assert ended(client, third)["status"] == "SUCCEEDED"


def test_the_admin_api_needs_its_token(sandbox):
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(sandbox.info.admin_url + "/info")
    caught.value.close()
    assert caught.value.code == 401


def test_a_page_sent_here_under_another_name_gets_nothing(sandbox):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", sandbox.info.port)
    connection.request("GET", "/auth/nonce", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 421
    connection.close()


def test_requests_are_remembered(sandbox, client):
    sandbox.admin.reset_counts()
    failing(client.operation_ls, ARCHIVE, "/none")
    (request,) = sandbox.admin.requests()
    assert (request["method"], request["kind"], request["status"]) == (
        "GET",
        "transfer/operation/endpoint/<id>/ls",
        404,
    )
