"""The outermost layer: who may connect, what is counted, and faults on demand."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from mapshell.sandbox.core import Core

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)


def path_kind(path: str) -> str:
    """Name the kind of a request: ``transfer/task/<id>/cancel``, ``auth/v2/oauth2/token``, ``https/<id>``."""
    kind = _UUID.sub("<id>", path.strip("/"))
    if kind.startswith("https/"):
        return "https/<id>"
    return kind.replace("transfer/v0.10/", "transfer/")


class Front:
    """ASGI application around the routes.

    Parameters
    ----------
    app
        The routes.
    core
        The sandbox.
    """

    def __init__(self, app: App, core: Core) -> None:
        self._app = app
        self._core = core
        self.last_request = time.monotonic()
        self._open = 0

    @property
    def idle_seconds(self) -> float:
        """Seconds since anything was asked for or done."""
        if self._open or self._core.engine.busy:
            self.last_request = time.monotonic()
        return time.monotonic() - self.last_request

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._open += 1
        self.last_request = time.monotonic()
        try:
            await self._serve(scope, receive, send)
        finally:
            self._open -= 1
            self.last_request = time.monotonic()

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        path, method = str(scope["path"]), str(scope["method"])
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        if not _HOST.fullmatch(host):
            # A page in a browser that was sent here under another name has no business with us.
            await _answer(send, 421, b'{"code": "Misdirected", "message": "Unknown host"}', "application/json")
            return
        if path.startswith(constants.ADMIN_PREFIX + "/") or path == constants.AUTH_PREFIX + "/nonce":
            await self._app(scope, receive, send)
            return
        kind, began = path_kind(path), time.monotonic()
        seen: list[int] = []

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.append(int(message["status"]))
            await send(message)

        fault = self._core.faults.take_request(method, kind, path)
        try:
            if fault is None:
                await self._app(scope, receive, noting)
            else:
                await self._spoil(fault, scope, receive, noting)
        finally:
            self._core.requests.add(method, kind, path, seen[0] if seen else None, time.monotonic() - began)

    async def _spoil(self, fault: dict[str, Any], scope: Message, receive: Receive, send: Send) -> None:
        mode = fault.get("mode", "status")
        if mode == "delay":
            await asyncio.sleep(float(fault.get("seconds", 0.1)))
            await self._app(scope, receive, send)
        elif mode == "status":
            await self._status(fault, scope, send)
        elif mode == "html":
            await _answer(send, 200, b"<html><body>Please try again later.</body></html>", "text/html")
        else:
            # "lost" and "cut" do the work first: the client cannot know that it was done.
            start, body = await self._collect(scope, receive)
            if mode == "cut":
                await send(start)
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            else:
                length = [(b"content-length", str(len(body) + 1).encode())]
                await send({"type": "http.response.start", "status": start["status"], "headers": length})
            raise ConnectionResetError("answer lost on demand")

    async def _status(self, fault: dict[str, Any], scope: Message, send: Send) -> None:
        import json

        status = int(fault.get("status", 500))
        error = ApiError(
            status, str(fault.get("code", "ServiceUnavailable")), str(fault.get("message", "Injected by the sandbox"))
        )
        headers = []
        if "retry_after" in fault:
            headers.append((b"retry-after", str(fault["retry_after"]).encode()))
        body = json.dumps({**error.document(str(scope["path"])), **fault.get("extra", {})}).encode()
        await _answer(send, status, body, "application/json", headers)

    async def _collect(self, scope: Message, receive: Receive) -> tuple[Message, bytes]:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


async def _answer(
    send: Send, status: int, body: bytes, content_type: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
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
