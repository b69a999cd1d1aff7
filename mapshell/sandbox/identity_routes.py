"""Auth's resource API: identities, consents, identity providers; and the nonce that proves who answers."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.accounts import provider
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
_MANAGED = frozenset({"projects", "clients", "policies", "scopes"})
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


def _listed(query: dict[str, str], name: str) -> list[str]:
    return [each.strip().lower() for each in query.get(name, "").split(",") if each.strip()]


def _identities(core: Core, call: Call) -> dict[str, Any]:
    _may_view(core, call)
    query = call.query
    ids, usernames = _listed(query, "ids"), _listed(query, "usernames")
    if bool(ids) == bool(usernames):
        raise _malformed("Exactly one of 'ids' and 'usernames' is needed")
    for each in ids:
        try:
            uuid.UUID(each)
        except ValueError as error:
            raise _malformed(f"'{each}' is not a UUID") from error
    if usernames and query.get("provision", "").lower() in {"true", "1"}:
        core.accounts.provision(name for name in usernames if core.accounts.find(name) is None)
    found = core.accounts.find_all(ids or usernames)
    document: dict[str, Any] = {"identities": [identity.document() for identity in found]}
    if "identity_provider" in _listed(query, "include"):
        domains = dict.fromkeys(identity.domain for identity in found)
        document["included"] = {"identity_providers": [provider(domain) for domain in domains]}
    return document


def _malformed(detail: str) -> AuthError:
    return AuthError(400, "MALFORMED", "Bad Request", detail)


def _identity(core: Core, call: Call) -> dict[str, Any]:
    _may_view(core, call)
    identity = core.accounts.find(call.params["id"])
    if identity is None:
        raise AuthError(404, "NOT_FOUND", "Not Found", f"No such identity: {call.params['id']}")
    return {"identity": identity.document()}


def _providers(core: Core, call: Call) -> dict[str, Any]:
    _may_view(core, call)
    ids, domains = _listed(call.query, "ids"), _listed(call.query, "domains")
    if ids and domains:
        raise _malformed("Only one of 'ids' and 'domains' can be given")
    known = [provider(domain) for domain in sorted({person.domain for person in core.accounts.people()})]
    return {
        "identity_providers": [
            each
            for each in known
            if (not ids or each["id"] in ids) and (not domains or set(domains) & set(each["domains"]))
        ]
    }


def _consents(core: Core, call: Call) -> dict[str, Any]:
    grant = _grant(core, call)
    if call.params["id"].lower() != grant.identity_id:
        raise forbidden("Consents can be seen by their owner only")
    everything = call.query.get("all", "").lower() in {"true", "1"}
    return {
        "consents": [
            _consent(row)
            for row in core.tokens.consents.given(grant.identity_id, None if everything else grant.client_id)
        ]
    }


def _consent(row: sqlite3.Row) -> dict[str, Any]:
    created = _instant(row["created"])
    return {
        "id": row["id"],
        "client": row["client"],
        "scope": str(uuid.uuid5(uuid.NAMESPACE_URL, row["scope"])),
        "scope_name": row["scope"],
        "effective_identity": row["identity_id"],
        "dependency_path": [*json.loads(row["path"]), row["id"]],
        "created": created,
        "updated": _instant(row["updated"]) or created,
        "last_used": _instant(row["used"]) or created,
        "status": "approved",
        "allows_refresh": bool(row["refresh"]),
        "auto_approved": False,
        "atomically_revocable": bool(row["optional"]),
    }


def _instant(seconds: float | None) -> str | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="microseconds")


def _nonce(core: Core, call: Call) -> Response:  # noqa: ARG001 - all handlers have one form
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(core.nonce, headers={"Cache-Control": "no-store"})


def refuse(core: Core, call: Call) -> AuthError:
    """Return the answer to what the sandbox does not serve: like Auth's to one who may not, or for what is not there.

    Raises
    ------
    AuthError
        ``UNAUTHORIZED`` without a live token (or client's secret), ``FORBIDDEN`` for a token without the scope that
        Auth would ask for.
    """
    if call.basic() is not None:
        _may_view(core, call)
    else:
        grant = _grant(core, call)
        managed = call.resource.removeprefix("/v2/api/").partition("/")[0] in _MANAGED
        if managed and not grant.scopes & {_VIEW + "manage_projects"}:
            raise forbidden("The manage_projects scope is needed")
    return AuthError(404, "NOT_FOUND", "Not Found", f"The sandbox does not serve {call.method} {call.resource}")


def _unknown(core: Core, call: Call) -> dict[str, Any]:
    raise refuse(core, call)


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
