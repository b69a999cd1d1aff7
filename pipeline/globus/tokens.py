"""What stays on disk between runs: tokens, and what was learnt about collections.

Tokens lie in the SDK's SQLite storage, one file for all realms (real services, sandboxes), each under its own
namespace.  The file is its owner's alone, or it is refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError, LocalDiskError, ServiceError
from pipeline.services import lock, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from globus_sdk.token_storage import SQLiteTokenStorage

_BUSY_S = 30.0  # another process may be storing a fresh token


def namespace(realm: str, client_id: str, *, unattended: bool) -> str:
    """Return the name under which the tokens of one client at one service are kept."""
    return f"{realm}|{client_id.lower()}|{'client' if unattended else 'user'}"


def open_store(file: Path, name: str) -> SQLiteTokenStorage:
    """Open the token file, made when missing; close it when done.

    Raises
    ------
    ConfigError
        Others can read the file, or it is damaged.
    LocalDiskError
        It cannot be made, read or written.
    """
    from globus_sdk.token_storage import SQLiteTokenStorage

    with _told(file):
        if not file.exists():
            _create(file)
        _check_private(file)
        # One connection serves all threads: the manager holds a lock around every use.
        store = SQLiteTokenStorage(
            file, connect_params={"check_same_thread": False, "timeout": _BUSY_S}, namespace=name
        )
        try:
            store.get_token_data_by_resource_server()
        except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
            store.close()
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise
            raise ConfigError(
                f"The file with the Globus tokens is damaged: {file} ({error}).",
                remedy=f"delete {file}, then run: mapshell login",
            ) from error
    return store


@contextlib.contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.OperationalError, ServiceError) as error:
        cause = getattr(error, "strerror", None) or getattr(error, "message", None) or error
        raise LocalDiskError(
            f"Cannot open the file with the Globus tokens, {file}: {cause}.",
            remedy="check who owns the file and its folder and the free space, or set globus.token_file.",
        ) from error


def _create(file: Path) -> None:
    """Make the file whole under another name, then rename: a killed process leaves none or a good one."""
    from globus_sdk.token_storage import SQLiteTokenStorage

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(file.with_name(f"{file.name}.lock")):
        if file.exists():
            return
        # In a folder of its own, mode 0700: at no instant can others open the unfinished file.
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
            fresh = Path(folder) / file.name
            SQLiteTokenStorage(fresh).close()
            fresh.chmod(0o600)
            fresh.replace(file)


def _check_private(file: Path) -> None:
    if os.name == "nt":  # profile folders are private there; modes mean nothing
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"Other users of this computer can read the file with the Globus tokens: {file} (mode {mode:04o}).",
            remedy=f"run: chmod 600 '{file}'; if others may have read it: mapshell logout, then mapshell login",
        )


class Notes:
    """What is known about collections and logins in one namespace; nothing secret, and never needed.

    Reading the kind of a collection needs a login, but asking for all consents in one login needs the kinds: so they
    are remembered.  ``pending`` holds what a service demanded of the next login (a fresh session).
    """

    def __init__(self, token_file: Path, name: str) -> None:
        self._file = token_file.with_name(f"{token_file.stem}-notes.json")
        self._name = name

    def collections(self) -> dict[str, dict[str, Any]]:
        """Return what is known, by lower-case UUID."""
        found = self._read().get("collections")
        return {key: value for key, value in found.items() if isinstance(value, dict)} if found else {}

    def remember(self, endpoint: str, facts: dict[str, Any]) -> None:
        """Note facts about one collection."""
        known = self.collections()
        merged = {**known.get(endpoint, {}), **facts}
        if merged != known.get(endpoint):
            self._write("collections", {**known, endpoint: merged})

    def forget(self) -> None:
        """Forget all collections."""
        self._write("collections", None)

    @property
    def pending(self) -> dict[str, Any] | None:
        """Authorization parameters that the next login must fulfil."""
        return self._read().get("pending")

    @pending.setter
    def pending(self, parameters: dict[str, Any] | None) -> None:
        if parameters != self.pending:
            self._write("pending", parameters)

    def _all(self) -> dict[str, Any]:
        try:
            raw = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return raw if isinstance(raw, dict) else {}

    def _read(self) -> dict[str, Any]:
        own = self._all().get(self._name)
        return {key: value for key, value in own.items() if isinstance(value, dict)} if isinstance(own, dict) else {}

    def _write(self, key: str, value: dict[str, Any] | None) -> None:
        everything = self._all()
        own = {**self._read(), key: value}
        everything[self._name] = {each: content for each, content in own.items() if content is not None}
        # A lost note costs one more question to the service; it must not stop the work.
        with contextlib.suppress(ServiceError):
            write_private(self._file, json.dumps(everything, indent=1).encode())
