from __future__ import annotations

import datetime as dt
import hashlib
import os
import uuid

import globus_sdk
import pytest
from globus_sdk.scopes import TransferScopes

from mapshell.sandbox.constants import SECOND_USERNAME, data_access_scope

from .conftest import ARCHIVE, GUEST, RIG, ended, items, until


def failing(call, *args, **options):
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        call(*args, **options)
    return caught.value


def test_a_transfer_moves_bytes_and_tells_about_it(sandbox, client, name):
    content = os.urandom(300_000)
    (sandbox.rig / name).write_bytes(content)
    os.utime(sandbox.rig / name, (1_600_000_000, 1_600_000_000))
    data = globus_sdk.TransferData(RIG, ARCHIVE, label="one", verify_checksum=True, preserve_timestamp=True)
    items(data, name, external_checksum=hashlib.sha1(content).hexdigest().upper(), checksum_algorithm="SHA1")
    task_id = client.submit_transfer(data)["task_id"]
    task = ended(client, task_id)
    assert (task["status"], task["files_transferred"], task["bytes_transferred"]) == ("SUCCEEDED", 1, len(content))
    assert (sandbox.archive / "in" / name).read_bytes() == content
    assert int((sandbox.archive / "in" / name).stat().st_mtime) == 1_600_000_000
    assert [event["code"] for event in client.task_event_list(task_id)] == ["SUCCEEDED", "PROGRESS", "STARTED"]
    moved = list(client.paginated.task_successful_transfers(task_id).items())
    assert [(item["source_path"], item["destination_path"]) for item in moved] == [(f"/{name}", f"/in/{name}")]
    assert (moved[0]["checksum"], moved[0]["checksum_algorithm"]) == (hashlib.sha1(content).hexdigest(), "SHA1")
    assert client.task_skipped_errors(task_id)["DATA"] == []


def test_a_submission_id_is_executed_once(sandbox, client, name):
    (sandbox.rig / name).write_bytes(b"once")
    data = items(globus_sdk.TransferData(RIG, GUEST), name)
    first = client.submit_transfer(data)
    ended(client, first["task_id"])
    (sandbox.folder / "guest" / "in" / name).unlink()
    again = client.submit_transfer(data)
    assert (first["code"], again["code"]) == ("Accepted", "Duplicate")
    assert (first.http_status, again["task_id"]) == (202, first["task_id"])
    assert not (sandbox.folder / "guest" / "in" / name).exists()


def test_the_same_paths_under_a_new_id_wait_for_the_first(sandbox, client, name):
    sandbox.admin.fail_tasks("hold")
    (sandbox.rig / name).write_bytes(b"x")
    first = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), name))["task_id"]
    error = failing(client.submit_transfer, items(globus_sdk.TransferData(RIG, GUEST), name))
    assert (error.http_status, error.code) == (409, "Conflict")
    sandbox.admin.control_task(first, "release")
    assert ended(client, first)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("algorithm", ["MD5", "SHA1", "SHA256", "SHA512"])
def test_a_wrong_external_checksum_fails_the_entire_task(sandbox, client, name, algorithm):
    (sandbox.rig / name).write_bytes(b"content")
    wrong = hashlib.new(algorithm.lower(), b"other").hexdigest()
    data = items(globus_sdk.TransferData(RIG, GUEST), name, external_checksum=wrong, checksum_algorithm=algorithm)
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert task["status"] == "FAILED"
    assert "checksum" in task["fatal_error"]["description"]


@pytest.mark.parametrize(
    ("level", "changes", "sent"),
    [
        (0, {"content": b"longer than before"}, False),
        (1, {"content": b"longer than before"}, True),
        (1, {"content": b"NEW"}, False),
        (2, {"content": b"NEW", "newer": True}, True),
        (2, {"content": b"NEW"}, False),
        (3, {"content": b"NEW"}, True),
        (3, {"content": b"old"}, False),
    ],
)
def test_sync_levels(sandbox, client, name, level, changes, sent):
    target = sandbox.folder / "guest" / "in" / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"old")
    (sandbox.rig / name).write_bytes(changes["content"])
    when = target.stat().st_mtime + (100 if changes.get("newer") else -100)
    os.utime(sandbox.rig / name, (when, when))
    data = items(globus_sdk.TransferData(RIG, GUEST, sync_level=level), name)
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert (task["files_transferred"], task["files_skipped"]) == ((1, 0) if sent else (0, 1))
    assert target.read_bytes() == (changes["content"] if sent else b"old")


def test_folders_are_expanded_with_filter_rules_and_links_left_out(sandbox, client, name):
    for path in ("a/one.bin", "a/b/two.bin", "a/b/three.txt", "skip/four.bin"):
        (sandbox.rig / name / path).parent.mkdir(parents=True, exist_ok=True)
        (sandbox.rig / name / path).write_text(path)
    (sandbox.rig / name / "link.bin").symlink_to(sandbox.rig / name / "a" / "one.bin")
    data = globus_sdk.TransferData(RIG, GUEST)
    data.add_item(f"/{name}", f"/{name}", recursive=True)
    data.add_filter_rule("*.txt", type="file")
    data.add_filter_rule("skip", type="dir")
    task = ended(client, client.submit_transfer(data)["task_id"])
    there = sandbox.folder / "guest" / name
    assert task["status"] == "SUCCEEDED"
    found = sorted(path.relative_to(there).as_posix() for path in there.rglob("*"))
    assert found == ["a", "a/b", "a/b/two.bin", "a/one.bin"]
    assert (task["files"], task["directories"], task["symlinks"]) == (2, 3, 1)


def test_a_missing_file_is_retried_until_it_comes(sandbox, client, name):
    task_id = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), name))["task_id"]
    task = until(lambda: client.get_task(task_id), lambda task: task["faults"] > 1)
    assert (task["status"], task["nice_status"], task["is_ok"]) == ("ACTIVE", "FILE_NOT_FOUND", False)
    event = client.task_event_list(task_id)["DATA"][0]
    assert (event["code"], event["is_error"]) == ("FILE_NOT_FOUND", True)
    assert name in event["details"]
    (sandbox.rig / name).write_bytes(b"late")
    assert ended(client, task_id)["status"] == "SUCCEEDED"


def test_a_deadline_ends_a_task_that_cannot_go_on(client, name):
    data = items(globus_sdk.TransferData(RIG, GUEST), name)
    data["deadline"] = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)).isoformat()
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert (task["status"], task["subtasks_expired"]) == ("FAILED", 1)


def test_source_errors_can_be_skipped(sandbox, client, name):
    (sandbox.rig / f"{name}2").write_bytes(b"there")
    data = items(globus_sdk.TransferData(RIG, GUEST, skip_source_errors=True), name, f"{name}2")
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert (task["status"], task["subtasks_skipped_errors"], task["files_transferred"]) == ("SUCCEEDED", 1, 1)
    skipped = client.task_skipped_errors(task["task_id"])["DATA"]
    assert [(item["source_path"], item["error_code"]) for item in skipped] == [(f"/{name}", "FILE_NOT_FOUND")]


def test_cancel(client, name):
    task_id = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), name))["task_id"]
    assert client.cancel_task(task_id)["code"] == "Canceled"
    task = client.get_task(task_id)
    assert (task["status"], task["fatal_error"]["code"]) == ("FAILED", "CANCELED")
    assert client.cancel_task(task_id)["code"] == "TaskComplete"


def test_delete(sandbox, client, name):
    (sandbox.rig / name / "deep").mkdir(parents=True)
    (sandbox.rig / name / "deep" / "file").write_bytes(b"x")
    data = globus_sdk.DeleteData(RIG)
    data.add_item(f"/{name}")
    assert ended(client, client.submit_delete(data)["task_id"])["status"] == "FAILED"
    data = globus_sdk.DeleteData(RIG, recursive=True)
    data.add_item(f"/{name}")
    assert ended(client, client.submit_delete(data)["task_id"])["status"] == "SUCCEEDED"
    assert not (sandbox.rig / name).exists()


def test_tasks_are_listed_filtered_and_paged(sandbox, client, name):
    (sandbox.rig / name).write_bytes(b"x")
    ids = []
    for number in range(3):
        data = globus_sdk.TransferData(RIG, GUEST, label=f"{name} {number}")
        data.add_item(f"/{name}", f"/{name}{number}")
        ids.append(client.submit_transfer(data)["task_id"])
        ended(client, ids[-1])
    found = client.task_list(filter={"task_id": ids[:2]}, limit=100)
    assert [task["task_id"] for task in found] == [ids[1], ids[0]]
    assert [task["task_id"] for task in client.task_list(filter={"label": f"{name} 1"})] == [ids[1]]
    pages = client.paginated.task_list(filter=f"status:SUCCEEDED/type:TRANSFER/label:~{name}*", query_params={})
    assert [task["task_id"] for task in pages.items()] == ids[::-1]
    assert [
        task["label"] for task in client.task_list(filter={"task_id": ids}, orderby="label ASC", limit=2, offset=1)
    ] == [
        f"{name} 1",
        f"{name} 2",
    ]
    past = client.task_list(filter={"task_id": ids, "request_time": ",2020-01-01"})
    assert past["total"] == 0
    other = sandbox.transfer(identity=SECOND_USERNAME)
    assert other.task_list(filter={"task_id": ids})["total"] == 0
    assert failing(other.get_task, ids[0]).http_status == 404


def test_a_label_can_be_changed(sandbox, client, name):
    task_id = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), name))["task_id"]
    assert client.update_task(task_id, {"DATA_TYPE": "task", "label": "better"})["code"] == "Updated"
    assert client.get_task(task_id)["label"] == "better"
    client.cancel_task(task_id)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"source_endpoint": str(uuid.UUID(int=99))}, 404, "EndpointNotFound"),
        ({"DATA": []}, 400, "ClientError.BadRequest.NoTransferItems"),
        ({"sync_level": 7}, 400, "ClientError.BadRequest"),
        ({"label": "x" * 129}, 400, "ClientError.BadRequest"),
        ({"submission_id": "mine"}, 400, "ClientError.BadRequest"),
    ],
)
def test_bad_submissions(client, name, change, status, code):
    data = items(globus_sdk.TransferData(RIG, GUEST), name)
    data.update(change)
    error = failing(client.submit_transfer, data)
    assert (error.http_status, error.code, error.raw_json["resource"]) == (status, code, "/v0.10/transfer")
    assert error.request_id


def test_a_mapped_collection_needs_the_consent(sandbox, name):
    client = sandbox.client(sandbox.tokens(TransferScopes.all, identity=SECOND_USERNAME)["access_token"])
    sandbox.admin.withdraw_consents(data_access_scope(ARCHIVE))
    for error in (
        failing(client.operation_ls, ARCHIVE),
        failing(client.submit_transfer, items(globus_sdk.TransferData(RIG, ARCHIVE), name)),
    ):
        assert (error.http_status, error.code) == (403, "ConsentRequired")
        wanted = [f"{TransferScopes.all}[*{data_access_scope(ARCHIVE)}]"]
        assert error.info.consent_required.required_scopes == wanted
        assert error.info.authorization_parameters
    assert client.operation_ls(GUEST)["DATA_TYPE"] == "file_list"


def test_endpoints_are_described_and_found(client):
    archive, rig = client.get_endpoint(ARCHIVE), client.get_endpoint(RIG)
    assert (archive["entity_type"], rig["entity_type"]) == ("GCSv5_mapped_collection", "GCP_mapped_collection")
    assert archive["https_server"].endswith(ARCHIVE)
    assert rig["https_server"] is None
    assert [found["id"] for found in client.paginated.endpoint_search("archive").items()] == [ARCHIVE]
    assert failing(client.get_endpoint, uuid.UUID(int=99)).code == "EndpointNotFound"


def test_what_is_not_served_says_so(client):
    error = failing(client.bookmark_list)
    assert (error.http_status, error.code) == (404, "ClientError.NotFound")


def test_a_thousand_files_need_few_calls(sandbox, client, name):
    (sandbox.rig / name).mkdir()
    for number in range(1000):
        (sandbox.rig / name / f"{number}").write_bytes(b"%d" % number)
    sandbox.admin.reset_counts()
    data = items(globus_sdk.TransferData(RIG, GUEST, verify_checksum=True), *(f"{name}/{n}" for n in range(1000)))
    task_id = client.submit_transfer(data)["task_id"]
    assert sandbox.admin.counts() == {"GET transfer/submission_id": 1, "POST transfer/transfer": 1}
    sandbox.admin.reset_counts()
    assert ended(client, task_id)["files_transferred"] == 1000
    assert sandbox.admin.total() == sandbox.admin.counts()["GET transfer/task/<id>"]
    moved = {item["source_path"] for item in client.paginated.task_successful_transfers(task_id).items()}
    assert len(moved) == 1000
