"""When tasks end at the latest."""

from __future__ import annotations

import datetime as dt

import globus_sdk

from .conftest import ARCHIVE, GUEST, RIG, items, until


def days_left(client, task_id):
    deadline = dt.datetime.fromisoformat(client.get_task(task_id)["deadline"])
    return round((deadline - dt.datetime.now(dt.UTC)).total_seconds() / 86_400, 2)


def test_deadlines_move_with_progress_and_pauses(sandbox, client, name):
    (sandbox.rig / f"{name} here").write_bytes(b"x")
    names, chosen = (f"{name} here", f"{name} never"), dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    moving = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), *names))["task_id"]
    fixed = client.submit_transfer(items(globus_sdk.TransferData(RIG, ARCHIVE, deadline=chosen), *names))["task_id"]
    stuck = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), f"{name} not"))["task_id"]
    for task_id in (moving, fixed, stuck):
        until(lambda task_id=task_id: client.get_task(task_id), lambda task: task["faults"] > 1)
    assert [days_left(client, task_id) for task_id in (moving, fixed, stuck)] == [3, 2, 1]
    sandbox.admin.control_task(stuck, "pause")
    assert days_left(client, stuck) == 90
    sandbox.admin.control_task(stuck, "release")
    assert days_left(client, stuck) == 1
    codes = [event["code"] for event in client.task_event_list(stuck, query_params={"filter": "is_error:0"})]
    assert codes == ["UNPAUSED", "PAUSED", "STARTED"]
    for task_id in (moving, fixed, stuck):
        client.cancel_task(task_id)
