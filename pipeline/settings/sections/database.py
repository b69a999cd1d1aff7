"""The settings of the database."""

from __future__ import annotations

from pipeline.settings.sections.key import Key

KEYS: tuple[Key, ...] = (
    Key(
        "database.embedded",
        "path",
        "Folder of the embedded PostgreSQL; used when no database.host is set.",
        shown_default="in your data folder",
        example=".mapshell/database",
    ),
    Key(
        "database.host",
        "text",
        "Name or address of the lab's database server.",
        env=("DJ_HOST",),
        example="datajoint.mylab.org",
    ),
    Key(
        "database.backend",
        "choice",
        "Kind of server: mysql (MySQL and MariaDB) or postgresql.",
        shown_default="mysql",
        choices=("mysql", "postgresql"),
        env=("DJ_BACKEND",),
        example="mysql",
    ),
    Key(
        "database.port",
        "integer",
        "Port of the server.",
        shown_default="the usual one of the server",
        lowest=1,
        highest=65535,
        env=("DJ_PORT",),
        example=3306,
    ),
    Key("database.user", "text", "Account on the server.", env=("DJ_USER",), example="rig1"),
    Key(
        "database.password",
        "text",
        "Password of the account; better in the environment than in a file.",
        secret=True,
        env=("DJ_PASS",),
    ),
    Key(
        "database.name",
        "text",
        "Database on a PostgreSQL server that holds the schemas.",
        shown_default="the server's default",
        env=("DJ_DATABASE_NAME",),
        example="lab",
    ),
    Key(
        "database.use_tls",
        "flag",
        "true: only encrypted; false: never; absent: as the server offers.",
        shown_default="as the server offers",
        env=("DJ_USE_TLS",),
        example=True,
    ),
    Key(
        "database.prefix",
        "text",
        "Beginning of the names of our schemas: small letters, digits, underscores.",
        default="mapshell_",
    ),
    Key(
        "database.lab_prefix",
        "text",
        "Beginning of the names of the lab's own schemas (lab, experiment, ephys, tracking): read, never written.",
        shown_default="as found on the server",
        example="map_v2_",
    ),
)
