"""Submissions that are refused, submission ids, and deletes."""

from __future__ import annotations

import concurrent.futures
import uuid

import globus_sdk
import pytest

from mapshell.sandbox.constants import SECOND_USERNAME
from mapshell.sandbox.service import CollectionSpec

from .conftest import GUEST, POSIX, RIG, delete, ended, found, items
from .test_transfer import failing


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"label": "x" * 129}, "ClientError.BadRequest"),
        ({"label": " blank"}, "ClientError.BadRequest"),
        ({"label": "two\nlines"}, "ClientError.BadRequest"),
        ({"label": 7}, "ClientError.BadRequest"),
        ({"verify_checksum": "yes"}, "ClientError.BadRequest"),
        ({"notify_on_failed": 1}, "ClientError.BadRequest"),
        ({"sync_level": 4}, "ClientError.BadRequest"),
        ({"sync_level": True}, "ClientError.BadRequest"),
        ({"recursive_symlinks": "follow"}, "ClientError.BadRequest"),
        ({"recursive_symlinks": ["copy"]}, "ClientError.BadRequest"),
        ({"filter_rules": [{"method": [], "name": "x"}]}, "ClientError.BadRequest"),
        ({"filter_rules": [{"method": "exclude", "name": "x", "type": {}}]}, "ClientError.BadRequest"),
        ({"filter_rules": [{"method": "forbid", "name": "x"}]}, "ClientError.BadRequest"),
        ({"filter_rules": [{"method": "exclude", "name": "x", "type": "link"}]}, "ClientError.BadRequest"),
        ({"filter_rules": [{"method": "exclude"}]}, "ClientError.BadRequest"),
        ({"filter_rules": "*.bin"}, "ClientError.BadRequest"),
        ({"deadline": "tomorrow"}, "ClientError.BadRequest"),
        ({"deadline": "2001-01-01"}, "ClientError.BadRequest"),
        ({"source_local_user": "petrel"}, "ClientError.BadRequest"),
        ({"submission_id": "mine"}, "ClientError.BadRequest"),
        ({"submission_id": None}, "ClientError.BadRequest"),
        ({"DATA_TYPE": "delete"}, "ClientError.BadRequest"),
        ({"DATA": []}, "ClientError.BadRequest.NoTransferItems"),
        ({"DATA": None}, "ClientError.BadRequest.NoTransferItems"),
        ({"DATA": [{"DATA_TYPE": "delete_item", "path": "/x"}]}, "ClientError.BadRequest"),
        ({"DATA": ["/x"]}, "ClientError.BadRequest"),
        ({"destination_endpoint": None}, "ClientError.BadRequest"),
        ({"destination_endpoint": str(uuid.UUID(int=99))}, "EndpointNotFound"),
        ({"destination_endpoint": "nonsense"}, "EndpointNotFound"),
    ],
)
def test_documents_that_are_refused(client, name, change, code):
    # As a plain document: the SDK's own class would fill in a submission id.
    data = {
        "DATA_TYPE": "transfer",
        "submission_id": str(uuid.uuid4()),
        "source_endpoint": RIG,
        "destination_endpoint": GUEST,
        "DATA": [{"DATA_TYPE": "transfer_item", "source_path": f"/{name}", "destination_path": f"/{name}"}],
    }
    error = failing(client.post, "/v0.10/transfer", data=data | change)
    assert (error.code, error.raw_json["resource"]) == (code, "/v0.10/transfer")
    assert error.http_status == (404 if code == "EndpointNotFound" else 400)
    assert error.headers["x-transfer-api-error"] == code


@pytest.mark.parametrize(
    "item",
    [
        {"source_path": ""},
        {"destination_path": None},
        {"source_path": "/a\r\nb"},
        {"source_path": "/a\0b"},
        {"source_path": "/\ud800"},
        {"recursive": "yes"},
        {"recursive": []},
        {"checksum_algorithm": "CRC32"},
        {"checksum_algorithm": 5},
        {"checksum_algorithm": {}},
        {"external_checksum": 5},
        {"external_checksum": "00", "recursive": True},
        {"destination_path": "//x/./"},
    ],
)
def test_items_that_are_refused(client, item):
    document = {"DATA_TYPE": "transfer_item", "source_path": "/x", "destination_path": "/y", **item}
    data = {
        "DATA_TYPE": "transfer",
        "submission_id": str(uuid.uuid4()),
        "source_endpoint": RIG,
        "destination_endpoint": RIG,
        "DATA": [document],
    }
    error = failing(client.post, "/v0.10/transfer", data=data)
    assert (error.http_status, error.code.partition(".")[0]) == (400, "ClientError")


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b'"x"', b"[" * 100_000])
def test_bodies_that_are_no_document(client, body):
    error = failing(client.request, "POST", "/v0.10/transfer", data=body, headers={"Content-Type": "application/json"})
    assert (error.http_status, error.code) == (400, "ClientError.BadRequest")


def test_nothing_is_copied_onto_itself(sandbox, client, tree, name):
    (tree[0] / "link").symlink_to("top.bin")
    alias = str(uuid.UUID(int=15))
    sandbox.admin.put_collection(alias, CollectionSpec(tree[0] / "a", name="Alias"))
    try:
        for collection, source, target in (
            (RIG, "top.bin", "top.bin"),
            (RIG, "top.bin", ".//top.bin"),
            (RIG, "link", "top.bin"),
            (alias, "a/one.bin", None),
        ):
            data = globus_sdk.TransferData(RIG, collection)
            data.add_item(f"/{name}/{source}", f"/{name}/{target}" if target else "/one.bin")
            error = failing(client.submit_transfer, data)
            assert (error.http_status, error.code) == (400, "ClientError.BadRequest")
        data = globus_sdk.TransferData(RIG, alias)
        data.add_item(f"/{name}/a/one.bin", "/copy.bin")
        assert ended(client, client.submit_transfer(data)["task_id"])["status"] == "SUCCEEDED"
    finally:
        sandbox.admin.call("DELETE", f"/collections/{alias}")
    assert (tree[0] / "top.bin").read_text() == "top.bin"


def test_submission_ids(sandbox, client, name):
    (sandbox.rig / name).write_bytes(b"x")
    submission_id = client.get_submission_id()["value"]
    first = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST, submission_id=submission_id), name))
    # Whatever is submitted under it later, it stands for the first.
    again = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST, submission_id=submission_id), "other"))
    assert (again["code"], again.http_status, again["task_id"]) == ("Duplicate", 200, first["task_id"])
    assert again["submission_id"] == submission_id == first["submission_id"]
    data = globus_sdk.DeleteData(RIG, submission_id=submission_id.upper())
    data.add_item(f"/{name}")
    assert client.submit_delete(data)["task_id"] == first["task_id"]
    # Another's submission ids are another's.
    other = sandbox.transfer(identity=SECOND_USERNAME)
    theirs = other.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST, submission_id=submission_id), f"{name} 2"))
    assert theirs["code"] == "Accepted"
    assert theirs["task_id"] != first["task_id"]
    other.cancel_task(theirs["task_id"])
    assert (sandbox.rig / name).exists()


def test_deletes(sandbox, client, name, tree):
    source, _ = tree
    missing = delete(client, f"/{name}/none")
    assert (missing["status"], missing["fatal_error"]["code"]) == ("FAILED", "FILE_NOT_FOUND")
    assert missing["verify_checksum"] is False
    assert missing["recursive_symlinks"] is None
    assert delete(client, f"/{name}/none", ignore_missing=True)["status"] == "SUCCEEDED"
    assert delete(client, f"/{name}/a")["fatal_error"]["code"] == "IS_A_DIRECTORY"
    assert delete(client, f"/{name}/top.bin")["status"] == "SUCCEEDED"
    (source / "a[1]").write_text("")
    (source / "a1").write_text("")
    assert delete(client, f"/{name}/a[1]")["status"] == "SUCCEEDED"
    assert not (source / "a[1]").exists()
    assert (source / "a1").exists()
    assert delete(client, f"/{name}/no*", interpret_globs=True)["fatal_error"]["code"] == "FILE_NOT_FOUND"
    (source / "q*").write_text("")
    (source / "qq").write_text("")
    assert delete(client, f"/{name}/q\\*", interpret_globs=True)["status"] == "SUCCEEDED"
    assert [path.name for path in source.glob("q*")] == ["qq"]
    (source / "qq").unlink()
    assert delete(client, f"/{name}/a/b/t*.bin", f"/{name}/a[1]", interpret_globs=True)["status"] == "SUCCEEDED"
    assert found(source) == ["a", "a/b", "a/b/three.txt", "a/one.bin", "skip", "skip/four.bin"]
    assert delete(client, f"/{name}/*", interpret_globs=True, recursive=True)["status"] == "SUCCEEDED"
    assert found(source) == []


@POSIX
def test_links_are_deleted_and_not_followed(sandbox, client, name, tree):
    source, _ = tree
    (source / "link").symlink_to("a")
    (source / "out").symlink_to(sandbox.folder / "archive")
    assert delete(client, f"/{name}/link")["status"] == "SUCCEEDED"
    assert delete(client, f"/{name}", recursive=True)["status"] == "SUCCEEDED"
    assert not source.exists()
    assert sandbox.archive.is_dir()


def test_submissions_at_the_same_moment_are_one_task_where_they_must(sandbox, client, name):
    sandbox.admin.fault("hold", count=None, label=name)
    token = client.authorizer.access_token

    def submit(number, submission_id):
        data = globus_sdk.TransferData(RIG, GUEST, label=name, submission_id=submission_id)
        data.add_item(f"/{name}/{number}", f"/{name}/{number}")
        try:
            return sandbox.client(token).submit_transfer(data)["code"]
        except globus_sdk.TransferAPIError as error:
            return error.code

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for number in range(8):
            same = str(uuid.uuid4())
            assert sorted(pool.map(lambda _: submit(number, same), range(12))) == ["Accepted"] + ["Duplicate"] * 11  # noqa: B023
            codes = sorted(pool.map(lambda _: submit(-1 - number, str(uuid.uuid4())), range(12)))  # noqa: B023
            assert codes == ["Accepted"] + ["Conflict"] * 11
    for task in client.task_list(filter=f"label:{name}"):
        client.cancel_task(task["task_id"])
