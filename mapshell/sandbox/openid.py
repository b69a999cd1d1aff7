"""OpenID Connect: id tokens, userinfo, and the documents that tell where all this is."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.accounts import provider
from mapshell.sandbox.errors import forbidden, unauthorized
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    from starlette.routing import Route

    from mapshell.sandbox.accounts import Identity
    from mapshell.sandbox.core import Core
    from mapshell.sandbox.tokens import Grant
    from mapshell.sandbox.web import Call, Handler

_IDENTITY_SET = f"urn:globus:auth:scope:{constants.AUTH_SERVER}:view_identity_set"


def with_id_token(core: Core, client_id: str, document: dict[str, Any], nonce: str | None = None) -> dict[str, Any]:
    """Add an id token to the answer of the token endpoint when ``openid`` was asked for."""
    grant = core.tokens.check(document["access_token"])
    if grant is None or "openid" not in grant.scopes:
        return document
    now = int(time.time())
    half = hashlib.sha256(document["access_token"].encode("ascii")).digest()[:16]
    claims = {
        "iss": core.auth_url,
        "aud": client_id,
        "iat": now,
        "exp": now + constants.ACCESS_TOKEN_SECONDS,
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode("ascii"),
        **({} if nonce is None else {"nonce": nonce}),
        **_person(core, grant),
    }
    return {**document, "id_token": core.key.sign(claims)}


def _person(core: Core, grant: Grant) -> dict[str, Any]:
    identity = core.accounts.find(grant.identity_id)
    if identity is None:
        raise unauthorized()
    proofs = {each.identity_id: int(each.time) for each in core.tokens.sessions.authentications(grant.session)}
    shown = _shown(identity, proofs)
    person: dict[str, Any] = {
        "sub": shown["sub"],
        "preferred_username": shown["username"],
        "organization": shown["organization"],
        "identity_provider": shown["identity_provider"],
        "identity_provider_display_name": shown["identity_provider_display_name"],
        # The person may have logged in with a linked identity only.
        "last_authentication": shown["last_authentication"] or max(proofs.values(), default=int(grant.issued)),
    }
    if "profile" in grant.scopes:
        person["name"] = identity.name
    if "email" in grant.scopes:
        person["email"] = identity.email
    if _IDENTITY_SET in grant.scopes:
        person["identity_set"] = [_shown(each, proofs) for each in core.accounts.linked(identity.id)]
    return person


def _shown(identity: Identity, proofs: dict[str, int]) -> dict[str, Any]:
    vouching = provider(identity.domain)
    return {
        "sub": identity.id,
        "username": identity.username,
        "name": identity.name,
        "email": identity.email,
        "organization": identity.organization,
        "identity_provider": vouching["id"],
        "identity_provider_display_name": vouching["name"],
        "last_authentication": proofs.get(identity.id),
        "status": identity.status,
    }


def _userinfo(core: Core, call: Call) -> dict[str, Any]:
    token = call.bearer()
    grant = None if token is None else core.tokens.check(token)
    if grant is None:
        raise unauthorized()
    if grant.resource_server != constants.AUTH_SERVER or "openid" not in grant.scopes:
        raise forbidden()
    return _person(core, grant)


def _configuration(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    base = core.auth_url
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/v2/oauth2/authorize",
        "token_endpoint": f"{base}/v2/oauth2/token",
        "revocation_endpoint": f"{base}/v2/oauth2/token/revoke",
        "introspection_endpoint": f"{base}/v2/oauth2/token/introspect",
        "userinfo_endpoint": f"{base}/v2/oauth2/userinfo",
        "jwks_uri": f"{base}/jwk.json",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "id_token_signing_alg_values_supported": [core.key.algorithm],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "email", "profile"],
        "claims_supported": [
            *("at_hash", "aud", "email", "exp", "iat", "identity_provider", "identity_provider_display_name"),
            *("iss", "last_authentication", "name", "nonce", "organization", "preferred_username", "sub"),
        ],
    }


def _jwks(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    return core.key.jwks()


def routes(core: Core) -> list[Route]:
    """All routes of OpenID Connect."""
    table: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/v2/oauth2/userinfo", _userinfo),
        ("POST", "/v2/oauth2/userinfo", _userinfo),
        ("GET", "/.well-known/openid-configuration", _configuration),
        ("GET", "/jwk.json", _jwks),
    )
    return [route(core, method, constants.AUTH_PREFIX + path, handler) for method, path, handler in table]
