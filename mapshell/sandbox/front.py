"""The outermost layer: who may connect, what is counted, and faults on demand."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants
from mapshell.sandbox.spoil import send_answer, spoil

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from mapshell.sandbox.core import Core

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


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
        if not self._core.names.allow(host):
            # A page in a browser that was sent here under another name has no business with us.
            await send_answer(send, 421, b'{"code": "Misdirected", "message": "Unknown host"}', "application/json")
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

        fault = None
        if self._core.faults.watches_requests:
            # Off the event loop: what a fault counts is kept on disk.
            fault = await asyncio.to_thread(self._core.faults.take_request, method, kind, path)
        try:
            if fault is None:
                await self._app(scope, receive, noting)
            else:
                await spoil(fault, self._app, scope, receive, noting, send)
        finally:
            status = seen[0] if seen else None
            spoilt = None if fault is None else fault.kind
            self._core.requests.add(method, kind, path, status, time.monotonic() - began, spoilt)
