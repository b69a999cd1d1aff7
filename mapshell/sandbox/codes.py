"""Authorization codes: what a login page hands out, good once and for ten minutes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapshell.sandbox import constants
from mapshell.sandbox.accounts import digest
from mapshell.sandbox.errors import OAuthError

if TYPE_CHECKING:
    from mapshell.sandbox.database import Database


@dataclass(frozen=True)
class Login:
    """What somebody agreed to on the login page.

    Parameters
    ----------
    client_id, identity_id
        The application, and who the tokens are for.
    redirect_uri, challenge, state, nonce
        As the application gave them; the nonce goes into the id token.
    scope, offline
        What the tokens are for; whether refresh tokens are wanted.
    session
        Id of the session in which the person logged in.
    """

    client_id: str
    identity_id: str
    redirect_uri: str
    scope: str
    challenge: str | None
    offline: bool
    state: str | None
    nonce: str | None
    session: str


class Codes:
    """Codes in the sandbox's database, as hashes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def new(self, login: Login) -> str:
        """Return a code that can be exchanged once."""
        code = secrets.token_urlsafe(22)
        self._database.execute(
            "INSERT INTO codes (hash, client_id, identity_id, redirect_uri, scope, challenge, offline, state, nonce,"
            " session, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(digest(code), login.client_id, login.identity_id, login.redirect_uri, login.scope, login.challenge),
                *(int(login.offline), login.state, login.nonce, login.session, time.time() + constants.CODE_SECONDS),
            ),
        )
        return code

    def redeem(self, *, code: str, client_id: str, redirect_uri: str, verifier: str | None) -> Login:
        """Take a code back (PKCE is checked).

        Raises
        ------
        OAuthError
            ``invalid_grant``: unknown, used or late code, another client or redirect, or a verifier that does not fit.
        """
        with self._database.write() as connection:
            row = connection.execute("SELECT * FROM codes WHERE hash = ?", (digest(code),)).fetchone()
            # A code burns with its first use, right or wrong.
            connection.execute("UPDATE codes SET used = 1 WHERE hash = ?", (digest(code),))
        if (
            row is None
            or row["used"]
            or row["expires"] < time.time()
            or row["client_id"] != client_id
            or row["redirect_uri"] != redirect_uri
            or (row["challenge"] and not _verifies(verifier, row["challenge"]))
        ):
            raise OAuthError(401, "invalid_grant")
        return Login(
            client_id=client_id,
            identity_id=row["identity_id"],
            redirect_uri=redirect_uri,
            scope=row["scope"],
            challenge=row["challenge"],
            offline=bool(row["offline"]),
            state=row["state"],
            nonce=row["nonce"],
            session=row["session"],
        )


def _verifies(verifier: str | None, challenge: str) -> bool:
    computed = base64.urlsafe_b64encode(hashlib.sha256((verifier or "").encode()).digest()).rstrip(b"=").decode()
    return bool(verifier) and hmac.compare_digest(computed, challenge.rstrip("="))
