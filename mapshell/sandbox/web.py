"""Between HTTP and the handlers: a request as plain data, errors as documents, work off the event loop."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mapshell.sandbox import constants
from mapshell.sandbox.errors import ApiError, AuthError, OAuthError, bad_request, unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from mapshell.sandbox.core import Core

    Handler = Callable[["Core", "Call"], "Response | dict[str, Any]"]

_log = logging.getLogger("mapshell.sandbox")
#: A submission of some 500,000 files; more memory is not spent on one request.
_LARGEST_BODY = 128 << 20
_TRANSFER_HEADERS = {
    "x-transfer-api-version": "0.10",
    "cache-control": "no-cache",
    "pragma": "no-cache",
    "expires": "0",
}


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    params: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        """Query parameters (of repeated ones the last)."""
        return dict(self.pairs)

    @property
    def resource(self) -> str:
        """Path as the service names it, without the prefix of the sandbox."""
        return "/" + self.path.lstrip("/").partition("/")[2]

    def form(self) -> dict[str, str]:
        """Fields of a form body.

        Raises
        ------
        OAuthError
            The body is no form.
        """
        try:
            return dict(parse_qsl(self.body.decode("utf-8"), keep_blank_values=True))
        except UnicodeDecodeError as error:
            raise OAuthError(400, "invalid_request") from error

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON document.

        Raises
        ------
        ApiError
            It is none.
        """
        try:
            document = json.loads(self.body)
            if b"\\ud" in self.body.lower():
                # Halves of characters are no text that could be a name or be stored.
                json.dumps(document, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise bad_request(f"Could not parse JSON: {error}") from error
        if not isinstance(document, dict):
            raise bad_request("Body must be a JSON object")
        return document

    def bearer(self) -> str | None:
        """Return the token of the Authorization header, None without one."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() if scheme.lower() == "bearer" and value.strip() else None

    def basic(self) -> tuple[str, str] | None:
        """User and password of the Authorization header, None without.

        Raises
        ------
        AuthError
            The header is malformed.
        """
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise unauthorized() from error
        return user, password


def error_response(document: Mapping[str, Any], status: int, code: str) -> Response:
    """Answer with an error document of Transfer; its code stands in a header too, which some clients read."""
    return JSONResponse(document, status, headers={**_TRANSFER_HEADERS, "x-transfer-api-error": code})


async def _body(request: Request) -> bytes | None:
    """Read a body, None when it is too large."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > _LARGEST_BODY:
            return None
    return bytes(found)


def route(core: Core, method: str, path: str, handler: Handler, status: int = 200) -> Route:
    """Make a route whose handler runs in a thread; dicts become JSON, errors become their documents."""

    def work(call: Call) -> Response:
        try:
            answer = handler(core, call)
        except ApiError as error:
            return error_response(error.document(call.resource), error.status, error.code)
        except (OAuthError, AuthError) as error:
            return JSONResponse(error.document(), error.status)
        except Exception:  # noqa: BLE001 - a defect of the sandbox is told as the service would, and logged
            _log.error("%s %s: %s", call.method, call.path, traceback.format_exc())
            failure = ApiError(500, "InternalError", "An unexpected error occurred in the sandbox; see its log")
            return error_response(failure.document(call.resource), failure.status, failure.code)
        response = answer if isinstance(answer, Response) else JSONResponse(answer, status)
        if path.startswith(constants.TRANSFER_PREFIX):
            response.headers.update(_TRANSFER_HEADERS)
        return response

    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            raised = ApiError(413, "ClientError.RequestTooLarge", f"The body has more than {_LARGEST_BODY:,} bytes")
            return error_response(raised.document(request.url.path), raised.status, raised.code)
        call = Call(
            method=request.method,
            path=request.url.path,
            params={name: str(value) for name, value in request.path_params.items()},
            pairs=tuple(request.query_params.multi_items()),
            headers=request.headers,
            body=body,
        )
        return await run_in_threadpool(work, call)

    return Route(path, endpoint, methods=[method])
