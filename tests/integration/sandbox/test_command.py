from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mapshell.sandbox.service import status, stop

from .conftest import RIG, until


@pytest.fixture
def root(tmp_path):
    (tmp_path / "my data").mkdir()
    yield tmp_path / "root"
    stop(tmp_path / "root")


def mapshell(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "mapshell", "sandbox", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done


def test_start_env_status_stop(root):
    started = mapshell("start", "--root", root, "--collection", f"{RIG}={root.parent / 'my data'},mapped")
    info = status(root)
    assert info.auth_url in started.stdout
    assert (
        f"export GLOBUS_SDK_SERVICE_URL_AUTH={info.auth_url}\n"
        in mapshell("env", "--root", root, "--shell", "sh").stdout
    )
    assert f"$Env:GLOBUS_SDK_SERVICE_URL_TRANSFER = '{info.transfer_url}'" in (
        mapshell("env", "--root", root, "--shell", "powershell").stdout
    )
    told = json.loads(mapshell("status", "--root", root, "--format", "json").stdout)
    assert (told["running"], told["collections"][RIG]["mapped"]) == (True, True)
    assert info.admin_token not in json.dumps(told)
    assert "my data" in mapshell("status", "--root", root).stdout
    mapshell("stop", "--root", root)
    assert status(root) is None
    assert "mapshell sandbox start" in mapshell("env", "--root", root, code=1).stderr


def test_it_is_like_the_real_service_or_as_fast_as_it_can(root):
    mapshell("start", "--root", root, "--realistic", "--latency", "0", "--bandwidth", "20M", "--running-tasks", "none")
    settings = json.loads(mapshell("status", "--root", root, "--format", "json").stdout)["realism"]
    assert settings["request_limit"] == 20
    assert (settings["latency"], settings["bandwidth"], settings["running_tasks"]) == (0, 20e6, None)
    assert "bandwidth 20000000" in mapshell("status", "--root", root).stderr
    # The running one takes them up.
    mapshell("start", "--root", root, "--fast", "--task-delay", "0.5")
    assert "Like a service far away: task-delay 0.5." in mapshell("status", "--root", root).stderr
    mapshell("start", "--root", root, "--fast")
    assert "far away" not in mapshell("status", "--root", root).stderr
    wrong = {"--bandwidth": "2X", "--running-tasks": "1.5", "--latency": "-1", "--pending-tasks": "0"}
    for option, value in wrong.items():
        assert option in mapshell("start", "--root", root, option, value, code=2).stderr
    refused = mapshell("start", "--root", root, "--listen", "0.0.0.0", code=2).stderr
    assert "--let-anybody-on-the-network-read-and-write" in refused


def test_mistakes_are_told(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "UUID" in mapshell("start", "--root", root, "--collection", "rig=/tmp", code=2).stderr
    assert "--root" in mapshell("env", code=2).stderr
    started = mapshell("start", "--root", root, "--collection", f"{RIG}=later")
    assert f"there is no folder {tmp_path / 'later'} yet" in started.stderr
    assert f"stop --root {root}" in mapshell("start", "--root", root, "--port", 1, code=1).stderr


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process on Windows")
def test_foreground_ends_on_ctrl_c(root):
    import signal

    file = root.parent / "faults.json"
    file.write_text('[{"kind": "html"}]')
    process = subprocess.Popen(
        [sys.executable, "-m", "mapshell", "sandbox", "start", "--root", str(root), "--foreground", "--faults", file],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        info = until(lambda: status(root), lambda info: info is not None)
        until(info.admin.faults, bool)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert "Ctrl-C" in process.stderr.read()
