"""The collections that a sandbox serves, their documents, and the checks before anyone may touch them."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.spec import CollectionSpec, as_spec, check_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.sandbox.database import Database
    from mapshell.sandbox.tokens import Grant, Tokens


class Collections:
    """Collections in memory, kept in the database so that a restart needs no arguments."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._specs = {
            str(row["id"]): CollectionSpec.from_json(json.loads(row["spec"]))
            for row in database.rows("SELECT * FROM collections ORDER BY rowid")
        }

    def put(self, collection_id: str, spec: CollectionSpec) -> None:
        """Add a collection or replace its settings."""
        collection_id, spec = check_id(collection_id), as_spec(spec)
        with self._lock:
            self._database.execute(
                "INSERT INTO collections VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET spec = excluded.spec",
                (collection_id, json.dumps(spec.to_json())),
            )
            self._specs[collection_id] = spec

    def change(self, collection_id: str, changes: Mapping[str, Any]) -> CollectionSpec:
        """Change some settings of a collection.

        Raises
        ------
        ApiError
            There is no such collection.
        """
        with self._lock:
            spec = self._specs.get(collection_id.lower())
            if spec is None:
                raise _not_found(collection_id)
            changed = spec.changed(changes)
            self.put(collection_id, changed)
        return changed

    def remove(self, collection_id: str) -> None:
        """Forget a collection; its folder stays as it is."""
        with self._lock:
            self._database.execute("DELETE FROM collections WHERE id = ?", (collection_id.lower(),))
            self._specs.pop(collection_id.lower(), None)

    def all(self) -> dict[str, CollectionSpec]:
        """Every collection, also those that are marked as missing."""
        with self._lock:
            return dict(self._specs)

    def peek(self, collection_id: str) -> CollectionSpec | None:
        """Return the settings of a collection as they are now, None when there is none."""
        return self._specs.get(collection_id)

    def get(self, collection_id: str) -> CollectionSpec:
        """Return the settings of a collection.

        Raises
        ------
        ApiError
            ``EndpointNotFound``.
        """
        spec = self._specs.get(collection_id.lower())
        if spec is None or spec.missing:
            raise _not_found(collection_id)
        return spec

    def spend(self, collection_id: str, size: int) -> None:
        """Take written bytes off the quota of a collection that has one."""
        with self._lock:
            spec = self._specs.get(collection_id)
            if spec is not None and spec.quota is not None:
                self.change(collection_id, {"quota": max(0, spec.quota - size)})

    def offers(self, server: str, scope: str) -> bool:
        """Tell whether a collection offers a scope: ``data_access`` only mapped ones do, as at the real service."""
        spec = self._specs.get(server.lower())
        if spec is None or spec.missing:
            return False
        return (scope == "data_access" and spec.mapped) or (scope == "https" and spec.serves_https)


def _not_found(collection_id: str) -> ApiError:
    return ApiError(404, "EndpointNotFound", f"No such endpoint '{collection_id}'")


def require_consent(collection_id: str, spec: CollectionSpec, grant: Grant, tokens: Tokens) -> None:
    """Refuse a mapped collection without the ``data_access`` consent.

    Raises
    ------
    ApiError
        ``ConsentRequired`` with the scopes to ask for.
    """
    # A high-assurance collection asks for a session instead.
    if not spec.mapped or spec.session_demand is not None or tokens.has_data_access(grant, collection_id):
        return
    scope = f"{constants.TRANSFER_ALL}[*{constants.data_access_scope(collection_id)}]"
    raise ApiError(
        403,
        "ConsentRequired",
        "Missing required data_access consent",
        required_scopes=[scope],
        authorization_parameters={
            "session_message": "Missing required data_access consent",
            "required_scopes": [scope],
        },
    )
