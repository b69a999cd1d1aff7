"""Accepting transfer and delete documents: checks, the submission id, the new task."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import bodies, constants, deadlines, misbehave, taskdocs
from mapshell.sandbox.collections import require_consent
from mapshell.sandbox.demands import require_session
from mapshell.sandbox.errors import ApiError, request_id
from mapshell.sandbox.limits import check_pending
from mapshell.sandbox.paths import absolute
from mapshell.sandbox.tasks import COUNTERS, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.tasks import Item
    from mapshell.sandbox.tokens import Grant


def submit_transfer(core: Core, grant: Grant, body: dict[str, Any]) -> dict[str, Any]:
    """Accept a transfer document.

    Raises
    ------
    ApiError
        Bad document, unknown collection, missing consent, or the very same transfer is already running.
    """
    submission_id = bodies.submission_id(body)
    if (known := core.tasks.by_submission(grant.identity_id, submission_id)) is not None:
        return _result(known, "transfer", duplicate=True)
    options = bodies.options(body, "transfer")
    source, target = (bodies.endpoint_id(body, f"{side}_endpoint") for side in ("source", "destination"))
    _check_collections(core, grant, [source, target])
    folders = core.folder(source), core.folder(target)
    for side, folder in zip(("source", "destination"), folders, strict=True):
        bodies.check_local_user(folder.spec, f"{side}_local_user", local_user := body.get(f"{side}_local_user"))
        options |= {} if local_user is None else {f"{side}_local_user": local_user}
    items = bodies.transfer_items(body, *folders)
    homes = folders[0].spec.home, folders[1].spec.home
    moves = [[absolute(item.source, homes[0]), absolute(item.destination, homes[1])] for item in items]
    paths = [[source, target], sorted(moves)]
    with core.submitting:
        return _accept(core, grant, body, submission_id, "TRANSFER", source, target, options, items, paths)


def submit_delete(core: Core, grant: Grant, body: dict[str, Any]) -> dict[str, Any]:
    """Accept a delete document.

    Raises
    ------
    ApiError
        As for transfers.
    """
    submission_id = bodies.submission_id(body)
    if (known := core.tasks.by_submission(grant.identity_id, submission_id)) is not None:
        return _result(known, "delete", duplicate=True)
    options = bodies.options(body, "delete")
    endpoint = bodies.endpoint_id(body, "endpoint")
    _check_collections(core, grant, [endpoint])
    spec = core.collections.get(endpoint)
    bodies.check_local_user(spec, "local_user", local_user := body.get("local_user"))
    options |= {} if local_user is None else {"source_local_user": local_user}
    items = bodies.delete_items(body)
    paths = ["delete", endpoint, sorted(absolute(item.source, spec.home) for item in items)]
    with core.submitting:
        return _accept(core, grant, body, submission_id, "DELETE", endpoint, None, options, items, paths)


def _check_collections(core: Core, grant: Grant, collection_ids: Sequence[str]) -> None:
    missing: list[str] = []
    for collection_id in collection_ids:
        spec = core.collections.get(collection_id)
        if spec.denied:
            raise ApiError(403, "PermissionDenied", f"You do not have permission to use '{spec.display_name}'")
        try:
            require_consent(collection_id, spec, grant, core.tokens)
        except ApiError as error:
            missing += [scope for scope in error.extra["required_scopes"] if scope not in missing]
    if missing:
        raise ApiError(
            403,
            "ConsentRequired",
            "Missing required data_access consent",
            required_scopes=missing,
            authorization_parameters={
                "session_message": "Missing required data_access consent",
                "required_scopes": missing,
            },
        )
    for collection_id in collection_ids:
        require_session(core.tokens.sessions, grant, collection_id, core.collections.get(collection_id))


def _accept(
    core: Core,
    grant: Grant,
    body: dict[str, Any],
    submission_id: str,
    kind: str,
    source: str,
    target: str | None,
    options: dict[str, Any],
    items: list[Item],
    paths: list[Any],
) -> dict[str, Any]:
    if (known := core.tasks.by_submission(grant.identity_id, submission_id)) is not None:
        # It came twice at the same moment.
        return _result(known, kind.lower(), duplicate=True)
    body_hash = hashlib.sha256(taskdocs.stored_json(paths).encode("utf-8", "surrogatepass")).hexdigest()
    twin = core.tasks.active_twin(grant.identity_id, body_hash)
    if twin is not None and twin.submission_id != submission_id:
        raise ApiError(
            409,
            "Conflict",
            f"A {kind.lower()} with identical paths has not yet completed",
        )
    check_pending(core, grant.identity_id)
    now = time.time()
    deadline = bodies.deadline(body, now, now + constants.TASK_DEADLINE_SECONDS)
    if body.get("deadline") is not None:
        options[deadlines.CHOSEN] = True
    if body.get("store_base_path_info"):
        options |= taskdocs.base_paths(items)
    files = sum(item.kind == "file" for item in items)
    counters = {**dict.fromkeys(COUNTERS, 0), "files": files, "subtasks_total": len(items)}
    counters["directories"] = sum(item.kind == "dir" for item in items)
    counters["symlinks"] = sum(item.kind == "symlink" for item in items)
    label = body.get("label")
    task = Task(
        task_id=str(uuid.uuid4()),
        number=0,
        owner=grant.identity_id,
        submission_id=submission_id,
        type=kind,
        status="ACTIVE",
        label=label,
        source=source,
        destination=target,
        body_hash=body_hash,
        options=options,
        requested=now,
        deadline=deadline,
        completed=None,
        counters=counters,
        fatal_error=None,
        nice_status=taskdocs.QUEUED,
        nice_details=None,
        hold=None,
        fault=core.faults.take_task(label, (source, target)),
    )
    stored = core.tasks.create(task, items)
    if stored is task:
        misbehave.at_once(core.tasks, task)
        core.engine.schedule(task.task_id)
    return _result(stored, kind.lower(), duplicate=stored is not task)


def _result(task: Task, kind: str, *, duplicate: bool) -> dict[str, Any]:
    resource = f"/v0.10/{kind}"
    return {
        "DATA_TYPE": f"{kind}_result",
        "code": "Duplicate" if duplicate else "Accepted",
        "message": (
            f"The {kind} was already submitted, see task_id"
            if duplicate
            else f"The {kind} has been accepted and a task has been created and queued for execution"
        ),
        "request_id": request_id(),
        "resource": resource,
        "submission_id": task.submission_id,
        "task_id": task.task_id,
        "task_link": {
            "DATA_TYPE": "link",
            "href": f"/v0.10/task/{task.task_id}?format=json",
            "rel": "related",
            "resource": "task",
            "title": "related task",
        },
    }
