"""The table of every setting, as data: the parser, ``mapshell config`` and the manual's reference come from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.settings.types import DEFAULT_LEAVE_OUT, DEFAULT_REQUESTS_PER_SECOND, STAGING_NAME

Kind = Literal["text", "integer", "number", "flag", "choice", "path", "uuid", "url", "patterns", "structure"]


@dataclass(frozen=True, slots=True)
class Key:
    """One setting.

    ``env`` are further environment variables that set it, after ``MAPSHELL_...``; ``in_file`` False means that the
    environment is the only place for it; ``help`` is one line, ``shown_default`` what stands where no value does.
    """

    name: str
    kind: Kind
    help: str
    default: Any = None
    shown_default: str = ""
    choices: tuple[str, ...] = ()
    lowest: float = 0
    highest: float = float("inf")
    secret: bool = False
    in_file: bool = True
    env: tuple[str, ...] = ()
    example: Any = None

    @property
    def section(self) -> str:
        """First part of the name: ``database``, ``globus`` or ``archive``."""
        return self.name.partition(".")[0]

    @property
    def variables(self) -> tuple[str, ...]:
        """Environment variables that set it, the winning one first."""
        return ("MAPSHELL_" + self.name.upper().replace(".", "_"), *self.env)


_UUID_EXAMPLE = "c40e971d-0075-4a82-b12f-8f9717762e7b"

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
    Key(
        "globus.client_id",
        "uuid",
        "Client id of the application that you registered with Globus.",
        example=_UUID_EXAMPLE,
    ),
    Key(
        "globus.client_secret",
        "text",
        "Secret of a confidential client, for rigs where nobody logs in; never in a file.",
        secret=True,
        in_file=False,
    ),
    Key(
        "globus.local_endpoint",
        "uuid",
        "UUID of this computer's Globus collection.",
        example=_UUID_EXAMPLE,
    ),
    Key(
        "globus.local_endpoint_subdir",
        "text",
        "The recordings' folder in that collection; without a leading slash it is under /~/.",
        example="/D/recordings",
    ),
    Key(
        "globus.local_endpoint_local_path",
        "path",
        "The same folder on this computer's disk.",
        example="D:/recordings",
    ),
    Key(
        "globus.local_endpoints",
        "structure",
        "Local folders per alias: endpoint, endpoint_subdir, endpoint_path, upload_only; one or a list of them.",
        example={
            "raw-ephys": {
                "endpoint": _UUID_EXAMPLE,
                "endpoint_subdir": "/D/recordings",
                "endpoint_path": "D:/recordings",
            }
        },
    ),
    Key(
        "globus.storage_locations",
        "structure",
        "Where archives lie, for the first entry into the database: alias, endpoint, path, dataset_type.",
        example={"raw-ephys": {"endpoint": _UUID_EXAMPLE, "path": "/mylab/raw-ephys", "dataset_type": "ephys"}},
    ),
    Key(
        "globus.token_file",
        "path",
        "File in which the login is kept.",
        shown_default="in your data folder",
        example="~/globus-tokens.db",
    ),
    Key(
        "globus.auth_url",
        "url",
        "Address of another Globus Auth service.",
        shown_default="Globus",
        env=("GLOBUS_SDK_SERVICE_URL_AUTH",),
    ),
    Key(
        "globus.transfer_url",
        "url",
        "Address of another Globus Transfer service.",
        shown_default="Globus",
        env=("GLOBUS_SDK_SERVICE_URL_TRANSFER",),
    ),
    Key(
        "globus.patience_seconds",
        "number",
        "How long a request is repeated that Globus does not answer (s).",
        default=100.0,
        highest=3600,
    ),
    Key(
        "globus.requests_per_second",
        "number",
        "Most requests that are sent to Globus (in 10 s on average); 0 means as many as it takes.",
        default=DEFAULT_REQUESTS_PER_SECOND,
        highest=1000,
    ),
    Key("globus.service_file", "path", "State file of a local Globus service, which tells its addresses."),
    Key(
        "globus.sandbox",
        "path",
        "Folder of a local Globus service; commands start it when they need it.",
        example=".mapshell/sandbox",
    ),
    Key(
        "archive.leave_out",
        "patterns",
        "Names of files and folders that are never archived (* and ? match).",
        default=DEFAULT_LEAVE_OUT,
    ),
    Key(
        "archive.ephys_layouts",
        "patterns",
        "Further folder layouts of this lab's recordings; `{h2o=SC077}` gives one's folders to an animal.",
        default=(),
        example=["{h2o}/{date:%Y-%m-%d}/{ident}", "[catgt_]{h2o}_{date:%Y-%m-%d}_g{gate}"],
    ),
    Key(
        "archive.video_layouts",
        "patterns",
        "Further folder layouts of this lab's videos.",
        default=(),
        example=["{h2o}/{date:%Y_%m_%d}/video"],
    ),
    Key(
        "archive.staging_name",
        "text",
        "Folder in a local root for what the program itself sends along; never archived, never scanned.",
        default=STAGING_NAME,
    ),
    Key(
        "archive.quiet_seconds",
        "integer",
        "A file changed less than so many seconds ago is still being written (s).",
        default=60,
        highest=7 * 86400,
    ),
    Key(
        "archive.timezone",
        "text",
        "Time zone of the rigs, such as America/New_York.",
        shown_default="this computer's",
        example="America/New_York",
    ),
    Key(
        "archive.hash_threads",
        "integer",
        "Files whose checksums are computed at the same time.",
        default=max(1, min(4, os.cpu_count() or 1)),
        shown_default="as many as the computer has cores, at most 4",
        lowest=1,
        highest=64,
    ),
    Key(
        "archive.hash_mb_per_second",
        "number",
        "Most that is read from this computer's disks for checksums (MB/s, all threads together).",
        shown_default="no limit",
        lowest=1,
        highest=100_000,
    ),
    Key(
        "archive.pause_while_recording",
        "flag",
        "Read and send nothing while a file on the same disk grows.",
        default=True,
    ),
    Key(
        "archive.wait_for_quiet",
        "number",
        "How long a run waits until nothing grows there; then what is left stays queued (s).",
        default=3600.0,
        highest=7 * 86400,
    ),
    Key(
        "archive.poll_seconds",
        "number",
        "Longest pause between two questions to Globus about a running transfer (s).",
        default=10.0,
        lowest=0.05,
        highest=3600,
    ),
    Key(
        "archive.stall_seconds",
        "number",
        "How long a transfer that only meets errors is waited for; afterwards it goes on without us (s).",
        default=300.0,
        highest=7 * 86400,
    ),
    Key(
        "archive.computer",
        "text",
        "Name of this computer for others that share the database; every rig needs one of its own.",
        shown_default="the computer's network name",
        env=("MAPSHELL_COMPUTER",),
        example="rig-1",
    ),
)

BY_NAME: dict[str, Key] = {key.name: key for key in KEYS}

# Keys of the predecessor's file that are ours to know and never to use.
RETIRED: dict[str, str] = {
    "globus.token": (
        "{place}: a Globus token lies in this file. It is not used. "
        "Remove the line, and end that login at https://app.globus.org/settings/consents; "
        "`mapshell login` keeps tokens in a file of your own."
    ),
}

STRICT_SECTIONS = ("globus", "archive")
"""Sections that are ours alone: an unknown key in them is an error.  ``database`` is shared with DataJoint."""
