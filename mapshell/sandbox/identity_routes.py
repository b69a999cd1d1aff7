"""Auth's resource API: identities, consents, identity providers; and the nonce that proves who answers."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.errors import AuthError, OAuthError, forbidden, unauthorized
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    import sqlite3

    from starlette.responses import Response
    from starlette.routing import Route

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.tokens import Grant
    from mapshell.sandbox.web import Call, Handler

_VIEW = "urn:globus:auth:scope:auth.globus.org:"
_IDENTITY_SCOPES = frozenset({_VIEW + "view_identities", _VIEW + "view_identity_set", _VIEW + "manage_projects"})


def _grant(core: Core, call: Call) -> Grant:
    token = call.bearer()
    grant = None if token is None else core.tokens.check(token)
    if grant is None:
        raise unauthorized()
    if grant.resource_server != constants.AUTH_SERVER:
        raise forbidden("The token is for another service")
    return grant


def _may_view(core: Core, call: Call) -> None:
    basic = call.basic()
    if basic is not None:
        try:
            core.accounts.check_client(*basic)
        except OAuthError as error:
            raise unauthorized() from error
    elif not _grant(core, call).scopes & _IDENTITY_SCOPES:
        raise forbidden("The view_identities scope is needed")


def _identities(core: Core, call: Call) -> dict[str, Any]:
    _may_view(core, call)
    query = call.query
    names = query.get("ids") or query.get("usernames")
    if not names or ("ids" in query and "usernames" in query):
        raise AuthError(400, "MALFORMED", "Bad Request", "Either 'ids' or 'usernames' is needed, not both")
    document: dict[str, Any] = {
        "identities": [identity.document() for identity in core.accounts.find_all(names.split(","))]
    }
    if query.get("include") == "identity_provider":
        document["included"] = {"identity_providers": [_provider()]}
    return document


def _identity(core: Core, call: Call) -> dict[str, Any]:
    _may_view(core, call)
    identity = core.accounts.find(call.params["id"])
    if identity is None:
        raise AuthError(404, "NOT_FOUND", "Not Found", f"No such identity: {call.params['id']}")
    return {"identity": identity.document()}


def _provider() -> dict[str, Any]:
    return {
        "id": constants.IDENTITY_PROVIDER_ID,
        "name": "Sandbox",
        "short_name": "sandbox",
        "domains": ["sandbox.example"],
        "alternative_names": [],
    }


def _providers(core: Core, call: Call) -> dict[str, Any]:
    _may_view(core, call)
    return {"identity_providers": [_provider()]}


def _consents(core: Core, call: Call) -> dict[str, Any]:
    grant = _grant(core, call)
    if call.params["id"].lower() != grant.identity_id:
        raise forbidden("Consents can be seen by their owner only")
    everything = call.query.get("all", "").lower() in {"true", "1"}
    return {
        "consents": [
            _consent(row) for row in core.tokens.consents(grant.identity_id, None if everything else grant.client_id)
        ]
    }


def _consent(row: sqlite3.Row) -> dict[str, Any]:
    created = dt.datetime.fromtimestamp(row["created"], dt.UTC).isoformat()
    return {
        "id": row["id"],
        "client": row["client"],
        "scope": str(uuid.uuid5(uuid.NAMESPACE_URL, row["scope"])),
        "scope_name": row["scope"],
        "effective_identity": row["identity_id"],
        "dependency_path": [*json.loads(row["path"]), row["id"]],
        "created": created,
        "updated": created,
        "last_used": created,
        "status": "approved",
        "allows_refresh": bool(row["refresh"]),
        "auto_approved": False,
        "atomically_revocable": row["path"] != "[]",
    }


def _nonce(core: Core, call: Call) -> Response:  # noqa: ARG001 - all handlers have one form
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(core.nonce, headers={"Cache-Control": "no-store"})


def _unknown(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    raise AuthError(404, "NOT_FOUND", "Not Found", f"The sandbox does not serve {call.method} {call.resource}")


def routes(core: Core) -> list[Route]:
    """All routes of Auth's resource API."""
    table: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/nonce", _nonce),
        ("GET", "/v2/api/identities", _identities),
        ("GET", "/v2/api/identities/{id}", _identity),
        ("GET", "/v2/api/identities/{id}/consents", _consents),
        ("GET", "/v2/api/identity_providers", _providers),
    )
    served = [route(core, method, constants.AUTH_PREFIX + path, handler) for method, path, handler in table]
    anything = constants.AUTH_PREFIX + "/{rest:path}"
    return served + [route(core, method, anything, _unknown) for method in ("GET", "POST", "PUT", "DELETE", "PATCH")]
