"""Transfer API v0.10."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants, fileops, submission, taskdocs
from mapshell.sandbox.collections import endpoint_document, require_consent
from mapshell.sandbox.errors import ApiError, request_id
from mapshell.sandbox.listing import number, parse_time
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import Route

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.paths import Folder
    from mapshell.sandbox.tasks import Task
    from mapshell.sandbox.tokens import Grant
    from mapshell.sandbox.web import Call, Handler

_SEARCH_PAGE = 25


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


def _result(call: Call, code: str, message: str, data_type: str = "result") -> dict[str, Any]:
    return {
        "DATA_TYPE": data_type,
        "code": code,
        "message": message,
        "request_id": request_id(),
        "resource": call.resource,
    }


# Files ---------------------------------------------------------------------------------------------------------


def _folder(core: Core, call: Call) -> Folder:
    grant = authenticate(core, call)
    folder = core.folder(call.params["id"])
    require_consent(folder.collection_id, folder.spec, grant, core.tokens)
    return folder


def _ls(core: Core, call: Call) -> dict[str, Any]:
    return fileops.ls(_folder(core, call), call.query, [value for name, value in call.pairs if name == "filter"])


def _stat(core: Core, call: Call) -> dict[str, Any]:
    return fileops.look(_folder(core, call), call.query)


def _body_text(call: Call, name: str) -> str:
    value = call.json().get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(400, "ClientError.BadRequest", f"Missing or invalid field '{name}'")
    return value


def _mkdir(core: Core, call: Call) -> dict[str, Any]:
    message = fileops.mkdir(_folder(core, call), _body_text(call, "path"))
    return _result(call, "DirectoryCreated", message, "mkdir_result")


def _rename(core: Core, call: Call) -> dict[str, Any]:
    message = fileops.rename(_folder(core, call), _body_text(call, "old_path"), _body_text(call, "new_path"))
    return _result(call, "FileRenamed", message)


# Endpoints -----------------------------------------------------------------------------------------------------


def _endpoint(core: Core, call: Call) -> dict[str, Any]:
    authenticate(core, call)
    collection_id = call.params["id"].lower()
    spec = core.collections.get(collection_id)
    return endpoint_document(
        collection_id, spec, owner=constants.DEFAULT_IDENTITY_ID, https_url=core.https_url(collection_id)
    )


def _update_endpoint(core: Core, call: Call) -> dict[str, Any]:
    authenticate(core, call)
    core.collections.get(call.params["id"])
    if "display_name" in (body := call.json()):
        core.collections.change(call.params["id"], {"name": str(body["display_name"])})
    return _result(call, "Updated", "Endpoint updated successfully")


def _search(core: Core, call: Call) -> dict[str, Any]:
    authenticate(core, call)
    query = call.query
    text, limit = query.get("filter_fulltext", "").lower(), number(query, "limit", _SEARCH_PAGE, highest=100)
    offset = number(query, "offset", 0)
    found = [
        endpoint_document(
            collection_id, spec, owner=constants.DEFAULT_IDENTITY_ID, https_url=core.https_url(collection_id)
        )
        for collection_id, spec in core.collections.all().items()
        if not spec.missing and all(word in f"{spec.display_name} {collection_id}".lower() for word in text.split())
    ]
    if kind := query.get("filter_entity_type"):
        found = [document for document in found if document["entity_type"] == kind]
    page = found[offset : offset + limit]
    return {
        "DATA_TYPE": "endpoint_list",
        "DATA": page,
        "has_next_page": len(found) > offset + limit,
        "limit": limit,
        "offset": offset,
    }


# Tasks ---------------------------------------------------------------------------------------------------------


def _submission_id(core: Core, call: Call) -> dict[str, Any]:
    authenticate(core, call)
    return {"DATA_TYPE": "submission_id", "value": str(uuid.uuid4())}


def _accepted(document: dict[str, Any]) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(document, 200 if document["code"] == "Duplicate" else 202)


def _transfer(core: Core, call: Call) -> Response:
    return _accepted(submission.submit_transfer(core, authenticate(core, call), call.json()))


def _delete(core: Core, call: Call) -> Response:
    return _accepted(submission.submit_delete(core, authenticate(core, call), call.json()))


def _task(core: Core, call: Call) -> Task:
    grant = authenticate(core, call)
    task = core.tasks.get(call.params["id"].lower(), grant.identity_id)
    if task is None:
        # Whose task it is, is not told: another identity's task does not exist for this one.
        raise ApiError(404, "ClientError.NotFound", f"Task ID not found: {call.params['id']}")
    return task


def _get_task(core: Core, call: Call) -> dict[str, Any]:
    document = taskdocs.task_document(_task(core, call), core.display_name)
    fields = call.query.get("fields")
    return document if not fields else {name: document[name] for name in fields.split(",") if name in document}


def _update_task(core: Core, call: Call) -> dict[str, Any]:
    task, body = _task(core, call), call.json()
    if task.completed is not None and "deadline" in body:
        raise ApiError(409, "Conflict", "The task has completed")
    if "label" in body:
        core.tasks.update(task.task_id, label=body["label"])
    if deadline := parse_time(str(body.get("deadline") or "")):
        core.tasks.update(task.task_id, deadline=deadline)
        core.engine.schedule(task.task_id)
    return _result(call, "Updated", "Updated the task successfully.")


def _cancel(core: Core, call: Call) -> dict[str, Any]:
    task = _task(core, call)
    if core.engine.cancel(task.task_id):
        return _result(call, "Canceled", "The task has been cancelled successfully.")
    raise ApiError(409, "TaskComplete", "The task completed before the cancel request was processed.")


def _task_list(core: Core, call: Call) -> dict[str, Any]:
    grant = authenticate(core, call)
    return taskdocs.task_list(core.tasks.owned(grant.identity_id), call.query, core.display_name)


def _event_list(core: Core, call: Call) -> dict[str, Any]:
    return taskdocs.event_list(core.tasks, _task(core, call).task_id, call.query)


def _transfer_task(core: Core, call: Call) -> str:
    task = _task(core, call)
    if task.type != "TRANSFER":
        raise ApiError(400, "ClientError.BadRequest", "Only transfer tasks have such a list")
    return task.task_id


def _successful(core: Core, call: Call) -> dict[str, Any]:
    return taskdocs.successful_transfers(core.tasks, _transfer_task(core, call), call.query)


def _skipped(core: Core, call: Call) -> dict[str, Any]:
    return taskdocs.skipped_errors(core.tasks, _transfer_task(core, call), call.query)


def _pause_info(core: Core, call: Call) -> dict[str, Any]:
    return taskdocs.pause_info(_task(core, call))


def _unknown(core: Core, call: Call) -> dict[str, Any]:
    authenticate(core, call)
    raise ApiError(
        404, "ClientError.NotFound", f"The sandbox does not serve {call.method} {call.resource}; see its documentation"
    )


def routes(core: Core) -> list[Route]:
    """All routes of Transfer."""
    table: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/submission_id", _submission_id),
        ("POST", "/transfer", _transfer),
        ("POST", "/delete", _delete),
        ("GET", "/task_list", _task_list),
        ("GET", "/task/{id}", _get_task),
        ("PUT", "/task/{id}", _update_task),
        ("POST", "/task/{id}/cancel", _cancel),
        ("GET", "/task/{id}/event_list", _event_list),
        ("GET", "/task/{id}/successful_transfers", _successful),
        ("GET", "/task/{id}/skipped_errors", _skipped),
        ("GET", "/task/{id}/pause_info", _pause_info),
        ("GET", "/operation/endpoint/{id}/ls", _ls),
        ("GET", "/operation/endpoint/{id}/stat", _stat),
        ("POST", "/operation/endpoint/{id}/mkdir", _mkdir),
        ("POST", "/operation/endpoint/{id}/rename", _rename),
        ("GET", "/endpoint/{id}", _endpoint),
        ("PUT", "/endpoint/{id}", _update_endpoint),
        ("GET", "/endpoint_search", _search),
    )
    prefix = constants.TRANSFER_PREFIX + "/v0.10"
    served = [route(core, method, prefix + path, handler) for method, path, handler in table]
    anything = constants.TRANSFER_PREFIX + "/{rest:path}"
    return served + [route(core, method, anything, _unknown) for method in ("GET", "POST", "PUT", "DELETE", "PATCH")]
