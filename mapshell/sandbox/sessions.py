"""Auth sessions: who has proved who they are, when and how, for each application and person."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.accounts import provider

if TYPE_CHECKING:
    from mapshell.sandbox.accounts import Identity
    from mapshell.sandbox.database import Database

#: How long a browser stays logged in: within that time a login asks for no new proof unless it says ``prompt=login``.
BROWSER_SECONDS = 86_400


@dataclass(frozen=True)
class Authentication:
    """One proof of who somebody is.

    ``time`` is seconds since 1970; ``mfa`` tells whether a second factor was used.
    """

    identity_id: str
    username: str
    time: float
    mfa: bool = False

    @property
    def domain(self) -> str:
        """Who vouches for the identity."""
        return self.username.rpartition("@")[2]

    def document(self) -> dict[str, Any]:
        """As introspection shows it."""
        return {
            "acr": "https://refeds.org/profile/mfa" if self.mfa else None,
            "amr": ["mfa"] if self.mfa else None,
            "auth_time": int(self.time),
            "custom_claims": {},
            "idp": provider(self.domain)["id"],
        }


class Sessions:
    """Sessions in the sandbox's database, and what the person's browser remembers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def authenticate(self, client_id: str, identity: Identity, *, fresh: bool, mfa: bool = False) -> str:
        """Note a login in the session of an application and a person; returns the session's id.

        Parameters
        ----------
        client_id
            Application that asked for the login.
        identity
            Who logged in; a linked identity joins the session of its person.
        fresh
            Whether a new proof was given.  If not, the browser's last one counts, if it has one.
        mfa
            Whether the proof had a second factor.
        """
        with self._database.write() as connection:
            known = self.in_browser(identity)
            if fresh or known is None:
                known = Authentication(identity.id, identity.username, time.time(), mfa)
                connection.execute(
                    "INSERT INTO browser VALUES (?, ?, ?) ON CONFLICT (identity_id)"
                    " DO UPDATE SET time = excluded.time, mfa = excluded.mfa",
                    (identity.id, known.time, int(mfa)),
                )
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (str(uuid.uuid4()), client_id, identity.owner_id),
            )
            session: str = connection.execute(
                "SELECT id FROM sessions WHERE client_id = ? AND identity_id = ?", (client_id, identity.owner_id)
            ).fetchone()["id"]
            connection.execute(
                "INSERT INTO authentications VALUES (?, ?, ?, ?) ON CONFLICT (session_id, identity_id)"
                " DO UPDATE SET time = excluded.time, mfa = excluded.mfa",
                (session, identity.id, known.time, int(known.mfa)),
            )
        return session

    def in_browser(self, identity: Identity) -> Authentication | None:
        """Return the proof that the person's browser still remembers, None without one."""
        row = self._database.row(
            "SELECT * FROM browser WHERE identity_id = ? AND time > ?", (identity.id, time.time() - BROWSER_SECONDS)
        )
        return None if row is None else Authentication(identity.id, identity.username, row["time"], bool(row["mfa"]))

    def authentications(self, session: str | None) -> list[Authentication]:
        """Return the proofs that a session holds, oldest first; none for no session."""
        rows = self._database.rows(
            "SELECT identity_id, username, time, mfa FROM authentications JOIN identities ON id = identity_id"
            " WHERE session_id = ? ORDER BY time",
            (session,),
        )
        return [Authentication(row["identity_id"], row["username"], row["time"], bool(row["mfa"])) for row in rows]

    def document(self, session: str | None) -> dict[str, Any]:
        """As introspection shows it."""
        found = self.authentications(session)
        return {"session_id": session, "authentications": {each.identity_id: each.document() for each in found}}

    def end_browser(self) -> None:
        """Log the browser out: the next login asks for a new proof."""
        self._database.execute("DELETE FROM browser")

    def expire(self) -> int:
        """Let every proof be as old as time itself (for tests); returns how many."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM browser")
            return connection.execute("UPDATE authentications SET time = 0").rowcount
