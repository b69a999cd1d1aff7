"""Access to a running sandbox's admin API.

Only the standard library is used, so that counting requests does not get in the way of what is counted.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from mapshell.sandbox.consent import opener
from mapshell.sandbox.spec import as_spec
from pipeline.errors import ServiceError

if TYPE_CHECKING:
    from pathlib import Path

    from mapshell.sandbox.service import SandboxInfo
    from mapshell.sandbox.spec import CollectionSpec

_TIMEOUT_S = 30


class SandboxAdmin:
    """The admin API of one sandbox.

    Parameters
    ----------
    info
        What :func:`mapshell.sandbox.service.start` returned.
    """

    def __init__(self, info: SandboxInfo) -> None:
        self._base = info.admin_url
        self._token = info.admin_token

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request and return the JSON answer.

        Raises
        ------
        ServiceError
            It was refused or the sandbox is gone.
        """
        request = urllib.request.Request(  # noqa: S310 - http only
            self._base + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with opener().open(request, timeout=_TIMEOUT_S) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace")
            raise ServiceError(f"{method} {path}: {error.code} {text}", remedy="Check the arguments.") from None
        except OSError as error:
            raise ServiceError(f"The sandbox does not answer: {error}", remedy="Run: mapshell sandbox start") from error

    # Collections

    def put_collection(self, collection_id: str, spec: Path | str | CollectionSpec) -> None:
        """Add a collection or replace its settings."""
        self.call("PUT", f"/collections/{collection_id}", as_spec(spec).to_json())

    def set_collection(self, collection_id: str, **changes: Any) -> None:
        """Change settings of a collection, such as ``offline=True`` or ``quota=1000``."""
        self.call("PATCH", f"/collections/{collection_id}", changes)

    def remove_collection(self, collection_id: str) -> None:
        """Forget a collection."""
        self.call("DELETE", f"/collections/{collection_id}")

    # Counting

    def counts(self) -> dict[str, int]:
        """Return the number of requests since the last reset, by ``"METHOD kind"``; none of the admin's."""
        counts: dict[str, int] = self.call("GET", "/counts")["counts"]
        return counts

    def total(self, prefix: str = "") -> int:
        """Return the number of requests whose kind starts with ``prefix``, such as ``"transfer/"``."""
        return sum(count for name, count in self.counts().items() if name.partition(" ")[2].startswith(prefix))

    def reset_counts(self) -> None:
        """Count from zero."""
        self.call("DELETE", "/counts")

    def requests(self) -> list[dict[str, Any]]:
        """Return the last requests, oldest first: method, kind, path, status (None: no answer), seconds."""
        requests: list[dict[str, Any]] = self.call("GET", "/requests")["requests"]
        return requests

    # Faults

    def fail_requests(self, path: str = "*", status: int = 500, count: int | None = 1, **settings: Any) -> None:
        """Spoil the next ``count`` requests (None: all) of a kind; see :class:`mapshell.sandbox.faults.FaultBook`."""
        self.call("POST", "/faults/requests", {"path": path, "status": status, "count": count, **settings})

    def fail_tasks(self, action: str, count: int | None = 1, **settings: Any) -> None:
        """Spoil the next tasks: ``fail``, ``cancel``, ``hold``, ``pause``, ``inactive``, ``lie``, ``skip``."""
        self.call("POST", "/faults/tasks", {"action": action, "count": count, **settings})

    def clear_faults(self) -> None:
        """Forget all faults for requests and future tasks."""
        self.call("DELETE", "/faults")

    # Tasks

    def tasks(self) -> list[dict[str, Any]]:
        """Return all tasks of everybody as task documents, newest first."""
        tasks: list[dict[str, Any]] = self.call("GET", "/tasks")["tasks"]
        return tasks

    def control_task(self, task_id: str, action: str, **settings: Any) -> None:
        """Do something to a task: ``hold``, ``pause``, ``inactive``, ``release``, ``cancel``, ``fail``, ``expire``."""
        self.call("POST", f"/tasks/{task_id}", {"action": action, **settings})

    # Login

    def expire_tokens(self, kind: str | None = "access") -> int:
        """Let all tokens of a kind (``access``, ``refresh``, None: both) expire; returns how many."""
        return int(self.call("POST", "/tokens", {"how": "expire", "kind": kind})["changed"])

    def revoke_tokens(self, kind: str | None = None) -> int:
        """Revoke all tokens of a kind (None: both); returns how many."""
        return int(self.call("POST", "/tokens", {"how": "revoke", "kind": kind})["changed"])

    def withdraw_consents(self, scope: str | None = None) -> int:
        """Withdraw the consents of one scope, or all."""
        query = "" if scope is None else "?" + urlencode({"scope": scope})
        return int(self.call("DELETE", "/consents" + query)["changed"])

    def add_identity(self, username: str) -> dict[str, Any]:
        """Create a person who can log in."""
        identity: dict[str, Any] = self.call("POST", "/identities", {"username": username})
        return identity

    def add_client(self, client_id: str, secret: str) -> None:
        """Register a confidential client."""
        self.call("POST", "/clients", {"id": client_id, "secret": secret})

    def stop(self) -> None:
        """Ask the sandbox to end."""
        self.call("POST", "/stop")
