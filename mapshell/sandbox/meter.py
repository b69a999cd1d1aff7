"""Requests on their way: each takes its time, and who sends too many is told to wait."""

from __future__ import annotations

import asyncio
import json
import math
import random
import time
from collections import deque
from typing import TYPE_CHECKING

from mapshell.sandbox import constants
from mapshell.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.front import App, Message, Receive, Send
    from mapshell.sandbox.realism import Realism

WINDOW_S = 10.0
_MOST_USERS = 10_000
_PAGES = tuple(constants.AUTH_PREFIX + page for page in ("/v2/oauth2/authorize", "/v2/web/"))


class Meter:
    """Counts the requests of each user in the last ten seconds.

    A refused request is not counted: whoever waits as told gets through.

    Parameters
    ----------
    now
        The clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._sent: dict[str, deque[float]] = {}

    def admit(self, user: str, limit: float) -> float:
        """Count one request; answers 0 when it may pass, else after how many seconds one will (and counts nothing)."""
        now, most = self._now(), max(1, math.floor(limit * WINDOW_S))
        sent = self._sent.get(user)
        if sent is None:
            if len(self._sent) >= _MOST_USERS:
                self._sent.clear()
            sent = self._sent[user] = deque()
        while sent and sent[0] <= now - WINDOW_S:
            sent.popleft()
        if len(sent) < most:
            sent.append(now)
            return 0.0
        # After a change of the limit there may be more than it allows: the one that frees a place decides.
        return sent[len(sent) - most] + WINDOW_S - now


class Road:
    """ASGI layer between the outermost one and the routes: latency and the limit of requests.

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
        self._meter = Meter()
        self._users: dict[str, str] = {}
        self._realism: Realism | None = None
        self._random = random.Random()  # noqa: S311 - seeded below, nothing secret

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, late or not at all."""
        realism, path = self._core.realism, str(scope.get("path", ""))
        if scope["type"] != "http" or not _travels(path):
            await self._app(scope, receive, send)
            return
        if realism.latency:
            await asyncio.sleep(realism.latency * self._spread(realism))
        if realism.request_limit is not None and path.startswith(constants.TRANSFER_PREFIX + "/"):
            wait = self._meter.admit(await self._user(scope), realism.request_limit)
            if wait > 0:
                await _refuse(send, path, wait)
                return
        await self._app(scope, receive, send)

    def _spread(self, realism: Realism) -> float:
        if self._realism is not realism:
            self._realism = realism
            self._random = random.Random(realism.seed)  # noqa: S311 - repeatable on purpose
        return self._random.uniform(0.5, 1.5)

    async def _user(self, scope: Message) -> str:
        """Whose request it is: all tokens of one identity count together."""
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        token = header.partition(" ")[2].strip()
        if token not in self._users:
            grant = await asyncio.to_thread(self._core.tokens.check, token) if token else None
            if grant is None:
                return ""
            if len(self._users) >= _MOST_USERS:
                self._users.clear()
            self._users[token] = grant.identity_id
        return self._users[token]


def _travels(path: str) -> bool:
    # The nonce tells who answers and the admin API tells what happens: neither is part of what is played.  A person
    # at the authorize page is slow enough.
    if path.startswith(constants.ADMIN_PREFIX + "/") or path == constants.AUTH_PREFIX + "/nonce":
        return False
    return not path.startswith(_PAGES)


async def _refuse(send: Send, path: str, wait: float) -> None:
    error = ApiError(429, "TooManyRequests", "Too many requests; wait as long as Retry-After says before the next one")
    body = json.dumps(error.document("/" + path.lstrip("/").partition("/")[2])).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(max(1, math.ceil(wait))).encode()),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})
