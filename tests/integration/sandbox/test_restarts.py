"""What is going on survives a kill, whatever it waits for; and one folder has one service."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from pathlib import Path

import globus_sdk
import psutil

from mapshell.sandbox.service import start

from .conftest import GUEST, RIG, ended, until
from .slow import MEGABYTE, begin, kill, login, revived, same, submit

# Kill and restart ---------------------------------------------------------------------------------------------------


def test_a_large_copy_goes_on_after_a_kill(fresh, files):
    (name,) = files("large", size=24 * MEGABYTE)
    sandbox = begin(fresh, bandwidth=20e6)
    client = login(sandbox)
    task = submit(client, name, verify_checksum=True, sync_level="exists")
    until(lambda: client.get_task(task)["bytes_transferred"], lambda moved: moved > 0)
    kill(sandbox)
    assert 0 < (fresh / "guest" / "in" / name).stat().st_size < 24 * MEGABYTE
    _, client = revived(sandbox, client, bandwidth=None)
    document = ended(client, task)
    assert (document["status"], document["files_transferred"]) == ("SUCCEEDED", 1)
    assert document["bytes_transferred"] == 24 * MEGABYTE
    assert same(fresh, name)


def wait_for_progress(client, task, files, moved):
    until(
        lambda: client.get_task(task),
        lambda task: (task["files"] >= files and task["files_transferred"] >= moved) or task["status"] != "ACTIVE",
    )


def test_a_recursive_expansion_goes_on_after_a_kill(fresh):
    for folder in range(3):
        place = fresh / "rig" / "tree" / f"{folder}" / "below"
        place.mkdir(parents=True)
        for number in range(3000):
            (place / f"{number}.bin").write_bytes(b"%d" % number)
    sandbox = begin(fresh)
    client = login(sandbox)
    data = globus_sdk.TransferData(RIG, GUEST, verify_checksum=True)
    data.add_item("/tree/", "/in/tree/", recursive=True)
    task = client.submit_transfer(data)["task_id"]
    for files, moved in ((3000, 0), (6000, 0), (9000, 4000)):
        # Among the folders, then among the files.
        wait_for_progress(client, task, files, moved)
        kill(sandbox)
        sandbox, client = revived(sandbox, client)
    document = ended(client, task)
    assert (document["status"], document["files"], document["files_transferred"]) == ("SUCCEEDED", 9000, 9000)
    assert document["subtasks_total"] == document["subtasks_succeeded"] == 9000 + 7
    moved = {item["destination_path"] for item in client.paginated.task_successful_transfers(task).items()}
    assert len(moved) == 9000
    assert all((fresh / "guest").joinpath(path.lstrip("/")).stat().st_size for path in moved)


def test_what_waits_still_waits_after_a_kill(fresh, files):
    names = files("running", "queued", "paused", "late", size=MEGABYTE)
    sandbox = begin(fresh, running_tasks=1, task_delay=600)
    client = login(sandbox)
    running, queued, paused, late = (submit(client, name) for name in names)
    sandbox.admin.control_task(paused, "pause")
    soon = time.time() + 5
    client.update_task(late, {"DATA_TYPE": "task", "deadline": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon))})
    kill(sandbox)
    sandbox, client = revived(sandbox, client)
    until(lambda: client.get_task(queued), lambda task: task["nice_status"] == "Queued")
    assert client.get_task(paused)["is_paused"]
    # A deadline passes for a task that waits for its turn, too.
    assert ended(client, late)["fatal_error"]["code"] == "EXPIRED"
    kill(sandbox)
    sandbox, client = revived(sandbox, client, task_delay=0.0)
    assert {ended(client, task)["status"] for task in (running, queued)} == {"SUCCEEDED"}
    assert client.get_task(paused)["is_paused"]
    sandbox.admin.control_task(paused, "release")
    assert ended(client, paused)["status"] == "SUCCEEDED"


# One service for a folder -------------------------------------------------------------------------------------------


def _start_together(gate, folder, answers):
    gate.wait()
    answers.put(start(Path(folder) / "state", {RIG: Path(folder) / "rig"}).pid)


def test_started_by_several_processes_at_once_it_is_one_service(fresh):
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_start_together, args=(gate, str(fresh), answers)) for _ in range(4)]
    for process in processes:
        process.start()
    pids = {answers.get(timeout=90) for _ in processes}
    for process in processes:
        process.join(timeout=30)
        assert process.exitcode == 0
    assert len(pids) == 1
    serving = [
        process.pid
        for process in psutil.process_iter()
        if process.pid in pids or _serves(process, fresh / "state" / "arguments.json")
    ]
    assert set(serving) == pids


def _serves(process, arguments):
    with contextlib.suppress(psutil.Error):
        return str(arguments) in process.cmdline()
    return False
