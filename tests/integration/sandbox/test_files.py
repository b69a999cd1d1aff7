from __future__ import annotations

import os
import urllib.error
import urllib.parse
import urllib.request
import uuid

import globus_sdk
import pytest
from globus_sdk.scopes import GCSCollectionScopes

from .conftest import ARCHIVE, GUEST, RIG, ended, items, until
from .test_transfer import failing


@pytest.fixture
def folder(sandbox):
    made = sandbox.rig / uuid.uuid4().hex
    made.mkdir()
    return made


def names(listing):
    return [entry["name"] for entry in listing]


def test_listing_with_paging_orders_and_filters(client, folder):
    for number in range(5):
        (folder / f"f{number}.bin").write_bytes(b"x" * number)
    (folder / "sub").mkdir()
    (folder / ".hidden").write_text("")
    path = f"/~/{folder.name}/"
    listing = client.operation_ls(RIG, path)
    assert names(listing) == ["sub", ".hidden", "f0.bin", "f1.bin", "f2.bin", "f3.bin", "f4.bin"]
    assert listing["absolute_path"] == f"/{folder.name}/"
    assert {entry["DATA_TYPE"] for entry in listing} == {"file"}
    assert ".hidden" not in names(client.operation_ls(RIG, path, show_hidden=False))
    page = client.operation_ls(RIG, path, limit=2, offset=2, orderby="name DESC")
    assert (names(page), page["total"], page["length"]) == (["f3.bin", "f2.bin"], 7, 2)
    assert names(client.operation_ls(RIG, path, filter={"type": "dir"})) == ["sub"]
    assert names(client.operation_ls(RIG, path, filter="name:~f*.bin/size:>2")) == ["f3.bin", "f4.bin"]
    assert names(client.operation_ls(RIG, path, filter=["name:sub", "name:f0.bin"])) == ["sub", "f0.bin"]
    assert names(client.operation_ls(RIG, path, filter={"name": "!~f*"})) == ["sub", ".hidden"]


def test_stat(client, folder):
    (folder / "file").write_bytes(b"12345")
    os.utime(folder / "file", (1_700_000_000, 1_700_000_000))
    found = client.operation_stat(RIG, f"/{folder.name}/file")
    assert (found["type"], found["size"], found["last_modified"]) == ("file", 5, "2023-11-14 22:13:20+00:00")
    assert client.operation_stat(RIG, f"/{folder.name}")["type"] == "dir"
    error = failing(client.operation_stat, RIG, f"/{folder.name}/none")
    assert (error.http_status, error.code) == (404, "NotFound")


def test_errors_of_listing(client, folder):
    (folder / "file").write_text("")
    missing = failing(client.operation_ls, RIG, f"/{folder.name}/none")
    assert (missing.http_status, missing.code) == (404, "ClientError.NotFound")
    no_folder = failing(client.operation_ls, RIG, f"/{folder.name}/file")
    assert (no_folder.http_status, no_folder.code) == (502, "ExternalError.DirListingFailed.NotDirectory")


def test_mkdir_and_rename(client, folder):
    path = f"/{folder.name}/new"
    assert client.operation_mkdir(RIG, path)["code"] == "DirectoryCreated"
    assert failing(client.operation_mkdir, RIG, path).code == "ExternalError.MkdirFailed.Exists"
    assert failing(client.operation_mkdir, RIG, f"{path}/a/b").http_status == 404
    assert client.operation_rename(RIG, path, f"/{folder.name}/other")["code"] == "FileRenamed"
    assert (folder / "other").is_dir()
    (folder / "third").mkdir()
    assert "Exists" in failing(client.operation_rename, RIG, f"/{folder.name}/other", f"/{folder.name}/third").code
    assert failing(client.operation_rename, RIG, path, f"{path}2").http_status == 404


@pytest.mark.parametrize("how", ["file link", "folder link", "dots"])
def test_nothing_outside_the_folder_is_served_or_written(sandbox, client, folder, how):
    secret = sandbox.folder / "secret"
    secret.mkdir(exist_ok=True)
    (secret / "key").write_text("secret")
    if how == "dots":
        path = f"/{folder.name}/../../secret/key"
    elif how == "file link":
        (folder / "out").symlink_to(secret / "key")
        path = f"/{folder.name}/out"
    else:
        (folder / "out").symlink_to(secret)
        path = f"/{folder.name}/out/key"
    for call in (client.operation_ls, client.operation_stat, client.operation_mkdir):
        error = failing(call, RIG, path)
        assert (error.http_status, error.code) == (403, "EndpointPermissionDenied")
    assert failing(client.operation_rename, RIG, path, f"/{folder.name}/mine").http_status == 403
    (folder / "mine").write_text("new")
    if how != "dots":
        assert [entry["type"] for entry in client.operation_ls(RIG, f"/{folder.name}") if entry["name"] == "out"] == [
            "invalid_symlink"
        ]
        for source, target in ((path, "/stolen"), (f"/{folder.name}/mine", path)):
            data = globus_sdk.TransferData(RIG, RIG, skip_source_errors=True)
            data.add_item(source, target, recursive=False)
            task_id = client.submit_transfer(data)["task_id"]

            def refusals(task_id=task_id):
                events = {event["code"] for event in client.task_event_list(task_id)}
                return events | {entry["error_code"] for entry in client.task_skipped_errors(task_id)}

            assert until(refusals, lambda codes: "PERMISSION_DENIED" in codes)
            sandbox.admin.control_task(task_id, "cancel")
    assert (secret / "key").read_text() == "secret"
    assert not (sandbox.rig / "stolen").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no names that are not UTF-8")
def test_names_of_every_kind_travel(client, sandbox, folder):
    odd = [" lead", "trail ", "a:b", "#%&'\"", "new\nline", "-x", "cafe\u0301", "caf\u00e9", "back\\slash", "CON"]
    for name in odd:
        (folder / name).write_text(name)
    with open(os.fsencode(folder) + b"/\xff\xfe", "wb") as stream:  # noqa: PTH123 - bytes
        stream.write(b"bytes")
    listed = names(client.operation_ls(RIG, f"/{folder.name}"))
    assert sorted(listed) == sorted([*odd, "\ufffd\xff\xfe"])
    data = items(globus_sdk.TransferData(RIG, GUEST), *(f"{folder.name}/{name}" for name in listed))
    assert ended(client, client.submit_transfer(data)["task_id"])["files_transferred"] == len(listed)
    arrived = os.listdir(os.fsencode(sandbox.folder / "guest" / "in" / folder.name))  # noqa: PTH208 - bytes
    assert sorted(arrived) == sorted(os.listdir(os.fsencode(folder)))  # noqa: PTH208 - bytes


def https(client, token, path, **headers):
    base = client.get_endpoint(ARCHIVE)["https_server"]
    request = urllib.request.Request(
        base + urllib.parse.quote(path), headers={"Authorization": f"Bearer {token}"} | headers
    )
    with urllib.request.urlopen(request) as answer:
        return answer.status, answer.read()


def test_https_reads_whole_files_and_ranges(sandbox, client):
    (sandbox.archive / "data file.bin").write_bytes(bytes(range(256)) * 100)
    token = sandbox.tokens(GCSCollectionScopes(ARCHIVE).https)["access_token"]
    assert https(client, token, "/data file.bin") == (200, bytes(range(256)) * 100)
    assert https(client, token, "/data file.bin", Range="bytes=10-19") == (206, bytes(range(10, 20)))
    (sandbox.archive / "out").symlink_to(sandbox.folder)
    wrong = sandbox.tokens("openid")["access_token"]
    for bad_token, path, status in (
        (token, "/none", 404),
        (token, "/out/state/sandbox.db", 403),
        (token, "/../state/sandbox.db", 403),
        (wrong, "/data file.bin", 403),
        ("nonsense", "/data file.bin", 401),
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            https(client, bad_token, path)
        caught.value.close()
        assert caught.value.code == status
