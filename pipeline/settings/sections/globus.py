"""The settings of Globus: login, this computer's folders, the archive's places."""

from __future__ import annotations

from pipeline.settings.sections.key import Key
from pipeline.settings.types import DEFAULT_REQUESTS_PER_SECOND

_UUID_EXAMPLE = "c40e971d-0075-4a82-b12f-8f9717762e7b"

KEYS: tuple[Key, ...] = (
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
)
