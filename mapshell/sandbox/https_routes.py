"""HTTPS collections: reads of files, whole or by byte range, with a token of the collection's own scope."""

from __future__ import annotations

import email.utils
import logging
import os
import secrets
import stat
import traceback
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Match

from mapshell.sandbox import constants
from mapshell.sandbox.anchor import READ, Anchor
from mapshell.sandbox.demands import require_session
from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.listing import writable
from mapshell.sandbox.ranges import UnsatisfiableError, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from starlette.types import Receive, Scope, Send

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.tokens import Grant

_log = logging.getLogger("mapshell.sandbox")
_PREFIX = constants.HTTPS_PREFIX + "/"
_BLOCK = 256 * 1024
_TYPE = "application/octet-stream"


class _Refused(ApiError):
    """An answer with headers of its own."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str]) -> None:
        super().__init__(status, code, message)
        self.headers = headers


def _refusal(error: ApiError) -> Response:
    """Tell an error as a collection's server does, in the words of its manager."""
    document: dict[str, Any] = {
        "DATA_TYPE": "result#1.0.0",
        "code": error.code,
        "detail": None,
        "has_next_page": False,
        "http_response_code": error.status,
        "message": error.message,
        **error.extra,
    }
    return JSONResponse(document, error.status, headers=error.headers if isinstance(error, _Refused) else None)


def _authorize(core: Core, request: Request, collection_id: str) -> Grant:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _Refused(401, "unauthorized", "No credentials supplied", {"WWW-Authenticate": "Bearer"})
    grant = core.tokens.check(token.strip())
    if grant is None:
        challenge = 'Bearer error="invalid_token"'
        raise _Refused(401, "unauthorized", "Token is not active", {"WWW-Authenticate": challenge})
    scope = constants.https_scope(collection_id)
    if scope not in grant.scopes:
        raise _Refused(
            403,
            "permission_denied",
            "The token does not have the https scope of this collection",
            {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )
    return grant


def _open(core: Core, request: Request) -> BinaryIO:
    """Open the file that a request names, having checked that it may be read."""
    if request.method not in {"GET", "HEAD"}:
        raise _Refused(405, "method_not_allowed", "The sandbox serves reads only", {"Allow": "GET, HEAD"})
    collection_id, _, rest = request.scope["raw_path"].decode("ascii")[len(_PREFIX) :].partition("/")
    collection_id = collection_id.lower()
    # A name is bytes, which need not be UTF-8.
    path = "/" + os.fsdecode(unquote_to_bytes(rest))
    folder = core.folder(collection_id)
    if not folder.spec.serves_https:
        raise ApiError(404, "not_found", "This collection has no HTTPS server")
    grant = _authorize(core, request, collection_id)
    if folder.spec.offline:
        raise ApiError(502, "ExternalError.ConnectFailed", "The endpoint does not answer")
    require_session(core.tokens.sessions, grant, collection_id, folder.spec)
    shown = path.encode("utf-8", "replace").decode("utf-8")
    anchor = Anchor(folder)
    try:
        file = os.fdopen(anchor.open(path, READ), "rb")
    except PermissionError as error:
        if folder.local(path).is_dir():  # as Windows says it
            raise _directory() from error
        raise ApiError(403, "permission_denied", f"Permission denied: {shown}") from error
    except IsADirectoryError as error:
        raise _directory() from error
    except (OSError, ValueError) as error:  # ValueError: no file of this system has such a name
        raise ApiError(404, "not_found", f"No such file: {shown}") from error
    finally:
        anchor.close()
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise ApiError(404, "not_found", f"No such file: {shown}")


def _directory() -> ApiError:
    return ApiError(400, "bad_request", "Directories cannot be read over HTTPS")


def _answer(core: Core, request: Request) -> Response:
    with ExitStack() as stack:
        file = stack.enter_context(_open(core, request))
        response = _contents(file, request)
        if isinstance(response, _Sent):
            stack.pop_all()  # it closes the file itself
        return response


def _contents(file: BinaryIO, request: Request) -> Response:
    status = os.fstat(file.fileno())
    size, asked = status.st_size, request.headers
    tag = f'"{status.st_mtime_ns:x}-{size:x}"'
    changed = email.utils.formatdate(writable(status.st_mtime), usegmt=True)
    headers = {"Accept-Ranges": "bytes", "ETag": tag, "Last-Modified": changed}
    if asked.get("if-none-match") in {tag, "*"} or (
        "if-none-match" not in asked and asked.get("if-modified-since") == changed
    ):
        return Response(status_code=304, headers=headers)
    parts = None
    if request.method == "GET" and asked.get("if-range", tag) in {tag, changed}:
        try:
            parts = wanted(asked.get("range"), size)
        except UnsatisfiableError:
            message = f"The file has {size} bytes"
            error = _Refused(416, "range_not_satisfiable", message, {**headers, "Content-Range": f"bytes */{size}"})
            return _refusal(error)
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(size)}, media_type=_TYPE)
    if parts is None:
        return _stream(file, [(b"", 0, size)], b"", {**headers, "Content-Type": _TYPE})
    if len(parts) == 1:
        ((first, end),) = parts
        span = {"Content-Range": f"bytes {first}-{end - 1}/{size}", "Content-Type": _TYPE}
        return _stream(file, [(b"", first, end)], b"", {**headers, **span}, 206)
    boundary = secrets.token_hex(16)
    heads = [
        f"--{boundary}\r\nContent-Type: {_TYPE}\r\nContent-Range: bytes {first}-{end - 1}/{size}\r\n\r\n".encode()
        for first, end in parts
    ]
    heads[1:] = [b"\r\n" + head for head in heads[1:]]
    pieces = [(head, first, end) for head, (first, end) in zip(heads, parts, strict=True)]
    multipart = {"Content-Type": f"multipart/byteranges; boundary={boundary}"}
    return _stream(file, pieces, f"\r\n--{boundary}--\r\n".encode(), {**headers, **multipart}, 206)


class _Sent(StreamingResponse):
    """An answer that closes its file at the end, also when the reader has gone."""

    def __init__(self, file: BinaryIO, blocks: Iterator[bytes], status: int, headers: dict[str, str]) -> None:
        super().__init__(blocks, status, headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def _stream(
    file: BinaryIO, pieces: list[tuple[bytes, int, int]], tail: bytes, headers: dict[str, str], status: int = 200
) -> Response:
    """Send pieces of a file, each with the bytes before it, then ``tail``."""
    length = sum(len(head) + end - first for head, first, end in pieces) + len(tail)

    def blocks() -> Iterator[bytes]:
        for head, first, end in pieces:
            yield head
            file.seek(first)
            at = first
            while at < end:
                block = file.read(min(_BLOCK, end - at))
                if not block:  # it was cut meanwhile: the answer breaks off, as it must
                    raise OSError("the file has become shorter while it was sent")
                at += len(block)
                yield block
        yield tail

    return _Sent(file, blocks(), status, headers={**headers, "Content-Length": str(length)})


class _Servers(BaseRoute):
    """The HTTPS servers of all collections.  Takes whatever a path may hold, line feeds included."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is for a collection's server."""
        if scope["type"] == "http" and scope["path"].startswith(_PREFIX):
            return Match.FULL, {}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await run_in_threadpool(self._work, Request(scope, receive))
        await response(scope, receive, send)

    def _work(self, request: Request) -> Response:
        try:
            return _answer(self._core, request)
        except ApiError as error:
            return _refusal(error)
        except Exception:  # noqa: BLE001 - a defect of the sandbox is told as the service would, and logged
            _log.error("%s %s: %s", request.method, request.url.path, traceback.format_exc())
            return _refusal(ApiError(500, "internal_error", "An unexpected error occurred in the sandbox"))


def routes(core: Core) -> list[BaseRoute]:
    """Return the one route of the HTTPS servers."""
    return [_Servers(core)]
