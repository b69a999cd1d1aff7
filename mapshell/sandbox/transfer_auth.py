"""What all resources of Transfer have in common: whose token it is, and the plain result document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.errors import ApiError, request_id

if TYPE_CHECKING:
    from mapshell.sandbox.core import Core
    from mapshell.sandbox.tokens import Grant
    from mapshell.sandbox.web import Call


def authenticate(core: Core, call: Call) -> Grant:
    """Return what the request's token allows.

    Raises
    ------
    ApiError
        ``AuthenticationFailed``: no token, or one that is dead or made for another service.
    """
    token = call.bearer()
    if token is None:
        raise ApiError(401, "AuthenticationFailed", "No credentials supplied")
    grant = core.tokens.check(token)
    # Another service's token is as good as none: Auth tells Transfer about its own tokens only.
    if grant is None or grant.resource_server != constants.TRANSFER_SERVER:
        raise ApiError(401, "AuthenticationFailed", "Token is not active")
    if constants.TRANSFER_ALL not in grant.scopes:
        raise ApiError(403, "PermissionDenied", "Token does not have the required scope")
    return grant


def result(call: Call, code: str, message: str, data_type: str = "result") -> dict[str, Any]:
    """Answer that something was done."""
    return {
        "DATA_TYPE": data_type,
        "code": code,
        "message": message,
        "request_id": request_id(),
        "resource": call.resource,
    }
