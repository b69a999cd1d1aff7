"""Delays, limits and turns; and what is going on survives a kill, whatever it waits for."""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import os
import statistics
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import globus_sdk
import psutil
import pytest
from globus_sdk.scopes import TransferScopes
from hypothesis import given
from hypothesis import strategies as st

from mapshell.sandbox.meter import WINDOW_S, Meter
from mapshell.sandbox.realism import REALISTIC, Realism, chosen
from mapshell.sandbox.service import start, status, stop
from mapshell.sandbox.turns import Turns
from pipeline.errors import UsageError

from .conftest import GUEST, RIG, Sandbox, ended, until
from .test_transfer import failing

MEGABYTE = 1 << 20


@pytest.fixture
def fresh(tmp_path):
    """Folders of a sandbox that the test starts itself, as often as it likes."""
    for name in ("rig", "guest"):
        (tmp_path / name).mkdir()
    yield tmp_path
    stop(tmp_path / "state")


def begin(folder, **realism):
    return Sandbox(
        folder, start(folder / "state", {RIG: folder / "rig", GUEST: folder / "guest"}, realism=realism or None)
    )


def login(sandbox, identity=None):
    return sandbox.client(sandbox.tokens(TransferScopes.all, identity=identity)["access_token"])


def submit(client, *names, **options):
    data = globus_sdk.TransferData(RIG, GUEST, **options)
    for name in names:
        data.add_item(f"/{name}", f"/in/{name}")
    return client.submit_transfer(data)["task_id"]


def kill(sandbox):
    psutil.Process(sandbox.info.pid).kill()
    until(lambda: status(sandbox.folder / "state"), lambda info: info is None)


def revived(sandbox, client, **realism):
    """The same sandbox in a new process, and the same client of it."""
    second = Sandbox(sandbox.folder, start(sandbox.folder / "state", realism=realism or None))
    return second, second.client(client.authorizer.access_token)


@pytest.fixture
def files(fresh):
    """Make files at the source, with content that differs from file to file."""

    def make(*names, size=10):
        for name in names:
            (fresh / "rig" / name).parent.mkdir(parents=True, exist_ok=True)
            block = os.urandom(min(size, MEGABYTE))
            (fresh / "rig" / name).write_bytes(block * (size // len(block)))
        return names

    return make


def same(folder, name):
    return (folder / "guest" / "in" / name).read_bytes() == (folder / "rig" / name).read_bytes()


# Settings -----------------------------------------------------------------------------------------------------------


def test_settings_are_kept_by_a_restart_and_change_while_it_runs(fresh):
    sandbox = begin(fresh, realistic=True, latency=0.0)
    assert sandbox.admin.realism() == {**REALISTIC.to_json(), "latency": 0.0}
    stop(fresh / "state")
    again = begin(fresh)
    assert again.admin.realism() == {**REALISTIC.to_json(), "latency": 0.0}
    assert again.admin.set_realism(realistic=False, bandwidth=5e6) == Realism(bandwidth=5e6).to_json()
    assert begin(fresh, task_delay=1.0).admin.realism() == Realism(bandwidth=5e6, task_delay=1.0).to_json()
    with pytest.raises(UsageError, match="running_tasks"):
        again.admin.set_realism(running_tasks=0)
    with pytest.raises(UsageError, match="latancy"):
        begin(fresh, latancy=1)


@given(st.builds(Realism, latency=st.floats(0, 10), running_tasks=st.none() | st.integers(1, 9), seed=st.integers()))
def test_settings_are_read_as_they_are_written(realism):
    assert Realism.from_json(realism.to_json()) == realism
    assert chosen(realism, {}) == realism
    assert chosen(realism, {"realistic": False}) == Realism()


# Requests -----------------------------------------------------------------------------------------------------------


def test_each_user_may_send_so_many_requests_in_ten_seconds(fresh):
    sandbox = begin(fresh, request_limit=1)
    client, colleague = login(sandbox), login(sandbox, "colleague@sandbox.example")
    sandbox.admin.reset_counts()
    answers = [client.get_submission_id() for _ in range(10)]
    assert len({answer["value"] for answer in answers}) == 10
    # Another token of the same person changes nothing, another person's requests are counted for themselves.
    error = failing(login(sandbox).get_submission_id)
    assert (error.http_status, error.code) == (429, "TooManyRequests")
    assert 1 <= int(error.headers["Retry-After"]) <= 10
    assert error.request_id
    assert colleague.get_submission_id()["value"]
    seen = [request["status"] for request in sandbox.admin.requests() if request["kind"] == "transfer/submission_id"]
    assert seen == [200] * 10 + [429, 200]
    sandbox.admin.set_realism(request_limit=None)
    assert client.get_submission_id()["value"]


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from("ab")), max_size=60), st.integers(1, 5))
def test_in_no_ten_seconds_more_requests_pass_than_allowed(steps, most):
    now = 0.0
    meter = Meter(lambda: now)
    passed = {"a": [], "b": []}
    for pause, user in steps:
        now += pause
        wait = meter.admit(user, most / WINDOW_S)
        recent = [instant for instant in passed[user] if instant > now - WINDOW_S]
        assert (wait == 0) == (len(recent) < most)
        if wait:
            # Whoever waits that long, and no less, gets through.
            assert len([instant for instant in recent if instant > now + wait - WINDOW_S + 1e-6]) < most
            assert len([instant for instant in recent if instant > now + wait - WINDOW_S - 1e-6]) >= most
        else:
            passed[user].append(now)


def test_requests_take_their_time_without_holding_a_thread(fresh):
    sandbox = begin(fresh, latency=1.0)
    sandbox.admin.reset_counts()
    process = psutil.Process(sandbox.info.pid)
    with ThreadPoolExecutor(60) as pool:
        answers = [pool.submit(request_without_login, sandbox) for _ in range(60)]
        threads = []
        while not all(answer.done() for answer in answers):
            # The admin API answers at once meanwhile.
            sandbox.admin.realism()
            threads.append(process.num_threads())
        assert {answer.result() for answer in answers} == {401}
    # Most of these looks fell into the time in which all sixty were on their way.
    assert statistics.median(threads) < 25
    taken = [request["seconds"] for request in sandbox.admin.requests()]
    assert len(taken) == 60
    assert min(taken) >= 0.5
    assert len(set(taken)) > 10, "every request took the same time"


def request_without_login(sandbox):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", sandbox.info.port)) as connection:
        connection.request("GET", "/transfer/v0.10/submission_id")
        return connection.getresponse().status


def test_a_folder_with_too_many_entries_is_not_listed(fresh, files):
    files("few/1", "many/1", "many/2", "many/3")
    client = login(begin(fresh, listing_entries=2))
    assert client.operation_ls(RIG, "/few/")["total"] == 1
    error = failing(client.operation_ls, RIG, "/many/")
    assert (error.http_status, error.code) == (502, "ExternalError.DirListingFailed.SizeLimit")


# Tasks --------------------------------------------------------------------------------------------------------------


def test_tasks_beyond_the_limit_wait_in_order(fresh, files):
    names = files(*(f"{number}" for number in range(6)))
    sandbox = begin(fresh, running_tasks=2, task_delay=600)
    client, colleague = login(sandbox), login(sandbox, "colleague@sandbox.example")
    tasks = [submit(client, name) for name in names]
    other = submit(colleague, names[0])
    assert {client.get_task(task)["status"] for task in tasks} == {"ACTIVE"}
    until(lambda: client.get_task(tasks[-1]), lambda task: task["nice_status"] == "Queued")
    # Both places are taken; whoever leaves one makes room for the next.  Other people have places of their own.
    client.cancel_task(tasks[0])
    sandbox.admin.control_task(tasks[1], "pause")
    sandbox.admin.set_realism(task_delay=0.0)
    assert ended(colleague, other)["status"] == "SUCCEEDED"
    for task in tasks[2:]:
        assert ended(client, task)["status"] == "SUCCEEDED"
    begun = [event_time(client, task, "STARTED") for task in tasks[2:]]
    assert begun == sorted(begun)
    assert client.get_task(tasks[0])["fatal_error"]["code"] == "CANCELED"
    sandbox.admin.control_task(tasks[1], "release")
    assert ended(client, tasks[1])["status"] == "SUCCEEDED"


def event_time(client, task, code):
    return next(event["time"] for event in client.task_event_list(task, limit=100) if event["code"] == code)


def test_one_task_too_many_is_refused(fresh, files):
    names = files("1", "2", "3")
    sandbox = begin(fresh, pending_tasks=2, task_delay=600)
    client = login(sandbox)
    first, _ = submit(client, "1"), submit(client, "2")
    submission = str(uuid.uuid4())
    error = failing(submit, client, names[2], submission_id=submission)
    assert (error.http_status, error.code) == (409, "ClientError.Conflict.TooManyPendingJobs")
    client.cancel_task(first)
    assert submit(client, names[2], submission_id=submission)
    # What was accepted before is told again, however many there are.
    assert submit(client, names[2], submission_id=submission)


def test_a_small_task_does_not_wait_for_large_ones(fresh, files):
    large = files(*(f"large{number}" for number in range(8)), size=8 * MEGABYTE)
    files("small")
    sandbox = begin(fresh, bandwidth=4e6)
    client = login(sandbox)
    tasks = [submit(client, name, verify_checksum=True) for name in large]
    assert ended(client, submit(client, "small"))["status"] == "SUCCEEDED"
    states = [client.get_task(task) for task in tasks]
    assert {task["status"] for task in states} == {"ACTIVE"}
    # All of them go on at a time, none at full speed.
    started = until(
        lambda: [client.get_task(task)["bytes_transferred"] for task in tasks], lambda moved: min(moved) > 0
    )
    assert max(started) < 8 * MEGABYTE
    client.cancel_task(tasks[0])
    # Nothing of a cancelled task moves any more.
    size = (fresh / "guest" / "in" / large[0]).stat().st_size
    sandbox.admin.set_realism(bandwidth=None)
    for task, name in zip(tasks[1:], large[1:], strict=True):
        assert ended(client, task)["status"] == "SUCCEEDED"
        assert same(fresh, name)
    assert (fresh / "guest" / "in" / large[0]).stat().st_size == size < 8 * MEGABYTE


def test_bandwidth_and_the_cost_of_files_take_their_time(fresh, files):
    names = files(*(f"{number}" for number in range(5)), size=100_000)
    sandbox = begin(fresh, bandwidth=1e6)
    client = login(sandbox)
    began = time.monotonic()
    assert ended(client, submit(client, *names))["status"] == "SUCCEEDED"
    assert time.monotonic() - began >= 0.4
    sandbox.admin.set_realism(realistic=False, file_delay=0.1)
    began = time.monotonic()
    assert ended(client, submit(client, *names))["status"] == "SUCCEEDED"
    assert time.monotonic() - began >= 0.5


@st.composite
def scenes(draw):
    """Who asks for a place, and who leaves, in which order."""
    return draw(st.lists(st.tuples(st.sampled_from(["enter", "leave"]), st.integers(0, 11)), max_size=60))


@given(scenes(), st.integers(1, 3), st.integers(2, 5))
def test_places_are_given_in_order_and_never_too_many(scene, limit, most):
    turns = Turns(most)
    turns.set_limit(limit)
    inside, waiting = [], []
    for what, number in scene:
        name, group = f"task{number}", number % 3
        if what == "enter" and name not in waiting:
            (inside if turns.enter(name, group) else waiting).append(name)
            inside = list(dict.fromkeys(inside))
        elif what == "leave":
            inside, waiting = ([name_ for name_ in names if name_ != name] for names in (inside, waiting))
            for admitted in turns.leave(name):
                # The first in the queue of its group.
                group_ = int(admitted[4:]) % 3
                assert admitted == next(name_ for name_ in waiting if int(name_[4:]) % 3 == group_)
                waiting.remove(admitted)
                inside.append(admitted)
        groups = [int(name_[4:]) % 3 for name_ in inside]
        assert all(groups.count(each) <= limit for each in range(3))
        assert len(inside) <= most
        # Nobody waits while there is room for them.
        assert len(inside) == most or all(groups.count(int(name_[4:]) % 3) == limit for name_ in waiting)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40))
def test_whoever_is_due_first_comes_first(added):
    turns = Turns()
    expected = {}
    for order, (number, when) in enumerate(added):
        turns.add(f"{number}", when)
        expected[f"{number}"] = (when, order)
    seen = []
    while (task := turns.pop(100)) is not None:
        seen.append(task)
    assert seen == sorted(expected, key=expected.__getitem__)
    assert turns.next_time() is None


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
