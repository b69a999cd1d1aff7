"""What a token allows, as plain data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True)
class Grant:
    """What a live token allows.

    Parameters
    ----------
    hash
        Hash of the token.
    client_id, identity_id
        Who may use it, for whom.
    resource_server, scopes
        What it is good for.
    issued, expires
        Seconds since 1970.
    session
        Id of the session that it was made in.
    root_client, parents
        Where the consents that stand behind it hang: the application that the person allowed something, and the
        consents on the way down to it (none for a token of that application itself).
    kind
        ``access`` or ``refresh``.
    """

    hash: str
    client_id: str
    identity_id: str
    resource_server: str
    scopes: frozenset[str]
    issued: float
    expires: float
    session: str | None = None
    root_client: str = ""
    parents: tuple[int, ...] = ()
    kind: str = "access"


@dataclass(frozen=True)
class Holder:
    """Whom tokens are made for."""

    client_id: str
    identity_id: str
    session: str | None
    root_client: str
    parents: tuple[int, ...] = ()


def grant_of(row: sqlite3.Row) -> Grant:
    """Read a row of the table of tokens."""
    return Grant(
        hash=row["hash"],
        client_id=row["client_id"],
        identity_id=row["identity_id"],
        resource_server=row["resource_server"],
        scopes=frozenset(row["scope"].split()),
        issued=row["issued"],
        expires=row["expires"],
        session=row["session"],
        root_client=row["root_client"] or row["client_id"],
        parents=tuple(json.loads(row["parents"])),
        kind=row["kind"],
    )
