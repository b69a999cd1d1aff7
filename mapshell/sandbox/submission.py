"""Accepting transfer and delete documents: checks, the submission id, the new task."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants, misbehave, moving
from mapshell.sandbox.collections import require_consent
from mapshell.sandbox.errors import ApiError, request_id
from mapshell.sandbox.listing import parse_time
from mapshell.sandbox.paths import absolute, split
from mapshell.sandbox.taskdocs import stored_json
from mapshell.sandbox.tasks import COUNTERS, Item, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.paths import Folder
    from mapshell.sandbox.tokens import Grant

_LONGEST_LABEL = 128
_LEVELS = {"exists": 0, "size": 1, "mtime": 2, "checksum": 3}
_OPTIONS = (
    "encrypt_data",
    "verify_checksum",
    "preserve_timestamp",
    "skip_source_errors",
    "fail_on_quota_errors",
    "notify_on_succeeded",
    "notify_on_failed",
    "notify_on_inactive",
    "filter_rules",
    "recursive",
    "ignore_missing",
    "interpret_globs",
)


def _bad(message: str, detail: str = "") -> ApiError:
    return ApiError(400, "ClientError.BadRequest" + detail, message)


def submit_transfer(core: Core, grant: Grant, body: dict[str, Any]) -> dict[str, Any]:
    """Accept a transfer document.

    Raises
    ------
    ApiError
        Bad document, unknown collection, missing consent, or the very same transfer is already running.
    """
    submission_id = _submission_id(body)
    if (known := core.tasks.by_submission(grant.identity_id, submission_id)) is not None:
        return _result(known, "transfer", duplicate=True)
    _check_type(body, "transfer")
    source, target = _endpoint_id(body, "source_endpoint"), _endpoint_id(body, "destination_endpoint")
    _check_collections(core, grant, [source, target])
    folder = core.folder(source)
    items = [_transfer_item(folder, number, item) for number, item in enumerate(_data(body, "transfer"))]
    if body.get("delete_destination_extra"):
        raise _bad("The sandbox does not serve delete_destination_extra yet")
    options = {name: body[name] for name in _OPTIONS if body.get(name) is not None}
    if body.get("sync_level") is not None:
        options["sync_level"] = _level(body["sync_level"])
    homes = core.collections.get(source).home, core.collections.get(target).home
    moves = [[absolute(item.source, homes[0]), absolute(item.destination, homes[1])] for item in items]
    paths = [[source, target], sorted(moves)]
    return _accept(core, grant, body, submission_id, "TRANSFER", source, target, options, items, paths)


def submit_delete(core: Core, grant: Grant, body: dict[str, Any]) -> dict[str, Any]:
    """Accept a delete document.

    Raises
    ------
    ApiError
        As for transfers.
    """
    submission_id = _submission_id(body)
    if (known := core.tasks.by_submission(grant.identity_id, submission_id)) is not None:
        return _result(known, "delete", duplicate=True)
    _check_type(body, "delete")
    endpoint = _endpoint_id(body, "endpoint")
    _check_collections(core, grant, [endpoint])
    home = core.collections.get(endpoint).home
    items = [
        Item(seq=number, kind="delete", source=_text(item, "path")) for number, item in enumerate(_data(body, "delete"))
    ]
    options = {name: body[name] for name in _OPTIONS if body.get(name) is not None}
    paths = ["delete", endpoint, sorted(absolute(item.source, home) for item in items)]
    return _accept(core, grant, body, submission_id, "DELETE", endpoint, None, options, items, paths)


def _submission_id(body: dict[str, Any]) -> str:
    try:
        return str(uuid.UUID(str(body.get("submission_id"))))
    except ValueError as error:
        raise _bad("Missing or invalid submission_id") from error


def _check_type(body: dict[str, Any], expected: str) -> None:
    if body.get("DATA_TYPE") != expected:
        raise _bad(f"DATA_TYPE must be '{expected}'")
    label = body.get("label")
    if label is not None and (not isinstance(label, str) or len(label) > _LONGEST_LABEL):
        raise _bad(f"Label must be a string of at most {_LONGEST_LABEL} characters")


def _endpoint_id(body: dict[str, Any], name: str) -> str:
    return _text(body, name).lower()


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise _bad(f"Missing or invalid field '{name}'")
    return value


def _data(body: dict[str, Any], kind: str) -> Sequence[dict[str, Any]]:
    data = body.get("DATA")
    if not isinstance(data, list) or not data:
        raise _bad(f"A {kind} requires at least one item", f".No{kind.title()}Items")
    if not all(isinstance(item, dict) and item.get("DATA_TYPE") == f"{kind}_item" for item in data):
        raise _bad(f"Each item must be a '{kind}_item'")
    return data


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


def _transfer_item(folder: Folder, number: int, item: dict[str, Any]) -> Item:
    from_path, to_path = _text(item, "source_path"), _text(item, "destination_path")
    split(from_path)
    split(to_path)
    checksum, algorithm, recursive = (
        item.get(name) for name in ("external_checksum", "checksum_algorithm", "recursive")
    )
    try:
        moving.algorithm_name(algorithm)
    except (KeyError, AttributeError) as error:
        raise _bad(f"Unknown checksum_algorithm {algorithm!r}") from error
    kind = "dir" if recursive or (recursive is None and _is_folder(folder, from_path)) else "file"
    if kind == "dir" and checksum:
        raise _bad("external_checksum cannot be used with directories")
    return Item(number, kind, from_path, to_path, checksum, algorithm)


def _is_folder(folder: Folder, path: str) -> bool:
    try:
        return folder.local(path).is_dir()
    except (ApiError, OSError):
        return False


def _level(value: Any) -> int:
    level = _LEVELS.get(value, value) if isinstance(value, str) else value
    if not isinstance(level, int) or isinstance(level, bool) or not 0 <= level <= 3:
        raise _bad(f"Invalid sync_level {value!r}")
    return level


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
    body_hash = hashlib.sha256(stored_json(paths).encode("utf-8", "surrogatepass")).hexdigest()
    twin = core.tasks.active_twin(grant.identity_id, body_hash)
    if twin is not None and twin.submission_id != submission_id:
        raise ApiError(
            409,
            "Conflict",
            f"A transfer with identical paths has not yet completed: task {twin.task_id}",
        )
    now = time.time()
    deadline = parse_time(str(body.get("deadline") or "")) or now + constants.TASK_DEADLINE_SECONDS
    if deadline <= now:
        raise _bad("The deadline has passed already")
    files = sum(item.kind == "file" for item in items)
    counters = {**dict.fromkeys(COUNTERS, 0), "files": files, "subtasks_total": len(items)}
    counters["directories"] = sum(item.kind == "dir" for item in items)
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
        nice_status="QUEUED",
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
