"""Starting, finding and stopping the sandbox of a folder.  Nothing here starts on import."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.client import SandboxAdmin
from mapshell.sandbox.consent import code_from_page as consent
from mapshell.sandbox.consent import opener
from mapshell.sandbox.listening import LOOPBACK, check_listen, is_loopback
from mapshell.sandbox.realism import Realism, chosen
from mapshell.sandbox.server import FAILURE_NAME, LOG_NAME, STATE_NAME, Arguments
from mapshell.sandbox.spec import CollectionSpec, as_spec, check_folder, check_id
from mapshell.sandbox.unserved import OTHER_SERVICES
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
    write_private,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CollectionSpec", "SandboxAdmin", "SandboxInfo", "consent", "start", "status", "stop"]

START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0
_ARGUMENTS_NAME = "arguments.json"


@dataclass(frozen=True)
class SandboxInfo:
    """How to reach a running sandbox."""

    folder: Path
    auth_url: str
    transfer_url: str
    port: int
    pid: int
    nonce: str = field(repr=False)
    admin_token: str = field(repr=False)

    @property
    def admin_url(self) -> str:
        """Base URL of the admin API."""
        return self.auth_url.removesuffix(constants.AUTH_PREFIX) + constants.ADMIN_PREFIX

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that point any program built on a Globus SDK at the sandbox."""
        base = self.auth_url.removesuffix(constants.AUTH_PREFIX)
        return {
            "GLOBUS_SDK_SERVICE_URL_AUTH": self.auth_url,
            "GLOBUS_SDK_SERVICE_URL_TRANSFER": self.transfer_url,
            # Not served, and said so here: a token of the sandbox has no business at the real services.
            **{f"GLOBUS_SDK_SERVICE_URL_{name.upper()}": f"{base}/{name}" for name in OTHER_SERVICES if name != "gcs"},
        }

    @property
    def admin(self) -> SandboxAdmin:
        """Client of the admin API."""
        return SandboxAdmin(self)


def _resolved(folder: Path | str) -> Path:
    return Path(folder).expanduser().absolute()


def _info(folder: Path, state: ServiceState) -> SandboxInfo:
    return SandboxInfo(
        folder=folder,
        auth_url=str(state.data["auth_url"]),
        transfer_url=str(state.data["transfer_url"]),
        port=int(state.data["port"]),
        pid=state.pid,
        nonce=state.nonce,
        admin_token=str(state.data["admin_token"]),
    )


def _state(folder: Path) -> ServiceState | None:
    """Return the state of what runs in a folder; a sandbox whose folder was moved here is about to end."""
    state = read_state(folder / STATE_NAME)
    try:
        return state if state is None or folder.samefile(state.data["folder"]) else None
    except (OSError, KeyError):
        return None


def _answers(info: SandboxInfo) -> bool:
    """Ask for the nonce: whoever took the port meanwhile does not know it."""
    try:
        with opener().open(info.auth_url + "/nonce", timeout=10) as answer:
            return bool(answer.read().decode("ascii", "replace") == info.nonce)
    except OSError:
        return False


def status(folder: Path | str) -> SandboxInfo | None:
    """Return how to reach the running sandbox of a folder; None when none runs."""
    folder = _resolved(folder)
    state = _state(folder)
    if state is None or state.kind != "sandbox":
        return None
    info = _info(folder, state)
    return info if _answers(info) else None


def start(
    folder: Path | str,
    collections: Mapping[str, Path | str | CollectionSpec] | None = None,
    *,
    port: int = 0,
    idle_minutes: float | None = None,
    clients: Mapping[str, str] | None = None,
    realism: Mapping[str, Any] | None = None,
    listen: str = LOOPBACK,
    consented: bool = False,
    timeout: float = START_TIMEOUT_S,
) -> SandboxInfo:
    """Start the sandbox of a folder unless it runs.

    Parameters
    ----------
    folder
        Where it keeps its state; created when missing.
    collections
        Collections by UUID.  They are remembered: a later start needs none.  A running sandbox takes them up.
    port
        Port to listen on; 0: the one of last time if it is free, else any free one.
    idle_minutes
        Stop by itself after so many minutes without use; 0: never; None: as at the last start, else never.
    clients
        Confidential clients to register: id and secret.
    realism
        Changes of the settings of :class:`mapshell.sandbox.realism.Realism`, and ``realistic``: true for those of the
        real service, false for none.  They are remembered too.
    listen, consented
        Address to listen on.  Another than this computer's own needs ``consented``: anybody who reaches it can do
        anything to the collections.
    timeout
        How long the start may take, in seconds.

    Raises
    ------
    ServiceError
        It cannot be started; the message says why.
    UsageError
        A collection's id is no UUID, its path is a file, a setting cannot be, or nobody has consented.
    """
    folder = _resolved(folder)
    specs = {
        check_id(name, "Make one: str(uuid.uuid4())"): check_folder(as_spec(spec))
        for name, spec in (collections or {}).items()
    }
    chosen(Realism(), realism or {})
    check_listen(listen, consented=consented)
    info = status(folder)
    if info is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ServiceError(
                f"Cannot create {folder} for the sandbox: {error.strerror or error}.",
                remedy="Check the permissions there, or choose another folder.",
            ) from error
        with lock(folder / "start.lock", timeout=timeout):
            info = status(folder)
            if info is None:
                arguments = Arguments(folder, specs, port, idle_minutes, clients, realism, listen, consented)
                info, ours = _spawn(folder, arguments, timeout)
                if ours:
                    return info
    if port and port != info.port:
        raise ServiceError(
            f"The sandbox of {folder} runs on port {info.port} already, not on {port}.",
            remedy=f"Use it as it is, or stop it first: mapshell sandbox stop --root {folder}",
        )
    for collection_id, spec in specs.items():
        info.admin.put_collection(collection_id, spec)
    if not is_loopback(listen):
        raise ServiceError(
            f"The sandbox of {folder} runs already, for those whom it was started for.",
            remedy=f"Stop it first: mapshell sandbox stop --root {folder}",
        )
    for client_id, secret in (clients or {}).items():
        info.admin.add_client(client_id, secret)
    if realism:
        info.admin.set_realism(**realism)
    return info


def _spawn(folder: Path, arguments: Arguments, timeout: float) -> tuple[SandboxInfo, bool]:
    """Start a process; answers who serves the folder now, and whether that is this process."""
    failure, log = folder / FAILURE_NAME, folder / LOG_NAME
    remove_state(failure)
    # In a private file: a secret on a command line could be read by everybody on this computer.
    given = folder / _ARGUMENTS_NAME
    write_private(given, json.dumps(arguments.to_json()).encode())
    root = str(Path(__file__).resolve().parent.parent.parent)
    code = f"import sys; sys.path.insert(0, {root!r}); from mapshell.sandbox.server import main; main()"
    process = spawn([sys.executable, "-X", "utf8", "-c", code, str(given)], log=log, cwd=folder)

    def settled() -> bool:
        return _state(folder) is not None or process.poll() is not None

    try:
        if not wait_until(settled, timeout=timeout):
            process.kill()
            process.wait()
            raise ServiceError(f"The sandbox did not start within {timeout:.0f} s.", remedy=f"Read {log}.")
    finally:
        remove_state(given)
    state = _state(folder)
    if state is None:
        raise _failure(folder)
    ours = state.pid == process.pid
    if ours:
        # The service outlives us: its end is nobody's to wait for.
        process.returncode = 0
    else:
        # Somebody started one in the foreground meanwhile: theirs holds the lock of the folder.
        process.kill()
        process.wait()
    return _info(folder, state), ours


def _failure(folder: Path) -> ServiceError:
    try:
        told = json.loads((folder / FAILURE_NAME).read_text("utf-8"))
        return ServiceError(str(told["message"]), remedy=str(told["remedy"]))
    except (OSError, ValueError, KeyError, TypeError):
        last = ""
        with contextlib.suppress(OSError, IndexError):
            last = ": " + (folder / LOG_NAME).read_text("utf-8", errors="replace").strip().splitlines()[-1]
        return ServiceError(f"The sandbox in {folder} could not be started{last}", remedy=f"Read {folder / LOG_NAME}.")


def stop(folder: Path | str) -> bool:
    """Stop the sandbox of a folder; its state stays.  Tells whether one was running."""
    folder = _resolved(folder)
    state = read_raw_state(folder / STATE_NAME)
    if state is None or not is_alive(state):
        remove_state(folder / STATE_NAME)
        return False
    # A process that hangs, or was never asked properly, is ended: its state on disk survives that.
    with contextlib.suppress(ServiceError, KeyError):
        SandboxAdmin(_info(folder, state)).stop()
    if not wait_until(lambda: process_created(state.pid) is None, timeout=_STOP_TIMEOUT_S):
        _kill(state)
    remove_state(folder / STATE_NAME)
    return True


def _kill(state: ServiceState) -> None:
    import psutil

    with contextlib.suppress(psutil.Error):
        if is_alive(state):
            process = psutil.Process(state.pid)
            process.kill()
            process.wait(timeout=_STOP_TIMEOUT_S)
