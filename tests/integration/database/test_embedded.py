"""The embedded PostgreSQL: awkward folders, restarts, killed processes, deleted folders, root."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg2
import pytest

from pipeline import embedded, services
from pipeline.embedded import cluster as embedded_cluster
from pipeline.embedded import process as embedded_process
from pipeline.embedded import programs as embedded_programs
from pipeline.errors import ServiceError

pytestmark = pytest.mark.postgresql
is_root = hasattr(os, "geteuid") and os.geteuid() == 0
only_root = pytest.mark.skipif(not is_root, reason="only root has to drop to another user")


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "my lab's dätäbase"
    yield path
    embedded.delete(path)
    # What a server had begun may outlive it by an instant.
    assert services.wait_until(lambda: not servers_of(path), timeout=20), servers_of(path)


def servers_of(folder):
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in argument for argument in [*process.cmdline(), process.cwd()]):
                found.append(process)
    return found


def connect(address, **changes):
    options = {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password,
        "dbname": address.name,
    }
    connection = psycopg2.connect(**{**options, **changes})
    connection.autocommit = True
    return connection


def ask(address, statement):
    with contextlib.closing(connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None


def gone(pid):
    return services.process_created(pid) is None


def test_a_folder_with_spaces_quotes_and_accents_works_and_a_second_start_finds_the_server(folder):
    address = embedded.start(folder)
    assert ask(address, "SELECT 'é', current_setting('TimeZone'), current_setting('server_encoding')") == (
        "é",
        "UTC",
        "UTF8",
    )
    before = embedded.status(folder)
    assert embedded.start(folder) == address == embedded.address(folder)
    assert embedded.status(folder) == before
    assert before.running
    assert before.exists
    assert address.password not in repr(address)


def test_what_does_not_run_is_named_with_the_command_that_starts_it(folder):
    with pytest.raises(ServiceError, match="not running") as caught:
        embedded.address(folder)
    assert caught.value.remedy == "Run: mapshell services start"
    assert embedded.status(folder).running is False
    assert embedded.stop(folder) is False
    assert not folder.exists()


def test_rows_survive_stop_and_start(folder):
    ask(embedded.start(folder), "CREATE TABLE t AS SELECT 42 AS x")
    first = embedded.status(folder)
    assert embedded.stop(folder) is True
    assert embedded.stop(folder) is False
    assert gone(first.server_pid)
    assert gone(first.supervisor_pid)
    assert ask(embedded.start(folder), "SELECT x FROM t") == (42,)


def test_only_this_computer_and_only_with_the_password(folder):
    address = embedded.start(folder)
    for changes in ({"password": "wrong"}, {"user": "postgres"}, {"user": "postgres", "dbname": "postgres"}):
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            connect(address, **changes)
    server = psutil.Process(embedded.status(folder).server_pid)
    listening = [c.laddr for c in server.net_connections(kind="all") if c.status == "LISTEN"]
    assert [(place.ip, place.port) for place in listening] == [("127.0.0.1", address.port)]
    assert [c for c in server.net_connections(kind="unix") if c.laddr] == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_nothing_in_the_folder_is_for_others(folder):
    embedded.start(folder)
    assert stat.S_IMODE(folder.stat().st_mode) & 0o007 == 0
    for path in folder.iterdir():
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert stat.S_IMODE(embedded.status(folder).data.stat().st_mode) == 0o700
    secrets = embedded_cluster.read_secrets(folder)
    for log in folder.glob("*.log"):
        assert secrets.role not in log.read_text()
        assert secrets.superuser not in log.read_text()


def test_a_killed_server_is_started_again_with_its_rows(folder):
    ask(embedded.start(folder), "CREATE TABLE t AS SELECT 42 AS x")
    state = embedded.status(folder)
    psutil.Process(state.server_pid).kill()
    assert services.wait_until(lambda: gone(state.supervisor_pid), timeout=20)
    with pytest.raises(ServiceError, match="not running"):
        embedded.address(folder)
    assert ask(embedded.start(folder), "SELECT x FROM t") == (42,)


def test_a_server_and_a_supervisor_killed_together_as_by_a_power_cut(folder):
    ask(embedded.start(folder), "CREATE TABLE t AS SELECT 42 AS x")
    state = embedded.status(folder)
    psutil.Process(state.supervisor_pid).kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(state.server_pid).kill()
    assert ask(embedded.start(folder), "SELECT x FROM t") == (42,)


def test_a_killed_supervisor_leaves_no_server_for_ever(folder):
    embedded.start(folder)
    state = embedded.status(folder)
    psutil.Process(state.supervisor_pid).kill()
    if sys.platform.startswith("linux"):
        assert services.wait_until(lambda: gone(state.server_pid), timeout=20)
    address = embedded.start(folder)
    assert ask(address, "SELECT 1") == (1,)
    assert embedded.status(folder).supervisor_pid != state.supervisor_pid


def test_a_server_without_supervisor_is_taken_over(folder):
    embedded.start(folder)
    first = embedded.status(folder)
    # A supervisor that is stopped cannot follow; its state file makes way for the next one.
    data, programs = first.data, embedded_programs.binaries(embedded_programs.system_user())
    embedded.stop(folder)
    child = embedded_process.launch(
        data, programs, embedded_process.free_port(), folder / "server.log", embedded_programs.system_user()
    )
    try:
        ready = embedded_process.read_pid_file
        assert services.wait_until(lambda: (found := ready(data)) is not None and found.ready, timeout=30)
        address = embedded.start(folder)
        assert embedded.status(folder).server_pid == child.pid
        assert ask(address, "SELECT 1") == (1,)
    finally:
        embedded.stop(folder)
        child.wait(30)


def test_an_idle_server_ends_by_itself_and_a_used_one_does_not(folder):
    idle_s = 1.0
    with contextlib.closing(connect(embedded.start(folder, idle_minutes=idle_s / 60))) as connection:
        state = embedded.status(folder)
        assert not services.wait_until(lambda: gone(state.server_pid), timeout=3 * idle_s)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert services.wait_until(lambda: gone(state.server_pid) and gone(state.supervisor_pid), timeout=20)
    assert embedded.status(folder).running is False


def test_a_deleted_folder_ends_the_server(folder):
    embedded.start(folder)
    state = embedded.status(folder)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    assert services.wait_until(lambda: gone(state.server_pid) and gone(state.supervisor_pid), timeout=30)


@pytest.mark.parametrize("lost", ["state.json", "secret.json", "data/postmaster.pid", "data/global"])
def test_stop_works_in_a_half_deleted_folder(folder, lost):
    embedded.start(folder)
    state = embedded.status(folder)
    path = folder / lost if not lost.startswith("data/") else state.data / lost.removeprefix("data/")
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    embedded.stop(folder)
    assert services.wait_until(lambda: gone(state.server_pid) and gone(state.supervisor_pid), timeout=30)


def test_a_pid_file_whose_number_is_now_another_program_does_not_stop_the_start(folder):
    embedded.start(folder)
    data = embedded.status(folder).data
    embedded.stop(folder)
    pid_file = data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{data}\n1\n5432\n\n127.0.0.1\n0 0\nready\n")
    if is_root:
        shutil.chown(pid_file, embedded_programs.system_user().uid)
    assert ask(embedded.start(folder), "SELECT 1") == (1,)


def test_a_state_file_of_another_process_is_not_believed(folder):
    embedded.start(folder)
    embedded.stop(folder)
    stale = services.new_state("postgresql", {"host": "127.0.0.1", "port": 1, "server_pid": os.getpid()})
    services.write_state(folder / "state.json", services.ServiceState(**{**vars(stale), "created": 1.0}))
    with pytest.raises(ServiceError, match="not running"):
        embedded.address(folder)
    assert ask(embedded.start(folder), "SELECT 1") == (1,)


def test_several_processes_start_one_server(folder):
    code = (
        "import sys; from pathlib import Path; from pipeline import embedded; print(embedded.start(Path(sys.argv[1])))"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-c", code, str(folder)], **pipes) for _ in range(3)]
    answers = {process.communicate(timeout=120) for process in processes}
    assert len(answers) == 1
    assert str(embedded.address(folder)) in answers.pop()[0]


def test_the_callers_own_postgresql_settings_do_not_matter(folder, monkeypatch):
    for name, value in {"PGDATA": "/nowhere", "PGPORT": "1", "PGOPTIONS": "-c nonsense=1", "PGUSER": "nobody"}.items():
        monkeypatch.setenv(name, value)
    address = embedded.start(folder)
    monkeypatch.undo()
    assert ask(address, "SELECT 1") == (1,)


def test_lost_passwords_are_named(folder):
    embedded.start(folder)
    embedded.stop(folder)
    (folder / "secret.json").unlink()
    with pytest.raises(ServiceError, match=r"secret\.json") as caught:
        embedded.start(folder)
    assert "backup" in caught.value.remedy
    assert not servers_of(folder / "data")


def test_data_of_another_version_are_refused(folder):
    embedded.start(folder)
    data = embedded.status(folder).data
    embedded.stop(folder)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServiceError, match="PostgreSQL 9"):
        embedded.start(folder)


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "db").write_text("")
    with pytest.raises(ServiceError, match="Cannot create"):
        embedded.start(tmp_path / "db" / "x")


@only_root
def test_root_drops_to_another_user_and_opens_no_folder_on_the_way(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    folder = closed / "db"
    before = [path.stat() for path in (closed, tmp_path, tmp_path.parent)]
    try:
        ask(embedded.start(folder), "CREATE TABLE t AS SELECT 42 AS x")
        state = embedded.status(folder)
        assert psutil.Process(state.server_pid).uids().effective == embedded_programs.system_user().uid != 0
        after = [path.stat() for path in (closed, tmp_path, tmp_path.parent)]
        assert [(s.st_mode, s.st_uid, s.st_gid) for s in after] == [(s.st_mode, s.st_uid, s.st_gid) for s in before]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert state.data == folder / "data"
        embedded.stop(folder)
        moved = folder.rename(closed / "moved")
        assert ask(embedded.start(moved), "SELECT x FROM t") == (42,)
    finally:
        embedded.delete(folder)
        embedded.delete(closed / "moved")
    assert list(closed.iterdir()) == []


@only_root
def test_programs_out_of_the_other_users_reach_are_copied_for_it(tmp_path, monkeypatch):
    package, source = embedded_programs._installed()
    closed = tmp_path / "closed" / package
    (closed / source.name).mkdir(parents=True)
    for part in ("bin", "lib", "share"):
        shutil.copytree(source / part, closed / source.name / part)
    libraries = source.parent.with_name(f"{package}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, closed.parent / libraries.name)
    private = Path(tempfile.mkdtemp())
    monkeypatch.setattr(embedded_programs, "PRIVATE_ROOT", private)
    monkeypatch.setattr(embedded_programs, "_installed", lambda: (package, closed / source.name))
    private.chmod(0o711)
    programs = embedded_programs.binaries(embedded_programs.system_user())
    assert programs.is_relative_to(private)
    assert stat.S_IMODE(closed.parent.stat().st_mode) & 0o077 == stat.S_IMODE(closed.parent.stat().st_mode) & 0o055
    assert embedded_programs.binaries(embedded_programs.system_user()) == programs
    shutil.rmtree(private)
