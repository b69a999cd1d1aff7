"""Who there is: identities (people and clients), and the clients that may ask for tokens."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.errors import OAuthError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mapshell.sandbox.database import Database


@dataclass(frozen=True)
class Identity:
    """A person, or a client acting for itself."""

    id: str
    username: str
    name: str
    email: str
    organization: str

    def document(self) -> dict[str, Any]:
        """As Auth's identities API shows it."""
        return {
            "id": self.id,
            "username": self.username,
            "name": self.name,
            "email": self.email,
            "organization": self.organization,
            "identity_provider": constants.IDENTITY_PROVIDER_ID,
            "identity_type": "login",
            "status": "used",
        }


def digest(secret: str) -> str:
    """Hash of a random secret: what is stored instead of tokens, codes and client secrets."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Accounts:
    """Identities and clients in the sandbox's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._create_defaults()

    def _create_defaults(self) -> None:
        for identity_id, username in (
            (constants.DEFAULT_IDENTITY_ID, constants.DEFAULT_USERNAME),
            (constants.SECOND_IDENTITY_ID, constants.SECOND_USERNAME),
        ):
            self.add_identity(username, identity_id=identity_id)
        self.add_client(constants.CONFIDENTIAL_CLIENT_ID, constants.CONFIDENTIAL_CLIENT_SECRET)

    def add_identity(self, username: str, *, identity_id: str | None = None, name: str | None = None) -> Identity:
        """Create a person unless the username is there already; returns who has it."""
        identity_id = identity_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, f"sandbox.{username}"))
        shown = name or username.partition("@")[0].replace(".", " ").title()
        self._database.execute(
            "INSERT INTO identities VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (identity_id, username, shown, username, "Sandbox"),
        )
        found = self.find(username)
        assert found is not None  # noqa: S101 - inserted just above
        return found

    def add_client(self, client_id: str, secret: str) -> None:
        """Register a confidential client, or change its secret."""
        client_id = str(uuid.UUID(client_id))
        self._database.execute(
            "INSERT INTO clients VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET secret_hash = excluded.secret_hash",
            (client_id, digest(secret), "Sandbox application"),
        )
        self.add_identity(f"{client_id}@{constants.CLIENT_IDENTITY_DOMAIN}", identity_id=client_id)

    def people(self) -> list[Identity]:
        """Everybody who can log in on the consent page, the default person first."""
        rows = self._database.rows(
            "SELECT * FROM identities WHERE username NOT LIKE ? ORDER BY id != ?, username",
            (f"%@{constants.CLIENT_IDENTITY_DOMAIN}", constants.DEFAULT_IDENTITY_ID),
        )
        return [Identity(**dict(row)) for row in rows]

    def find(self, name: str) -> Identity | None:
        """Find an identity by username or id."""
        row = self._database.row("SELECT * FROM identities WHERE id = ? OR username = ?", (name.lower(), name.lower()))
        return None if row is None else Identity(**dict(row))

    def find_all(self, names: Iterable[str]) -> list[Identity]:
        """Find those of the named identities that exist."""
        found = (self.find(name.strip()) for name in names)
        return [identity for identity in found if identity is not None]

    def is_confidential(self, client_id: str) -> bool:
        """Tell whether a client must show a secret."""
        return self._database.row("SELECT 1 FROM clients WHERE id = ?", (client_id,)) is not None

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
        row = self._database.row("SELECT secret_hash FROM clients WHERE id = ?", (client_id,))
        if row is None:
            if secret:
                raise refused
            return client_id
        if not secret or not hmac.compare_digest(digest(secret), str(row["secret_hash"])):
            raise refused
        return client_id
