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
from mapshell.sandbox.faults import Fault
from mapshell.sandbox.spec import as_spec
from pipeline.errors import MapshellError, ServiceError, UsageError

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
        UsageError
            It was refused, with a remedy.
        ServiceError
            It was refused, or the sandbox is gone.
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
                raise _refusal(method, path, error.code, error.read().decode("utf-8", "replace")) from None
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

    # Realism

    def realism(self) -> dict[str, Any]:
        """Return the settings of :class:`mapshell.sandbox.realism.Realism` that hold."""
        settings: dict[str, Any] = self.call("GET", "/realism")
        return settings

    def set_realism(self, realistic: bool | None = None, **changes: Any) -> dict[str, Any]:
        """Change how much the sandbox is like a service far away, such as ``latency=0.5`` or ``running_tasks=1``.

        With ``realistic`` the changes are of the real service's settings (True) or of none (False), not of those now.
        """
        settings: dict[str, Any] = self.call("PATCH", "/realism", {"realistic": realistic, **changes})
        return settings

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

    def add_faults(self, *faults: Fault | dict[str, Any]) -> list[int]:
        """Put faults in force, all or none; returns their numbers."""
        told = [fault.to_json() if isinstance(fault, Fault) else fault for fault in faults]
        return [int(entry["number"]) for entry in self.call("POST", "/faults", {"faults": told})["faults"]]

    def fault(self, kind: str, **fields: Any) -> int:
        """Put one fault in force, as in ``fault("lie", how="flip", file="*.bin")``; returns its number."""
        return self.add_faults({"kind": kind, **fields})[0]

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults in force: number, fault, how many it met (``seen``) and struck (``fired``)."""
        faults: list[dict[str, Any]] = self.call("GET", "/faults")["faults"]
        return faults

    def fail_requests(
        self, path: str = "*", status: int = 500, count: int | None = 1, *, mode: str = "status", **fields: Any
    ) -> None:
        """Spoil the next ``count`` requests (None: all) of a kind: ``mode`` is the kind of the fault."""
        own = {"status": status, **fields} if mode == "status" else fields
        self.fault(mode, request=path, count=count, **own)

    def fail_tasks(self, action: str, count: int | None = 1, path: str | None = None, **fields: Any) -> None:
        """Spoil the next ``count`` tasks (None: all): ``action`` is the fault's kind, ``path`` a pattern of files."""
        self.fault(action, count=count, **({} if path is None else {"file": path}), **fields)

    def clear_faults(self, *numbers: int) -> int:
        """Forget faults, all or those of the numbers, and mend what they broke; returns how many."""
        query = "?" + urlencode([("number", number) for number in numbers]) if numbers else ""
        return int(self.call("DELETE", "/faults" + query)["cleared"])

    def log(self, cursor: dict[str, Any] | None = None, *, limit: int | None = None) -> dict[str, Any]:
        """Return what happened since a cursor (``entries``, oldest first), and the next ``cursor``."""
        query = {} if limit is None else {"limit": limit}
        answer: dict[str, Any] = self.call("GET", "/log?" + urlencode({"cursor": json.dumps(cursor or {}), **query}))
        return answer

    # Tasks

    def tasks(self) -> list[dict[str, Any]]:
        """Return all tasks of everybody as task documents, newest first."""
        tasks: list[dict[str, Any]] = self.call("GET", "/tasks")["tasks"]
        return tasks

    def control_task(self, task_id: str, action: str, **settings: Any) -> None:
        """Do something to a task: ``hold``, ``pause``, ``inactive``, ``release``, ``cancel``, ``fail``, ``expire``."""
        self.call("POST", f"/tasks/{task_id}", {"action": action, **settings})

    # Login

    def expire_tokens(self, kind: str | None = "access", *, identity: str | None = None) -> int:
        """Let tokens of a kind (``access``, ``refresh``, None: both), of a person or all, expire; returns how many."""
        return int(self.call("POST", "/tokens", {"how": "expire", "kind": kind, "identity": identity})["changed"])

    def revoke_tokens(self, kind: str | None = None, *, identity: str | None = None) -> int:
        """Revoke all tokens of a kind (None: both) of a person, or all; returns how many."""
        return int(self.call("POST", "/tokens", {"how": "revoke", "kind": kind, "identity": identity})["changed"])

    def withdraw_consents(self, scope: str | None = None, *, identity: str | None = None) -> int:
        """Withdraw the consents of one scope, or all, of a person, or of everybody."""
        chosen = {"scope": scope, "identity": identity}
        query = urlencode({name: value for name, value in chosen.items() if value is not None})
        return int(self.call("DELETE", "/consents?" + query)["changed"])

    def expire_sessions(self) -> int:
        """Let every proof of who somebody is be as old as time itself; returns how many.

        Tokens stay alive; collections that demand a fresh session refuse them until the next login.
        """
        return int(self.call("DELETE", "/sessions")["changed"])

    def add_identity(self, username: str, *, linked_to: str | None = None) -> dict[str, Any]:
        """Create a person who can log in, or a second identity of the person ``linked_to`` (username or id)."""
        identity: dict[str, Any] = self.call("POST", "/identities", {"username": username, "linked_to": linked_to})
        return identity

    def add_client(self, client_id: str, secret: str, **settings: list[str]) -> None:
        """Register a confidential client.

        Parameters
        ----------
        client_id, secret
            What it shows.
        settings
            ``scopes``: names of the scopes that it offers as a service.  ``redirects``: addresses that its logins may
            lead back to, beside servers on this computer.
        """
        self.call("POST", "/clients", {"id": client_id, "secret": secret, **settings})

    def stop(self) -> None:
        """Ask the sandbox to end."""
        self.call("POST", "/stop")


def _refusal(method: str, path: str, status: int, text: str) -> MapshellError:
    """Return the error that the admin API told, in its own words."""
    try:
        document = json.loads(text)
        message = str(document["message"])
    except (ValueError, KeyError, TypeError):
        return ServiceError(f"{method} {path}: {status} {text[:200]}", remedy="Read the sandbox's log.")
    if "remedy" in document:
        return UsageError(message, remedy=str(document["remedy"]))
    return ServiceError(f"{method} {path}: {message}.", remedy="Check the arguments.")
