"""Access tokens and refresh tokens.

Only hashes of tokens are stored.  One token is good for one resource server, as at the real service.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import auth_schema, constants, scopes
from mapshell.sandbox.accounts import client_offers, digest
from mapshell.sandbox.codes import Codes
from mapshell.sandbox.consents import Consents, client_of
from mapshell.sandbox.errors import AuthError, OAuthError
from mapshell.sandbox.grants import Grant, Holder, grant_of
from mapshell.sandbox.sessions import Sessions

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from mapshell.sandbox.database import Database

__all__ = ["Grant", "Tokens"]

# Dead tokens are thrown away at most this often.
_PURGE_SECONDS = 60


class Tokens:
    """Issues, checks and revokes tokens, which come of codes, consents and sessions.

    Parameters
    ----------
    database
        Where they are kept.
    offers
        Asked about a collection: does this id offer a scope of that name?
    """

    def __init__(self, database: Database, offers: Callable[[str, str], bool]) -> None:
        self._database = database
        auth_schema.prepare(database)
        self._offers = lambda server, scope: offers(server, scope) or client_offers(database, server, scope)
        self._purged = 0.0
        self.codes = Codes(database)
        self.consents = Consents(database)
        self.sessions = Sessions(database)

    def check_scope(self, scope: str, client_id: str = "") -> tuple[scopes.ScopeNode, ...]:
        """Read a scope string and check that each scope exists.

        Raises
        ------
        AuthError
            ``UNKNOWN_SCOPE_ERROR``: nobody offers a scope.
        OAuthError
            ``invalid_scope``: the string is malformed or empty.
        """
        try:
            nodes = scopes.parse(scope)
        except scopes.ScopeError as error:
            raise OAuthError(400, "invalid_scope", str(error)) from error
        if not nodes:
            raise OAuthError(400, "invalid_scope", "no scope was requested")
        unknown = scopes.unknown(nodes, self._offers)
        if unknown:
            raise AuthError(
                400,
                "UNKNOWN_SCOPE_ERROR",
                "Unknown scope(s)",
                f"client_id={client_id} requested unknown scopes: {unknown}",
            )
        return nodes

    def _server_of(self, scope: str) -> str:
        return scopes.resource_server(scope, self._offers)

    # Issuing ---------------------------------------------------------------------------------------------------

    def issue(
        self, client_id: str, identity_id: str, scope: str, *, offline: bool, session: str | None = None
    ) -> dict[str, Any]:
        """Make one token for each resource server of ``scope`` and remember the consents.

        Raises
        ------
        AuthError, OAuthError
            As for :meth:`check_scope`.
        """
        nodes = self.check_scope(scope, client_id)
        groups = scopes.by_resource_server(nodes, self._offers)
        holder = Holder(client_id, identity_id, session, client_id)
        with self._database.write() as connection:
            self._purge(connection)
            self.consents.remember(
                connection, client_id, identity_id, nodes, offline=offline, server_of=self._server_of
            )
            documents = [
                self._pair(connection, holder, server, names, offline=offline) for server, names in groups.items()
            ]
        return {**documents[0], "other_tokens": documents[1:]}

    def dependent(self, token: str, client_id: str, *, offline: bool, scope: str | None = None) -> list[dict[str, Any]]:
        """Make tokens for the services that a service needs to do what it was allowed.

        Parameters
        ----------
        token
            Access token that the service was shown.
        client_id
            The service: must be the token's resource server.
        offline
            Whether refresh tokens are wanted too.
        scope
            Only for these scopes; None: all that the person allowed.

        Raises
        ------
        OAuthError
            ``invalid_grant``: the token is dead or was made for another service; ``invalid_scope``: the person did not
            allow that.
        """
        grant = self.check(token)
        if grant is None or client_of(grant.resource_server) != client_id:
            raise OAuthError(400, "invalid_grant")
        allowed: dict[tuple[str, tuple[int, ...]], list[str]] = {}
        for held in sorted(grant.scopes):
            consent = self.consents.find(grant.root_client, grant.identity_id, held, grant.parents)
            parents = () if consent is None else (*grant.parents, int(consent["id"]))
            for child in self.consents.below(grant.root_client, grant.identity_id, parents) if parents else ():
                allowed.setdefault((self._server_of(child["scope"]), parents), []).append(child["scope"])
        if scope is not None:
            wanted = {node.name for node in self.check_scope(scope, client_id)}
            allowed = {key: kept for key, names in allowed.items() if (kept := [n for n in names if n in wanted])}
            if wanted - {name for names in allowed.values() for name in names}:
                raise OAuthError(400, "invalid_scope", "the person has not consented to that")
        with self._database.write() as connection:
            self._purge(connection)
            return [
                self._pair(
                    connection,
                    Holder(client_id, grant.identity_id, grant.session, grant.root_client, parents),
                    server,
                    names,
                    offline=offline,
                )
                for (server, parents), names in allowed.items()
            ]

    def refresh(self, token: str, client_id: str) -> dict[str, Any]:
        """Make a new access token from a refresh token, which stays and lives half a year from its last use.

        Raises
        ------
        OAuthError
            ``invalid_grant``: unknown, expired or revoked, or made for another client.
        """
        grant = self._live(token, "refresh")
        if grant is None or grant.client_id != client_id:
            raise OAuthError(400, "invalid_grant")
        holder = Holder(client_id, grant.identity_id, grant.session, grant.root_client, grant.parents)
        with self._database.write() as connection:
            self._purge(connection)
            connection.execute(
                "UPDATE tokens SET expires = ? WHERE hash = ?",
                (time.time() + constants.REFRESH_TOKEN_SECONDS, grant.hash),
            )
            document = self._access(connection, holder, grant.resource_server, sorted(grant.scopes), token)
        return {**document, "other_tokens": []}

    def _pair(
        self, connection: sqlite3.Connection, holder: Holder, server: str, names: Sequence[str], *, offline: bool
    ) -> dict[str, Any]:
        refresh = None
        if offline:
            refresh = self._store(connection, "refresh", holder, server, names, constants.REFRESH_TOKEN_SECONDS)
        return self._access(connection, holder, server, names, refresh)

    def _access(
        self, connection: sqlite3.Connection, holder: Holder, server: str, names: Sequence[str], refresh: str | None
    ) -> dict[str, Any]:
        seconds = constants.ACCESS_TOKEN_SECONDS
        origin = None if refresh is None else digest(refresh)
        document: dict[str, Any] = {
            "access_token": self._store(connection, "access", holder, server, names, seconds, origin),
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
        holder: Holder,
        server: str,
        names: Sequence[str],
        seconds: int,
        origin: str | None = None,
    ) -> str:
        token = "Ag" + secrets.token_urlsafe(36)
        now = time.time()
        connection.execute(
            "INSERT INTO tokens (hash, kind, client_id, identity_id, resource_server, scope, issued, expires, origin,"
            " session, root_client, parents) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(digest(token), kind, holder.client_id, holder.identity_id, server, " ".join(names)),
                *(now, now + seconds, origin, holder.session, holder.root_client, json.dumps(holder.parents)),
            ),
        )
        return token

    def _purge(self, connection: sqlite3.Connection) -> None:
        """Forget what nobody can use any more: to a client, expired and unknown are the same."""
        now = time.time()
        if now - self._purged < _PURGE_SECONDS:
            return
        self._purged = now
        connection.execute("DELETE FROM tokens WHERE expires < ? OR revoked", (now,))
        connection.execute("DELETE FROM codes WHERE expires < ?", (now,))

    # Using -----------------------------------------------------------------------------------------------------

    def _live(self, token: str, kind: str) -> Grant | None:
        row = self._database.row(
            "SELECT * FROM tokens WHERE hash = ? AND kind = ? AND NOT revoked AND expires > ?",
            (digest(token), kind, time.time()),
        )
        return None if row is None else grant_of(row)

    def check(self, token: str) -> Grant | None:
        """Tell what an access token allows; None when it is unknown, expired or revoked."""
        return self._live(token, "access")

    def introspect(self, token: str) -> Grant | None:
        """Tell what a token of either kind allows; None when it is dead."""
        return self._live(token, "access") or self._live(token, "refresh")

    def revoke(self, token: str) -> None:
        """Kill a token; with a refresh token die the access tokens that came from it."""
        self._database.execute(
            "UPDATE tokens SET revoked = 1 WHERE hash = ? OR origin = ?", (digest(token), digest(token))
        )

    def end_all(self, *, kind: str | None, how: str, identity_id: str | None = None) -> int:
        """Expire or revoke the tokens of a kind, of one person or (None) of all (for tests); returns how many."""
        change = "revoked = 1" if how == "revoke" else "expires = 0"
        return self._database.execute(
            f"UPDATE tokens SET {change} WHERE kind = coalesce(?, kind) AND identity_id = coalesce(?, identity_id)",  # noqa: S608 - fixed texts only
            (kind, identity_id),
        )

    def has_data_access(self, grant: Grant, collection_id: str) -> bool:
        """Tell whether Transfer may touch a mapped collection on behalf of the token's owner and client."""
        root = self.consents.find(grant.root_client, grant.identity_id, constants.TRANSFER_ALL, grant.parents)
        scope = constants.data_access_scope(collection_id)
        return root is not None and bool(
            self.consents.find(grant.root_client, grant.identity_id, scope, (*grant.parents, int(root["id"])))
        )

    def withdraw_consents(self, scope: str | None = None, *, identity_id: str | None = None) -> int:
        """Delete consents, of one scope and person or all, with what depends on them (for tests); returns how many."""
        return self.consents.withdraw(scope, identity_id=identity_id)
