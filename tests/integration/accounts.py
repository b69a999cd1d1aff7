"""Accounts of the database that may do less."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from pipeline import database
from pipeline.database import binding
from pipeline.settings.types import Secret


@contextmanager
def read_only(rig):
    """Let the account of the rig only read."""
    own = rig.settings.database
    schemas = [own.schema_prefix + group for group in binding.GROUPS]
    bound = database.bind(rig.settings)
    if own.backend == "postgresql":
        for schema in schemas:
            bound.query(f"REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} FROM {own.user}")
        yield
        for schema in schemas:
            bound = database.connection()
            bound.query(f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {own.user}")
        return
    name, writer = f"reader_{own.schema_prefix.strip('_')}", rig.settings
    bound.query(f"CREATE USER {name} IDENTIFIED BY 'a reader'")
    for schema in schemas:
        bound.query(f"GRANT SELECT ON {schema}.* TO {name}")
    rig.settings = replace(writer, database=replace(own, user=name, password=Secret("a reader")))
    rig.environ |= {"MAPSHELL_DATABASE_USER": name, "MAPSHELL_DATABASE_PASSWORD": "a reader"}
    yield
    rig.settings = writer
    for variable in ("MAPSHELL_DATABASE_USER", "MAPSHELL_DATABASE_PASSWORD"):
        rig.environ.pop(variable)
    database.bind(rig.settings).query(f"DROP USER {name}")
