"""An account of the database that may only read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import database
from pipeline.embedded import cluster as embedded_cluster
from pipeline.settings.types import Secret


@pytest.fixture
def reader(lab_database, lab_server):
    """Settings of an account that may only read."""
    own = lab_database.database
    name, password = f"reader_{own.schema_prefix.strip('_')}", "a reader's secret"
    connection = _administrator(lab_server)
    cursor = connection.cursor()
    schemas = [own.schema_prefix + group for group in ("lab", "experiment", "ephys", "tracking", "publication")]
    database.bind(lab_database)
    if lab_server.kind == "postgresql":
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD %s", (password,))
        cursor.execute(f"GRANT CONNECT ON DATABASE {own.name} TO {name}")
        for schema in schemas:
            cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
            cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {name}")
    else:
        cursor.execute(f"CREATE USER {name} IDENTIFIED BY %s", (password,))
        for schema in schemas:
            cursor.execute(f"GRANT SELECT ON {schema}.* TO {name}")
    yield replace(lab_database, database=replace(own, user=name, password=Secret(password)))
    database.unbind()
    if lab_server.kind == "postgresql":
        cursor.execute(f"DROP OWNED BY {name}")
        cursor.execute(f"DROP ROLE {name}")
    else:
        cursor.execute(f"DROP USER {name}")
    connection.close()


def _administrator(server):
    if server.kind == "mariadb":
        return database_connection(server.settings)
    import psycopg2

    folder = Path(os.environ["MAPSHELL_TEST_SERVERS"]) / "postgresql"
    connection = psycopg2.connect(
        host=server.settings.host,
        port=server.settings.port,
        user=embedded_cluster.SUPERUSER,
        password=embedded_cluster.read_secrets(folder).superuser,
        dbname=server.settings.name,
    )
    connection.autocommit = True
    return connection


def database_connection(settings):
    import pymysql

    return pymysql.connect(host=settings.host, port=settings.port, user=settings.user, password="", autocommit=True)
