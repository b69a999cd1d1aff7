"""Delays, limits and turns of a running sandbox."""

from __future__ import annotations

import contextlib
import http.client
import statistics
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from mapshell.sandbox.realism import REALISTIC, Realism
from mapshell.sandbox.service import stop
from pipeline.errors import UsageError

from .conftest import RIG, ended, until
from .slow import MEGABYTE, begin, login, same, submit
from .test_transfer import failing

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
