"""Faults of requests on demand: late, cut, lost or wrong answers, as bytes on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from typing import TYPE_CHECKING

from mapshell.sandbox import constants
from mapshell.sandbox.errors import ApiError, AuthError, OAuthError

if TYPE_CHECKING:
    from mapshell.sandbox.faults import Fault
    from mapshell.sandbox.front import App, Message, Receive, Send

_PAGE = b"<html><body>Please try again later.</body></html>"
#: Codes of the error documents, where a fault names none.
_CODES = {
    400: "ClientError.BadRequest",
    401: "AuthenticationFailed",
    403: "PermissionDenied",
    404: "ClientError.NotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalError",
}


async def spoil(fault: Fault, app: App, scope: Message, receive: Receive, send: Send, raw: Send) -> None:
    """Serve a request as the fault has it.

    Parameters
    ----------
    fault
        One whose scope is a request.
    app, scope, receive, send
        What would serve it.
    raw
        The server's own ``send``, by which its connection is found.
    """
    if fault.kind == "delay":
        await asyncio.sleep(fault.seconds or 0)
        await app(scope, receive, send)
        return
    if fault.kind == "cut":
        await app(scope, receive, _Cutter(send, raw).send)
        return
    answer: list[Message] = []

    async def keep(message: Message) -> None:
        answer.append(message)

    if fault.done or fault.kind in {"lost", "truncated"}:
        # The client cannot know that it was done.
        await app(scope, receive, keep)
    if fault.kind in {"reset", "lost"}:
        await reset(raw)
    elif fault.kind == "status":
        await _status(fault, scope, send)
    elif fault.kind == "html":
        await send_answer(send, 200, _PAGE, "text/html")
    elif fault.kind == "empty":
        await send_answer(send, 200, b"", "application/json")
    else:
        body = b"".join(message.get("body", b"") for message in answer[1:])
        kind = dict(answer[0]["headers"]).get(b"content-type", b"application/json").decode("latin-1")
        await send_answer(send, int(answer[0]["status"]), body[: len(body) // 2], kind)


class _Cutter:
    """Passes on the first half of a body, then resets the connection; holds no more than one block."""

    def __init__(self, send: Send, raw: Send) -> None:
        self._send = send
        self._raw = raw
        self._left = 0
        self._over = False

    async def send(self, message: Message) -> None:
        """Pass on one message, or what of it is left to pass on."""
        if self._over:
            return
        if message["type"] == "http.response.start":
            self._left = int(dict(message["headers"]).get(b"content-length", b"0")) // 2
            await self._send(message)
            return
        body = message.get("body", b"")
        if len(body) < self._left and message.get("more_body"):
            self._left -= len(body)
            await self._send({**message, "more_body": True})
            return
        self._over = True
        await self._send({"type": "http.response.body", "body": body[: self._left], "more_body": True})
        await reset(self._raw)


async def reset(raw: Send) -> None:
    """Reset the connection of a request: what the client reads next fails."""
    transport = getattr(getattr(raw, "__self__", None), "transport", None)
    if transport is None:  # another server than uvicorn
        raise ConnectionResetError("connection reset on demand")
    linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
    with contextlib.suppress(OSError, AttributeError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    while not getattr(raw.__self__, "disconnected", True):  # type: ignore[attr-defined]
        await asyncio.sleep(0)


async def _status(fault: Fault, scope: Message, send: Send) -> None:
    status, path = int(fault.status or 500), str(scope["path"])
    code, message = fault.code or _CODES.get(status, "ServiceUnavailable"), fault.message or "Injected by the sandbox"
    if path.startswith(constants.AUTH_PREFIX + "/v2/oauth2/token"):
        document = OAuthError(status, code, message).document()
    elif path.startswith(constants.AUTH_PREFIX + "/"):
        document = AuthError(status, code, message, message).document()
    else:
        document = ApiError(status, code, message).document("/" + path.lstrip("/").partition("/")[2])
    headers = [] if fault.retry_after is None else [(b"retry-after", str(fault.retry_after).encode())]
    body = json.dumps({**document, **(fault.extra or {})}).encode()
    await send_answer(send, status, body, "application/json", headers)


async def send_answer(
    send: Send, status: int, body: bytes, content_type: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Send a whole answer."""
    start: Message = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *(headers or []),
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
