"""What the client ``globus`` tells its user when something is wrong: with a task, a collection, the service."""

from __future__ import annotations

import json

import pytest

from .conftest import GUEST, RIG
from .rows import matches
from .runner import Globus


@pytest.fixture(scope="module")
def client(client_world, tmp_path_factory):
    with Globus(client_world.environment, tmp_path_factory.mktemp("cwd")) as found:
        yield found
        assert found.outside == []


@pytest.fixture
def globus(box, client):
    (box.folder / "rig" / "a.txt").write_text("hello\n")
    yield client
    box.info.admin.clear_faults()
    for collection in (RIG, GUEST):
        box.info.admin.set_collection(collection, offline=False, read_only=False, denied=False, quota=None)


def send(globus: Globus, *options: str) -> str:
    seen = globus("transfer", f"{RIG}:/a.txt", f"{GUEST}:/a.txt", *options, "-F", "json")
    assert seen.code == 0, seen
    return str(json.loads(seen.out)["task_id"])


def test_a_paused_task_tells_who_paused_it(box, globus):
    box.info.admin.fault("pause")
    task = send(globus)
    seen = globus("task", "pause-info", task)
    assert seen.code == 0
    assert matches("This task has been explicitly paused.\n<lines>", seen.out), seen
    assert json.loads(globus("task", "show", task, "-F", "json").out)["is_paused"] is True
    assert globus("task", "wait", task, "--timeout", "1", "--timeout-exit-code", "60").code == 60
    box.info.admin.control_task(task, "release")
    assert globus("task", "wait", task).code == 0


def test_a_task_without_credentials_is_inactive(box, globus):
    box.info.admin.fault("inactive")
    task = send(globus)
    listed = globus("task", "list", "--filter-status", "INACTIVE", "-F", "json", "--jmespath", "DATA[].task_id")
    assert json.loads(listed.out) == [task]
    assert globus("task", "cancel", task).code == 0
    assert globus("task", "wait", task).code == 1


@pytest.mark.parametrize(
    ("kind", "settings", "line", "said"),
    [
        ("offline", {"collection": RIG}, f"ls {RIG}:/", "HTTP status:      502"),
        ("offline", {"collection": GUEST}, f"mkdir {GUEST}:/new", "HTTP status:      502"),
        ("read-only", {"collection": GUEST}, f"mkdir {GUEST}:/new", "HTTP status:      "),
        ("permission", {"collection": GUEST}, f"ls {GUEST}:/", "HTTP status:      403"),
        ("missing", {"collection": GUEST}, f"ls {GUEST}:/", "EndpointNotFound"),
        ("status", {"status": 400, "code": "Odd", "request": "*/ls"}, f"ls {GUEST}:/", "code:             Odd"),
    ],
    ids=["offline", "offline for writing", "read-only", "denied", "unknown", "an error"],
)
def test_what_is_wrong_is_told_without_a_traceback(box, globus, kind, settings, line, said):
    box.info.admin.fault(kind, **settings)
    seen = globus(*line.split())
    assert said in seen.out + seen.err, seen
    assert "Traceback" not in seen.err


@pytest.mark.parametrize(
    ("kind", "settings"), [("status", {"status": 503}), ("status", {"status": 429, "retry_after": 1}), ("reset", {})]
)
def test_what_passes_is_not_noticed(box, globus, kind, settings):
    box.info.admin.fault(kind, request="*/ls", **settings)
    assert globus("ls", f"{RIG}:/").code == 0
    assert box.info.admin.faults() == []  # it has struck


def test_a_full_destination(box, globus):
    box.info.admin.set_collection(GUEST, quota=1)
    task = send(globus, "--fail-on-quota-errors")
    assert globus("task", "wait", task).code == 1
    seen = globus("task", "show", task, "-F", "unix", "--jmespath", "fatal_error.code")
    assert "QUOTA" in seen.out
