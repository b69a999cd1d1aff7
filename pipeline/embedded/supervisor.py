"""The process beside the embedded PostgreSQL: starts it, watches it, stops it when nobody uses it.

Run by ``pipeline.embedded`` with the folder and the idle time; prints to its log only.  The server ends when

- somebody asked for it (``embedded.stop`` ends the server itself; the supervisor then follows),
- no client has been connected for the idle time,
- the folder, or the state file in it, is gone (a deleted demo),
- the supervisor is told to end, or, on Linux, is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.embedded import cluster as embedded_cluster
from pipeline.embedded import process as embedded_process
from pipeline.embedded import programs as embedded_programs
from pipeline.embedded.session import Session
from pipeline.errors import MapshellError, ServiceError
from pipeline.services import (
    ServiceState,
    lock,
    new_state,
    process_created,
    read_raw_state,
    remove_state,
    wait_until,
    write_private,
    write_state,
)

if TYPE_CHECKING:
    import psutil

_READY_TIMEOUT_S = 120.0
_START_ATTEMPTS = 6
_LOG_LIMIT_BYTES = 4_000_000


class _ToldToEndError(Exception):
    """The operating system asked the supervisor to end."""


def main() -> None:
    """Entry point of the supervisor process."""
    os.umask(0o077)
    folder, idle_minutes = Path(sys.argv[1]), float(sys.argv[2])
    signal.signal(signal.SIGTERM, _tell_to_end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervisor: Supervisor | None = None
    try:
        supervisor = Supervisor(folder, idle_s=idle_minutes * 60)
        supervisor.start()
    except MapshellError as error:
        if supervisor is not None:
            supervisor.end()
        told = {"message": error.message, "remedy": error.remedy}
        with contextlib.suppress(MapshellError):
            write_private(folder / "failure.json", json.dumps(told).encode())
        sys.exit(1)
    try:
        supervisor.watch()
    except _ToldToEndError:
        supervisor.end()
    finally:
        supervisor.release()


def _tell_to_end(_number: int, _frame: Any) -> None:
    raise _ToldToEndError


class Supervisor:
    """Starts and watches one server."""

    def __init__(self, folder: Path, *, idle_s: float) -> None:
        self.folder = folder
        self.idle_s = idle_s
        self.user = embedded_programs.system_user()
        self.programs = embedded_programs.binaries(self.user)
        self.data = embedded_cluster.prepare_folder(folder, self.user)
        self.port = 0
        self.server: psutil.Process | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self.state: ServiceState | None = None
        self.session = Session(folder)
        self._sync: subprocess.Popen[bytes] | None = None

    # ---- starting

    def start(self) -> None:
        """Bring the server up (or take over a running one) and write the state file."""
        earlier = read_raw_state(self.folder / "state.json")
        is_new = not (self.data / "PG_VERSION").exists()
        embedded_cluster.ensure_cluster(self.folder, self.data, self.programs, self.user)
        if not self._take_over(earlier):
            preferred = int(earlier.data.get("port", 0)) if earlier is not None else 0
            self._launch(preferred)
        self.session.port = self.port
        self.session.ensure_database()
        assert self.server is not None  # noqa: S101 - set by both branches above
        self.state = new_state(
            "postgresql",
            {
                "host": embedded_process.HOST,
                "port": self.port,
                "user": embedded_cluster.ROLE,
                "name": embedded_cluster.DATABASE,
                "data": str(self.data),
                "server_pid": self.server.pid,
                "server_created": process_created(self.server.pid),
            },
        )
        write_state(self.folder / "state.json", self.state)
        write_private(self.folder / "port", str(self.port).encode())
        if is_new:
            self._sync_new_cluster()

    def _take_over(self, earlier: ServiceState | None) -> bool:
        """Go on with a server whose supervisor died; one that does not know our password is replaced."""
        import psycopg2

        server = embedded_process.find_server(self.data, earlier)
        if server is None:
            return False
        pid_file = embedded_process.read_pid_file(self.data)
        if pid_file is not None and pid_file.pid == server.pid:
            self.port = pid_file.port
            with contextlib.suppress(psycopg2.Error):
                self._log_in()
                self.server = server
                return True
        embedded_process.end(server, self.data)
        return False

    def _log_in(self) -> None:
        self.session.port = self.port
        self.session.connect()

    def _launch(self, preferred: int) -> None:
        if not preferred:
            with contextlib.suppress(OSError, ValueError):
                preferred = int((self.folder / "port").read_text("ascii"))
        log = self.folder / "server.log"
        with contextlib.suppress(OSError):
            if log.stat().st_size > _LOG_LIMIT_BYTES:
                log.replace(log.with_suffix(".log.1"))
        reason = ""
        for attempt in range(_START_ATTEMPTS):
            # The earlier port lets clients that live through a restart find the server again.
            reuse = attempt == 0 and preferred and embedded_process.port_is_free(preferred)
            self.port = preferred if reuse else embedded_process.free_port()
            embedded_process.clear_stale_pid_file(self.data)
            begin = log.stat().st_size if log.exists() else 0
            with contextlib.suppress(ServiceError):  # the log tells more
                self.child = embedded_process.launch(self.data, self.programs, self.port, log, self.user)
                if self._becomes_ready():
                    return
            reason = _last_line(log, begin)
            # A port that was taken meanwhile, or processes of a killed server that are still ending.
            time.sleep(0.25 * attempt)
        raise ServiceError(
            f"The embedded database in {self.folder} does not start: {reason or 'no reason given'}",
            remedy=f"Read {log}. If the disk is full, make room and try again.",
        )

    def _becomes_ready(self) -> bool:
        import psutil

        pid_file: embedded_process.PidFile | None = None

        def settled() -> bool:
            nonlocal pid_file
            pid_file = embedded_process.read_pid_file(self.data)
            # The file of a killed server stays until the new one has written its own.
            if pid_file is not None and self.child is not None and pid_file.pid != self.child.pid:
                pid_file = None
            if self.child is not None and self.child.poll() is not None:
                return True
            return pid_file is not None and pid_file.ready

        if not wait_until(settled, timeout=_READY_TIMEOUT_S) or pid_file is None or not pid_file.ready:
            if self.child is not None and self.child.poll() is None:
                self.child.kill()
                self.child.wait()
            return False
        try:
            self.server = psutil.Process(pid_file.pid)
        except psutil.Error:
            return False
        return True

    def _sync_new_cluster(self) -> None:
        """Write the files of a new cluster through to the disk; nobody waits for it."""
        options = self.user.options() if self.user is not None else {}
        with contextlib.suppress(OSError):
            self._sync = subprocess.Popen(
                [
                    str(self.programs / "initdb"),
                    "--sync-only",
                    f"--pgdata={embedded_programs.as_argument(self.data, self.user)}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=embedded_programs.environment(),
                cwd=self.data,
                **options,
            )

    def release(self) -> None:
        """End what was left to run beside the server."""
        if self._sync is not None and self._sync.poll() is None:
            self._sync.kill()
            self._sync.wait()

    # ---- watching

    def watch(self) -> None:
        """Return when the server has ended, for whatever reason."""
        check_s = min(max(self.idle_s / 10, 0.1), 30.0) if self.idle_s > 0 else 30.0
        last_used = next_check = time.monotonic()
        sessions = -1
        while self._server_runs(min(0.5, check_s)):
            state = read_raw_state(self.folder / "state.json")
            if state is None:  # the folder was deleted, or somebody wants the server to end
                self.end()
                return
            if not self._is_ours(state):  # another supervisor took over
                return
            now = time.monotonic()
            if now < next_check:
                continue
            next_check = now + check_s
            connected, total = self.session.use()
            if connected or total != sessions:
                last_used, sessions = now, total
            elif 0 < self.idle_s <= now - last_used and self._end_if_idle(sessions):
                return
        self._forget()

    def _server_runs(self, patience: float) -> bool:
        import psutil

        assert self.server is not None  # noqa: S101 - set by start()
        if self.child is not None:
            try:
                self.child.wait(patience)
            except subprocess.TimeoutExpired:
                return True
            return False
        try:
            self.server.wait(patience)
        except psutil.TimeoutExpired:
            return True
        except psutil.Error:
            return False
        return False

    def _is_ours(self, state: ServiceState | None) -> bool:
        return state is not None and self.state is not None and state.nonce == self.state.nonce

    def _end_if_idle(self, sessions: int) -> bool:
        """Stop unless somebody is just starting to use the server: the starter's lock decides."""
        try:
            with lock(self.folder / "lock", timeout=0.05):
                if self.session.use() != (0, sessions):
                    return False
                self.end()
                return True
        except ServiceError:
            return False

    def end(self) -> None:
        """Stop the server and remove the state file."""
        self._forget()
        if self.server is not None:
            self.session.close()
            embedded_process.end(self.server, self.data)
        if self.child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(5)

    def _forget(self) -> None:
        if self._is_ours(read_raw_state(self.folder / "state.json")):
            remove_state(self.folder / "state.json")


def _last_line(log: Path, begin: int) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(begin)
            lines = stream.read().decode("utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "error" in line.lower()]
    return (telling or lines or [""])[-1].split("] ", 1)[-1]
