"""HTTPS collections: reads of files, whole or by byte range, with a token of the collection's own scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import Route

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.web import Call


def _authorize(core: Core, call: Call, collection_id: str) -> None:
    token = call.bearer()
    if token is None:
        raise ApiError(401, "AuthenticationFailed", "No credentials supplied")
    grant = core.tokens.check(token)
    if grant is None:
        raise ApiError(401, "AuthenticationFailed", "Token is not active")
    if constants.https_scope(collection_id) not in grant.scopes:
        raise ApiError(403, "PermissionDenied", "The token does not have the https scope of this collection")


def _read(core: Core, call: Call) -> Response | dict[str, Any]:
    from starlette.responses import FileResponse

    collection_id = call.params["id"].lower()
    folder = core.folder(collection_id)
    if not folder.spec.serves_https:
        raise ApiError(404, "NotFound", "This collection has no HTTPS server")
    _authorize(core, call, collection_id)
    if folder.spec.offline:
        raise ApiError(502, "ExternalError.ConnectFailed", "The endpoint does not answer")
    path = call.params["path"]
    try:
        local = folder.local("/" + path)
        if local.is_dir():
            raise ApiError(400, "IsDirectory", "Directories cannot be read over HTTPS")
        if not local.is_file():
            raise ApiError(404, "NotFound", f"No such file: /{path}")
        local.open("rb").close()
    except PermissionError as error:
        raise ApiError(403, "PermissionDenied", f"Permission denied: /{path}") from error
    return FileResponse(local, media_type="application/octet-stream")


def routes(core: Core) -> list[Route]:
    """All routes of the HTTPS servers."""
    path = constants.HTTPS_PREFIX + "/{id}/{path:path}"
    return [route(core, method, path, _read) for method in ("GET", "HEAD")]
