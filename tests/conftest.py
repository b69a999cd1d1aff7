"""Fixtures for all tests: a home of their own, an embedded PostgreSQL and a private MariaDB, shared by all workers.

The servers are started by whoever needs them first and stopped by the process that started pytest, also when the run
fails; should that process be killed, the servers notice and end by themselves.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline import embedded, services
from pipeline.embedded import cluster as embedded_cluster
from pipeline.settings.types import DatabaseSettings, Secret, Settings
from tests import mariadb

if TYPE_CHECKING:
    from collections.abc import Iterator

# Known to all workers of a run; made by the process that started pytest.
SERVERS = "MAPSHELL_TEST_SERVERS"
OWNER = "MAPSHELL_TEST_OWNER"
_OURS = ("DJ_", "MAPSHELL_", "GLOBUS_", "PG")


def pytest_configure(config: pytest.Config) -> None:
    # A run in the background ignores Ctrl-C, and so would the programs that the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") or SERVERS in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="mapshell-tests-"))
    os.environ.update({SERVERS: str(folder), OWNER: str(os.getpid())})
    config.add_cleanup(lambda: _stop_servers(folder))


def _stop_servers(folder: Path) -> None:
    os.environ.pop(SERVERS, None)
    embedded.delete(folder / "postgresql")
    with contextlib.suppress(FileNotFoundError):
        _stop_mariadb(folder / "mariadb")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, _home):
    """No test reads or writes the settings of the person who runs it."""
    for name in os.environ:
        if name.startswith(_OURS) and not name.startswith("MAPSHELL_TEST_"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(_home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(_home / name.lower()))
    yield
    if "mapshell.log" in sys.modules:  # a command that ran in this process has opened it, for a home that ends here
        sys.modules["mapshell.log"].tear_down()


@pytest.fixture(scope="session", autouse=True)
def _sandboxes_begin_sooner():
    """Sandboxes are forked from a process that is ready; ``real_start`` gives a test one that begins anew."""
    from mapshell.sandbox import service
    from tests.integration import ready

    own, service.spawn = service.spawn, ready.spawn
    yield
    service.spawn = own


@pytest.fixture
def real_start(monkeypatch):
    """Let sandboxes begin as they do outside of the tests."""
    from mapshell.sandbox import service

    monkeypatch.setattr(service, "spawn", services.spawn)


@dataclass(frozen=True)
class Server:
    """A running server and the account of the tests."""

    kind: str
    settings: DatabaseSettings


@pytest.fixture(scope="session")
def postgresql_server() -> Server:
    """The embedded PostgreSQL, through the product's own launcher."""
    folder = Path(os.environ[SERVERS]) / "postgresql"
    address = embedded.start(folder, idle_minutes=5)
    _hurry(folder, address)
    return Server("postgresql", account(address))


def account(address: embedded.Address) -> DatabaseSettings:
    """Return the settings of the account that an embedded PostgreSQL has."""
    return DatabaseSettings(
        backend="postgresql",
        host=address.host,
        port=address.port,
        user=address.user,
        password=Secret(address.password),
        name=address.name,
    )


def _hurry(folder: Path, address: embedded.Address) -> None:
    """Nothing here outlives the run: do not wait for the disk."""
    import psycopg2

    secret = embedded_cluster.read_secrets(folder).superuser
    with contextlib.closing(
        psycopg2.connect(
            host=address.host, port=address.port, user=embedded_cluster.SUPERUSER, password=secret, dbname="postgres"
        )
    ) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                cursor.execute(f"ALTER SYSTEM SET {setting} = off")
            cursor.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def mariadb_server() -> Server:
    """A private MariaDB; where there is none the tests of it are skipped, and say so."""
    if not mariadb.found():
        pytest.skip(mariadb.MISSING)
    folder = Path(os.environ[SERVERS]) / "mariadb"
    with services.lock(Path(os.environ[SERVERS]) / "mariadb.lock", timeout=120):
        state = services.read_state(folder / "state.json")
        if state is None:
            state = _start_mariadb(folder)
    return Server(
        "mariadb",
        DatabaseSettings(
            backend="mysql", host="127.0.0.1", port=state.data["port"], user="root", password=Secret(""), name=None
        ),
    )


@pytest.fixture
def empty_mariadb_server(tmp_path) -> Iterator[Server]:
    """A private MariaDB of the test alone, for what the names of schemas decide."""
    if not mariadb.found():
        pytest.skip(mariadb.MISSING)
    folder = tmp_path / "mariadb"
    port = _start_mariadb(folder).data["port"]
    yield Server(
        "mariadb", DatabaseSettings(backend="mysql", host="127.0.0.1", port=port, user="root", password=Secret(""))
    )
    _stop_mariadb(folder)


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def lab_server(request) -> Server:
    """Each server in turn."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def lab_database(lab_server):
    """Settings of an empty database on each server in turn; its schemas are dropped afterwards."""
    yield from _fresh(lab_server)


@pytest.fixture
def postgresql_database(postgresql_server):
    """Settings of an empty database on the embedded PostgreSQL, for tests where the server does not matter."""
    yield from _fresh(postgresql_server)


@pytest.fixture
def mariadb_database(mariadb_server):
    """Settings of an empty database on MariaDB, for what only MySQL's family does."""
    yield from _fresh(mariadb_server)


def _fresh(server: Server):
    from pipeline import database
    from pipeline.database import binding, migrations

    prefix = f"t{uuid.uuid4().hex[:10]}_"
    settings = Settings(database=replace(server.settings, schema_prefix=prefix))
    database.unbind()
    yield settings
    database.unbind()
    from pipeline.database.lab_connection import LabConnection

    connection = LabConnection(lambda: database._target(server.settings))
    migrations.drop_everything(binding.Binding(connection, prefix))
    connection.close()


# The server's parent: ends it when the process that started pytest is gone, however that went.
_WATCH = """
import subprocess, sys, psutil
parent, command = int(sys.argv[1]), sys.argv[2:]
server = subprocess.Popen(command)
print(server.pid, flush=True)
owner = psutil.Process(parent)
while server.poll() is None:
    try:
        owner.wait(0.5)
    except psutil.TimeoutExpired:
        continue
    server.kill()
"""


def _start_mariadb(folder: Path) -> services.ServiceState:
    command, port = mariadb.prepare(folder)
    watch = [sys.executable, "-c", _WATCH, os.environ[OWNER], *command]
    watcher = services.spawn(watch, log=folder / "log", cwd=folder)

    def is_up() -> bool:
        assert watcher.poll() is None, (folder / "log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    assert services.wait_until(is_up, timeout=60), (folder / "log").read_text()
    watcher.returncode = 0  # it outlives this worker
    state = services.new_state("mariadb", {"port": port}, pid=watcher.pid)
    services.write_state(folder / "state.json", state)
    return state


def _stop_mariadb(folder: Path) -> None:
    import psutil

    state = services.read_state(folder / "state.json")
    if state is None:
        return
    with contextlib.suppress(psutil.Error):
        watcher = psutil.Process(state.pid)
        children = watcher.children()
        for server in children:
            server.kill()
        psutil.wait_procs([*children, watcher], timeout=10)
