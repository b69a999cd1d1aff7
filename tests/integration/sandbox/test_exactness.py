"""What a task says is what lies on the disk: kills, two writers, a source that changes, a full disk for the state."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading

import globus_sdk
import psutil
import pytest

from mapshell.sandbox.database import Database
from mapshell.sandbox.listing import timestamp
from mapshell.sandbox.service import start, stop
from pipeline.errors import ServiceError

from .conftest import GUEST, RIG, ended, until
from .slow import MEGABYTE, begin, kill, login, revived, submit

# Kills --------------------------------------------------------------------------------------------------------------


def test_a_delete_goes_on_after_a_kill_and_misses_nothing(fresh, files):
    names = files(*(f"{number}.bin" for number in range(2000)))
    sandbox = begin(fresh)
    client = login(sandbox)
    data = globus_sdk.DeleteData(RIG)
    for name in names:
        data.add_item(f"/{name}")
    task = client.submit_delete(data)["task_id"]
    until(lambda: len(list((fresh / "rig").iterdir())), lambda left: left < 1900)
    kill(sandbox)
    _, client = revived(sandbox, client)
    document = ended(client, task)
    assert (document["status"], document["subtasks_succeeded"], document["faults"]) == ("SUCCEEDED", 2000, 0)
    assert not list((fresh / "rig").iterdir())


def test_what_is_not_there_still_fails_a_delete(fresh, files):
    files("one.bin")
    client = login(begin(fresh))
    data = globus_sdk.DeleteData(RIG)
    data.add_item("/one.bin")
    data.add_item("/one.bin")
    document = ended(client, client.submit_delete(data)["task_id"])
    assert (document["status"], document["fatal_error"]["code"]) == ("FAILED", "FILE_NOT_FOUND")


def wait_for_files(client, task, count):
    until(lambda: client.get_task(task)["files_transferred"], lambda moved: moved >= count)


def test_no_file_is_counted_twice_after_a_kill(fresh, files):
    data = globus_sdk.TransferData(RIG, GUEST)
    for number in range(400):
        files(f"{number}.bin", f"{number}/below.bin")
        data.add_item(f"/{number}.bin", f"/in/{number}.bin")
        data.add_item(f"/{number}", f"/in/{number}", recursive=True)
    sandbox = begin(fresh)
    client = login(sandbox)
    task = client.submit_transfer(data)["task_id"]
    for share in (60, 180, 300):
        wait_for_files(client, task, share)
        kill(sandbox)
        sandbox, client = revived(sandbox, client)
    document = ended(client, task)
    assert document["status"] == "SUCCEEDED"
    assert (document["files"], document["files_transferred"], document["directories"]) == (800, 800, 400)
    assert (document["subtasks_total"], document["subtasks_succeeded"]) == (1200, 1200)
    assert document["bytes_transferred"] == 8000


# Files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verify", [True, False])
def test_two_tasks_with_one_destination_take_turns(fresh, verify):
    sandbox = begin(fresh, bandwidth=64e6)
    client = login(sandbox)
    tasks = []
    for letter in (b"A", b"B"):
        (fresh / "rig" / letter.decode()).write_bytes(letter * 12 * MEGABYTE)
        data = globus_sdk.TransferData(RIG, GUEST, verify_checksum=verify)
        data.add_item(f"/{letter.decode()}", "/same.bin")
        tasks.append(client.submit_transfer(data)["task_id"])
    documents = [ended(client, task) for task in tasks]
    assert [(each["status"], each["faults"]) for each in documents] == [("SUCCEEDED", 0)] * 2
    content = (fresh / "guest" / "same.bin").read_bytes()
    assert len(content) == 12 * MEGABYTE
    assert len(set(content)) == 1


def test_a_source_that_is_written_to_meanwhile_is_sent_again(fresh, files):
    (name,) = files("growing.bin", size=8 * MEGABYTE)
    sandbox = begin(fresh, bandwidth=20e6)
    client = login(sandbox)
    task = submit(client, name, verify_checksum=True)
    until(lambda: client.get_task(task)["bytes_transferred"], lambda moved: moved > 0)
    with (fresh / "rig" / name).open("r+b") as stream:
        stream.write(b"other content" * MEGABYTE)
    document = ended(client, task)
    assert (document["status"], document["faults"]) == ("SUCCEEDED", 1)
    assert (fresh / "guest" / "in" / name).read_bytes() == (fresh / "rig" / name).read_bytes()


def test_no_folder_is_copied_into_itself(fresh, files):
    files("folder/one.bin")
    client = login(begin(fresh))
    data = globus_sdk.TransferData(RIG, RIG)
    data.add_item("/folder", "/folder/below", recursive=True)
    with pytest.raises(globus_sdk.TransferAPIError, match="inside of the source"):
        client.submit_transfer(data)
    data = globus_sdk.TransferData(RIG, RIG)
    data.add_item("/folder", "/folder-2", recursive=True)
    assert ended(client, client.submit_transfer(data)["task_id"])["status"] == "SUCCEEDED"


@pytest.mark.skipif(os.name == "nt", reason="on Windows not everybody may make links")
def test_no_folder_is_copied_into_itself_by_way_of_a_link(fresh, files):
    files("there/one.bin", "from/two.bin")
    (fresh / "rig" / "from" / "link").symlink_to("../there")
    client = login(begin(fresh))
    data = globus_sdk.TransferData(RIG, RIG, additional_fields={"recursive_symlinks": "copy"})
    data.add_item("/from", "/there/copy", recursive=True)
    document = ended(client, client.submit_transfer(data)["task_id"])
    assert document["status"] == "FAILED"
    assert "inside of the source" in document["fatal_error"]["description"]


# State --------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="needs Linux, to keep a process from writing")
def test_tasks_go_on_when_the_state_can_be_written_again(fresh, files):
    data = globus_sdk.TransferData(RIG, GUEST)
    for name in files(*(f"many/{number}" for number in range(5000))):
        data.add_item(f"/{name}", f"/in/{name}")
    sandbox = begin(fresh, running_tasks=4, bandwidth=20e3)
    client = login(sandbox)
    task = client.submit_transfer(data)["task_id"]
    wait_for_files(client, task, 1)
    service = psutil.Process(sandbox.info.pid)
    before = service.rlimit(psutil.RLIMIT_FSIZE)
    service.rlimit(psutil.RLIMIT_FSIZE, (1 << 16, before[1]))
    sandbox_log = fresh / "state" / "sandbox.log"
    until(sandbox_log.read_text, lambda text: "sqlite3." in text)
    service.rlimit(psutil.RLIMIT_FSIZE, before)
    sandbox.admin.set_realism(bandwidth=None)
    document = ended(client, task)
    assert (document["status"], document["files_transferred"]) == ("SUCCEEDED", 5000)


def test_a_commit_that_fails_leaves_no_transaction_behind(tmp_path):
    database = Database(tmp_path / "sandbox.db")
    database.prepare(
        "PRAGMA foreign_keys = ON; CREATE TABLE one (id INTEGER PRIMARY KEY);"
        "CREATE TABLE two (id INTEGER REFERENCES one (id) DEFERRABLE INITIALLY DEFERRED);"
    )
    with pytest.raises(sqlite3.IntegrityError):
        database.execute("INSERT INTO two VALUES (1)")
    database.set_meta("after", "kept")
    seen = []
    other = threading.Thread(target=lambda: seen.append(database.meta("after")))
    other.start()
    other.join()
    assert seen == ["kept"]


@pytest.mark.parametrize("content", [b"no database" * 1000, None])
def test_a_damaged_state_is_told_with_what_to_do(fresh, content):
    begin(fresh)
    stop(fresh / "state")
    database = fresh / "state" / "sandbox.db"
    for path in database.parent.glob("sandbox.db-*"):
        path.unlink()
    if content is None:
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('faults', '{')")
    else:
        database.write_bytes(content)
    with pytest.raises(ServiceError, match="cannot be read") as caught:
        start(fresh / "state")
    assert "delete" in caught.value.remedy


def test_a_folder_that_is_made_anew_has_one_service(fresh):
    first = psutil.Process(begin(fresh).info.pid)
    for path in (fresh / "state").iterdir():
        path.unlink()
    (fresh / "state").rmdir()
    second = start(fresh / "state", {RIG: fresh / "rig"})
    assert second.pid != first.pid
    until(lambda: not first.is_running() or first.status() == psutil.STATUS_ZOMBIE, bool)
    assert begin(fresh).info.pid == second.pid


@pytest.mark.skipif(os.name == "nt", reason="Windows moves no folder with open files")
def test_a_folder_that_is_moved_gets_a_service_of_its_own(fresh):
    first = begin(fresh).info
    (fresh / "state").rename(fresh / "moved")
    second = start(fresh / "moved")
    try:
        assert second.pid != first.pid
        assert list(second.admin.call("GET", "/info")["collections"]) == [RIG, GUEST]
    finally:
        stop(fresh / "moved")


def test_overlapping_faults_of_a_collection_end_one_by_one(sandbox):
    admin = sandbox.admin

    def now(name):
        return admin.call("GET", "/info")["collections"][RIG][name]

    numbers = [admin.fault("offline", collection=RIG) for _ in range(2)]
    admin.clear_faults(numbers[0])
    assert now("offline")
    admin.clear_faults(numbers[1])
    assert not now("offline")
    numbers = [admin.fault("permission", collection=RIG, paths=[path]) for path in ("/a", "/b", "/c")]
    admin.clear_faults(numbers[1])
    assert now("deny") == ["/a", "/c"]
    admin.clear_faults(numbers[0])
    assert now("deny") == ["/c"]
    admin.clear_faults(numbers[2])
    assert now("deny") == []


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (2.0**55, "9999-12-31 23:59:59+00:00"),
        (-(2.0**55), "0001-01-01 00:00:00+00:00"),
        (-1.5, "1969-12-31 23:59:59+00:00"),
    ],
)
def test_any_time_that_a_file_may_bear_can_be_shown(seconds, shown):
    assert timestamp(seconds) == shown
