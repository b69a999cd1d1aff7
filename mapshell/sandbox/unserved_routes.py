"""Routes that say what the sandbox does not serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from mapshell.sandbox import constants
from mapshell.sandbox.unserved import NOT_SERVED, NotServed, document
from mapshell.sandbox.web import error_response, route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.web import Call

    Authenticate = Callable[[Core, Call], Any]


def routes(core: Core, authenticate: Authenticate) -> list[Route]:
    """All routes of the table; they come after those that are served."""
    found = []
    for entry in NOT_SERVED:
        prefix = constants.TRANSFER_PREFIX if entry.service == "transfer" else f"/{entry.service}"
        for method, path in entry.resources:
            if entry.service == "transfer":
                found.append(route(core, method, prefix + path, _refusal(entry, authenticate)))
            else:
                found.append(Route(prefix + path, _stranger(entry), methods=[method]))
    return found


def _refusal(entry: NotServed, authenticate: Authenticate) -> Callable[[Core, Call], Any]:
    def refuse(core: Core, call: Call) -> Any:
        authenticate(core, call)
        if "id" in call.params and "/endpoint/{id}" in entry.resources[0][1]:
            core.collections.get(call.params["id"])
        return error_response(document(entry, call.resource), entry.status, entry.code)

    return refuse


def _stranger(entry: NotServed) -> Callable[[Request], Any]:
    async def refuse(request: Request) -> JSONResponse:
        return JSONResponse(document(entry, request.url.path), entry.status)

    return refuse
