"""What people allowed: consents as a forest, each below the consent for the scope that depends on it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from mapshell.sandbox import constants

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from mapshell.sandbox.database import Database
    from mapshell.sandbox.scopes import ScopeNode


class Consents:
    """Consents in the sandbox's database.

    A consent hangs in the tree of the application that asked the person (``root_client``); its ``path`` is the JSON
    list of the consents above it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(
        self,
        connection: sqlite3.Connection,
        client_id: str,
        identity_id: str,
        nodes: Iterable[ScopeNode],
        *,
        offline: bool,
        server_of: Callable[[str], str],
    ) -> None:
        """Note what a person allowed an application, all levels; what was allowed before stays."""

        def note(nodes: Iterable[ScopeNode], user: str, parents: tuple[int, ...]) -> None:
            for node in nodes:
                key = (client_id, identity_id, node.name, json.dumps(parents))
                now = time.time()
                connection.execute(
                    "INSERT INTO consents"
                    " (root_client, identity_id, scope, path, client, refresh, optional, created, updated, used)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (root_client, identity_id, scope, path)"
                    " DO UPDATE SET refresh = max(refresh, excluded.refresh), used = excluded.used",
                    (*key, user, int(offline), int(node.optional), now, now, now),
                )
                row = connection.execute(
                    "SELECT id FROM consents WHERE root_client = ? AND identity_id = ? AND scope = ? AND path = ?", key
                ).fetchone()
                # A consent for a dependency belongs to the service that will use it, not to the application.
                note(node.dependencies, client_of(server_of(node.name)), (*parents, row["id"]))

        note(nodes, client_id, ())

    def given(self, identity_id: str, client_id: str | None) -> list[sqlite3.Row]:
        """All consents of an identity, of one client or (None) of all."""
        if client_id is None:
            return self._database.rows("SELECT * FROM consents WHERE identity_id = ? ORDER BY id", (identity_id,))
        return self._database.rows(
            "SELECT * FROM consents WHERE identity_id = ? AND root_client = ? ORDER BY id", (identity_id, client_id)
        )

    def find(self, root_client: str, identity_id: str, scope: str, parents: Sequence[int]) -> sqlite3.Row | None:
        """Return the consent for a scope right below ``parents``, None without one."""
        return self._database.row(
            "SELECT * FROM consents WHERE root_client = ? AND identity_id = ? AND scope = ? AND path = ?",
            (root_client, identity_id, scope, json.dumps(list(parents))),
        )

    def below(self, root_client: str, identity_id: str, parents: Sequence[int]) -> list[sqlite3.Row]:
        """Return the consents right below ``parents``."""
        return self._database.rows(
            "SELECT * FROM consents WHERE root_client = ? AND identity_id = ? AND path = ? ORDER BY id",
            (root_client, identity_id, json.dumps(list(parents))),
        )

    def withdraw(self, scope: str | None = None, *, identity_id: str | None = None) -> int:
        """Delete consents, of one scope and person or (None) all, with what hangs below them; returns how many."""
        with self._database.write() as connection:
            gone = {
                row["id"]
                for row in connection.execute(
                    "SELECT id FROM consents WHERE scope = coalesce(?, scope)"
                    " AND identity_id = coalesce(?, identity_id)",
                    (scope, identity_id),
                )
            }
            for row in connection.execute("SELECT id, path FROM consents ORDER BY id").fetchall():
                if gone & set(json.loads(row["path"])):
                    gone.add(row["id"])
            connection.executemany("DELETE FROM consents WHERE id = ?", [(each,) for each in gone])
        return len(gone)


def client_of(resource_server: str) -> str:
    """Return the client id of a service; those of collections and applications are their own."""
    return constants.TRANSFER_CLIENT_ID if resource_server == constants.TRANSFER_SERVER else resource_server
