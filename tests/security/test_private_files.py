"""Every file that is written for a person alone can be read by that person alone, and is refused when it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys

import psutil
import pytest

from mapshell.completion import installing
from mapshell.sandbox import service
from mapshell.sandbox.consent import code_from_page
from pipeline import embedded
from pipeline.archive.cachefile import CacheFile
from pipeline.embedded import cluster
from pipeline.errors import ServiceError
from pipeline.globus import GlobusStorageManager
from pipeline.private.files import read_private
from pipeline.services import new_state, read_raw_state, read_state, write_state
from tests.integration.publish.bench import write

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes; profile folders are private there")
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make files of another user"
)


@pytest.fixture
def open_handed():
    """A person whose account opens every new file to everybody."""
    previous = os.umask(0)
    yield
    os.umask(previous)


@pytest.fixture
def state(tmp_path):
    file = tmp_path / "state.json"
    write_state(file, new_state("sandbox", {"admin_token": "x"}))
    return file


@posix
def test_whatever_is_written_on_a_day_of_work_is_the_persons_alone(bench, open_handed):
    """All of the person's own folders: tokens, journal, log, caches, history, state of the sandbox."""
    one = bench.session("one")
    write(one / "fyi.txt", b"side file")
    file = bench.rig.folder / "dj_local_conf.json"
    GlobusStorageManager(bench.rig.settings, interactive=False).login_with_code(code_from_page)
    publish = ("publication-publish", "--type", "ephys")
    for line in (
        (*publish, "--debug"),
        ("publication-status",),
        ("publication-verify", "--checksum", "all"),
        ("publication-retrieve", "--subject", "SC038", "--via", "https", "--to", str(bench.rig.folder / "fetched")),
        ("doctor",),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "mapshell", "--config", str(file), *line],
            env=bench.rig.environ,
            cwd=bench.rig.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 3), done.stderr
    own = [bench.rig.folder / "home", bench.rig.folder / ".mapshell"]
    seen = [path for folder in own for path in folder.rglob("*") if path.is_file()]
    open_ = [f"{stat.S_IMODE(path.stat().st_mode):04o} {path}" for path in seen if path.stat().st_mode & 0o077]
    assert open_ == []
    names = {path.name for path in seen}
    assert {"mapshell.log", "tokens.db", "state.json", "sandbox.db", "sandbox.log"} <= names


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_state_file_that_others_can_read_or_change_is_not_believed(state, mode):
    state.chmod(mode)
    for read in (read_raw_state, read_state, read_private):
        with pytest.raises(ServiceError, match=rf"{mode:04o}.*\n.*chmod 600"):
            read(state)
    state.chmod(0o600)
    assert read_state(state) is not None


@posix
@needs_root
def test_a_state_file_that_another_user_put_there_is_not_believed(state):
    os.chown(state, 65534, 65534)
    with pytest.raises(ServiceError, match="belongs to another user"):
        read_raw_state(state)


@posix
def test_a_sandbox_of_which_others_can_read_the_state_is_not_used(tmp_path):
    folder = tmp_path / "state"
    try:
        service.start(folder)
        (folder / "state.json").chmod(0o644)
        with pytest.raises(ServiceError, match="chmod 600"):
            service.status(folder)
        (folder / "state.json").chmod(0o600)
        assert service.status(folder) is not None
    finally:
        (folder / "state.json").chmod(0o600)
        service.stop(folder)


@posix
def test_passwords_of_the_embedded_database_that_others_can_read_are_refused(tmp_path):
    file = tmp_path / "secret.json"
    file.write_text(json.dumps({"superuser": "a", "role": "b"}))
    file.chmod(0o644)
    with pytest.raises(ServiceError, match="chmod 600"):
        cluster.read_secrets(tmp_path)
    file.chmod(0o600)
    assert cluster.read_secrets(tmp_path).role == "b"


@posix
def test_what_is_remembered_of_checksums_can_be_written_by_nobody_else(tmp_path, open_handed):
    """Who could write there could say which SHA1 a recording has."""
    cache = CacheFile(tmp_path / "cache.db", "CREATE TABLE IF NOT EXISTS t (a)")
    cache.write("INSERT INTO t VALUES (?)", (1,))
    assert cache.row("SELECT a FROM t", ()) == (1,)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    cache.close()
    assert set(modes.values()) == {0o600}, modes


def test_no_background_program_is_handed_a_secret(tmp_path, monkeypatch, real_start):
    """The server's environment lives as long as it does, and may be another user's to read."""
    for name in ("DJ_PASS", "MAPSHELL_GLOBUS_CLIENT_SECRET", "MAPSHELL_DATABASE_PASSWORD", "LAB_TOKEN"):
        monkeypatch.setenv(name, "hunter2-of-the-environment")
    try:
        box = service.start(tmp_path / "sandbox")
        embedded.start(tmp_path / "db", idle_minutes=5)
        status = embedded.status(tmp_path / "db")
        for pid in (box.pid, status.server_pid, status.supervisor_pid):
            service_itself = psutil.Process(pid)
            assert "hunter2" not in _told_by(service_itself)
            for process in service_itself.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):  # a worker of the server, ended since
                    assert "hunter2" not in _told_by(process)
    finally:
        service.stop(tmp_path / "sandbox")
        embedded.delete(tmp_path / "db")


def _told_by(process: psutil.Process) -> str:
    """What a process shows of itself to others."""
    return "\n".join([*process.cmdline(), *(f"{name}={value}" for name, value in process.environ().items())])


def test_a_start_up_file_of_the_shell_is_whole_or_as_it_was(tmp_path, monkeypatch):
    """A full disk, or a kill, in the middle of writing ``.bashrc``."""
    environ = {"HOME": str(tmp_path), "SHELL": "/bin/bash", "MAPSHELL_HOME": str(tmp_path / "home")}
    own = tmp_path / "dotfiles"
    own.write_text("alias ll='ls -l'\n" * 100)
    own.chmod(0o600)
    (tmp_path / ".bashrc").symlink_to(own)
    before = own.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _full)
        with pytest.raises(Exception, match="No space left"):
            installing.install("bash", environ)
    assert own.read_bytes() == before
    installing.install("bash", environ)
    assert (tmp_path / ".bashrc").is_symlink()
    assert own.read_bytes().startswith(before)
    assert stat.S_IMODE(own.stat().st_mode) == 0o600 or os.name == "nt"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".dotfiles")] == []
    installing.remove("bash", environ)
    assert own.read_bytes().strip() == before.strip()


def _full(descriptor):
    import errno

    raise OSError(errno.ENOSPC, "No space left on device")
