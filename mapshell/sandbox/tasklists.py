"""Lists about tasks on the wire: task_list with its filters, event_list, moved and skipped files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.sandbox.errors import ApiError, bad_request
from mapshell.sandbox.listing import number, only_fields, ordered, parse_time, strings, timestamp
from mapshell.sandbox.taskdocs import task_document

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from mapshell.sandbox.tasks import Task, TaskStore

_SORTABLE = frozenset(
    {"task_id", "status", "type", "label", "request_time", "completion_time", "deadline", "faults", "files"}
    | {"directories", "bytes_transferred", "command", "username"}
)
_MOST_TASKS = 1000
_PAGE = 1000
_ENDS = {
    "source_endpoint": ("source",),
    "destination_endpoint": ("destination",),
    "endpoint": ("source", "destination"),
}
_ENDS |= {f"{name}_id": ends for name, ends in _ENDS.items()}
_TIMES = {"request_time": "requested", "completion_time": "completed"}
_WORDS = {"task_id": "task_id", "status": "status", "type": "type", "owner": "owner", "owner_id": "owner"}
_FIELDS = frozenset({*_WORDS, *_TIMES, *_ENDS, "label", "is_paused"})


def task_list(tasks: list[Task], query: Mapping[str, str], names: Callable[[str | None], str | None]) -> dict[str, Any]:
    """Answer ``GET /task_list``.

    Raises
    ------
    ApiError
        The filter, order or paging cannot be read.
    """
    limit, offset = number(query, "limit", 10, highest=_MOST_TASKS), number(query, "offset", 0)
    chosen = _filtered(tasks, query.get("filter", ""))
    orderby = query.get("orderby")
    if not orderby:
        page = [task_document(task, names) for task in chosen[offset : offset + limit]]
    else:
        page = ordered([task_document(task, names) for task in chosen], orderby, _SORTABLE)[offset : offset + limit]
    return {
        "DATA_TYPE": "task_list",
        "length": len(page),
        "limit": limit,
        "offset": offset,
        "total": len(chosen),
        "DATA": [only_fields(document, query) for document in page],
    }


def _filtered(tasks: list[Task], text: str) -> list[Task]:
    for clause in _clauses(text):
        name, _, value = clause.partition(":")
        keep = _test(name, value)
        tasks = [task for task in tasks if keep(task)]
    return tasks


def _clauses(text: str) -> list[str]:
    # Times contain no slash, labels may: a clause begins where a known field name stands.
    clauses: list[str] = []
    for part in text.split("/"):
        if part.partition(":")[0] in _FIELDS or not clauses:
            clauses.append(part)
        else:
            clauses[-1] += "/" + part
    return [clause for clause in clauses if clause]


def _test(name: str, value: str) -> Callable[[Task], bool]:
    """Build the test of one clause.

    Raises
    ------
    ApiError
        The field is unknown, or its value cannot be read.
    """
    words = {item.strip().lower() for item in value.split(",")}
    if name in _WORDS:
        return lambda task: str(getattr(task, _WORDS[name])).lower() in words
    if name in _ENDS:
        return lambda task: bool({getattr(task, end) for end in _ENDS[name]} & words)
    if name == "is_paused":
        return lambda task: (task.hold == "paused") == _flag(name, value)
    if name == "label":
        matches = strings("label", value)
        return lambda task: matches({"label": task.label or ""})
    if name in _TIMES:
        start, _, end = value.partition(",")
        low, high = parse_time(start), parse_time(end)
        return lambda task: _within(getattr(task, _TIMES[name]), low, high)
    raise bad_request(f"Invalid filter field: {name!r}")


def _within(instant: float | None, low: float | None, high: float | None) -> bool:
    if instant is None:
        return False
    return (low is None or int(instant) >= low) and (high is None or int(instant) <= high)


def _flag(name: str, value: str) -> bool:
    if value.lower() not in {"0", "1", "true", "false"}:
        raise bad_request(f"Invalid value for filter '{name}': {value!r}")
    return value.lower() in {"1", "true"}


def event_list(store: TaskStore, task_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``GET /task/<id>/event_list``: newest event first; ``filter=is_error:1`` leaves errors.

    Raises
    ------
    ApiError
        The filter or paging cannot be read.
    """
    limit, offset = number(query, "limit", 10, highest=_MOST_TASKS), number(query, "offset", 0)
    errors: bool | None = None
    for clause in filter(None, query.get("filter", "").split("/")):
        name, _, value = clause.partition(":")
        if name != "is_error":
            raise bad_request(f"Invalid filter field: {name!r}")
        errors = _flag(name, value)
    total, rows = store.events(task_id, limit, offset, errors)
    return {
        "DATA_TYPE": "event_list",
        "length": len(rows),
        "limit": limit,
        "offset": offset,
        "total": total,
        "DATA": [only_fields(_event(row), query) for row in rows],
    }


def _event(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "DATA_TYPE": "event",
        "code": row["code"],
        "description": row["description"],
        "details": row["details"],
        "is_error": bool(row["is_error"]),
        "time": timestamp(row["time"], separator="T"),
    }


def successful_transfers(store: TaskStore, task: Task, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``GET /task/<id>/successful_transfers``: files that moved, paged by marker.

    Raises
    ------
    ApiError
        The task is no transfer or is still in progress.
    """
    _check_transfer(task)
    if task.completed is None:
        raise bad_request(f"Task '{task.task_id}' is still in progress, successful transfers are not yet available")
    return _marked(store, task.task_id, query, "done", "successful_transfers", _moved)


def _moved(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "DATA_TYPE": "successful_transfer",
        "source_path": row["source"],
        "destination_path": row["destination"],
        "size": row["size"],
        "checksum": row["checksum"],
        "checksum_algorithm": row["algorithm"],
        "dynamic": False,
    }


def skipped_errors(store: TaskStore, task: Task, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``GET /task/<id>/skipped_errors``: what was given up under ``skip_source_errors``, paged by marker.

    Raises
    ------
    ApiError
        The task is no transfer.
    """
    _check_transfer(task)
    return _marked(store, task.task_id, query, "skipped_error", "skipped_errors", _skipped)


def _check_transfer(task: Task) -> None:
    if task.type != "TRANSFER":
        raise bad_request(f"Task '{task.task_id}' is not a transfer task")


def _skipped(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "DATA_TYPE": "skipped_error",
        "source_path": row["source"],
        "destination_path": row["destination"],
        "error_code": row["error_code"],
        "error_details": row["error_details"],
        "error_time": None if row["error_time"] is None else timestamp(row["error_time"], separator="T"),
        "external_checksum": row["checksum"],
        "checksum_algorithm": row["algorithm"],
        "is_directory": row["kind"] == "dir",
        "is_symlink": row["kind"] == "symlink",
        "is_delete_destination_extra": False,
    }


def _marked(
    store: TaskStore,
    task_id: str,
    query: Mapping[str, str],
    state: str,
    data_type: str,
    document: Callable[[sqlite3.Row], dict[str, Any]],
) -> dict[str, Any]:
    marker = number(query, "marker", 0)
    limit = max(1, number(query, "limit", _PAGE, highest=_PAGE))
    rows = store.item_rows(task_id, state, marker - 1, limit + 1)
    more = len(rows) > limit
    return {
        "DATA_TYPE": data_type,
        "marker": marker,
        "next_marker": int(rows[limit]["seq"]) if more else None,
        "DATA": [document(row) for row in rows[:limit]],
    }


def not_found(task_id: str) -> ApiError:
    """Answer for a task that does not exist, or is another's: whose it is, is not told."""
    return ApiError(404, "ClientError.NotFound", f"No task found with id '{task_id}'")
