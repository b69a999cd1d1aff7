"""The embedded PostgreSQL: a database for a lab without a database server, in one private folder.

The server listens on the loopback interface only, on a port that the system chose, with password authentication
(SCRAM: the server proves that it knows the password too, so a stale port never gets it).  A small supervisor process
stops it when nobody has been connected for a while.  Nothing here starts on import.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.embedded import cluster as embedded_cluster
from pipeline.embedded import process as embedded_process
from pipeline.errors import ServiceError
from pipeline.services import (
    ServiceState,
    is_alive,
    lock,
    process_created,
    read_raw_state,
    read_state,
    remove_state,
    spawn,
    wait_until,
)

IDLE_MINUTES = 30.0
_START_TIMEOUT_S = 360.0
_RECOVERY_PATIENCE_S = 5.0
_REMEDY_START = "Run: mapshell services start"


@dataclass(frozen=True)
class Address:
    """How to reach a running embedded database (password never shown in ``repr``)."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str


@dataclass(frozen=True)
class Status:
    """What is known about an embedded database without starting it.

    Parameters
    ----------
    folder
        The folder as configured.
    running
        Whether a supervised server answers for it.
    exists
        Whether its data have been created.
    data
        Where the data lie.
    port
        Port while running.
    server_pid, supervisor_pid
        Process ids while running.
    """

    folder: Path
    running: bool
    exists: bool
    data: Path
    port: int | None = None
    server_pid: int | None = None
    supervisor_pid: int | None = None


def _resolved(folder: Path) -> Path:
    return Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100 - resolve() would follow links away


def _state_file(folder: Path) -> Path:
    return folder / "state.json"


def _address(folder: Path, state: ServiceState) -> Address:
    data = state.data
    return Address(
        host=str(data["host"]),
        port=int(data["port"]),
        user=embedded_cluster.ROLE,
        password=embedded_cluster.read_secrets(folder).role,
        name=embedded_cluster.DATABASE,
    )


def _answers(address: Address) -> bool:
    """Log in: proves that the server at that port is ours, and counts as use, so that it does not stop under us."""
    import psycopg2

    try:
        connection = psycopg2.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            dbname=address.name,
            sslmode="disable",
            require_auth="scram-sha-256",
            connect_timeout=10,
            application_name="mapshell services",
            options="-c timezone=UTC",  # given, so that PGOPTIONS of the environment is not taken
        )
    except psycopg2.Error as error:
        # One that has no connection left to give is busy, not dead.
        return "too many" in str(error) or "connection slots" in str(error)
    connection.close()
    return True


def address(folder: Path) -> Address:
    """Address of the running server.

    Raises
    ------
    ServiceError
        It is not running; the remedy names the command that starts it.
    """
    folder = _resolved(folder)
    state = read_state(_state_file(folder))
    if state is None:
        raise ServiceError(f"The embedded database in {folder} is not running.", remedy=_REMEDY_START)
    return _address(folder, state)


def start(folder: Path, *, idle_minutes: float = IDLE_MINUTES) -> Address:
    """Start the server unless it runs; create its data on first use.

    Parameters
    ----------
    folder
        Private folder of the embedded database, created when missing.
    idle_minutes
        The server stops by itself when nobody has been connected for that long (minutes); 0: never.

    Raises
    ------
    ServiceError
        It cannot be started; the message says why.
    """
    folder = _resolved(folder)
    state = read_state(_state_file(folder))
    if state is not None:
        found = _address(folder, state)
        if _answers(found):
            return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(
            f"Cannot create {folder} for the embedded database: {error.strerror or error}.",
            remedy="Check the permissions there, or name another folder: database.embedded.",
        ) from error
    # A first start can take as long as initdb does; others wait for it rather than fail.
    with lock(folder / "lock", timeout=_START_TIMEOUT_S):
        state = read_state(_state_file(folder))
        if state is not None:
            found = _address(folder, state)
            # A server that recovers from a crash of one of its processes refuses for a moment.
            if wait_until(lambda: _answers(found), timeout=_RECOVERY_PATIENCE_S):
                return found
            _end_everything(folder)
        return _start_supervisor(folder, idle_minutes)


def _start_supervisor(folder: Path, idle_minutes: float) -> Address:
    failure = folder / "failure.json"
    remove_state(failure)
    log = folder / "supervisor.log"
    with contextlib.suppress(OSError):
        log.unlink()
    # By path, not by module name: a foreign package of the same name on the path must not be run instead.
    root = str(Path(__file__).resolve().parent.parent.parent)
    code = f"import sys; sys.path.insert(0, {root!r}); from pipeline.embedded.supervisor import main; main()"
    command = [sys.executable, "-X", "utf8", "-c", code, str(folder), str(idle_minutes)]
    # Settings for PostgreSQL in the caller's environment are meant for other servers.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    process = spawn(command, log=log, env=env, cwd=folder)

    def settled() -> bool:
        state = read_state(_state_file(folder))
        return (state is not None and state.pid == process.pid) or process.poll() is not None

    if not wait_until(settled, timeout=_START_TIMEOUT_S):
        process.kill()
        process.wait()
        _end_everything(folder)
        raise ServiceError(
            f"The embedded database did not start within {_START_TIMEOUT_S:.0f} s; see {folder / 'server.log'}.",
            remedy="Use a folder on a local disk: database.embedded.",
        )
    state = read_state(_state_file(folder))
    if state is not None:
        # The supervisor is nobody's child to wait for; without this its end would be reported as a leak.
        process.returncode = 0
        return _address(folder, state)
    raise _failure(folder, failure, log)


def _failure(folder: Path, failure: Path, log: Path) -> ServiceError:
    try:
        told = json.loads(failure.read_text("utf-8"))
        return ServiceError(str(told["message"]), remedy=str(told["remedy"]))
    except (OSError, ValueError, KeyError, TypeError):
        last = ""
        with contextlib.suppress(OSError, IndexError):
            last = ": " + log.read_text("utf-8", errors="replace").strip().splitlines()[-1]
        return ServiceError(
            f"The embedded database in {folder} could not be started{last}",
            remedy=f"Read {log} and {folder / 'server.log'}.",
        )


def stop(folder: Path) -> bool:
    """Stop the server and its supervisor, also when the folder is half deleted.

    Returns
    -------
    bool
        Whether anything was running.
    """
    folder = _resolved(folder)
    if not folder.is_dir():
        return _end_everything(folder)
    with lock(folder / "lock", timeout=_START_TIMEOUT_S):
        return _end_everything(folder)


def _end_everything(folder: Path) -> bool:
    state = read_raw_state(_state_file(folder))
    data = embedded_cluster.data_folder(folder)
    if state is not None and "data" in state.data:
        data = Path(str(state.data["data"]))
    server = embedded_process.find_server(data, state)
    # The state goes first: whoever looks now is told "not running" instead of getting a dying server's port.
    remove_state(_state_file(folder))
    if server is not None:
        embedded_process.end(server, data)
    if state is not None and is_alive(state):
        _end_supervisor(state)
        return True
    return server is not None


def _end_supervisor(state: ServiceState) -> None:
    """Wait for the supervisor, which follows its server; one that hangs is ended."""
    import psutil

    if wait_until(lambda: process_created(state.pid) is None, timeout=5):
        return
    with contextlib.suppress(psutil.Error):
        if is_alive(state):
            psutil.Process(state.pid).kill()


def status(folder: Path) -> Status:
    """Tell whether the server runs and where its data lie, without starting anything."""
    folder = _resolved(folder)
    state = read_state(_state_file(folder))
    data = embedded_cluster.data_folder(folder)
    try:
        exists = (data / "PG_VERSION").exists()
    except OSError:
        exists = True
    if state is None:
        return Status(folder=folder, running=False, exists=exists, data=data)
    return Status(
        folder=folder,
        running=True,
        exists=exists,
        data=data,
        port=int(state.data["port"]),
        server_pid=int(state.data["server_pid"]),
        supervisor_pid=state.pid,
    )


def delete(folder: Path) -> None:
    """Stop the server and delete its folder.

    Raises
    ------
    ServiceError
        Something cannot be deleted.
    """
    folder = _resolved(folder)
    stop(folder)
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise ServiceError(
            f"Cannot delete the embedded database in {folder}: {error.strerror or error}.",
            remedy="Delete the folder by hand.",
        ) from error
