"""The sandbox as a process: lock, port, state file, HTTP server, end when idle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.constants import AUTH_PREFIX, TRANSFER_PREFIX
from mapshell.sandbox.listening import LOOPBACK, Names, check_listen, listen
from mapshell.sandbox.realism import chosen
from mapshell.sandbox.spec import CollectionSpec, as_spec
from pipeline.errors import MapshellError, ServiceError
from pipeline.services import lock, new_state, read_raw_state, remove_state, write_private, write_state

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from mapshell.sandbox.core import Core

STATE_NAME = "state.json"
RUN_LOCK_NAME = "run.lock"
FAILURE_NAME = "failure.json"
LOG_NAME = "sandbox.log"
_WATCH_STEP_S = 0.5
_PATIENCE_S = 15.0


@dataclass(frozen=True)
class Arguments:
    """What a sandbox process is told at its start.

    Parameters
    ----------
    folder
        Its folder.
    collections
        Collections to add or replace.
    port
        Port to listen on; 0: the one of last time if it is free, else any.
    idle_minutes
        Stop after so many minutes without a request or moving bytes; 0: never; None: as last time, else never.
    clients
        Confidential clients to register: id and secret.
    realism
        Changes of the settings of :class:`mapshell.sandbox.realism.Realism`, which are remembered.
    listen
        Address to listen on.
    consented
        Whether somebody has said that other computers may use it.
    """

    folder: Path
    collections: Mapping[str, CollectionSpec]
    port: int = 0
    idle_minutes: float | None = None
    clients: Mapping[str, str] | None = None
    realism: Mapping[str, Any] | None = None
    listen: str = LOOPBACK
    consented: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "folder": str(self.folder),
            "collections": {name: spec.to_json() for name, spec in self.collections.items()},
            "port": self.port,
            "idle_minutes": self.idle_minutes,
            "clients": dict(self.clients or {}),
            "realism": dict(self.realism or {}),
            "listen": self.listen,
            "consented": self.consented,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Arguments:
        """Read what :meth:`to_json` wrote."""
        return cls(
            folder=Path(data["folder"]),
            collections={name: CollectionSpec.from_json(spec) for name, spec in data["collections"].items()},
            port=int(data["port"]),
            idle_minutes=data["idle_minutes"],
            clients=data["clients"],
            realism=data["realism"],
            listen=data["listen"],
            consented=data["consented"],
        )


def serve(
    arguments: Arguments, ready: Callable[[Mapping[str, Any]], None] | None = None, *, patience: float = 0.5
) -> None:
    """Run a sandbox in this process until it is told to stop.

    Parameters
    ----------
    arguments
        What it is told.
    ready
        Called, with the data of the state file, once it answers.
    patience
        How long to wait for another sandbox of the folder to end, in seconds.

    Raises
    ------
    ServiceError
        Another sandbox runs in the folder, or the port is in use.
    UsageError
        It was told to listen for other computers without a word that they may use it, or a setting cannot be.
    """
    check_listen(arguments.listen, consented=arguments.consented)
    with contextlib.ExitStack() as stack:
        try:
            # Held as long as the process lives: one folder, one service.
            stack.enter_context(lock(arguments.folder / RUN_LOCK_NAME, timeout=patience))
        except ServiceError as error:
            raise ServiceError(
                f"A sandbox runs in {arguments.folder} already.",
                remedy=f"Use it as it is, or stop it first: mapshell sandbox stop --root {arguments.folder}",
            ) from error
        _serve_locked(arguments, ready)


def _serve_locked(arguments: Arguments, ready: Callable[[Mapping[str, Any]], None] | None) -> None:
    import uvicorn

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.front import Front
    from mapshell.sandbox.meter import Road

    folder, admin_token = arguments.folder, secrets.token_urlsafe(24)
    state = new_state("sandbox", {})
    try:
        core = Core(folder, nonce=state.nonce, admin_token=admin_token)
    except (sqlite3.DatabaseError, ValueError) as error:
        raise ServiceError(
            f"What the sandbox remembers in {folder} cannot be read: {error}.",
            remedy=f"Check the disk; if the file is damaged, delete {folder} and log in again (the collections' own "
            "folders are not touched).",
        ) from error
    core.names = Names(arguments.listen)
    listener = listen(arguments.port, int(core.database.meta("port") or 0), arguments.listen)
    port = int(listener.getsockname()[1])
    core.base_url = f"http://{core.names.host}:{port}"
    local = f"http://{core.names.local}:{port}"
    idle_minutes = _remember(core, arguments, port)
    front = Front(Road(_application(core), core), core)
    server = uvicorn.Server(
        uvicorn.Config(
            front, log_level="warning", access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=2
        )
    )

    def stop() -> None:
        server.should_exit = True

    core.request_stop = stop
    core.engine.start()
    state.data.update(
        auth_url=local + AUTH_PREFIX,
        transfer_url=local + TRANSFER_PREFIX,
        admin_token=admin_token,
        port=port,
        folder=str(folder),
    )
    state_file = folder / STATE_NAME

    def announce() -> None:
        write_state(state_file, state)
        if ready is not None:
            ready(state.data)

    def ours() -> bool:
        try:
            found = read_raw_state(state_file)
        except ServiceError:  # it cannot be read just now
            return True
        return found is not None and found.nonce == state.nonce

    def over() -> bool:
        # Without its state file nobody finds this process any more: it must not stay behind a folder that was deleted,
        # or deleted and made anew.
        return not ours() or bool(idle_minutes and front.idle_seconds > idle_minutes * 60)

    try:
        asyncio.run(_run(server, listener, announce, over))
    finally:
        if ours():
            remove_state(state_file)
        core.engine.stop()
        listener.close()


def _remember(core: Core, arguments: Arguments, port: int) -> float:
    """Keep what a later start without arguments needs; returns the idle minutes that hold now (0: never)."""
    core.database.set_meta("port", str(port))
    for collection_id, spec in arguments.collections.items():
        core.collections.put(collection_id, as_spec(spec))
    for client_id, secret in (arguments.clients or {}).items():
        core.accounts.add_client(client_id, secret)
    if arguments.realism:
        core.set_realism(chosen(core.realism, arguments.realism))
    if arguments.idle_minutes is not None:
        core.database.set_meta("idle_minutes", str(arguments.idle_minutes))
    return float(core.database.meta("idle_minutes") or 0)


def _application(core: Core) -> Any:
    from starlette.applications import Starlette

    from mapshell.sandbox import admin_routes, https_routes, identity_routes, oauth_routes, transfer_routes

    parts = (oauth_routes, identity_routes, transfer_routes, https_routes, admin_routes)
    return Starlette(routes=[each for part in parts for each in part.routes(core)])


async def _run(server: Any, listener: socket.socket, ready: Callable[[], None], over: Callable[[], bool]) -> None:
    async def watch() -> None:
        try:
            while not server.started and not server.should_exit:
                await asyncio.sleep(0.005)
            # Only now: whoever reads the state file finds a server that answers.
            await asyncio.to_thread(ready)
            while not server.should_exit:
                await asyncio.sleep(_WATCH_STEP_S)
                # Asked twice: a file that is just being replaced is not gone.
                if over() and over():
                    break
        finally:
            server.should_exit = True

    watcher = asyncio.create_task(watch())
    await server.serve(sockets=[listener])
    watcher.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watcher


def main() -> None:
    """Entry point of the background process: arguments as JSON on the command line's only argument."""
    arguments = Arguments.from_json(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    try:
        serve(arguments, patience=_PATIENCE_S)
    except MapshellError as error:
        failure = {"message": error.message, "remedy": error.remedy}
        write_private(arguments.folder / FAILURE_NAME, json.dumps(failure).encode())
        raise SystemExit(1) from error
