"""Transfer API v0.10: collections, endpoints, and what older clients ask before they use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants, endpoint_search, endpoints
from mapshell.sandbox.errors import ApiError, request_id
from mapshell.sandbox.listing import only_fields
from mapshell.sandbox.transfer_auth import authenticate, result
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    from starlette.routing import Route

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.web import Call, Handler


def _document(core: Core, call: Call) -> dict[str, Any]:
    grant = authenticate(core, call)
    collection_id = call.params["id"].lower()
    if collection_id == endpoints.SERVER_ID:
        return endpoints.endpoint_document(core, grant.identity_id)
    return endpoints.document(core, collection_id, core.collections.get(collection_id), grant.identity_id)


def _get(core: Core, call: Call) -> dict[str, Any]:
    return only_fields(_document(core, call), call.query)


def _update(core: Core, call: Call) -> dict[str, Any]:
    grant = authenticate(core, call)
    collection_id = call.params["id"].lower()
    endpoints.update(core, collection_id, core.collections.get(collection_id), grant.identity_id, call.json())
    return result(call, "Updated", "Endpoint updated successfully")


def _search(core: Core, call: Call) -> dict[str, Any]:
    return endpoint_search.search(core, authenticate(core, call).identity_id, call.query)


def _server_list(core: Core, call: Call) -> dict[str, Any]:
    found = _document(core, call)
    return {"DATA_TYPE": "endpoint_server_list", "endpoint": found["id"], "DATA": found["DATA"]}


def _server(core: Core, call: Call) -> dict[str, Any]:
    (server,) = _document(core, call)["DATA"]
    if call.params["server"] != str(server["id"]):
        raise ApiError(404, "ClientError.NotFound.ServerNotFound", f"No server with id '{call.params['server']}'")
    found: dict[str, Any] = server
    return found


def _pause_rules(core: Core, call: Call) -> dict[str, Any]:
    _document(core, call)
    return {"DATA_TYPE": "pause_rule_list", "length": 0, "DATA": []}


def _activate(core: Core, call: Call) -> dict[str, Any]:
    """Answer to clients from before collections were in use at once: there is nothing to activate."""
    found = _document(core, call)
    return {
        "DATA_TYPE": "activation_result",
        "code": "AlreadyActivated",
        "message": "The endpoint is already activated.",
        "endpoint": found["canonical_name"],
        "endpoint_id": found["id"],
        "expires_in": -1,
        "expire_time": None,
        "oauth_server": None,
        "subject": None,
        "request_id": request_id(),
        "resource": call.resource,
    }


def _requirements(core: Core, call: Call) -> dict[str, Any]:
    _document(core, call)
    return {
        "DATA_TYPE": "activation_requirements",
        "length": 0,
        "expires_in": -1,
        "expire_time": None,
        "auto_activation_supported": True,
        "activated": True,
        "oauth_server": None,
        "DATA": [],
    }


def _deactivate(core: Core, call: Call) -> dict[str, Any]:
    _document(core, call)
    return result(call, "NotActivated", "Endpoint does not have to be activated")


def routes(core: Core) -> list[Route]:
    """All routes of collections and endpoints."""
    table: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/endpoint_search", _search),
        ("GET", "/endpoint/{id}", _get),
        ("PUT", "/endpoint/{id}", _update),
        ("GET", "/endpoint/{id}/server_list", _server_list),
        ("GET", "/endpoint/{id}/server/{server}", _server),
        ("GET", "/endpoint/{id}/my_effective_pause_rule_list", _pause_rules),
        ("GET", "/endpoint/{id}/activation_requirements", _requirements),
        ("POST", "/endpoint/{id}/autoactivate", _activate),
        ("POST", "/endpoint/{id}/activate", _activate),
        ("POST", "/endpoint/{id}/deactivate", _deactivate),
    )
    prefix = constants.TRANSFER_PREFIX + "/v0.10"
    return [route(core, method, prefix + path, handler) for method, path, handler in table]
