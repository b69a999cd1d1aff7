"""Who there is: identities (people and clients), and the clients that may ask for tokens."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import auth_schema, constants
from mapshell.sandbox.errors import OAuthError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from mapshell.sandbox.database import Database


@dataclass(frozen=True)
class Identity:
    """A person, or a client acting for itself.

    Parameters
    ----------
    primary_id
        Of an identity that is linked to another: the id of that one, which tokens are made for.
    status
        ``used``; ``unused`` when it was only provisioned and nobody has logged in with it yet.
    """

    id: str
    username: str
    name: str | None
    email: str | None
    organization: str | None
    primary_id: str | None = None
    status: str = "used"

    @property
    def owner_id(self) -> str:
        """Id that tokens of this identity are made for."""
        return self.primary_id or self.id

    @property
    def domain(self) -> str:
        """What stands behind the ``@``: who vouches for the identity."""
        return self.username.rpartition("@")[2]

    def document(self) -> dict[str, Any]:
        """As Auth's identities API shows it."""
        return {
            "id": self.id,
            "username": self.username,
            "name": self.name,
            "email": self.email,
            "organization": self.organization,
            "identity_provider": provider(self.domain)["id"],
            "identity_type": "login",
            "status": self.status,
        }


def provider(domain: str) -> dict[str, Any]:
    """Describe who vouches for the identities of a domain."""
    own = domain == constants.DEFAULT_USERNAME.rpartition("@")[2]
    return {
        "id": constants.IDENTITY_PROVIDER_ID if own else str(uuid.uuid5(uuid.NAMESPACE_DNS, domain)),
        "name": "Sandbox" if own else f"Sandbox of {domain}",
        "short_name": "sandbox" if own else domain,
        "domains": [domain],
        "alternative_names": [],
    }


def digest(secret: str) -> str:
    """Hash of a random secret: what is stored instead of tokens, codes and client secrets."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _identity_id(username: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"sandbox.{username}"))


def client_offers(database: Database, client_id: str, scope: str) -> bool:
    """Tell whether a registered client offers a scope of that name as a service."""
    row = database.row("SELECT scopes FROM clients WHERE id = ?", (client_id,))
    return row is not None and scope in json.loads(row["scopes"])


class Accounts:
    """Identities and clients in the sandbox's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        auth_schema.prepare(database)
        self._create_defaults()

    def _create_defaults(self) -> None:
        for identity_id, username in (
            (constants.DEFAULT_IDENTITY_ID, constants.DEFAULT_USERNAME),
            (constants.SECOND_IDENTITY_ID, constants.SECOND_USERNAME),
        ):
            self.add_identity(username, identity_id=identity_id)
        self.add_client(constants.CONFIDENTIAL_CLIENT_ID, constants.CONFIDENTIAL_CLIENT_SECRET, scopes=["all"])

    def add_identity(
        self, username: str, *, identity_id: str | None = None, name: str | None = None, linked_to: str | None = None
    ) -> Identity:
        """Create a person unless the username is there already; returns who has it.

        Parameters
        ----------
        username
            Such as ``me@lab.example``.
        identity_id
            Its id; by default one that is the same in every sandbox.
        name
            Name for people.
        linked_to
            Username or id of the identity that it is linked to: one person with two accounts.

        Raises
        ------
        ValueError
            There is nobody to link it to.
        """
        username = username.strip().lower()
        primary = self.find(linked_to) if linked_to else None
        if linked_to and primary is None:
            raise ValueError(f"there is no identity {linked_to} to link {username} to")
        identity_id = identity_id or _identity_id(username)
        shown = name or username.partition("@")[0].replace(".", " ").title()
        self._database.execute(
            "INSERT INTO identities (id, username, name, email, organization, primary_id) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (identity_id, username, shown, username, "Sandbox", primary.owner_id if primary else None),
        )
        found = self.find(username)
        assert found is not None  # noqa: S101 - inserted just above
        return found

    def provision(self, usernames: Iterable[str]) -> None:
        """Make identities for usernames that nobody has yet; nobody has logged in with them."""
        for username in (each.strip().lower() for each in usernames):
            self._database.execute(
                "INSERT INTO identities (id, username, status) VALUES (?, ?, 'unused') ON CONFLICT DO NOTHING",
                (_identity_id(username), username),
            )

    def add_client(
        self,
        client_id: str,
        secret: str,
        *,
        scopes: Iterable[str] | None = None,
        redirects: Iterable[str] | None = None,
    ) -> None:
        """Register a confidential client, or change its settings.

        Parameters
        ----------
        client_id, secret
            What it shows.
        scopes
            Names of the scopes that it offers as a service: ``https://auth.globus.org/scopes/<client id>/<name>``.
        redirects
            Addresses that a login may lead back to, beside servers on this computer.

        What is None stays as it is.
        """
        client_id = str(uuid.UUID(client_id))
        name = "Sandbox application"
        self._insert_client(client_id, secret, name, None, scopes=scopes, redirects=redirects)
        self.add_identity(f"{client_id}@{constants.CLIENT_IDENTITY_DOMAIN}", identity_id=client_id, name=name)

    def add_instance(self, template_id: str, name: str) -> tuple[str, str]:
        """Register an instance of a native application, which has a secret of its own; returns id and secret."""
        client_id, secret = str(uuid.uuid4()), secrets.token_urlsafe(32)
        self._insert_client(client_id, secret, name, template_id)
        self.add_identity(f"{client_id}@{constants.CLIENT_IDENTITY_DOMAIN}", identity_id=client_id, name=name)
        return client_id, secret

    def _insert_client(
        self,
        client_id: str,
        secret: str,
        name: str,
        parent: str | None,
        *,
        scopes: Iterable[str] | None = None,
        redirects: Iterable[str] | None = None,
    ) -> None:
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO clients (id, secret_hash, name, parent) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET secret_hash = excluded.secret_hash",
                (client_id, digest(secret), name, parent),
            )
            for column, values in (("scopes", scopes), ("redirects", redirects)):
                if values is not None:
                    text = json.dumps(list(values))
                    connection.execute(f"UPDATE clients SET {column} = ? WHERE id = ?", (text, client_id))  # noqa: S608 - fixed names

    def client(self, client_id: str) -> sqlite3.Row | None:
        """Return a confidential client, None when there is none of that id."""
        return self._database.row("SELECT * FROM clients WHERE id = ?", (client_id,))

    def remove_client(self, client_id: str) -> None:
        """Forget a confidential client with all that it was given."""
        with self._database.write() as connection:
            for sql in (
                "DELETE FROM clients WHERE id = ?",
                "DELETE FROM tokens WHERE client_id = ?",
                "DELETE FROM consents WHERE root_client = ?",
                "DELETE FROM authentications WHERE session_id IN (SELECT id FROM sessions WHERE client_id = ?)",
                "DELETE FROM sessions WHERE client_id = ?",
                "DELETE FROM identities WHERE id = ?",
            ):
                connection.execute(sql, (client_id,))

    def redirects(self, client_id: str) -> list[str]:
        """Return the addresses that logins of a client may lead back to."""
        row = self.client(client_id)
        return [] if row is None else list(json.loads(row["redirects"]))

    def people(self) -> list[Identity]:
        """Everybody who can log in on the consent page, the default person first."""
        rows = self._database.rows(
            "SELECT * FROM identities WHERE username NOT LIKE ?"
            " ORDER BY id != ?, coalesce(primary_id, id) != ?, username",
            (f"%@{constants.CLIENT_IDENTITY_DOMAIN}", *[constants.DEFAULT_IDENTITY_ID] * 2),
        )
        return [Identity(**dict(row)) for row in rows]

    def find(self, name: str) -> Identity | None:
        """Find an identity by username or id."""
        row = self._database.row("SELECT * FROM identities WHERE id = ? OR username = ?", (name.lower(), name.lower()))
        return None if row is None else Identity(**dict(row))

    def linked(self, identity_id: str) -> list[Identity]:
        """Return a person's identities, the one that tokens are made for first."""
        rows = self._database.rows(
            "SELECT * FROM identities WHERE id = ? OR primary_id = ? ORDER BY id != ?, username", (identity_id,) * 3
        )
        return [Identity(**dict(row)) for row in rows]

    def used(self, identity_id: str) -> None:
        """Note that somebody has logged in with an identity."""
        self._database.execute("UPDATE identities SET status = 'used' WHERE id = ?", (identity_id,))

    def find_all(self, names: Iterable[str]) -> list[Identity]:
        """Find those of the named identities that exist."""
        found = (self.find(name.strip()) for name in names)
        return [identity for identity in found if identity is not None]

    def is_confidential(self, client_id: str) -> bool:
        """Tell whether a client must show a secret."""
        return self.client(client_id) is not None

    def check_client(self, client_id: str | None, secret: str | None) -> str:
        """Authenticate a client; any UUID without a secret is a native client.

        Raises
        ------
        OAuthError
            No UUID, an unknown client with a secret, a wrong secret, or none where one is needed.
        """
        refused = OAuthError(401, "invalid_client")
        try:
            client_id = str(uuid.UUID(client_id or ""))
        except ValueError:
            raise refused from None
        row = self.client(client_id)
        if row is None:
            if secret:
                raise refused
            return client_id
        if not secret or not hmac.compare_digest(digest(secret), str(row["secret_hash"])):
            raise refused
        return client_id
