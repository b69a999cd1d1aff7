"""``mapshell sandbox fault``, ``collection``, ``task`` and ``log``, as a person types them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest
from globus_sdk.scopes import TransferScopes

from mapshell import errors
from mapshell.cli import cli
from mapshell.context import Context
from mapshell.sandbox.fault_kinds import KINDS
from mapshell.sandbox.service import start, stop

from .conftest import ARCHIVE, GUEST, RIG, ended, until
from .faulty import new_files, submit
from .test_transfer import failing


@dataclass(frozen=True)
class Result:
    code: int
    stdout: str
    stderr: str


@pytest.fixture
def mapshell(sandbox):
    """Run ``mapshell sandbox ARGS`` in this process, for the sandbox of this module."""

    def run(*args, code=0):
        out, err = io.StringIO(), io.StringIO()
        words = ["sandbox", *map(str, args), "--root", str(sandbox.info.folder)]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            result = Result(errors.run(cli, words, Context()), out.getvalue(), err.getvalue())
        assert result.code == code, result
        return result

    return run


def test_a_fault_is_added_listed_met_and_cleared(sandbox, client, mapshell):
    added = mapshell("fault", "add", "status", "--status", 429, "--retry-after", 2, "--request", "*/ls", "--count", 2)
    assert "is in force: status" in added.stderr
    assert failing(client.operation_ls, RIG).http_status == 429
    (entry,) = json.loads(mapshell("fault", "list", "--format", "json").stdout)
    assert entry["fault"] == {"kind": "status", "request": "*/ls", "count": 2, "status": 429, "retry_after": 2}
    assert (entry["seen"], entry["fired"]) == (1, 1)
    assert "status request=*/ls count=2" in mapshell("fault", "list").stdout
    assert json.loads(mapshell("fault", "clear", entry["number"], "--format", "json").stdout) == {"cleared": 1}
    assert "No fault" in mapshell("fault", "list").stderr
    assert client.operation_ls(RIG)


def test_every_kind_has_its_line_of_help(mapshell):
    told = mapshell("fault", "add", "--help").stdout
    for name, kind in KINDS.items():
        assert f"\n    {name:<17} {kind.help}\n" in told


def test_options_of_a_fault_are_those_of_the_file(sandbox, mapshell, tmp_path):
    mapshell("fault", "add", "permission", "--collection", RIG, "--path", "/a*", "--path", "/b")
    mapshell("fault", "add", "lie", "--how", "flip", "--file", "*.bin", "--after-bytes", 7, "--always")
    mapshell("fault", "add", "html", "--done", "--probability", 0.25, "--seed", 3)
    by_hand = [entry["fault"] for entry in sandbox.admin.faults()]
    sandbox.admin.clear_faults()
    file = tmp_path / "faults.json"
    file.write_text(json.dumps({"faults": by_hand}))
    assert len(json.loads(mapshell("fault", "load", file, "--format", "json").stdout)["numbers"]) == 3
    assert [entry["fault"] for entry in sandbox.admin.faults()] == by_hand


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "lei"], "Did you mean 'lie'"),
        (["add", "status"], "needs 'status'"),
        (["add", "lie", "--status", "500"], "no 'status'"),
        (["add", "lie", "--how", "flop"], "missing, short or flip"),
        (["add", "lie", "--count", "many"], "not a valid integer"),
        (["add", "hold", "--always", "--count", "2"], "--always goes with neither"),
        (["add", "offline", "--collection", "00000000-0000-0000-0000-000000000000"], RIG),
        (["clear", "9999"], "No fault in force has the number 9999"),
        (["load", "/nowhere.json"], "does not exist"),
    ],
)
def test_mistakes_are_told_with_a_remedy(mapshell, words, said):
    result = mapshell("fault", *words, code=2)
    assert said in result.stderr
    assert "Remedy:" in result.stderr


def test_a_collection_is_shown_and_changed(sandbox, client, mapshell):
    assert ["offline", "no"] in [line.split() for line in mapshell("collection", GUEST).stdout.splitlines()]
    told = mapshell("collection", GUEST, "--offline", "--quota", 1000, "--deny", "/secret/*", "--format", "json").stdout
    spec = json.loads(told)
    assert (spec["id"], spec["offline"], spec["quota"], spec["deny"]) == (GUEST, True, 1000, ["/secret/*"])
    assert failing(client.operation_ls, GUEST).http_status == 502
    told = mapshell("collection", GUEST, "--online", "--quota", "none", "--allow-all", "--format", "json").stdout
    spec = json.loads(told)
    assert (spec["offline"], spec["quota"], spec["deny"]) == (False, None, [])
    assert client.operation_ls(GUEST)
    assert RIG in mapshell("collection", "00000000-0000-0000-0000-000000000000", code=2).stderr
    assert "neither a whole number" in mapshell("collection", GUEST, "--quota", "x", code=2).stderr


def test_a_task_is_paused_and_released(sandbox, client, mapshell):
    sandbox.admin.fault("pause")
    task_id = submit(client, new_files(sandbox))
    assert client.get_task(task_id)["is_paused"]
    (number,) = [task["number"] for task in sandbox.admin.tasks() if task["task_id"] == task_id]
    mapshell("task", str(number), "release")
    assert ended(client, task_id)["status"] == "SUCCEEDED"
    assert "has ended: SUCCEEDED" in mapshell("task", task_id, "pause", code=2).stderr
    assert "has no task" in mapshell("task", ARCHIVE, "release", code=2).stderr


def test_the_log_shows_requests_and_tasks_and_no_secret(sandbox, mapshell):
    token = sandbox.tokens(TransferScopes.all)["access_token"]
    client = sandbox.client(token)
    name = new_files(sandbox)
    sandbox.admin.fault("status", status=503, request="*/task_list")
    failing(client.task_list)
    sandbox.admin.fault("lie", how="flip", label="a night's work")
    task_id = submit(client, name, label="a night's work\x1b[31m")
    ended(client, task_id)
    sandbox.admin.fault("lie", how="flip")
    ended(client, submit(client, name, label="a night's\x1b[31m work"))
    lines = mapshell("log").stdout
    assert "GET    transfer/task_list                     503" in lines
    assert "fault: status" in lines
    assert "SUBMITTED  TRANSFER a night's\\x1b[31m work  fault: lie" in lines
    assert "SUCCEEDED  1 files, 100 B, 0 errors" in lines
    everything = lines + mapshell("log", "--format", "json", "-n", 2000).stdout
    for secret in (token, sandbox.info.admin_token):
        assert secret not in everything
    entries = json.loads(mapshell("log", "--tasks", "-n", 3, "--format", "json").stdout)
    assert [entry["type"] for entry in entries] == ["task"] * 3
    assert (entries[-1]["status"], entries[-1]["files_transferred"]) == ("SUCCEEDED", 1)
    assert {entry["type"] for entry in json.loads(mapshell("log", "--requests", "--format", "json").stdout)} == {
        "request"
    }
    assert mapshell("log", "-n", 0).stdout == ""


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process on Windows")
def test_the_log_is_followed_until_ctrl_c(sandbox, client, tmp_path):
    file = tmp_path / "log"
    words = ["log", "--follow", "--format", "json", "-n", "0", "--root", str(sandbox.info.folder)]
    with file.open("w") as out:
        process = subprocess.Popen([sys.executable, "-m", "mapshell", "sandbox", *words], stdout=out)

    def entries():
        return [json.loads(line) for line in file.read_text().splitlines()]

    def seen(kind):
        client.operation_ls(RIG)  # until it listens, what comes is passed over
        return any(entry.get("kind") == kind for entry in entries())

    until(lambda: seen("transfer/operation/endpoint/<id>/ls"), bool)
    ended(client, submit(client, new_files(sandbox), label="while it is watched"))
    until(entries, lambda found: [each["event"] for each in found if each["type"] == "task"][-1:] == ["SUCCEEDED"])
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    numbers = [json.dumps(entry) for entry in entries()]
    assert len(numbers) == len(set(numbers))  # nothing is shown twice


def test_faults_from_a_file_at_the_start(tmp_path, capfd):
    root, data, file = tmp_path / "root", tmp_path / "data", tmp_path / "faults.json"
    data.mkdir()
    words = ["sandbox", "start", "--root", str(root), "--collection", f"{RIG}={data}", "--faults", str(file)]
    try:
        file.write_text('[{"kind": "offline", "collektion": 1}]')
        assert errors.run(cli, words, Context()) == 2
        assert "Fault 1 of" in capfd.readouterr().err
        file.write_text(json.dumps([{"kind": "offline", "collection": RIG}]))
        assert errors.run(cli, words, Context()) == 0
        (entry,) = start(root).admin.faults()
        assert entry["fault"]["kind"] == "offline"
    finally:
        stop(root)
