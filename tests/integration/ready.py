"""Processes for tests that begin with everything imported: forked from one that is ready, a second sooner than anew.

What runs in them is what a new process would run: its own folder, environment, arguments, standard streams and signals.
Where processes cannot be forked (Windows), they begin anew.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from pipeline import services

# What nearly every command needs; importing reads no environment and connects to nothing.
PRELOADED = (
    "click",
    "globus_sdk",
    "numpy",
    "psycopg2",
    "pymysql",
    "rich.progress",
    "mapshell.cli",
    "mapshell.errors",
    "mapshell.output",
    "mapshell.publishing",
    "pipeline.database",
    "pipeline.discovering",
    "pipeline.globus",
    "pipeline.publication",
    "pipeline.retrieving",
    "pipeline.rounds",
    "pipeline.board.status",
    "pipeline.verifying",
    # What a sandbox is made of.
    "anyio._backends._asyncio",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.serialization",
    "jwt.algorithms",
    "mapshell.sandbox.admin_routes",
    "mapshell.sandbox.core",
    "mapshell.sandbox.front",
    "mapshell.sandbox.https_routes",
    "mapshell.sandbox.identity_routes",
    "mapshell.sandbox.meter",
    "mapshell.sandbox.oauth_routes",
    "mapshell.sandbox.server",
    "mapshell.sandbox.transfer_routes",
    "psutil",
    "starlette.applications",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
)

FORKS = hasattr(os, "fork") and hasattr(socket, "send_fds")

_servers: list[tuple[subprocess.Popen, Path]] = []


def run(code, args, *, cwd, env, timeout, together=False):
    """Run a piece of Python as ``python -c CODE ARGS`` would; return what ``subprocess.run`` returns, with text.

    ``together``: stderr is read in the same stream as stdout.
    """
    if not FORKS:
        return subprocess.run(
            [sys.executable, "-c", code, *args],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if together else subprocess.PIPE,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
    return begin(code, args, cwd=cwd, env=env, together=together).end(timeout)


def begin(code, args, *, cwd, env, together=False):
    """Begin the same and return at once."""
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - Running closes them
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    streams = [out, out if together else err]
    pid = _ask(wire, streams, code=code, args=list(args), cwd=os.fspath(cwd), env=dict(env))
    return Running(["python", "-c", code, *args], pid, wire, out, err)


class Running:
    """A process that was begun; ``end`` waits for it, and must be called."""

    def __init__(self, command, pid, wire, out, err):
        self.command, self.pid = command, pid
        self._wire, self._streams = wire, (out, err)

    def kill(self):
        """Kill it, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self, timeout):
        """Wait for its end and return what ``subprocess.run`` returns; kill it when it takes too long."""
        out, err = self._streams
        with self._wire as wire, out, err:
            wire.settimeout(timeout)
            try:
                (status,) = struct.unpack("!i", _exactly(wire, 4))
            except TimeoutError:
                self.kill()
                raise subprocess.TimeoutExpired(self.command, timeout, *self._texts()) from None
            return subprocess.CompletedProcess(self.command, status, *self._texts())

    def _texts(self):
        texts = []
        for stream in self._streams:
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
        return texts


def spawn(argv, *, log, env=None, cwd=None, user=None, group=None):
    """Start a background process as ``pipeline.services.spawn`` does, which see; forked where it runs Python code."""
    python = [sys.executable, "-X", "utf8", "-c"]
    if not FORKS or list(argv[:4]) != python or user is not None:
        return services.spawn(argv, log=log, env=env, cwd=cwd, user=user, group=group)
    code, *args = argv[4:]
    environ = dict(os.environ if env is None else env)
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as stream:
        return Background(stream, code=code, args=args, cwd=os.fspath(cwd or log.parent), env=environ, own_session=True)


class Background:
    """A forked process that goes on by itself; what starts services needs of ``subprocess.Popen``."""

    def __init__(self, stream, **request):
        self.returncode = None
        self._wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.pid = _ask(self._wire, [stream, stream], **request)

    def __del__(self):
        self._wire.close()

    def poll(self):
        if self.returncode is None and select.select([self._wire], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self):
        if self.returncode is None:
            (self.returncode,) = struct.unpack("!i", _exactly(self._wire, 4))
        return self.returncode

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def _ask(wire, streams, **request):
    """Ask for a process; return its id."""
    wire.connect(_address())
    data = json.dumps(request).encode()
    socket.send_fds(wire, [struct.pack("!I", len(data))], [stream.fileno() for stream in streams])
    wire.sendall(data)
    (pid,) = struct.unpack("!i", _exactly(wire, 4))
    return pid


def _address():
    """Return the address of the process that is ready, begun when it is first needed; it ends with this one."""
    if not _servers:
        address = Path(tempfile.mkdtemp(prefix="mapshell-ready-")) / "wire"
        root = Path(__file__).resolve().parents[2]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("DJ_", "MAPSHELL_"))}
        command = [sys.executable, "-c", "from tests.integration.ready import serve; serve()", str(address)]
        process = subprocess.Popen(
            command, cwd=root, env={**environ, "PYTHONPATH": str(root)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout.readline() == b"ready\n"
        _servers.append((process, address))
        atexit.register(_end)
    return str(_servers[0][1])


def waiting():
    """Return the ids of the processes that are ready; they end with this one."""
    return {process.pid for process, _ in _servers}


def kill_all():
    """Kill whatever was begun, and still runs."""
    import psutil

    for pid in waiting():
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _end():
    for process, _ in _servers:
        process.communicate()  # closing its input is what ends it


def serve():
    """Import, then fork a process for each request, until whoever began us is gone."""
    import gc
    import importlib
    import shutil
    import threading

    address = sys.argv[1]
    for name in PRELOADED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a process with threads must not be forked"
    gc.freeze()  # nothing of this is looked at, and so copied, by those who are forked
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(address)
    door.listen()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever is forked is waited for by nobody here
    while True:
        readable, _, _ = select.select([door, sys.stdin], [], [])
        if sys.stdin in readable:
            shutil.rmtree(Path(address).parent, ignore_errors=True)
            os._exit(0)
        wire, _ = door.accept()
        if os.fork() == 0:
            door.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _one(wire)
            return
        wire.close()


def _one(wire):
    """Fork the process that is asked for, and tell how it ended; returns in that process alone, which then ends."""
    head, streams, _, _ = socket.recv_fds(wire, 4, 2)
    request = json.loads(_exactly(wire, struct.unpack("!I", head)[0]))
    pid = os.fork()
    if pid == 0:
        wire.close()
        _become(request, streams)
        return
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # else whoever reads from the process that is ready waits for this one, too
        os.dup2(nothing, number)
    for each in (nothing, *streams):
        os.close(each)
    wire.sendall(struct.pack("!i", pid))
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        wire.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _become(request, streams):
    if request.get("own_session"):
        os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate([nothing, *streams]):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["-c", *request["args"]]
    sys.path[0] = ""
    names = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        exec(compile(request["code"], "<string>", "exec"), names)
    except SystemExit:
        raise
    except BaseException:  # noqa: BLE001 - told as Python tells it
        traceback.print_exc()
        sys.exit(1)


def _exactly(wire, count):
    data = b""
    while len(data) < count:
        piece = wire.recv(count - len(data))
        if not piece:
            raise ConnectionError("the process that is ready has gone away")
        data += piece
    return data
