"""What the sandbox does not serve, and with which error it says so: one table, for routes, tests and docs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from mapshell.sandbox.errors import ApiError, request_id

_V0 = "/v0.10"
_NO_ROLE = "You do not have the role on this endpoint that this takes"


@dataclass(frozen=True)
class NotServed:
    """One feature of Globus that the sandbox has not.

    Parameters
    ----------
    feature
        Its name, for people.
    service
        Which service has it: ``transfer`` or another of Globus.
    resources
        Methods and paths below the service's base URL; ``{id}`` stands for one part, ``{rest:path}`` for any.
    status, code, message
        The error: what the real service could say to somebody who may not, or finds nothing.
    """

    feature: str
    service: str
    resources: tuple[tuple[str, str], ...]
    status: int
    code: str
    message: str


def _all(*paths: str, methods: str = "GET POST PUT PATCH DELETE") -> tuple[tuple[str, str], ...]:
    return tuple((method, path) for path in paths for method in methods.split())


NOT_SERVED: tuple[NotServed, ...] = (
    NotServed(
        "Bookmarks",
        "transfer",
        (
            ("GET", f"{_V0}/bookmark_list"),
            ("POST", f"{_V0}/bookmark"),
            *_all(f"{_V0}/bookmark/{{id}}", methods="GET PUT DELETE"),
            *_all("/v2/bookmarks", "/v2/bookmarks/{id}"),
        ),
        404,
        "ClientError.NotFound",
        "The sandbox keeps no bookmarks",
    ),
    NotServed(
        "Access rules (ACLs)",
        "transfer",
        (
            ("GET", f"{_V0}/endpoint/{{id}}/access_list"),
            ("POST", f"{_V0}/endpoint/{{id}}/access"),
            *_all(f"{_V0}/endpoint/{{id}}/access/{{rule}}", methods="GET PUT DELETE"),
        ),
        403,
        "PermissionDenied",
        f"{_NO_ROLE}: the sandbox has no access rules",
    ),
    NotServed(
        "Roles",
        "transfer",
        (
            ("GET", f"{_V0}/endpoint/{{id}}/role_list"),
            ("POST", f"{_V0}/endpoint/{{id}}/role"),
            *_all(f"{_V0}/endpoint/{{id}}/role/{{role}}", methods="GET DELETE"),
        ),
        403,
        "PermissionDenied",
        f"{_NO_ROLE}: the sandbox has no roles",
    ),
    NotServed(
        "Creating, deleting and listing guest collections; creating endpoints",
        "transfer",
        (
            ("POST", f"{_V0}/shared_endpoint"),
            ("POST", f"{_V0}/endpoint"),
            ("DELETE", f"{_V0}/endpoint/{{id}}"),
            ("GET", f"{_V0}/endpoint/{{id}}/my_shared_endpoint_list"),
            ("GET", f"{_V0}/endpoint/{{id}}/shared_endpoint_list"),
        ),
        403,
        "PermissionDenied",
        f"{_NO_ROLE}: collections of the sandbox are named when it is started",
    ),
    NotServed(
        "Subscriptions",
        "transfer",
        _all(
            f"{_V0}/endpoint/{{id}}/subscription", f"{_V0}/endpoint/{{id}}/subscription_admin_verified", methods="PUT"
        ),
        403,
        "PermissionDenied",
        "User does not have an admin role on the collection's subscription: the sandbox has none",
    ),
    NotServed(
        "Adding, changing and deleting servers of an endpoint",
        "transfer",
        (
            ("POST", f"{_V0}/endpoint/{{id}}/server"),
            *_all(f"{_V0}/endpoint/{{id}}/server/{{server}}", methods="PUT DELETE"),
        ),
        403,
        "PermissionDenied",
        _NO_ROLE,
    ),
    NotServed(
        "Endpoint manager (activity of others, pause rules)",
        "transfer",
        _all(f"{_V0}/endpoint_manager/{{rest:path}}"),
        403,
        "PermissionDenied",
        "You do not have an activity manager or monitor role on any managed endpoint",
    ),
    NotServed(
        "Removing a task from the history",
        "transfer",
        (("POST", f"{_V0}/task/{{id}}/remove"),),
        403,
        "PermissionDenied",
        "The sandbox keeps the history of all tasks",
    ),
    NotServed(
        "Tunnels and stream access points",
        "transfer",
        _all(
            "/v2/tunnels",
            "/v2/tunnels/{id}",
            "/v2/tunnels/{id}/events",
            "/v2/stream_access_points",
            "/v2/stream_access_points/{id}",
        ),
        404,
        "NotFound",
        "The sandbox has no tunnels and no stream access points",
    ),
    NotServed(
        "Anything else of Transfer",
        "transfer",
        _all("/{rest:path}"),
        404,
        "ClientError.NotFound",
        "The sandbox does not serve this resource; its documentation lists what it serves",
    ),
    *(
        NotServed(name, service, _all("/{rest:path}"), status, code, f"The sandbox does not serve {name}")
        for name, service, status, code in (
            ("Groups", "groups", 404, "NOT_FOUND"),
            ("Timers", "timer", 404, "NOT_FOUND"),
            ("Flows", "flows", 404, "NOT_FOUND"),
            ("Search", "search", 404, "NotFound.Generic"),
            ("Compute", "compute", 404, "NOT_FOUND"),
            ("Globus Connect Server Manager", "gcs", 404, "not_found"),
        )
    ),
)
#: Services beside Auth and Transfer: asked through the sandbox, so that nothing goes to the real ones by accident.
OTHER_SERVICES = tuple(entry.service for entry in NOT_SERVED if entry.service != "transfer")


def document(entry: NotServed, resource: str) -> dict[str, Any]:
    """Spell the error as its service does."""
    code, message = entry.code, entry.message
    if entry.service == "transfer" and resource.startswith("/v2/"):
        return {
            "errors": [{"status": str(entry.status), "code": code, "title": code, "detail": message}],
            "meta": {"request_id": request_id()},
        }
    if entry.service == "transfer":
        return ApiError(entry.status, code, message).document(resource)
    if entry.service in {"flows", "timer"}:
        return {"error": {"code": code, "detail": message}, "debug_id": str(uuid.uuid4())}
    if entry.service == "search":
        return {
            "@datatype": "GError",
            "@version": "2017-09-01",
            "code": code,
            "message": message,
            "request_id": uuid.uuid4().hex,
            "status": entry.status,
        }
    if entry.service == "gcs":
        return {
            "DATA_TYPE": "result#1.0.0",
            "code": code,
            "detail": None,
            "http_response_code": entry.status,
            "message": message,
        }
    if entry.service == "compute":
        return {"code": 0, "status": "Failed", "reason": message, "http_status_code": entry.status, "error_args": []}
    return {"code": code, "detail": message, "message": message, "request_id": request_id()}


def markdown() -> str:
    """Return the table for the documentation."""
    lines = ["| not served | service | resources | answer |", "| --- | --- | --- | --- |"]
    for entry in NOT_SERVED:
        paths = dict.fromkeys(path.replace("{rest:path}", "...") for _, path in entry.resources)
        shown = ", ".join(f"`{path}`" for path in paths)
        lines.append(f"| {entry.feature} | {entry.service} | {shown} | {entry.status} `{entry.code}` |")
    return "\n".join(lines) + "\n"
