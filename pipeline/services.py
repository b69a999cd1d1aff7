"""State files of local services that are started on demand: the embedded database and the sandbox.

A service is known by a small JSON file: process id, creation time of that process, a nonce that the service must
answer with, and data of its own.  A stale file never leads to a foreign process: the process id and the creation
time must both agree, so a port or a process id that somebody else got meanwhile is not taken for the service.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ServiceError
from pipeline.private.environment import without_secrets
from pipeline.private.files import read_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

WINDOWS = os.name == "nt"
# Flags of Windows' CreateProcess; named here because the subprocess module has them on Windows only.
_NEW_PROCESS_GROUP = 0x00000200
_NO_WINDOW = 0x08000000
_BREAKAWAY_FROM_JOB = 0x01000000
# The same process is asked by different programs, which may round differently.
_CREATED_TOLERANCE_S = 0.05


@dataclass(frozen=True)
class ServiceState:
    """What a running service wrote about itself.

    Parameters
    ----------
    kind
        Which service, such as ``"postgresql"`` or ``"sandbox"``.
    pid
        Process id of the service.
    created
        When that process began, as ``process_created`` tells it (seconds).
    nonce
        Random text that the service must answer with before anything secret is sent to it.
    data
        What clients need to know, such as addresses.
    """

    kind: str
    pid: int
    created: float
    nonce: str
    data: dict[str, Any] = field(default_factory=dict)


def new_state(kind: str, data: dict[str, Any], *, pid: int | None = None) -> ServiceState:
    """Describe a running process (this one by default) with a fresh nonce.

    Raises
    ------
    ServiceError
        The process does not exist.
    """
    pid = os.getpid() if pid is None else pid
    created = process_created(pid)
    if created is None:
        raise ServiceError(f"The {kind} service (process {pid}) ended while it was starting.", remedy="Start it again.")
    return ServiceState(kind=kind, pid=pid, created=created, nonce=secrets.token_urlsafe(24), data=data)


def process_created(pid: int) -> float | None:
    """Tell when a live process began, in seconds; None when there is no such process (or only its zombie).

    The number serves to tell a process from a later one with its id.  On Linux it counts from boot: there the time
    since 1970 changes for all processes when somebody sets the clock.
    """
    return _since_boot(pid) if sys.platform == "linux" else _since_1970(pid)


def _since_1970(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except (psutil.Error, ValueError, OverflowError, OSError):
        return None


def _since_boot(pid: int) -> float | None:
    try:
        # The name of the program, in parentheses, may itself hold blanks and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (IndexError, ValueError, OSError):
        return None


def is_alive(state: ServiceState) -> bool:
    """Tell whether the very process of the state still runs (not merely one with its number)."""
    return is_process(state.pid, state.created)


def is_process(pid: int, created: float) -> bool:
    """Tell whether the process that began at ``created`` still runs under its id."""
    now = process_created(pid)
    return now is not None and abs(now - created) <= _CREATED_TOLERANCE_S


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read: whole or not at all, even when killed half-way.

    Raises
    ------
    ServiceError
        The folder cannot be written, or the disk is full.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp creates with mode 0600: the content is at no instant readable by others.
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        _replace(Path(temporary), path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise ServiceError(
            f"Cannot write {path}: {error.strerror or error}.", remedy="Check the folder's permissions and free space."
        ) from error


def _replace(source: Path, target: Path) -> None:
    """Rename over the target; Windows refuses for a moment while somebody reads the target."""
    for attempt in range(20):
        try:
            source.replace(target)
        except PermissionError:
            if not WINDOWS or attempt == 19:
                raise
            time.sleep(0.02)
        else:
            return


def write_state(path: Path, state: ServiceState) -> None:
    """Write the state file atomically, mode 0600.

    Raises
    ------
    ServiceError
        The folder cannot be written, or the disk is full.
    """
    write_private(path, json.dumps(asdict(state), indent=1).encode())


def read_raw_state(path: Path) -> ServiceState | None:
    """Read a state file without asking whether its process lives; None when missing or not a state file.

    Raises
    ------
    ServiceError
        The file may not be read, is another user's, or others can read or change it.
    """
    try:
        raw = json.loads(read_private(path))
        return ServiceState(
            kind=str(raw["kind"]),
            pid=int(raw["pid"]),
            created=float(raw["created"]),
            nonce=str(raw["nonce"]),
            data=dict(raw["data"]),
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ServiceError(
            f"Cannot read {path}: {error.strerror or error}.",
            remedy="Check who owns the folder; a service belongs to the user who started it.",
        ) from error
    except (ValueError, KeyError, TypeError):
        # A file that is no state tells us nothing about a running service.
        return None


def read_state(path: Path) -> ServiceState | None:
    """Read the state of a running service; None when there is no file or its process is gone.

    Raises
    ------
    ServiceError
        The file exists and may not be read.
    """
    state = read_raw_state(path)
    return state if state is not None and is_alive(state) else None


def remove_state(path: Path) -> None:
    """Remove a state file if it is there."""
    with contextlib.suppress(OSError):
        path.unlink()


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    group: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a background process that outlives this one, its terminal and its Ctrl-C.

    Parameters
    ----------
    argv
        Program and arguments.
    log
        File that receives what the process prints (appended, mode 0600).
    env, cwd
        Environment and working folder; by default those of this process (the folder of the log as working folder, so
        that no drive is held busy).  Secrets are left out of the environment: a server lives on with what it is given.
    user, group
        Run as this user and group (only as root on POSIX).

    Raises
    ------
    ServiceError
        The program cannot be started or the log cannot be written.
    """
    options: dict[str, Any] = {}
    if WINDOWS:
        options["creationflags"] = _NEW_PROCESS_GROUP | _NO_WINDOW | _BREAKAWAY_FROM_JOB
    else:
        options["start_new_session"] = True
        if user is not None:
            options.update(user=user, group=group, extra_groups=[])
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return _popen(argv, handle, options, env=env, cwd=cwd or log.parent)
        finally:
            os.close(handle)
    except OSError as error:
        raise ServiceError(
            f"Cannot start {argv[0]}: {error.strerror or error}.",
            remedy=f"Check that the program exists and that {log.parent} can be written.",
        ) from error


def _popen(
    argv: Sequence[str], log: int, options: dict[str, Any], *, env: Mapping[str, str] | None, cwd: Path
) -> subprocess.Popen[bytes]:
    arguments: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": subprocess.STDOUT,
        "env": without_secrets(os.environ if env is None else env),
        "cwd": cwd,
        "close_fds": True,
    }
    try:
        return subprocess.Popen(list(argv), **arguments, **options)
    except PermissionError:
        if not WINDOWS:
            raise
        # A job object may forbid breaking away (some CI runners and remote shells): stay in the job then.
        options["creationflags"] &= ~_BREAKAWAY_FROM_JOB
        return subprocess.Popen(list(argv), **arguments, **options)


@contextlib.contextmanager
def lock(path: Path, *, timeout: float = 60.0) -> Iterator[None]:
    """Hold an exclusive lock between processes; the system frees it when its holder dies.

    Parameters
    ----------
    path
        The lock file (created, mode 0600, never removed: removing a lock file is a race).
    timeout
        How long to wait, in seconds.

    Raises
    ------
    ServiceError
        Another process held the lock all that time, or the file cannot be written.
    """
    import filelock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        holder = filelock.FileLock(path, timeout=timeout, mode=0o600)
        holder.acquire()
    except filelock.Timeout as error:
        raise ServiceError(
            f"Another process has held {path} for {timeout:.0f} s.",
            remedy="Wait until it is done; if no mapshell runs, remove that file.",
        ) from error
    except OSError as error:
        raise ServiceError(
            f"Cannot lock {path}: {error.strerror or error}.", remedy="Check who owns the folder and its free space."
        ) from error
    try:
        yield
    finally:
        holder.release()


def wait_until(condition: Callable[[], object], *, timeout: float, step: float = 0.02) -> bool:
    """Ask ``condition()`` until it is true or ``timeout`` seconds are over; the steps grow to 0.2 s."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(step)
        step = min(step * 1.5, 0.2)
    return True
