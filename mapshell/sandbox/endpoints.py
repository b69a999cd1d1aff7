"""Documents of collections and of the endpoint that holds them, and what may be changed about a collection."""

from __future__ import annotations

import json
import math
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.errors import ApiError, bad_request
from mapshell.sandbox.spec import CollectionSpec
from mapshell.sandbox.taskdocs import username

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.sandbox.core import Core

#: The Globus Connect Server endpoint of all collections that are not personal.
SERVER_ID = "5ab0d0de-0000-4000-8000-0000000000e0"
SERVER_HOST = "127.0.0.1"
_OWNER_ROLES = ("administrator", "activity_manager", "activity_monitor")
_LONGEST_NAME = 128
#: What the owner of a personal collection may change, and the type of each.
CHANGEABLE: dict[str, type] = {
    "display_name": str,
    "description": str,
    "organization": str,
    "department": str,
    "keywords": str,
    "contact_email": str,
    "contact_info": str,
    "info_link": str,
    "user_message": str,
    "user_message_link": str,
    "default_directory": str,
    "public": bool,
    "force_encryption": bool,
    "force_verify": bool,
    "disable_verify": bool,
}
#: What belongs to retired kinds of endpoints, or to features that no collection of the sandbox has.
_NEVER: dict[str, Any] = {
    "acl_max_expiration_period_mins": None,
    "associated_flow_policy": None,
    "authentication_assurance_timeout": None,
    "authentication_policy_id": None,
    "authentication_timeout_mins": None,
    "auto_delete_timeout": None,
    "contact_email": None,
    "contact_info": None,
    "department": None,
    "disable_anonymous_writes": False,
    "disable_verify": False,
    "expire_time": None,
    "force_encryption": False,
    "force_verify": False,
    "french_english_bilingual": False,
    "gcs_manager_url": None,
    "globus_connect_setup_key": None,
    "guest_collection_activity_notification_policy": None,
    "high_assurance": False,
    "info_link": None,
    "is_go_storage": False,
    "local_user_info_available": False,
    "location": "Automatic",
    "mfa_required": False,
    "myproxy_dn": None,
    "myproxy_server": None,
    "non_functional_endpoint_display_name": None,
    "non_functional_endpoint_id": None,
    "oauth_server": None,
    "preserve_modtime": None,
    "requester_pays": False,
    "restrict_transfers_to_high_assurance": None,
    "s3_owner_activated": False,
    "s3_url": None,
    "skip_auto_delete": None,
    "subscription_admin_verified": False,
    "subscription_id": None,
    "user_message": None,
    "user_message_link": None,
}


def entity_type(spec: CollectionSpec) -> str:
    """Name the kind of a collection as the service does."""
    if spec.personal:
        return "GCP_mapped_collection"
    return "GCSv5_mapped_collection" if spec.mapped else "GCSv5_guest_collection"


def owner_of(spec: CollectionSpec) -> str:
    """Return the identity that owns a collection: of a mapped one the endpoint itself, else the default person."""
    return SERVER_ID if spec.mapped and not spec.personal else constants.DEFAULT_IDENTITY_ID


def document(core: Core, collection_id: str, spec: CollectionSpec, reader: str) -> dict[str, Any]:
    """Describe a collection as ``GET /endpoint/<id>`` does to the identity ``reader``."""
    owner, personal = owner_of(spec), spec.personal
    host_id, host_path = (None, None) if personal or spec.mapped else _host(core, spec)
    roles = list(_OWNER_ROLES) if reader == owner else []
    name = username(owner)
    return {
        "DATA_TYPE": "endpoint",
        "id": collection_id,
        **_NEVER,
        "display_name": spec.display_name,
        "canonical_name": f"{name}#{collection_id}",
        "name": collection_id,
        "organization": "Sandbox",
        "username": name,
        "owner_id": owner,
        # Administrators of servers put a person or an institute here: whom to ask.
        "owner_string": constants.DEFAULT_USERNAME,
        "description": f"A folder of this computer, served by the sandbox as {entity_type(spec)}.",
        "keywords": "sandbox",
        "entity_type": entity_type(spec),
        "public": True,
        "acl_available": not spec.mapped and not personal,
        "acl_editable": bool(roles) and not spec.mapped and not personal,
        "activated": True,
        "expires_in": -1,
        "is_globus_connect": personal,
        "gcp_connected": (not spec.offline) if personal else None,
        "gcp_paused": False if personal else None,
        "gcs_version": None if personal else constants.GCS_VERSION,
        "host_endpoint": None if host_id is None else f"{username(SERVER_ID)}#{host_id}",
        "host_endpoint_id": host_id,
        "host_endpoint_display_name": core.display_name(host_id),
        "host_path": host_path,
        "https_server": core.https_url(collection_id) if spec.serves_https else None,
        "tlsftp_server": None if personal else f"tlsftp://{SERVER_HOST}:443",
        "default_directory": "/~/",
        "in_use": any(collection_id in {task.source, task.destination} for task in core.tasks.unfinished(reader)),
        "last_accessed_time": None,
        "mapped_collection_id": host_id,
        "mapped_collection_display_name": core.display_name(host_id),
        "my_effective_roles": roles,
        "network_use": "normal",
        "max_concurrency": 4,
        "max_parallelism": 8,
        "preferred_concurrency": 2,
        "preferred_parallelism": 4,
        "non_functional": False,
        "shareable": spec.mapped or personal,
        "sharing_target_endpoint": None if host_id is None else f"{username(SERVER_ID)}#{host_id}",
        "sharing_target_root_path": host_path,
        "storage_type": "POSIX",
        **_assurance(spec),
        **_changes(core, collection_id),
        "DATA": [server_document(collection_id, None if personal else SERVER_HOST, connected=not spec.offline)],
    }


def endpoint_document(core: Core, reader: str) -> dict[str, Any]:
    """Describe the Globus Connect Server endpoint behind the mapped and guest collections: it moves no data itself."""
    # What a mapped collection has and its endpoint has not is taken back.
    mapped = document(core, SERVER_ID, CollectionSpec(Path(), name="Sandbox", mapped=True), reader)
    return mapped | {
        "description": "The server of the sandbox, on this computer.",
        "entity_type": "GCSv5_endpoint",
        "non_functional": True,
        "https_server": None,
        "tlsftp_server": None,
        "default_directory": None,
        "storage_type": None,
    }


def server_document(collection_id: str, hostname: str | None, *, connected: bool) -> dict[str, Any]:
    """Describe the data server of a collection; a personal one has no name that others could reach."""
    return {
        "DATA_TYPE": "server",
        "id": server_number(collection_id),
        "hostname": hostname,
        "port": 443 if hostname else None,
        "scheme": "gsiftp",
        "uri": f"gsiftp://{hostname}:443" if hostname else None,
        "subject": None,
        "is_connected": connected,
        "is_paused": False,
        "incoming_data_port_start": None,
        "incoming_data_port_end": None,
        "outgoing_data_port_start": None,
        "outgoing_data_port_end": None,
    }


def server_number(collection_id: str) -> int:
    """Return the number of a collection's only server."""
    return uuid.UUID(collection_id).int % 900_000 + 100_000


def _assurance(spec: CollectionSpec) -> dict[str, Any]:
    """Tell how fresh a session the collection wants.

    It is not one of high assurance: such a one has no ``data_access`` scope, this one asks for that consent too.
    """
    seconds = spec.fresh_session
    return {
        "authentication_timeout_mins": None if seconds is None else math.ceil(seconds / 60),
        "authentication_assurance_timeout": None if seconds is None else math.ceil(seconds),
    }


def _host(core: Core, spec: CollectionSpec) -> tuple[str | None, str | None]:
    """Find the mapped collection that a guest collection shares a folder of, and that folder's path there."""
    for collection_id, host in core.collections.all().items():
        if host.mapped and not host.personal and spec.path.is_relative_to(host.path):
            inner = spec.path.relative_to(host.path).as_posix()
            return collection_id, "/" if inner == "." else f"/{inner}/"
    return None, None


def _changes(core: Core, collection_id: str) -> dict[str, Any]:
    stored = core.database.meta(f"endpoint:{collection_id}")
    return {} if stored is None else dict(json.loads(stored))


def update(core: Core, collection_id: str, spec: CollectionSpec, caller: str, body: Mapping[str, Any]) -> None:
    """Change the description of a collection; it is remembered.

    Raises
    ------
    ApiError
        Collections of a server are not changed here, or the caller does not own it, or a field cannot be set.
    """
    if not spec.personal:
        raise ApiError(
            409,
            "NotSupported",
            "Globus Connect Server collections are managed by their own server, not by the Transfer API",
        )
    if caller != owner_of(spec):
        raise ApiError(403, "PermissionDenied", "You do not have the administrator role on this endpoint")
    changes = {name: value for name, value in body.items() if name != "DATA_TYPE"}
    for name, value in changes.items():
        _check_change(name, value)
    if "display_name" in changes:
        core.collections.change(collection_id, {"name": changes["display_name"]})
    kept = _changes(core, collection_id) | {name: value for name, value in changes.items() if name != "display_name"}
    core.database.set_meta(f"endpoint:{collection_id}", json.dumps(kept))


def _check_change(name: str, value: Any) -> None:
    expected = CHANGEABLE.get(name)
    if expected is None:
        raise bad_request(f"Field '{name}' cannot be changed")
    optional = expected is str and name != "display_name"
    if not isinstance(value, expected) and not (optional and value is None):
        raise bad_request(f"Invalid value for field '{name}': {value!r}")
    if name == "display_name" and not 0 < len(str(value).strip()) <= _LONGEST_NAME:
        raise bad_request(f"Field 'display_name' must have 1 to {_LONGEST_NAME} characters")
