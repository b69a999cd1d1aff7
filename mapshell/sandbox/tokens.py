"""Codes, access tokens, refresh tokens and consents.

Only hashes of tokens are stored.  One token is good for one resource server, as at the real service.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants, scopes
from mapshell.sandbox.accounts import digest
from mapshell.sandbox.errors import OAuthError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from mapshell.sandbox.database import Database


@dataclass(frozen=True)
class Grant:
    """What a live access token allows."""

    hash: str
    client_id: str
    identity_id: str
    resource_server: str
    scopes: frozenset[str]
    issued: float
    expires: float


class Tokens:
    """Issues, checks and revokes tokens.

    Parameters
    ----------
    database
        Where they are kept.
    offers
        Asked about a collection: does this id offer a scope of that name?
    """

    def __init__(self, database: Database, offers: Callable[[str, str], bool]) -> None:
        self._database = database
        self._offers = offers

    # Codes -----------------------------------------------------------------------------------------------------

    def check_scope(self, scope: str) -> tuple[scopes.ScopeNode, ...]:
        """Read a scope string and check that each scope exists.

        Raises
        ------
        OAuthError
            A scope is unknown or the string is malformed.
        """
        try:
            nodes = scopes.parse(scope)
            if not scopes.by_resource_server(nodes, self._offers):
                raise OAuthError(400, "invalid_scope", "no scope was requested")
        except scopes.ScopeError as error:
            raise OAuthError(400, "unknown_scope", str(error)) from error
        return nodes

    def new_code(
        self,
        *,
        client_id: str,
        identity_id: str,
        redirect_uri: str,
        scope: str,
        challenge: str | None,
        offline: bool,
        state: str | None,
    ) -> str:
        """Return a code that can be exchanged once, within ten minutes."""
        self.check_scope(scope)
        code = secrets.token_urlsafe(22)
        self._database.execute(
            "INSERT INTO codes (hash, client_id, identity_id, redirect_uri, scope, challenge, offline, state, expires)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                digest(code),
                client_id,
                identity_id,
                redirect_uri,
                scope,
                challenge,
                int(offline),
                state,
                time.time() + constants.CODE_SECONDS,
            ),
        )
        return code

    def redeem(self, *, code: str, client_id: str, redirect_uri: str, verifier: str | None) -> dict[str, Any]:
        """Exchange a code for tokens (PKCE is checked).

        Raises
        ------
        OAuthError
            ``invalid_grant``: unknown, used or late code, another client or redirect, or a verifier that does not fit.
        """
        refused = OAuthError(401, "invalid_grant")
        with self._database.write() as connection:
            row = connection.execute("SELECT * FROM codes WHERE hash = ?", (digest(code),)).fetchone()
            # A code burns with its first use, right or wrong.
            connection.execute("UPDATE codes SET used = 1 WHERE hash = ?", (digest(code),))
        if row is None or row["used"] or row["expires"] < time.time():
            raise refused
        if row["client_id"] != client_id or row["redirect_uri"] != redirect_uri:
            raise refused
        if row["challenge"] and not _verifies(verifier, row["challenge"]):
            raise refused
        document = self.issue(client_id, row["identity_id"], row["scope"], offline=bool(row["offline"]))
        if row["state"] is not None:
            document["state"] = row["state"]
        return document

    # Tokens ----------------------------------------------------------------------------------------------------

    def issue(self, client_id: str, identity_id: str, scope: str, *, offline: bool) -> dict[str, Any]:
        """Make one token for each resource server of ``scope`` and remember the consents.

        Raises
        ------
        OAuthError
            A scope is unknown.
        """
        nodes = self.check_scope(scope)
        groups = scopes.by_resource_server(nodes, self._offers)
        documents = []
        with self._database.write() as connection:
            self._consent(connection, client_id, identity_id, nodes, offline=offline)
            for server, names in groups.items():
                refresh = None
                if offline:
                    refresh = self._store(
                        connection, "refresh", client_id, identity_id, server, names, constants.REFRESH_TOKEN_SECONDS
                    )
                documents.append(self._access(connection, client_id, identity_id, server, names, refresh))
        return {**documents[0], "other_tokens": documents[1:]}

    def refresh(self, token: str, client_id: str) -> dict[str, Any]:
        """Make a new access token from a refresh token.

        Raises
        ------
        OAuthError
            ``invalid_grant``: unknown, expired or revoked, or made for another client.
        """
        row = self._live(token, "refresh")
        if row is None or row["client_id"] != client_id:
            raise OAuthError(400, "invalid_grant")
        with self._database.write() as connection:
            document = self._access(
                connection, client_id, row["identity_id"], row["resource_server"], row["scope"].split(), token
            )
        return {**document, "other_tokens": [], "_identity": row["identity_id"]}

    def _access(
        self,
        connection: sqlite3.Connection,
        client_id: str,
        identity_id: str,
        server: str,
        names: list[str],
        refresh: str | None,
    ) -> dict[str, Any]:
        seconds = constants.ACCESS_TOKEN_SECONDS
        origin = None if refresh is None else digest(refresh)
        access = self._store(connection, "access", client_id, identity_id, server, names, seconds, origin)
        document: dict[str, Any] = {
            "access_token": access,
            "scope": " ".join(names),
            "expires_in": seconds,
            "token_type": "Bearer",
            "resource_server": server,
        }
        if refresh is not None:
            document["refresh_token"] = refresh
        return document

    @staticmethod
    def _store(
        connection: sqlite3.Connection,
        kind: str,
        client_id: str,
        identity_id: str,
        server: str,
        names: list[str],
        seconds: int,
        origin: str | None = None,
    ) -> str:
        token = "Ag" + secrets.token_urlsafe(36)
        now = time.time()
        connection.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            (digest(token), kind, client_id, identity_id, server, " ".join(names), now, now + seconds, origin),
        )
        return token

    def _live(self, token: str, kind: str) -> sqlite3.Row | None:
        return self._database.row(
            "SELECT * FROM tokens WHERE hash = ? AND kind = ? AND NOT revoked AND expires > ?",
            (digest(token), kind, time.time()),
        )

    def check(self, token: str) -> Grant | None:
        """Tell what an access token allows; None when it is unknown, expired or revoked."""
        row = self._live(token, "access")
        return None if row is None else _grant(row)

    def introspect(self, token: str) -> Grant | None:
        """Tell what a token of either kind allows; None when it is dead."""
        row = self._live(token, "access") or self._live(token, "refresh")
        return None if row is None else _grant(row)

    def revoke(self, token: str) -> None:
        """Kill a token; with a refresh token die the access tokens that came from it."""
        self._database.execute(
            "UPDATE tokens SET revoked = 1 WHERE hash = ? OR origin = ?", (digest(token), digest(token))
        )

    def end_all(self, *, kind: str | None, how: str) -> int:
        """Expire or revoke all tokens of a kind (for tests); returns how many."""
        change = "revoked = 1" if how == "revoke" else "expires = 0"
        where, values = ("", ()) if kind is None else (" WHERE kind = ?", (kind,))
        return self._database.execute(f"UPDATE tokens SET {change}{where}", values)  # noqa: S608 - fixed texts only

    # Consents --------------------------------------------------------------------------------------------------

    def _consent(
        self,
        connection: sqlite3.Connection,
        client_id: str,
        identity_id: str,
        nodes: Iterable[scopes.ScopeNode],
        *,
        offline: bool,
        parents: tuple[int, ...] = (),
    ) -> None:
        for node in nodes:
            # A consent for a dependency belongs to the service that will use it, not to the application.
            client = client_id if not parents else constants.TRANSFER_CLIENT_ID
            key = (client_id, identity_id, node.name, json.dumps(parents))
            connection.execute(
                "INSERT INTO consents (root_client, identity_id, scope, path, client, refresh, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (root_client, identity_id, scope, path)"
                " DO UPDATE SET refresh = max(refresh, excluded.refresh)",
                (*key, client, int(offline), time.time()),
            )
            row = connection.execute(
                "SELECT id FROM consents WHERE root_client = ? AND identity_id = ? AND scope = ? AND path = ?", key
            ).fetchone()
            self._consent(
                connection, client_id, identity_id, node.dependencies, offline=offline, parents=(*parents, row["id"])
            )

    def consents(self, identity_id: str, client_id: str | None) -> list[sqlite3.Row]:
        """All consents of an identity, of one client or (None) of all."""
        if client_id is None:
            return self._database.rows("SELECT * FROM consents WHERE identity_id = ? ORDER BY id", (identity_id,))
        return self._database.rows(
            "SELECT * FROM consents WHERE identity_id = ? AND root_client = ? ORDER BY id", (identity_id, client_id)
        )

    def has_data_access(self, grant: Grant, collection_id: str) -> bool:
        """Tell whether Transfer may touch a mapped collection on behalf of the token's owner and client."""
        row = self._database.row(
            "SELECT 1 FROM consents AS child JOIN consents AS root ON child.path = '[' || root.id || ']'"
            " WHERE child.identity_id = ? AND child.root_client = ? AND child.scope = ? AND root.scope = ?",
            (
                grant.identity_id,
                grant.client_id,
                constants.data_access_scope(collection_id),
                constants.TRANSFER_ALL,
            ),
        )
        return row is not None

    def withdraw_consents(self, scope: str | None = None) -> int:
        """Delete consents, of one scope or all, with what depends on them (for tests)."""
        if scope is None:
            return self._database.execute("DELETE FROM consents")
        return self._database.execute("DELETE FROM consents WHERE scope = ?", (scope,))


def _grant(row: sqlite3.Row) -> Grant:
    return Grant(
        hash=row["hash"],
        client_id=row["client_id"],
        identity_id=row["identity_id"],
        resource_server=row["resource_server"],
        scopes=frozenset(row["scope"].split()),
        issued=row["issued"],
        expires=row["expires"],
    )


def _verifies(verifier: str | None, challenge: str) -> bool:
    computed = base64.urlsafe_b64encode(hashlib.sha256((verifier or "").encode()).digest()).rstrip(b"=").decode()
    return bool(verifier) and hmac.compare_digest(computed, challenge.rstrip("="))
