"""Tables of Auth in the sandbox's database: who there is, what they allowed, and the tokens that came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mapshell.sandbox.database import Database

_TABLES = """
CREATE TABLE IF NOT EXISTS identities (
    id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, name TEXT, email TEXT, organization TEXT);
CREATE TABLE IF NOT EXISTS clients (id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS codes (
    hash TEXT PRIMARY KEY, client_id TEXT NOT NULL, identity_id TEXT NOT NULL, redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL, challenge TEXT, offline INTEGER NOT NULL, state TEXT, expires REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS consents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, root_client TEXT NOT NULL, identity_id TEXT NOT NULL,
    client TEXT NOT NULL, scope TEXT NOT NULL, path TEXT NOT NULL, refresh INTEGER NOT NULL, created REAL NOT NULL,
    UNIQUE (root_client, identity_id, scope, path));
CREATE TABLE IF NOT EXISTS tokens (
    hash TEXT PRIMARY KEY, kind TEXT NOT NULL, client_id TEXT NOT NULL, identity_id TEXT NOT NULL,
    resource_server TEXT NOT NULL, scope TEXT NOT NULL, issued REAL NOT NULL, expires REAL NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0, origin TEXT);
CREATE INDEX IF NOT EXISTS tokens_origin ON tokens (origin);
CREATE INDEX IF NOT EXISTS tokens_expires ON tokens (expires);
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, client_id TEXT NOT NULL, identity_id TEXT NOT NULL, UNIQUE (client_id, identity_id));
CREATE TABLE IF NOT EXISTS authentications (
    session_id TEXT NOT NULL, identity_id TEXT NOT NULL, time REAL NOT NULL, mfa INTEGER NOT NULL,
    PRIMARY KEY (session_id, identity_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS browser (identity_id TEXT PRIMARY KEY, time REAL NOT NULL, mfa INTEGER NOT NULL);
"""
_ADDED = (
    ("identities", "primary_id TEXT"),
    ("identities", "status TEXT NOT NULL DEFAULT 'used'"),
    ("clients", "parent TEXT"),
    ("clients", "redirects TEXT NOT NULL DEFAULT '[]'"),
    ("clients", "scopes TEXT NOT NULL DEFAULT '[]'"),
    ("codes", "session TEXT"),
    ("codes", "nonce TEXT"),
    ("consents", "optional INTEGER NOT NULL DEFAULT 0"),
    ("consents", "updated REAL"),
    ("consents", "used REAL"),
    ("tokens", "session TEXT"),
    ("tokens", "root_client TEXT"),
    ("tokens", "parents TEXT NOT NULL DEFAULT '[]'"),
)


def prepare(database: Database) -> None:
    """Create what is missing; a folder of an older sandbox keeps its logins."""
    database.prepare(_TABLES, _ADDED)
