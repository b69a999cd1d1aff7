"""Each option of a transfer and of a delete takes effect, or is refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import os

import globus_sdk
import pytest

from .conftest import ARCHIVE, GUEST, POSIX, RIG, delete, ended, found, items, until


def send(client, name, *, rules=(), **options):
    data = globus_sdk.TransferData(RIG, GUEST, additional_fields=options)
    data.add_item(f"/{name}", f"/{name}", recursive=True)
    for rule in rules:
        data.add_filter_rule(**rule)
    return ended(client, client.submit_transfer(data)["task_id"])


EVERYTHING = ["a", "a/b", "a/b/three.txt", "a/b/two.bin", "a/one.bin", "skip", "skip/four.bin", "top.bin"]


@pytest.mark.parametrize(
    ("rules", "left_out"),
    [
        ([], set()),
        ([{"name": "*.bin", "type": "file"}], {name for name in EVERYTHING if name.endswith(".bin")}),
        ([{"name": "b", "type": "dir"}], {"a/b", "a/b/three.txt", "a/b/two.bin"}),
        ([{"name": "b", "type": "file"}], set()),
        # A folder that is left out takes with it what a later rule would let in.
        ([{"name": "a"}, {"name": "one.bin", "method": "include"}], {name for name in EVERYTHING if name[0] == "a"}),
        # The first rule that matches decides.
        (
            [{"name": "t*.bin", "method": "include"}, {"name": "*.bin"}],
            {"a/one.bin", "skip/four.bin"},
        ),
        # Names are matched, not paths; the item itself is never left out.
        ([{"name": "a/b"}, {"name": "a/*"}], set()),
        ([{"name": "[to]*", "type": "file"}], {"a/b/three.txt", "a/b/two.bin", "a/one.bin", "top.bin"}),
        ([{"name": "[!t]*", "type": "file"}], {"a/one.bin", "skip/four.bin"}),
    ],
)
def test_filter_rules(client, tree, name, rules, left_out):
    task = send(client, name, rules=rules)
    assert task["status"] == "SUCCEEDED"
    assert found(tree[1]) == [each for each in EVERYTHING if each not in left_out]
    assert [rule["DATA_TYPE"] for rule in task["filter_rules"] or []] == ["filter_rule"] * len(rules)


def test_what_is_extra_at_the_destination_is_deleted_if_asked(client, tree, name):
    source, target = tree
    send(client, name)
    for path in ("a/old/deep", "a/b/old.txt"):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text("old")
    (source / "skip" / "four.bin").unlink()
    (source / "top.bin").unlink()
    (source / "top.bin").mkdir()
    assert "a/old/deep" in found(target)
    task = send(client, name, delete_destination_extra=True, sync_level=0)
    assert (task["status"], task["delete_destination_extra"]) == ("SUCCEEDED", True)
    assert found(target) == found(source)
    # Of a file item nothing is extra, and what a rule leaves out is left alone.
    data = globus_sdk.TransferData(RIG, GUEST, delete_destination_extra=True)
    data.add_item(f"/{name}/a/one.bin", f"/{name}/a/other.bin")
    ended(client, client.submit_transfer(data)["task_id"])
    send(client, name, rules=[{"name": "other.*"}], delete_destination_extra=True)
    assert found(target) == sorted([*found(source), "a/other.bin"])


@POSIX
@pytest.mark.parametrize("links", ["ignore", "keep", "copy", None])
def test_links_in_folders(client, tree, name, links):
    source, target = tree
    (source / "file link").symlink_to("top.bin")
    (source / "folder link").symlink_to("a")
    task = send(client, name, **({} if links is None else {"recursive_symlinks": links}))
    assert (task["status"], task["recursive_symlinks"]) == ("SUCCEEDED", links or "ignore")
    file_link, folder_link = target / "file link", target / "folder link"
    if links == "keep":
        assert (os.readlink(file_link), os.readlink(folder_link)) == ("top.bin", "a")  # noqa: PTH115 - as written
    elif links == "copy":
        assert not file_link.is_symlink()
        assert file_link.read_text() == "top.bin"
        assert found(folder_link) == ["b", "b/three.txt", "b/two.bin", "one.bin"]
    else:
        assert found(target) == EVERYTHING
        assert task["symlinks"] == 2


@POSIX
def test_links_as_items_and_links_that_cannot_be_followed(sandbox, client, name, tree):
    source, _ = tree
    (source / "link").symlink_to("top.bin")
    data = {
        "DATA_TYPE": "transfer",
        "submission_id": client.get_submission_id()["value"],
        "source_endpoint": RIG,
        "destination_endpoint": GUEST,
        "DATA": [
            {
                "DATA_TYPE": "transfer_symlink_item",
                "source_path": f"/{name}/link",
                "destination_path": f"/links/{name}",
            },
            {"DATA_TYPE": "transfer_item", "source_path": f"/{name}/link", "destination_path": f"/files/{name}"},
        ],
    }
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert (task["status"], task["symlinks"]) == ("SUCCEEDED", 1)
    guest = sandbox.folder / "guest"
    assert os.readlink(guest / "links" / name) == "top.bin"  # noqa: PTH115 - as written
    assert (guest / "files" / name).read_text() == "top.bin"
    assert not (guest / "files" / name).is_symlink()
    # A link to the folder that holds it has no end.
    (source / "a" / "up").symlink_to("..")
    data = globus_sdk.TransferData(RIG, GUEST, additional_fields={"recursive_symlinks": "copy"})
    data.add_item(f"/{name}", f"/loop {name}", recursive=True)
    task_id = client.submit_transfer(data)["task_id"]
    event = until(
        lambda: client.task_event_list(task_id, query_params={"filter": "is_error:1"})["DATA"], lambda events: events
    )[0]
    assert "symbolic links" in event["details"]
    client.cancel_task(task_id)


@pytest.mark.parametrize(
    ("recursive", "what", "code"),
    [(True, "top.bin", "NOT_A_DIRECTORY"), (False, "a", "IS_A_DIRECTORY")],
)
def test_folders_and_files_must_be_what_the_item_says(client, tree, name, recursive, what, code):
    data = globus_sdk.TransferData(RIG, GUEST, skip_source_errors=True)
    data.add_item(f"/{name}/{what}", f"/{name}/{what}", recursive=recursive)
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert (task["status"], task["fatal_error"]["code"]) == ("FAILED", code)
    assert client.task_event_list(task["task_id"])["DATA"][0]["code"] == code


def test_a_folder_is_recognized_when_the_item_does_not_say(client, tree, name):
    data = globus_sdk.TransferData(RIG, GUEST)
    data.add_item(f"/{name}", f"/{name}")
    assert ended(client, client.submit_transfer(data)["task_id"])["status"] == "SUCCEEDED"
    assert found(tree[1]) == EVERYTHING


def test_what_the_item_is_shows_when_it_comes(sandbox, client, name):
    data = items(globus_sdk.TransferData(RIG, GUEST, sync_level=0), f"{name} file", f"{name} folder")
    task_id = client.submit_transfer(data)["task_id"]
    task = until(lambda: client.get_task(task_id), lambda task: task["faults"] > 1)
    assert [task[counter] for counter in ("files", "directories", "subtasks_total")] == [0, 0, 2]
    (sandbox.rig / f"{name} file").write_text("late")
    late = sandbox.rig / f"{name} folder"
    (late.parent / f"{name} made").mkdir()
    (late.parent / f"{name} made" / "inner").write_text("too")
    (late.parent / f"{name} made").rename(late)
    task = ended(client, task_id)
    assert task["status"] == "SUCCEEDED"
    assert [task[counter] for counter in ("files", "directories", "subtasks_total")] == [2, 1, 3]
    assert found(sandbox.folder / "guest" / "in" / late.name) == ["inner"]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA1", "SHA256", "SHA512"])
@pytest.mark.parametrize("verify", [True, False])
def test_external_checksums(sandbox, client, name, algorithm, verify):
    content = name.encode()
    (sandbox.rig / name).write_bytes(content)
    right = hashlib.new(algorithm.lower(), content).hexdigest()
    data = globus_sdk.TransferData(RIG, GUEST, verify_checksum=verify)
    items(data, name, external_checksum=right, checksum_algorithm=algorithm)
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert (task["status"], task["verify_checksum"]) == ("SUCCEEDED", verify)
    (moved,) = client.task_successful_transfers(task["task_id"])
    assert (moved["checksum"], moved["checksum_algorithm"]) == (right, algorithm)
    data = globus_sdk.TransferData(RIG, GUEST)
    items(data, name, external_checksum=right[::-1], checksum_algorithm=algorithm)
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert (task["status"], task["fatal_error"]["code"]) == ("FAILED", "EXTERNAL_CHECKSUM_MISMATCH")
    event = client.task_event_list(task["task_id"])["DATA"][0]
    assert (event["code"], event["is_error"]) == ("EXTERNAL_CHECKSUM_MISMATCH", True)


def test_a_checksum_without_algorithm_is_md5(sandbox, client, name):
    (sandbox.rig / name).write_bytes(b"x")
    data = items(globus_sdk.TransferData(RIG, GUEST), name, external_checksum=hashlib.md5(b"x").hexdigest())
    assert ended(client, client.submit_transfer(data)["task_id"])["status"] == "SUCCEEDED"


@pytest.mark.parametrize("preserve", [True, False])
def test_times_are_kept_only_if_asked(sandbox, client, name, preserve):
    (sandbox.rig / name).write_bytes(b"x")
    os.utime(sandbox.rig / name, (1_500_000_000.5, 1_500_000_000.5))
    data = items(globus_sdk.TransferData(RIG, GUEST, preserve_timestamp=preserve), name)
    assert ended(client, client.submit_transfer(data)["task_id"])["preserve_timestamp"] is preserve
    arrived = (sandbox.folder / "guest" / "in" / name).stat().st_mtime
    assert (arrived == 1_500_000_000) is preserve


def test_source_errors_that_are_skipped(sandbox, client, name, tree):
    _, target = tree
    sandbox.admin.set_collection(RIG, deny=[f"/{name}/a", f"/{name}/skip/four.bin"])
    task = send(client, name, skip_source_errors=True, delete_destination_extra=True)
    assert (task["status"], task["subtasks_skipped_errors"], task["skip_source_errors"]) == ("SUCCEEDED", 2, True)
    assert found(target) == ["skip", "top.bin"]
    skipped = {each["source_path"]: each for each in client.task_skipped_errors(task["task_id"])}
    assert {path: each["error_code"] for path, each in skipped.items()} == dict.fromkeys(
        (f"/{name}/a", f"/{name}/skip/four.bin"), "PERMISSION_DENIED"
    )
    assert [skipped[path]["is_directory"] for path in sorted(skipped)] == [True, False]
    codes = [event["code"] for event in client.task_event_list(task["task_id"])]
    assert codes == ["SUCCEEDED", "PROGRESS", "SKIPPED_ERRORS", "DELETE_DESTINATION_EXTRA_SKIPPED", "STARTED"]


def test_errors_at_the_destination_are_never_skipped(sandbox, client, name):
    (sandbox.rig / name).write_bytes(b"x")
    sandbox.admin.set_collection(GUEST, read_only=True)
    data = items(globus_sdk.TransferData(RIG, GUEST, skip_source_errors=True), name)
    task_id = client.submit_transfer(data)["task_id"]
    task = until(lambda: client.get_task(task_id), lambda task: task["faults"] > 0)
    assert (task["status"], task["nice_status"], task["nice_status_short_description"]) == (
        "ACTIVE",
        "PERMISSION_DENIED",
        "permission denied",
    )
    sandbox.admin.set_collection(GUEST, read_only=False)
    assert ended(client, task_id)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("fail", [True, False])
def test_quota(sandbox, client, name, fail):
    (sandbox.rig / name).write_bytes(b"12345")
    sandbox.admin.set_collection(GUEST, quota=4)
    data = items(globus_sdk.TransferData(RIG, GUEST, fail_on_quota_errors=fail), name)
    task_id = client.submit_transfer(data)["task_id"]
    if fail:
        task = ended(client, task_id)
        assert (task["status"], task["fatal_error"]["code"]) == ("FAILED", "QUOTA_EXCEEDED")
        return
    until(lambda: client.get_task(task_id), lambda task: task["nice_status"] == "QUOTA_EXCEEDED")
    sandbox.admin.set_collection(GUEST, quota=None)
    assert ended(client, task_id)["status"] == "SUCCEEDED"


def test_a_deadline_expires_the_task(client, name):
    data = items(globus_sdk.TransferData(RIG, GUEST), name)
    data["deadline"] = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=4)).isoformat()
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert (task["status"], task["fatal_error"]["code"], task["subtasks_expired"]) == ("FAILED", "EXPIRED", 1)
    assert client.task_event_list(task["task_id"])["DATA"][0]["code"] == "EXPIRED"


def test_what_is_only_recorded(sandbox, client, name):
    (sandbox.archive / name).write_bytes(b"x")
    data = globus_sdk.TransferData(
        ARCHIVE,
        GUEST,
        encrypt_data=True,
        notify_on_succeeded=False,
        notify_on_failed=False,
        notify_on_inactive=False,
        source_local_user="petrel",
        additional_fields={"store_base_path_info": True},
    )
    data.add_item(f"/{name}", f"/deep/er/{name}")
    task = ended(client, client.submit_transfer(data)["task_id"])
    told = ("encrypt_data", "notify_on_succeeded", "notify_on_failed", "notify_on_inactive")
    assert [task[field] for field in told] == [True, False, False, False]
    assert (task["source_local_user"], task["source_local_user_status"]) == ("petrel", "OK")
    assert (task["destination_local_user"], task["destination_local_user_status"]) == (None, "NO_PERMISSION")
    assert (task["source_base_path"], task["destination_base_path"]) == ("/", "/deep/er/")
    assert delete(client, f"/{name}", endpoint=ARCHIVE, local_user="petrel")["source_local_user"] == "petrel"
