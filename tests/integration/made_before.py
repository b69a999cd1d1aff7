"""What many tests begin with, made once by each process of the run: tables of a database, a login at a sandbox.

A test gets tables that look as new ones do, and nothing that another test left: whatever is not as it was made is
dropped.  How tables and logins are made is shown by tests that make their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import uuid
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.core import DATABASE_NAME
from pipeline import database
from pipeline.database import binding, migrations
from pipeline.database.lab_connection import LabConnection
from pipeline.settings.types import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Everything that a test may change about a table, but for its rows.
_POSTGRESQL = """
SELECT n.nspname, c.relname, c.relkind, c.relacl::text, n.nspacl::text, c.relhastriggers,
  (SELECT string_agg(concat_ws(' ', attname, atttypid, atttypmod, attnotnull, atthasdef, attacl), ',' ORDER BY attnum)
   FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
  (SELECT string_agg(concat_ws(' ', conname, convalidated), ',' ORDER BY conname)
   FROM pg_constraint WHERE conrelid = c.oid),
  (SELECT string_agg(concat_ws(' ', tgname, tgenabled), ',' ORDER BY tgname)
   FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid
WHERE left(n.nspname, length(%s)) = %s ORDER BY n.nspname, c.relname
"""
_TABLE_KINDS = ("r", "p")


@dataclass(frozen=True)
class _Tables:
    """Schemas with tables, as they were when they were new."""

    prefix: str
    look: Any
    rows: Mapping[str, Any]


_free: dict[str, deque[_Tables]] = {}


def lend_tables(server: Any) -> Iterator[Settings]:
    """Yield the settings of a database whose tables are there, with no rows but those that come with the program."""
    free = _free.setdefault(server.kind, deque())
    lent = free.popleft() if free else None
    prefix = lent.prefix if lent else f"t{uuid.uuid4().hex[:10]}_"
    settings = Settings(database=replace(server.settings, schema_prefix=prefix))
    database.unbind()
    with _connected(server) as connection:
        if lent is None:
            database.bind(settings)
            database.unbind()
            look = _look(connection, prefix)
            lent = _Tables(prefix, look, {table: _rows(connection, table) for table in _filled(connection, look)})
    yield settings
    database.unbind()
    with _connected(server) as connection:
        if _as_new(connection, lent):
            free.append(lent)
        else:
            migrations.drop_everything(binding.Binding(connection, prefix))


@contextlib.contextmanager
def _connected(server: Any) -> Iterator[LabConnection]:
    connection = LabConnection(lambda: database._target(server.settings))
    try:
        yield connection
    finally:
        connection.close()


def _as_new(connection: LabConnection, tables: _Tables) -> bool:
    """Empty what a test has filled; return whether the tables now are as they were made."""
    if _look(connection, tables.prefix) != tables.look:
        return False
    filled = _filled(connection, tables.look)
    if any(_rows(connection, table) != rows for table, rows in tables.rows.items()):
        return False
    emptied = [table for table in filled if table not in tables.rows]
    if emptied and connection.adapter.backend == "postgresql":
        # All at once: which refers to which does not matter then.
        parts = [f"d{number} AS (DELETE FROM {table})" for number, table in enumerate(emptied)]
        connection.query(f"WITH {', '.join(parts)} SELECT 1")
    elif emptied:
        connection.query("SET foreign_key_checks = 0")
        for table in emptied:
            connection.query(f"DELETE FROM {table}")
    return not set(_filled(connection, tables.look)) - set(tables.rows)


def _look(connection: LabConnection, prefix: str) -> Any:
    """Return what the schemas of a prefix are made of, in a form that can be compared."""
    if connection.adapter.backend == "postgresql":
        return connection.query(_POSTGRESQL, (prefix, prefix)).fetchall()
    schemas = connection.query(
        "SELECT schema_name FROM information_schema.schemata WHERE LEFT(schema_name, %s) = %s ORDER BY schema_name",
        (len(prefix), prefix),
    ).fetchall()
    found = []
    for (schema,) in schemas:
        for (table,) in connection.query(f"SHOW TABLES FROM `{schema}`").fetchall():
            made = connection.query(f"SHOW CREATE TABLE `{schema}`.`{table}`").fetchone()[1]
            found.append((schema, table, re.sub(r" AUTO_INCREMENT=\d+", "", made)))
        found += [(schema, None, row[0]) for row in connection.query(f"SHOW TRIGGERS FROM `{schema}`").fetchall()]
    return found


def _names(connection: LabConnection, look: Any) -> list[str]:
    """Return the quoted names of the tables."""
    full = connection.adapter.make_full_table_name
    if connection.adapter.backend == "postgresql":
        return [full(schema, table) for schema, table, kind, *_ in look if kind in _TABLE_KINDS]
    return [full(schema, table) for schema, table, _ in look if table is not None]


def _filled(connection: LabConnection, look: Any) -> list[str]:
    """Return the tables that have rows."""
    names = _names(connection, look)
    asked = [
        f"SELECT {number} FROM (SELECT 1) x WHERE EXISTS (SELECT 1 FROM {name})" for number, name in enumerate(names)
    ]
    return [names[number] for (number,) in connection.query(" UNION ALL ".join(asked)).fetchall()]


def _rows(connection: LabConnection, table: str) -> list[str]:
    return sorted(repr(row) for row in connection.query(f"SELECT * FROM {table}").fetchall())


# ---- a login


_login: list[tuple[Path, str]] = []


def lend_login(settings: Settings, folder: Path) -> bool:
    """Let a sandbox that is about to start in a folder know a person's login, and this person have its tokens.

    Returns False where nobody has logged in yet: then ``keep_login`` is to be called when somebody has.
    """
    if not _login:
        return False
    kept, realm = _login[0]
    tokens, notes = _files(settings)
    for place in (folder, tokens.parent):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for source, target in ((DATABASE_NAME, folder / DATABASE_NAME), ("tokens", tokens), ("notes", notes)):
        shutil.copy(kept / source, target)
        target.chmod(0o600)
    own = _realm(settings)
    with contextlib.closing(sqlite3.connect(tokens)) as store, store:
        store.execute("UPDATE token_storage SET namespace = replace(namespace, ?, ?)", (realm, own))
    named = json.loads(notes.read_text())
    notes.write_text(json.dumps({name.replace(realm, own): value for name, value in named.items()}))
    return True


def keep_login(settings: Settings, folder: Path) -> None:
    """Keep what a sandbox and a person know after a login."""
    kept = Path(tempfile.mkdtemp(prefix="login-", dir=os.environ["MAPSHELL_TEST_SERVERS"]))
    tokens, notes = _files(settings)
    for source, name in ((folder / DATABASE_NAME, DATABASE_NAME), (tokens, "tokens")):
        with (
            contextlib.closing(sqlite3.connect(source)) as present,
            contextlib.closing(sqlite3.connect(kept / name)) as copy,
        ):
            present.backup(copy)
    with contextlib.closing(sqlite3.connect(kept / DATABASE_NAME)) as copy, copy:
        copy.execute("DELETE FROM meta WHERE key = 'port'")  # each takes one of its own
    shutil.copy(notes, kept / "notes")
    _login.append((kept, _realm(settings)))


def _files(settings: Settings) -> tuple[Path, Path]:
    tokens = settings.globus.token_file
    assert tokens is not None
    return tokens, tokens.with_name(f"{tokens.stem}-notes.json")


def _realm(settings: Settings) -> str:
    return f"local service {settings.globus.service_file}"
