"""Auth's clients, as far as clients manage themselves: instances of native applications."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.errors import ApiError, AuthError
from mapshell.sandbox.identity_routes import refuse
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import Route

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.web import Call, Handler


def _new_client(core: Core, call: Call) -> Response:
    """Register an instance of a native application, as each installation of a command line client does for itself."""
    from starlette.responses import JSONResponse

    try:
        body = call.json().get("client")
    except ApiError as error:
        raise AuthError(400, "MALFORMED", "Bad Request", error.message) from error
    if not isinstance(body, dict) or "template_id" not in body:
        raise refuse(core, call)
    try:
        template, name = str(uuid.UUID(str(body["template_id"]))), str(body["name"])
    except (ValueError, KeyError) as error:
        raise AuthError(
            400, "MALFORMED", "Bad Request", "A client needs a name, and a template_id that is a UUID"
        ) from error
    client_id, secret = core.accounts.add_instance(template, name)
    credential = {
        "id": str(uuid.uuid4()),
        "name": "Auto-created at client creation",
        "client": client_id,
        "secret": secret,
    }
    return JSONResponse(
        {"client": _client_document(core, client_id), "included": {"client_credential": credential}}, 201
    )


def _own_client(core: Core, call: Call) -> str:
    """Return the id of the client that asks about itself."""
    client_id = call.params["id"].lower()
    if call.basic() is None or core.accounts.check_client(*(call.basic() or ("", ""))) != client_id:
        raise refuse(core, call)
    return client_id


def _show_client(core: Core, call: Call) -> dict[str, Any]:
    return {"client": _client_document(core, _own_client(core, call))}


def _remove_client(core: Core, call: Call) -> dict[str, Any]:
    document = _show_client(core, call)
    core.accounts.remove_client(document["client"]["id"])
    return document


def _client_document(core: Core, client_id: str) -> dict[str, Any]:
    row = core.accounts.client(client_id)
    return {
        "id": client_id,
        "name": None if row is None else row["name"],
        "parent_client": None if row is None else row["parent"],
        "redirect_uris": core.accounts.redirects(client_id),
        "public_client": row is None,
        "client_type": "public_installed_client" if row is None else "confidential_client",
        "grant_types": ["authorization_code", "client_credentials", "refresh_token"],
        "scopes": [],
        "fqdns": [],
        "project": None,
        "required_idp": None,
        "preselect_idp": None,
        "prompt_for_named_grant": False,
        "userinfo_from_effective_identity": True,
        "visibility": "private",
        "links": {"privacy_policy": None, "terms_and_conditions": None},
    }


def routes(core: Core) -> list[Route]:
    """All routes of clients."""
    table: tuple[tuple[str, str, Handler], ...] = (
        ("POST", "/v2/api/clients", _new_client),
        ("GET", "/v2/api/clients/{id}", _show_client),
        ("DELETE", "/v2/api/clients/{id}", _remove_client),
    )
    return [route(core, method, constants.AUTH_PREFIX + path, handler) for method, path, handler in table]
