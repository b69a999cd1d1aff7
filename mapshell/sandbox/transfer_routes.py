"""Transfer API v0.10: files, submissions and tasks."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import (
    bodies,
    constants,
    deadlines,
    endpoint_routes,
    fileops,
    submission,
    taskdocs,
    tasklists,
    unserved_routes,
)
from mapshell.sandbox.collections import require_consent
from mapshell.sandbox.demands import require_session
from mapshell.sandbox.errors import ApiError, bad_request
from mapshell.sandbox.listing import only_fields, parse_time
from mapshell.sandbox.transfer_auth import authenticate, result
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import Route

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.paths import Folder
    from mapshell.sandbox.tasks import Task
    from mapshell.sandbox.web import Call, Handler

# What an endpoint could not do, by the operation, in the codes of its errors.
_FAILURES = {
    "ls": "DirListingFailed",
    "stat": "StatFailed",
    "mkdir": "MkdirFailed",
    "rename": "RenameFailed",
    "symlink": "SymlinkFailed",
}

# Files ---------------------------------------------------------------------------------------------------------


def _folder(core: Core, call: Call, local_user: Any) -> Folder:
    grant = authenticate(core, call)
    folder = core.folder(call.params["id"])
    require_consent(folder.collection_id, folder.spec, grant, core.tokens)
    failure = _FAILURES[call.path.rpartition("/")[2]]
    require_session(core.tokens.sessions, grant, folder.collection_id, folder.spec, failure)
    bodies.check_local_user(folder.spec, "local_user", local_user)
    return folder


def _ls(core: Core, call: Call) -> dict[str, Any]:
    folder = _folder(core, call, call.query.get("local_user"))
    filters = [value for name, value in call.pairs if name == "filter"]
    return fileops.ls(folder, call.query, filters, core.realism.listing_entries)


def _stat(core: Core, call: Call) -> dict[str, Any]:
    return fileops.look(_folder(core, call, call.query.get("local_user")), call.query)


def _body(core: Core, call: Call, data_type: str, *names: str) -> tuple[Folder, list[str]]:
    """Read the body of an operation on files: the folder, and the named paths."""
    body = call.json()
    if body.get("DATA_TYPE", data_type) != data_type:
        raise bad_request(f"DATA_TYPE must be '{data_type}'")
    folder = _folder(core, call, body.get("local_user"))
    for name in names:
        if not isinstance(body.get(name), str) or not body[name]:
            raise bad_request(f"Missing or invalid field '{name}'")
    return folder, [body[name] for name in names]


def _mkdir(core: Core, call: Call) -> dict[str, Any]:
    folder, (path,) = _body(core, call, "mkdir", "path")
    return result(call, "DirectoryCreated", fileops.mkdir(folder, path), "mkdir_result")


def _rename(core: Core, call: Call) -> dict[str, Any]:
    folder, (old, new) = _body(core, call, "rename", "old_path", "new_path")
    return result(call, "FileRenamed", fileops.rename(folder, old, new))


def _symlink(core: Core, call: Call) -> dict[str, Any]:
    folder, (target, path) = _body(core, call, "symlink", "symlink_target", "path")
    if "\0" in target:
        raise bad_request("Invalid symlink_target: control characters are not allowed")
    return result(call, "SymlinkCreated", fileops.symlink(folder, target, path), "symlink_result")


# Submissions ---------------------------------------------------------------------------------------------------


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


# Tasks ---------------------------------------------------------------------------------------------------------


def _task(core: Core, call: Call) -> Task:
    grant = authenticate(core, call)
    task = core.tasks.get(call.params["id"].lower(), grant.identity_id)
    if task is None:
        raise tasklists.not_found(call.params["id"])
    return task


def _get_task(core: Core, call: Call) -> dict[str, Any]:
    return only_fields(taskdocs.task_document(_task(core, call), core.display_name), call.query)


def _update_task(core: Core, call: Call) -> dict[str, Any]:
    """Change label and deadline; a deadline that has passed ends the task."""
    task, body = _task(core, call), call.json()
    wrong = sorted(set(body) - {"DATA_TYPE", "label", "deadline"})
    if wrong or not {"label", "deadline"} & set(body) or body.get("DATA_TYPE", "task") != "task":
        raise bad_request(f"Only label and deadline of a task can be updated{': ' + wrong[0] if wrong else ''}")
    if task.completed is not None:
        raise ApiError(409, "Conflict", f"Task '{task.task_id}' has completed and cannot be updated")
    bodies.check_label(body.get("label"))
    deadline = parse_time(str(body.get("deadline") or ""))
    if "label" in body:
        core.tasks.update(task.task_id, label=body["label"])
    if deadline is not None:
        core.tasks.update(task.task_id, deadline=deadline, options={**task.options, deadlines.CHOSEN: True})
        core.engine.schedule(task.task_id)
    changed = " and ".join(name for name in ("deadline", "label") if name in body)
    return result(call, "Updated", f"Updated task {changed} successfully")


def _cancel(core: Core, call: Call) -> dict[str, Any]:
    task = _task(core, call)
    if core.engine.cancel(task.task_id):
        return result(call, "Canceled", "The task has been cancelled successfully.")
    return result(call, "TaskComplete", "The task completed before the cancel request was processed.")


def _task_list(core: Core, call: Call) -> dict[str, Any]:
    grant = authenticate(core, call)
    return tasklists.task_list(core.tasks.owned(grant.identity_id), call.query, core.display_name)


def _event_list(core: Core, call: Call) -> dict[str, Any]:
    return tasklists.event_list(core.tasks, _task(core, call).task_id, call.query)


def _successful(core: Core, call: Call) -> dict[str, Any]:
    return tasklists.successful_transfers(core.tasks, _task(core, call), call.query)


def _skipped(core: Core, call: Call) -> dict[str, Any]:
    return tasklists.skipped_errors(core.tasks, _task(core, call), call.query)


def _pause_info(core: Core, call: Call) -> dict[str, Any]:
    return taskdocs.pause_info(_task(core, call), core.display_name)


def routes(core: Core) -> list[Route]:
    """All routes of Transfer, and of what is not served."""
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
        ("POST", "/operation/endpoint/{id}/symlink", _symlink),
    )
    prefix = constants.TRANSFER_PREFIX + "/v0.10"
    served = [route(core, method, prefix + path, handler) for method, path, handler in table]
    return served + endpoint_routes.routes(core) + unserved_routes.routes(core, authenticate)
