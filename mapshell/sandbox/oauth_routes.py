"""OAuth2: the consent page, tokens, revocation, introspection, and OpenID Connect's documents."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from mapshell.sandbox import constants, pages
from mapshell.sandbox.errors import OAuthError, forbidden, unauthorized
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import Route

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.tokens import Grant
    from mapshell.sandbox.web import Call, Handler

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def _html(text: str, status: int = 200) -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(text, status, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _authorize_problem(core: Core, query: dict[str, str]) -> str | None:
    """Tell what is wrong with a request for a consent, None when nothing is."""
    try:
        uuid.UUID(query.get("client_id", ""))
    except ValueError:
        return "client_id is not a registered client (a UUID is expected)."
    if query.get("response_type") != "code":
        return "response_type must be 'code'."
    if not _redirect_allowed(core, query.get("redirect_uri", "")):
        return "redirect_uri must be the page that shows the code, or a server on this computer."
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        return "code_challenge_method must be S256."
    if not query.get("code_challenge") and not core.accounts.is_confidential(query["client_id"]):
        return "A native client must use PKCE: code_challenge is missing."
    try:
        core.tokens.check_scope(query.get("scope", ""))
    except OAuthError as error:
        return f"{error.error}: {error.description}"
    return None


def _redirect_allowed(core: Core, uri: str) -> bool:
    if uri in {constants.REAL_CODE_PAGE, f"{core.auth_url}/v2/web/auth-code"}:
        return True
    parts = urlsplit(uri)
    return parts.scheme in {"http", "https"} and (parts.hostname or "") in _LOOPBACK


def _authorize_page(core: Core, call: Call) -> Response:
    problem = _authorize_problem(core, call.query)
    if problem is not None:
        return _html(pages.problem(problem), 400)
    return _html(pages.consent(call.query, core.accounts.people()))


def _authorize(core: Core, call: Call) -> Response:
    """Answer a consent: redirect with a code.  The form's fields may also stand in the query."""
    from starlette.responses import RedirectResponse

    query = {**call.query, **call.form()}
    problem = _authorize_problem(core, query)
    identity = core.accounts.find(query.get("identity") or constants.DEFAULT_USERNAME)
    if problem is None and identity is None:
        problem = "There is no such identity in the sandbox."
    if problem is not None or identity is None:
        return _html(pages.problem(problem or ""), 400)
    answer: dict[str, str] = {"state": query["state"]} if "state" in query else {}
    if query.get("decision") == "deny":
        answer |= {"error": "access_denied", "error_description": "The user did not allow it."}
    else:
        answer["code"] = core.tokens.new_code(
            client_id=str(uuid.UUID(query["client_id"])),
            identity_id=identity.id,
            redirect_uri=query["redirect_uri"],
            scope=query["scope"],
            challenge=query.get("code_challenge"),
            offline=query.get("access_type") == "offline",
            state=query.get("state"),
        )
    target = query["redirect_uri"]
    if target == constants.REAL_CODE_PAGE:
        target = f"{core.auth_url}/v2/web/auth-code"
    return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}", 302)


def _code_page(core: Core, call: Call) -> Response:  # noqa: ARG001 - all handlers have one form
    return _html(pages.code(call.query.get("code"), call.query.get("error_description")))


def _client(core: Core, call: Call, form: dict[str, str]) -> str:
    basic = call.basic()
    if basic is not None:
        return core.accounts.check_client(*basic)
    return core.accounts.check_client(form.get("client_id"), form.get("client_secret"))


def _token(core: Core, call: Call) -> dict[str, Any]:
    form = call.form()
    client_id = _client(core, call, form)
    kind = form.get("grant_type")
    if kind == "authorization_code":
        document = core.tokens.redeem(
            code=form.get("code", ""),
            client_id=client_id,
            redirect_uri=form.get("redirect_uri", ""),
            verifier=form.get("code_verifier"),
        )
    elif kind == "refresh_token":
        document = core.tokens.refresh(form.get("refresh_token", ""), client_id)
    elif kind == "client_credentials":
        if not core.accounts.is_confidential(client_id):
            raise OAuthError(401, "invalid_client")
        scope = form.get("scope") or constants.TRANSFER_ALL
        document = {**core.tokens.issue(client_id, client_id, scope, offline=False), "_identity": client_id}
    else:
        raise OAuthError(400, "unsupported_grant_type")
    return _with_id_token(core, client_id, document)


def _with_id_token(core: Core, client_id: str, document: dict[str, Any]) -> dict[str, Any]:
    grant = core.tokens.check(document["access_token"])
    document = {name: value for name, value in document.items() if not name.startswith("_")}
    if grant is None or "openid" not in document["scope"].split():
        return document
    now = int(time.time())
    claims = {
        "iss": core.auth_url,
        "aud": client_id,
        "iat": now,
        "exp": now + constants.ACCESS_TOKEN_SECONDS,
        "at_hash": grant.hash[:22],
        **_person(core, grant),
    }
    return {**document, "id_token": core.key.sign(claims)}


def _person(core: Core, grant: Grant) -> dict[str, Any]:
    identity = core.accounts.find(grant.identity_id)
    if identity is None:
        raise unauthorized()
    person: dict[str, Any] = {
        "sub": identity.id,
        "identity_provider": constants.IDENTITY_PROVIDER_ID,
        "identity_provider_display_name": "Sandbox",
        "last_authentication": int(grant.issued),
        "preferred_username": identity.username,
        "organization": identity.organization,
    }
    if "profile" in grant.scopes:
        person["name"] = identity.name
    if "email" in grant.scopes:
        person["email"] = identity.email
    person["identity_set"] = [
        {
            "sub": identity.id,
            "username": identity.username,
            "name": identity.name,
            "email": identity.email,
            "organization": identity.organization,
            "identity_provider": constants.IDENTITY_PROVIDER_ID,
            "identity_provider_display_name": "Sandbox",
            "last_authentication": int(grant.issued),
        }
    ]
    return person


def _revoke(core: Core, call: Call) -> dict[str, Any]:
    form = call.form()
    _client(core, call, form)
    core.tokens.revoke(form.get("token", ""))
    return {"active": False, "httpcode": 200}


def _introspect(core: Core, call: Call) -> dict[str, Any]:
    form = call.form()
    client_id = _client(core, call, form)
    grant = core.tokens.introspect(form.get("token", ""))
    if grant is None:
        return {"active": False}
    identity = core.accounts.find(grant.identity_id)
    document: dict[str, Any] = {
        "active": True,
        "token_type": "Bearer",
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
        "aud": sorted({grant.resource_server, client_id}),
    }
    if "identity_set" in form.get("include", ""):
        document["identity_set"] = [grant.identity_id]
    return document


def _userinfo(core: Core, call: Call) -> dict[str, Any]:
    token = call.bearer()
    grant = None if token is None else core.tokens.check(token)
    if grant is None:
        raise unauthorized()
    if grant.resource_server != constants.AUTH_SERVER or "openid" not in grant.scopes:
        raise forbidden()
    return _person(core, grant)


def _openid_configuration(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    base = core.auth_url
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/v2/oauth2/authorize",
        "token_endpoint": f"{base}/v2/oauth2/token",
        "revocation_endpoint": f"{base}/v2/oauth2/token/revoke",
        "introspection_endpoint": f"{base}/v2/oauth2/token/introspect",
        "userinfo_endpoint": f"{base}/v2/oauth2/userinfo",
        "jwks_uri": f"{base}/jwk.json",
        "response_types_supported": ["code", "token", "token id_token", "id_token"],
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "email", "profile"],
        "claims_supported": ["aud", "email", "exp", "iat", "iss", "name", "nonce", "preferred_username", "sub"],
    }


def _jwks(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    return core.key.jwks()


def routes(core: Core) -> list[Route]:
    """All routes of OAuth2 and OpenID Connect."""
    table: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/v2/oauth2/authorize", _authorize_page),
        ("POST", "/v2/oauth2/authorize", _authorize),
        ("GET", "/v2/web/auth-code", _code_page),
        ("POST", "/v2/oauth2/token", _token),
        ("POST", "/v2/oauth2/token/revoke", _revoke),
        ("POST", "/v2/oauth2/token/introspect", _introspect),
        ("GET", "/v2/oauth2/userinfo", _userinfo),
        ("GET", "/.well-known/openid-configuration", _openid_configuration),
        ("GET", "/jwk.json", _jwks),
    )
    return [route(core, method, constants.AUTH_PREFIX + path, handler) for method, path, handler in table]
