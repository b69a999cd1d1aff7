from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import uuid

import globus_sdk
import psutil
import pytest
from globus_sdk.scopes import TransferScopes

from mapshell.sandbox.service import CollectionSpec, consent, start, status, stop
from pipeline.errors import ServiceError, UsageError
from pipeline.services import process_created

from .conftest import ARCHIVE, GUEST, RIG, Sandbox, ended, until

pytestmark = pytest.mark.usefixtures("real_start")


@pytest.fixture
def fresh(tmp_path):
    """Folders of a sandbox that the test starts itself, as often as it likes."""
    for name in ("rig", "guest"):
        (tmp_path / name).mkdir()
    yield tmp_path
    stop(tmp_path / "state")


def begin(folder, **options):
    return Sandbox(folder, start(folder / "state", {RIG: folder / "rig", GUEST: folder / "guest"}, **options))


def again(folder, **options):
    return Sandbox(folder, start(folder / "state", **options))


def kill(sandbox):
    process = psutil.Process(sandbox.info.pid)
    process.kill()
    until(lambda: status(sandbox.folder / "state"), lambda info: info is None)


def test_state_survives_a_kill_and_a_running_task_goes_on(fresh):
    first = begin(fresh)
    tokens = first.tokens(TransferScopes.all)
    client = first.client(tokens["access_token"])
    (fresh / "rig" / "there").write_bytes(b"x")
    submission = str(uuid.uuid4())
    data = globus_sdk.TransferData(RIG, GUEST, submission_id=submission)
    data.add_item("/there", "/there")
    data.add_item("/late", "/late")
    task_id = client.submit_transfer(data)["task_id"]
    until(lambda: client.get_task(task_id), lambda task: task["files_transferred"] == 1 and task["faults"] > 0)
    kill(first)
    assert status(fresh / "state") is None
    (fresh / "guest" / "there").unlink()
    (fresh / "rig" / "late").write_bytes(b"y")
    second = again(fresh)
    assert second.info.port == first.info.port
    assert second.info.nonce != first.info.nonce
    task = ended(second.client(tokens["access_token"]), task_id)
    assert (task["status"], task["files_transferred"]) == ("SUCCEEDED", 2)
    assert not (fresh / "guest" / "there").exists(), "a file that had arrived was sent twice"
    assert second.client(tokens["access_token"]).submit_transfer(data)["code"] == "Duplicate"
    assert second.native().oauth2_refresh_token(tokens["refresh_token"])["access_token"]


def test_a_partial_file_of_a_killed_task_is_finished_whatever_the_sync_level(fresh):
    first = begin(fresh)
    content = os.urandom(1 << 20) * 48
    for number in range(4):
        (fresh / "rig" / f"{number}").write_bytes(content)
    (fresh / "guest" / "3").write_bytes(b"was here before")
    client = first.client(first.tokens(TransferScopes.all)["access_token"])
    data = globus_sdk.TransferData(RIG, GUEST, sync_level="exists", verify_checksum=True)
    for number in range(4):
        data.add_item(f"/{number}", f"/{number}")
    task_id = client.submit_transfer(data)["task_id"]
    until((fresh / "guest" / "1").exists, bool)
    kill(first)
    second = again(fresh)
    task = ended(second.client(client.authorizer.access_token), task_id)
    assert (task["status"], task["files_transferred"], task["files_skipped"]) == ("SUCCEEDED", 3, 1)
    assert task["bytes_transferred"] == 3 * len(content)
    for number in range(3):
        assert (fresh / "guest" / f"{number}").read_bytes() == content
    assert (fresh / "guest" / "3").read_bytes() == b"was here before"


def test_started_many_times_at_once_it_is_one_service(fresh):
    found = []

    def one():
        found.append(begin(fresh).info)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({info.pid for info in found}) == 1
    assert len(found) == 4


def test_a_running_sandbox_takes_up_new_collections(fresh):
    first = begin(fresh)
    second = again(fresh)
    assert second.info == first.info
    (fresh / "more").mkdir()
    start(fresh / "state", {ARCHIVE: CollectionSpec(fresh / "more", mapped=True)})
    assert set(first.admin.call("GET", "/info")["collections"]) == {RIG, GUEST, ARCHIVE}


def test_a_port_in_use_is_named(fresh):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=str(port)) as caught:
            begin(fresh, port=port)
    assert "--port" in caught.value.remedy
    running = begin(fresh)
    with pytest.raises(ServiceError, match=f"on port {running.info.port} already"):
        begin(fresh, port=running.info.port % 65535 + 1)


def test_it_listens_on_this_computer_only(fresh):
    running = begin(fresh)
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(running.info.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_it_stops_by_itself_when_idle(fresh):
    running = begin(fresh, idle_minutes=0.01)
    # Asking for its status would count as use.
    until(lambda: process_created(running.info.pid), lambda created: created is None)
    assert status(fresh / "state") is None


def test_what_it_was_told_is_remembered(fresh):
    first = begin(fresh, idle_minutes=0.01)
    until(lambda: process_created(first.info.pid), lambda created: created is None)
    second = again(fresh)
    assert second.info.port == first.info.port
    until(lambda: process_created(second.info.pid), lambda created: created is None)


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no files that are open")
def test_it_ends_when_its_folder_is_deleted(fresh):
    running = begin(fresh)
    shutil.rmtree(fresh / "state")
    until(lambda: process_created(running.info.pid), lambda created: created is None)


def test_a_folder_of_another_version_is_refused(fresh):
    begin(fresh)
    stop(fresh / "state")
    with contextlib.closing(sqlite3.connect(fresh / "state" / "sandbox.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ServiceError, match="another version") as caught:
        again(fresh)
    assert "Delete" in caught.value.remedy


def test_stopping_is_idempotent_and_works_without_its_folder(fresh):
    begin(fresh)
    assert stop(fresh / "state")
    assert not stop(fresh / "state")
    assert not stop(fresh / "none")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal and no such modes")
def test_it_ends_on_sigterm_and_keeps_its_secrets_private(fresh):
    running = begin(fresh)
    for name in ("state.json", "sandbox.db", "sandbox.log"):
        assert stat.S_IMODE((fresh / "state" / name).stat().st_mode) == 0o600
    assert not (fresh / "state" / "arguments.json").exists()
    os.kill(running.info.pid, signal.SIGTERM)
    until(lambda: status(fresh / "state"), lambda info: info is None)
    assert running.info.admin_token not in repr(running.info)


def test_the_variables_of_the_environment_are_enough(fresh):
    running = begin(fresh)
    token = running.tokens(TransferScopes.all)["access_token"]
    program = (
        "import sys, globus_sdk\n"
        "client = globus_sdk.TransferClient(authorizer=globus_sdk.AccessTokenAuthorizer(sys.argv[1]))\n"
        "print(client.operation_ls(sys.argv[2])['DATA_TYPE'])"
    )
    environment = {**os.environ, **running.info.environment}
    shown = subprocess.run(
        [sys.executable, "-c", program, token, RIG], env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "file_list"


def test_a_collection_needs_a_uuid(fresh):
    with pytest.raises(UsageError, match="UUID"):
        start(fresh / "state", {"rig": fresh / "rig"})


def test_consent_tells_when_nobody_answers(fresh):
    running = begin(fresh)
    login = running.native()
    login.oauth2_start_flow(requested_scopes=TransferScopes.all)
    stop(fresh / "state")
    with pytest.raises(ServiceError, match="does not answer"):
        consent(login.oauth2_get_authorize_url())
