"""Tasks: listed, filtered, paged, changed, cancelled, and what is told about their files and events."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import globus_sdk
import pytest

from mapshell.sandbox.constants import DEFAULT_IDENTITY_ID, SECOND_IDENTITY_ID, SECOND_USERNAME

from .conftest import ARCHIVE, GUEST, RIG, ended, items, until
from .test_transfer import failing

# The same in every process: names of tests are made of it.
MARK = "13102ba5b5bc41788af400911cfaa437"


@pytest.fixture(scope="module")
def tasks(running):
    """Five tasks of the default person by name; names are in the labels."""
    client = running.transfer()
    (running.rig / MARK).write_bytes(b"x")
    found = {}

    def submit(name, data):
        data["label"] = f"{MARK} {name}"
        found[name] = client.submit_transfer(data)["task_id"]

    submit("done", items(globus_sdk.TransferData(RIG, GUEST), MARK))
    submit("a/b", items(globus_sdk.TransferData(RIG, ARCHIVE), MARK))
    submit("failed", items(globus_sdk.TransferData(RIG, GUEST), MARK, external_checksum="0" * 32))
    for name in ("done", "a/b", "failed"):
        ended(client, found[name])
    delete = globus_sdk.DeleteData(GUEST, label=f"{MARK} delete", ignore_missing=True)
    delete.add_item(f"/none {MARK}")
    found["delete"] = client.submit_delete(delete)["task_id"]
    ended(client, found["delete"])
    submit("waits", items(globus_sdk.TransferData(RIG, GUEST), f"{MARK} none"))
    until(lambda: client.get_task(found["waits"]), lambda task: task["faults"] > 0)
    yield found
    client.cancel_task(found["waits"])


def listed(client, tasks, filters, **options):
    """Names of the tasks that a filter leaves, newest first."""
    names = {task_id: name for name, task_id in tasks.items()}
    query = "/".join(filter(None, [filters, f"label:~{MARK}*"]))
    return [names[task["task_id"]] for task in client.task_list(filter=query, limit=100, **options)]


BEFORE, LATER = "2001-01-01T00:00:00", "2201-01-01T00:00:00"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", "waits delete failed a/b done"),
        ("status:SUCCEEDED", "delete a/b done"),
        ("status:ACTIVE,FAILED", "waits failed"),
        ("status:INACTIVE", ""),
        ("type:DELETE", "delete"),
        ("type:TRANSFER,DELETE/status:FAILED", "failed"),
        (f"label:{MARK} done", "done"),
        (f"label:={MARK} done,={MARK} failed", "failed done"),
        (f"label:~*DONE,~*{MARK} f*", "failed done"),
        (f"label:!~*FAILED/label:~{MARK}*", "waits delete a/b done"),
        (f"label:~{MARK}*,!{MARK} done,!~*delete", "waits failed a/b"),
        (f"label:{MARK} a/b/status:SUCCEEDED", "a/b"),
        (f"request_time:{BEFORE},{LATER}", "waits delete failed a/b done"),
        (f"request_time:{LATER}", ""),
        (f"request_time:,{BEFORE}", ""),
        (f"completion_time:{BEFORE},", "delete failed a/b done"),
        (f"owner_id:{DEFAULT_IDENTITY_ID}", "waits delete failed a/b done"),
        (f"owner_id:{SECOND_IDENTITY_ID}", ""),
        (f"destination_endpoint:{ARCHIVE}", "a/b"),
        (f"endpoint:{ARCHIVE.upper()}", "a/b"),
        (f"source_endpoint_id:{GUEST}", "delete"),
        ("is_paused:1", ""),
        ("is_paused:0/status:ACTIVE", "waits"),
    ],
)
def test_filters_of_the_task_list(sandbox, client, tasks, filters, found):
    assert " ".join(listed(client, tasks, filters)) == found


def test_filters_as_the_sdk_spells_them(client, tasks):
    chosen = {"task_id": [tasks["done"], tasks["failed"]], "status": ["FAILED", "ACTIVE"]}
    assert [task["task_id"] for task in client.task_list(filter=chosen)] == [tasks["failed"]]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"orderby": "label"}, "a/b delete done failed waits"),
        ({"orderby": "label DESC"}, "waits failed done delete a/b"),
        ({"orderby": ["type", "label DESC"]}, "delete waits failed done a/b"),
        ({"orderby": "status ASC,label ASC"}, "waits failed a/b delete done"),
    ],
)
def test_orders_of_the_task_list(client, tasks, options, found):
    assert " ".join(listed(client, tasks, "", **options)) == found


def test_pages_and_limits_of_the_task_list(client, tasks):
    everything = listed(client, tasks, "")
    ours, fields = f"label:~{MARK}*", {"fields": "task_id"}
    pages = [client.task_list(filter=ours, query_params=fields, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [len(page["DATA"]) for page in pages] == [2, 2, 1]
    assert [task["task_id"] for page in pages for task in page] == [tasks[name] for name in everything]
    assert pages[0]["DATA"][0].keys() == {"task_id"}
    assert [(page["offset"], page["limit"], page["length"], page["total"]) for page in pages] == [
        (0, 2, 2, 5),
        (2, 2, 2, 5),
        (4, 2, 1, 5),
    ]
    # The SDK asks for as many at once as the service gives.
    every = client.paginated.task_list(filter=ours)
    assert [task["task_id"] for task in every.items()] == [tasks[name] for name in everything]
    assert client.task_list(limit=5000)["limit"] == 1000
    assert client.task_list()["limit"] == 10
    assert client.task_list(limit=0)["DATA"] == []


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "colour:red"},
        {"filter": "nonsense"},
        {"filter": "request_time:soon"},
        {"filter": "is_paused:maybe"},
        {"orderby": "colour"},
        {"orderby": "label UP"},
        {"limit": "many"},
        {"limit": "-1"},
        {"offset": "\u00b2"},
    ],
)
def test_lists_that_are_refused(client, options):
    error = failing(client.task_list, **options)
    assert (error.http_status, error.code, error.raw_json["resource"]) == (
        400,
        "ClientError.BadRequest",
        "/v0.10/task_list",
    )


def test_one_task(sandbox, client, tasks):
    task = client.get_task(tasks["done"], query_params={"fields": "task_id,status,nonsense"})
    assert task.data == {"task_id": tasks["done"], "status": "SUCCEEDED"}
    assert client.get_task(tasks["done"].upper())["task_id"] == tasks["done"]
    done, waits, failed = (client.get_task(tasks[name]) for name in ("done", "waits", "failed"))
    assert (done["is_ok"], done["nice_status"], done["nice_status_expires_in"]) == (None, None, None)
    assert (waits["is_ok"], waits["nice_status"], waits["nice_status_expires_in"]) == (False, "FILE_NOT_FOUND", -1)
    assert (waits["subtasks_retrying"], waits["subtasks_pending"], waits["completion_time"]) == (1, 0, None)
    assert failed["fatal_error"].keys() == {"code", "description"}
    other = sandbox.transfer(identity=SECOND_USERNAME)
    for ask, task_id in ((client, str(uuid.uuid4())), (client, "nonsense"), (other, tasks["done"])):
        for call in (
            ask.get_task,
            ask.cancel_task,
            ask.task_event_list,
            ask.task_pause_info,
            ask.task_successful_transfers,
            ask.task_skipped_errors,
            lambda task_id, ask=ask: ask.update_task(task_id, {"label": "mine"}),
        ):
            error = failing(call, task_id)
            assert (error.http_status, error.code) == (404, "ClientError.NotFound")
            assert error.message == f"No task found with id '{task_id}'"


def test_a_task_that_is_queued_and_one_that_runs(sandbox, client):
    sandbox.admin.fail_tasks("hold")
    (sandbox.rig / f"{MARK} held").write_bytes(b"x")
    task_id = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), f"{MARK} held"))["task_id"]
    task = client.get_task(task_id)
    assert (task["is_ok"], task["nice_status"], task["nice_status_short_description"]) == (True, "Queued", "Queued")
    assert client.get_endpoint(GUEST)["in_use"]
    sandbox.admin.control_task(task_id, "release")
    ended(client, task_id)


def test_changes_of_a_task(sandbox, client, tasks):
    other = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), f"{MARK} never"))["task_id"]
    deadline = (dt.datetime.now(dt.UTC) + dt.timedelta(days=9)).isoformat(timespec="seconds")
    assert client.update_task(other, {"deadline": deadline})["message"] == "Updated task deadline successfully"
    assert client.get_task(other)["deadline"] == deadline
    for wrong in (
        {"label": "x" * 129},
        {"label": "a\nb"},
        {"deadline": "soon"},
        {"status": "SUCCEEDED"},
        {},
        {"DATA_TYPE": "transfer", "label": "x"},
    ):
        assert failing(client.update_task, other, wrong).code == "ClientError.BadRequest"
    # A deadline that has passed ends the task.
    told = client.update_task(other, {"DATA_TYPE": "task", "label": "late", "deadline": "2000-01-01 00:00:06+00:00"})
    assert (told["DATA_TYPE"], told["code"]) == ("result", "Updated")
    assert told["message"] == "Updated task deadline and label successfully"
    task = ended(client, other)
    assert (task["label"], task["fatal_error"]["code"]) == ("late", "EXPIRED")
    for change in ({"label": "new"}, {"deadline": deadline}):
        error = failing(client.update_task, other, change)
        assert (error.http_status, error.code) == (409, "Conflict")


def test_cancelling(sandbox, client, tasks):
    sandbox.admin.fail_tasks("hold")
    (sandbox.rig / MARK).write_bytes(b"x")
    before = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), MARK))["task_id"]
    running = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), f"{MARK} gone"))["task_id"]
    until(lambda: client.get_task(running), lambda task: task["faults"] > 0)
    for task_id in (before, running):
        told = client.cancel_task(task_id)
        assert (told["DATA_TYPE"], told["code"], told["resource"]) == (
            "result",
            "Canceled",
            f"/v0.10/task/{task_id}/cancel",
        )
        task = client.get_task(task_id)
        assert (task["status"], task["subtasks_canceled"]) == ("FAILED", 1)
        assert task["fatal_error"] == {"code": "CANCELED", "description": "canceled"}
        event = client.task_event_list(task_id)["DATA"][0]
        assert (event["code"], event["is_error"], event["details"]) == ("CANCELED", True, "Canceled by the task owner")
        again = client.cancel_task(task_id)
        assert (again.http_status, again["code"]) == (200, "TaskComplete")


def test_events(client, tasks):
    done = client.task_event_list(tasks["done"])
    assert [event["code"] for event in done] == ["SUCCEEDED", "PROGRESS", "STARTED"]
    assert done["DATA"][0].keys() == {"DATA_TYPE", "code", "description", "details", "is_error", "time"}
    assert json.loads(done["DATA"][0]["details"]) == {"files_succeeded": 1}
    assert json.loads(done["DATA"][1]["details"])["bytes_transferred"] == 1
    assert json.loads(done["DATA"][2]["details"])["type"] == "GridFTP Transfer"
    errors = client.task_event_list(tasks["failed"], query_params={"filter": "is_error:1"})
    assert ({event["is_error"] for event in errors}, errors["total"]) == ({True}, 1)
    quiet = client.task_event_list(tasks["failed"], query_params={"filter": "is_error:0"})
    assert [event["code"] for event in quiet] == ["STARTED"]
    waiting = until(lambda: client.task_event_list(tasks["waits"], limit=2), lambda events: events["total"] > 3)
    assert (waiting["length"], waiting["limit"], waiting["offset"]) == (2, 2, 0)
    every = list(client.paginated.task_event_list(tasks["waits"], limit=1).items())
    assert every[-1]["code"] == "STARTED"
    assert {event["code"] for event in every[:-1]} == {"FILE_NOT_FOUND"}
    for wrong in ("is_error:2", "code:STARTED"):
        error = failing(client.task_event_list, tasks["done"], query_params={"filter": wrong})
        assert error.code == "ClientError.BadRequest"


def test_files_that_moved_are_told_page_by_page_once_the_task_has_ended(sandbox, client, tasks):
    names = [f"{MARK} {number}" for number in range(5)]
    for name in names:
        (sandbox.rig / name).write_bytes(b"x")
    data = items(globus_sdk.TransferData(RIG, GUEST, skip_source_errors=True), *names, "none 1", "none 2")
    task_id = client.submit_transfer(data)["task_id"]
    ended(client, task_id)
    for method, wanted in (
        (client.paginated.task_successful_transfers, [f"/{name}" for name in names]),
        (client.paginated.task_skipped_errors, ["/none 1", "/none 2"]),
    ):
        pages = list(method(task_id, query_params={"limit": 1}))
        assert [page["DATA"][0]["source_path"] for page in pages] == wanted
        assert pages[0]["marker"] == 0
        assert pages[-1]["next_marker"] is None
    error = failing(client.task_successful_transfers, tasks["waits"])
    assert (error.http_status, error.code) == (400, "ClientError.BadRequest")
    assert error.message == f"Task '{tasks['waits']}' is still in progress, successful transfers are not yet available"
    for call in (client.task_successful_transfers, client.task_skipped_errors):
        assert failing(call, tasks["delete"]).code == "ClientError.BadRequest"


def test_pause_info(sandbox, client, tasks):
    told = client.task_pause_info(tasks["waits"])
    assert (told["DATA_TYPE"], told["pause_rules"]) == ("pause_info_limited", [])
    sandbox.admin.control_task(tasks["waits"], "pause")
    assert client.get_task(tasks["waits"])["is_paused"]
    (rule,) = client.task_pause_info(tasks["waits"])["pause_rules"]
    assert (rule["DATA_TYPE"], rule["endpoint_id"], rule["pause_task_transfer_write"]) == (
        "pause_rule_limited",
        GUEST,
        True,
    )
    assert rule["message"]
    assert listed(client, tasks, "is_paused:1") == ["waits"]
    sandbox.admin.control_task(tasks["waits"], "release")
