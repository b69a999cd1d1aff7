"""State files, locks and background processes of local services."""

import json
import os
import stat
import subprocess
import sys

import pytest

from pipeline import services
from pipeline.errors import ServiceError

WAITS = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]


def test_a_state_comes_back_while_its_process_lives(tmp_path):
    path = tmp_path / "deep" / "state.json"
    state = services.new_state("sandbox", {"auth_url": "http://127.0.0.1:1"})
    services.write_state(path, state)
    assert services.read_state(path) == state
    assert len(state.nonce) > 20
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_state_is_private(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("old")
    path.chmod(0o644)
    services.write_state(path, services.new_state("x", {}))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_file_no_json_and_foreign_json_are_no_state(tmp_path):
    path = tmp_path / "state.json"
    assert services.read_state(path) is None
    for text in ("", "{", "[]", "{}", '{"pid": "x"}', '{"kind":"x","pid":1,"created":"y","nonce":"z","data":{}}'):
        path.write_text(text)
        path.chmod(0o600)
        assert services.read_state(path) is None


def test_a_process_that_ended_has_no_state_and_neither_has_one_that_got_its_number(tmp_path):
    path = tmp_path / "state.json"
    process = subprocess.Popen(WAITS, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    services.write_state(path, services.new_state("x", {}, pid=process.pid))
    assert services.read_state(path) is not None
    process.communicate()
    assert services.read_state(path) is None
    assert services.read_raw_state(path).pid == process.pid
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "pid": os.getpid()}))
    assert services.read_state(path) is None


def test_setting_the_clock_makes_no_other_process_of_one(monkeypatch):
    state = services.new_state("x", {})
    if sys.platform == "linux":
        import psutil

        monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)
        monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: 0.0)
    assert services.is_alive(state)


def test_a_process_that_does_not_exist_cannot_be_described():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(ServiceError, match="ended while it was starting"):
        services.new_state("x", {}, pid=process.pid)


def test_a_background_process_writes_to_its_log_and_leaves_our_terminal(tmp_path):
    log = tmp_path / "logs" / "x.log"
    code = (
        "import os, sys; print(os.getsid(0) == os.getpid() if os.name != 'nt' else True); print('bad', file=sys.stderr)"
    )
    process = services.spawn([sys.executable, "-c", code], log=log)
    assert process.wait(30) == 0
    assert sorted(log.read_text().split()) == ["True", "bad"]  # the two streams have no common order
    if os.name != "nt":
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_program_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ServiceError, match="no-such-program"):
        services.spawn(["no-such-program-anywhere"], log=tmp_path / "x.log")


def test_a_lock_keeps_others_out_and_the_dead_do_not_hold_it(tmp_path):
    path = tmp_path / "lock"
    code = (
        "import sys; from pathlib import Path; from pipeline import services\n"
        "with services.lock(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], **pipes)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ServiceError, match="Another process"), services.lock(path, timeout=0.1):
        pass
    holder.kill()
    holder.communicate()
    with services.lock(path, timeout=5):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for attempt in (
        lambda: services.write_private(tmp_path / "file" / "x", b""),
        lambda: services.lock(tmp_path / "file" / "x").__enter__(),
    ):
        with pytest.raises(ServiceError, match="Cannot"):
            attempt()
