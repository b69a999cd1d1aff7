"""The server process of the embedded PostgreSQL: its command line, finding it again, ending it."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.embedded import programs as embedded_programs
from pipeline.errors import ServiceError
from pipeline.services import WINDOWS, ServiceState, is_process, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psutil

HOST = "127.0.0.1"
# Small, because the index of an archive is small, and safe: nothing here trades durability for speed.
_SERVER_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "min_wal_size": "16MB",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    # What parallel workers share: containers often have a tiny /dev/shm, so files in the server's own folder.
    **({} if WINDOWS else {"dynamic_shared_memory_type": "mmap"}),
    "io_method": "sync",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_connections": "",
    "password_encryption": "scram-sha-256",
}


@dataclass(frozen=True)
class PidFile:
    """What a running server writes into its ``postmaster.pid``."""

    pid: int
    port: int
    ready: bool


def read_pid_file(data: Path) -> PidFile | None:
    """Read the server's own pid file; None when missing or torn."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8", errors="replace").splitlines()
        return PidFile(pid=int(lines[0]), port=int(lines[3]), ready=len(lines) > 7 and lines[7].strip() == "ready")
    except (OSError, ValueError, IndexError):
        return None


def find_server(data: Path, state: ServiceState | None) -> psutil.Process | None:
    """Find the running server of a data folder: by our state, by its pid file, by its command line.

    A process id alone is never believed: the process must be a ``postgres`` of this very folder.
    """
    import psutil

    if state is not None:
        with contextlib.suppress(psutil.Error, KeyError, TypeError, ValueError):
            pid = int(state.data["server_pid"])
            if is_process(pid, float(state.data["server_created"])):
                return psutil.Process(pid)
    pid_file = read_pid_file(data)
    if pid_file is not None:
        with contextlib.suppress(psutil.Error, ValueError):
            process = psutil.Process(pid_file.pid)
            if _serves(process, data):
                return process
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if _serves(process, data):
                return process
    return None


def _alive(process: psutil.Process) -> bool:
    import psutil

    with contextlib.suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _serves(process: psutil.Process, data: Path) -> bool:
    """Tell whether the process is the main server (not one of its children) of the data folder."""
    if not process.name().startswith("postgres"):
        return False
    arguments = process.cmdline()
    if "-D" not in arguments or not _alive(process):
        return False
    if str(data) in arguments:
        return True
    started_in = embedded_programs.WORKING_FOLDER in arguments
    return started_in and process.cwd().removesuffix(" (deleted)") == str(data)


def free_port() -> int:
    """Let the system choose a free loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Tell whether a loopback port can be listened on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if not WINDOWS:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def clear_stale_pid_file(data: Path) -> None:
    """Remove the pid file of a server that is gone when its number is another program's by now.

    PostgreSQL refuses to start while any process of the same user has that number, as happens after a reboot.  In all
    other cases the file stays: by it PostgreSQL finds out whether processes of a killed server still hold the data.
    """
    import psutil

    pid_file = read_pid_file(data)
    if pid_file is None:
        return
    with contextlib.suppress(psutil.Error, OSError):
        if not psutil.Process(pid_file.pid).name().startswith("postgres"):
            (data / "postmaster.pid").unlink()


def launch(
    data: Path, programs: Path, port: int, log: Path, user: embedded_programs.SystemUser | None
) -> subprocess.Popen[bytes] | None:
    """Start the server; on Windows through ``pg_ctl``, which gives up administrator rights (no process handle then).

    Raises
    ------
    ServiceError
        On Windows: it did not start.
    """
    settings = [item for name, value in _SERVER_SETTINGS.items() for item in ("-c", f"{name}={value}")]
    if WINDOWS:
        _launch_on_windows(data, programs, port, log, settings)
        return None
    command = [str(programs / "postgres"), "-D", embedded_programs.as_argument(data, user), "-p", str(port), *settings]
    with log.open("ab") as stream:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=embedded_programs.environment(),
            cwd=data,
            start_new_session=True,
            # The supervisor is single-threaded, where preexec_fn is safe; it runs after the change of user, which
            # would clear the setting.
            preexec_fn=_end_with_parent(),  # noqa: PLW1509
            **(user.options() if user is not None else {}),
        )


def _launch_on_windows(data: Path, programs: Path, port: int, log: Path, settings: list[str]) -> None:
    # An option with an empty value cannot be passed through pg_ctl; those are for Unix anyway.
    pairs = zip(settings[::2], settings[1::2], strict=True)
    options = " ".join([f"-p {port}", *(f"{flag} {value}" for flag, value in pairs if not value.endswith("="))])
    command = [str(programs / "pg_ctl"), "start", "-w", "-t", "120", "-D", str(data), "-l", str(log), "-o", options]
    done = subprocess.run(
        command,
        env=embedded_programs.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=0x08000000,  # no console window
        check=False,
    )
    if done.returncode != 0:
        raise ServiceError(f"pg_ctl could not start the server in {data}.", remedy=f"Read {log}.")


def _end_with_parent() -> Callable[[], None] | None:
    """Linux: a supervisor that is killed takes the server along, by a clean fast shutdown.

    Everything is loaded before the fork: afterwards the process is another user, who may not read our libraries.
    """
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    set_death_signal, signal_number = 1, int(signal.SIGINT)

    def in_child() -> None:
        prctl(set_death_signal, signal_number, 0, 0, 0)

    return in_child


def end(process: psutil.Process, data: Path, *, timeout: float = 30.0) -> None:
    """Shut the server down: cleanly, else at once, else by killing it (the next start recovers from its log)."""
    import psutil

    if WINDOWS:
        programs = embedded_programs.binaries(None)
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [str(programs / "pg_ctl"), "stop", "-D", str(data), "-m", "fast", "-t", str(int(timeout))],
                capture_output=True,
                timeout=timeout + 5,
                creationflags=0x08000000,
                check=False,
            )
        steps: tuple[tuple[str, float], ...] = (("kill", 10.0),)
    else:
        steps = (("INT", timeout), ("QUIT", 10.0), ("kill", 10.0))
    for step, patience in steps:
        with contextlib.suppress(psutil.Error):
            if step == "kill":
                process.kill()
            else:
                process.send_signal(getattr(signal, f"SIG{step}"))
        if wait_until(lambda: not _alive(process), timeout=patience):
            return
