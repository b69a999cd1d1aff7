"""OAuth2 for programs: tokens, revocation, introspection."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import authorize_routes, client_routes, constants, openid
from mapshell.sandbox.errors import OAuthError
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.routing import Route

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.tokens import Grant
    from mapshell.sandbox.web import Call, Handler

_DEPENDENT = "urn:globus:auth:grant_type:dependent_token"


def _client(core: Core, call: Call, form: Mapping[str, str], *, confidential: bool = False) -> str:
    basic = call.basic()
    given = (form.get("client_id"), form.get("client_secret")) if basic is None else basic
    client_id = core.accounts.check_client(*given)
    if confidential and not core.accounts.is_confidential(client_id):
        raise OAuthError(401, "invalid_client")
    return client_id


def _token(core: Core, call: Call) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(_granted(core, call), headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _granted(core: Core, call: Call) -> dict[str, Any] | list[dict[str, Any]]:
    form = call.form()
    kind = form.get("grant_type")
    client_id = _client(core, call, form, confidential=kind in {"client_credentials", _DEPENDENT})
    if kind == "authorization_code":
        login, document = authorize_routes.redeem(core, form, client_id)
        return openid.with_id_token(core, client_id, document, login.nonce)
    if kind == "refresh_token":
        return openid.with_id_token(core, client_id, core.tokens.refresh(form.get("refresh_token", ""), client_id))
    if kind == "client_credentials":
        return openid.with_id_token(core, client_id, _for_itself(core, client_id, form.get("scope")))
    if kind == _DEPENDENT:
        return core.tokens.dependent(
            form.get("token", ""),
            client_id,
            offline=form.get("access_type") == "offline",
            scope=form.get("scope") or None,
        )
    raise OAuthError(400, "unsupported_grant_type")


def _for_itself(core: Core, client_id: str, scope: str | None) -> dict[str, Any]:
    identity = core.accounts.find(client_id)
    # With its secret a client has just proved who it is.
    session = None if identity is None else core.tokens.sessions.authenticate(client_id, identity, fresh=True)
    return core.tokens.issue(client_id, client_id, scope or constants.TRANSFER_ALL, offline=False, session=session)


def _revoke(core: Core, call: Call) -> dict[str, Any]:
    form = call.form()
    _client(core, call, form)
    # Whoever holds a token may end it; whether there was one is not told. Nor is it an error to name none: the client
    # `globus` does so at its logout, for the refresh tokens that a confidential client never gets.
    core.tokens.revoke(form.get("token", ""))
    return {"active": False, "httpcode": 200}


def _validate(core: Core, call: Call) -> dict[str, Any]:
    form = call.form()
    client_id = _client(core, call, form)
    grant = core.tokens.introspect(form.get("token", ""))
    return {"active": grant is not None and grant.client_id == client_id}


def _introspect(core: Core, call: Call) -> dict[str, Any]:
    form = call.form()
    client_id = _client(core, call, form, confidential=True)
    if "token" not in form:
        raise OAuthError(400, "invalid_request", "Missing token parameter.")
    grant = core.tokens.introspect(form["token"])
    if grant is None:
        return {"active": False}
    identity = core.accounts.find(grant.identity_id)
    document: dict[str, Any] = {
        "active": True,
        "token_type": "Bearer" if grant.kind == "access" else None,
        "scope": " ".join(sorted(grant.scopes)),
        "client_id": grant.client_id,
        "sub": grant.identity_id,
        "username": identity.username if identity else None,
        "name": identity.name if identity else None,
        "email": identity.email if identity else None,
        "iat": int(grant.issued),
        "nbf": int(grant.issued),
        "exp": int(grant.expires),
        "iss": core.auth_url,
        "aud": sorted({grant.resource_server, grant.client_id, client_id}),
        "dependent_tokens_cache_id": _consented(core, grant),
        **_included(core, grant, {each.strip() for each in form.get("include", "").replace(" ", ",").split(",")}),
    }
    policies = [each.strip().lower() for each in form.get("authentication_policies", "").split(",") if each.strip()]
    if policies:
        document["policy_evaluations"] = _evaluated(core, grant, policies)
    return document


def _consented(core: Core, grant: Grant) -> str:
    """Name what dependent tokens depend on: it changes when a consent comes or goes."""
    rows = core.tokens.consents.given(grant.identity_id, grant.root_client)
    text = " ".join([grant.root_client, grant.identity_id, *(str(row["id"]) for row in rows)])
    return hashlib.sha256(text.encode()).hexdigest()


def _included(core: Core, grant: Grant, include: set[str]) -> dict[str, Any]:
    person = core.accounts.linked(grant.identity_id)
    found: dict[str, Any] = {}
    for name in ("identity_set", "identities_set"):  # the second is its old name
        if name in include:
            found[name] = [each.id for each in person]
    if "identity_set_detail" in include:
        found["identity_set_detail"] = [each.document() for each in person]
    if "session_info" in include:
        found["session_info"] = core.tokens.sessions.document(grant.session)
    return found


def _evaluated(core: Core, grant: Grant, policies: list[str]) -> dict[str, Any]:
    proofs = core.tokens.sessions.authentications(grant.session)
    demands = [spec.session_demand for spec in core.collections.all().values()]
    return {
        policy: {"evaluation": all(demand.met(proofs, time.time()) for demand in found)}
        for policy in policies
        if (found := [demand for demand in demands if demand is not None and policy in demand.policies])
    }


def routes(core: Core) -> list[Route]:
    """All routes of OAuth2, login pages and OpenID Connect."""
    table: tuple[tuple[str, str, Handler], ...] = (
        ("POST", "/v2/oauth2/token", _token),
        ("POST", "/v2/oauth2/token/revoke", _revoke),
        ("POST", "/v2/oauth2/token/introspect", _introspect),
        ("POST", "/v2/oauth2/token/validate", _validate),
    )
    served = [route(core, method, constants.AUTH_PREFIX + path, handler) for method, path, handler in table]
    return [*served, *authorize_routes.routes(core), *openid.routes(core), *client_routes.routes(core)]
