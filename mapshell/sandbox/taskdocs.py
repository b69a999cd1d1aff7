"""Documents of tasks on the wire: task, task_list with its filters, event_list, lists of moved and skipped files."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.listing import number, ordered, parse_time, timestamp
from mapshell.sandbox.tasks import COUNTERS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from mapshell.sandbox.tasks import Task, TaskStore

_SORTABLE = frozenset(
    {"task_id", "status", "type", "label", "request_time", "completion_time", "faults", "files", "bytes_transferred"}
)
_MOST_TASKS = 1000
_PAGE = 1000


def task_document(task: Task, names: Callable[[str | None], str | None]) -> dict[str, Any]:
    """Describe a task; ``names`` tells display names of collections."""
    counters = {name: task.counters.get(name, 0) for name in COUNTERS}
    options = task.options
    running = task.status == "ACTIVE"
    ended = task.completed or time.time()
    elapsed = max(ended - task.requested, 1.0)
    done = sum(
        counters[f"subtasks_{name}"] for name in ("succeeded", "failed", "canceled", "expired", "skipped_errors")
    )
    nice = task.nice_status or ("OK" if running else None)
    transfer = task.type == "TRANSFER"
    return {
        "DATA_TYPE": "task",
        "task_id": task.task_id,
        "type": task.type,
        "status": task.status,
        "label": task.label,
        "owner_id": task.owner,
        "username": "u_sandbox",
        "command": "API 0.10",
        "request_time": timestamp(task.requested, separator="T"),
        "deadline": timestamp(task.deadline, separator="T"),
        "completion_time": None if task.completed is None else timestamp(task.completed, separator="T"),
        "source_endpoint": task.source,
        "source_endpoint_id": task.source,
        "source_endpoint_display_name": names(task.source),
        "destination_endpoint": task.destination,
        "destination_endpoint_id": task.destination,
        "destination_endpoint_display_name": names(task.destination),
        **counters,
        "subtasks_pending": max(0, counters["subtasks_total"] - done - counters["subtasks_retrying"]),
        "effective_bytes_per_second": int(counters["bytes_transferred"] / elapsed),
        "encrypt_data": bool(options.get("encrypt_data", False)) if transfer else None,
        "verify_checksum": bool(options.get("verify_checksum", False)) if transfer else None,
        "preserve_timestamp": bool(options.get("preserve_timestamp", False)) if transfer else None,
        "sync_level": options.get("sync_level"),
        "skip_source_errors": bool(options.get("skip_source_errors", False)) if transfer else None,
        "fail_on_quota_errors": bool(options.get("fail_on_quota_errors", False)) if transfer else None,
        "delete_destination_extra": bool(options.get("delete_destination_extra", False)) if transfer else None,
        "recursive_symlinks": "ignore" if transfer else None,
        "filter_rules": options.get("filter_rules"),
        "notify_on_succeeded": options.get("notify_on_succeeded", True),
        "notify_on_failed": options.get("notify_on_failed", True),
        "notify_on_inactive": options.get("notify_on_inactive", True),
        "fatal_error": task.fatal_error,
        "canceled_by_admin": options.get("canceled_by_admin"),
        "canceled_by_admin_message": options.get("canceled_by_admin_message"),
        "history_deleted": False,
        "is_ok": (task.nice_status is None) if running else None,
        "is_paused": task.hold == "paused",
        "nice_status": nice,
        "nice_status_details": task.nice_details,
        "nice_status_expires_in": None if nice is None else -1,
        "nice_status_short_description": None if nice is None else nice.lower().replace("_", " "),
        "source_local_user": None,
        "source_local_user_status": "NO_PERMISSION",
        "destination_local_user": None,
        "destination_local_user_status": "NO_PERMISSION",
        "source_base_path": None,
        "destination_base_path": None,
    }


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
    if orderby is None:
        page = [task_document(task, names) for task in chosen[offset : offset + limit]]
    else:
        page = ordered([task_document(task, names) for task in chosen], orderby, _SORTABLE)[offset : offset + limit]
    return {
        "DATA_TYPE": "task_list",
        "length": len(page),
        "limit": limit,
        "offset": offset,
        "total": len(chosen),
        "DATA": page,
    }


def _filtered(tasks: list[Task], text: str) -> list[Task]:
    # Times contain no slash, labels may: a clause begins where a known field name stands.
    for clause in _clauses(text):
        name, _, value = clause.partition(":")
        if name in {"task_id", "status", "type"}:
            wanted = {item.strip().upper() for item in value.split(",")}
            tasks = [task for task in tasks if str(getattr(task, name)).upper() in wanted]
        elif name == "label":
            tasks = [task for task in tasks if _label_matches(task.label or "", value)]
        elif name in {"request_time", "completion_time"}:
            start, _, end = value.partition(",")
            low, high = parse_time(start), parse_time(end)
            attribute = "requested" if name == "request_time" else "completed"
            tasks = [task for task in tasks if _within(getattr(task, attribute), low, high)]
        elif name in {"source_endpoint", "destination_endpoint", "endpoint"}:
            wanted = {item.strip().lower() for item in value.split(",")}
            tasks = [task for task in tasks if _touches(task, name) & wanted]
        else:
            raise ApiError(400, "ClientError.BadRequest", f"Invalid filter field: {name!r}")
    return tasks


_FIELDS = frozenset(
    {"task_id", "status", "type", "label", "request_time", "completion_time"}
    | {"source_endpoint", "destination_endpoint", "endpoint"}
)


def _clauses(text: str) -> list[str]:
    clauses: list[str] = []
    for part in text.split("/"):
        if part.partition(":")[0] in _FIELDS or not clauses:
            clauses.append(part)
        else:
            clauses[-1] += "/" + part
    return [clause for clause in clauses if clause]


def _label_matches(label: str, value: str) -> bool:
    import fnmatch

    def one(text: str) -> bool:
        negative = text.startswith("!")
        text = text[1:] if negative else text
        if text.startswith("~"):
            return fnmatch.fnmatchcase(label.lower(), text[1:].lower()) != negative
        return (label == text.removeprefix("=")) != negative

    return any(one(item) for item in value.split(","))


def _within(instant: float | None, low: float | None, high: float | None) -> bool:
    if instant is None:
        return False
    return (low is None or int(instant) >= low) and (high is None or int(instant) <= high)


def _touches(task: Task, name: str) -> set[str]:
    ends = {"source_endpoint": [task.source], "destination_endpoint": [task.destination]}
    return {end for end in ends.get(name, [task.source, task.destination]) if end}


def event_list(store: TaskStore, task_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``GET /task/<id>/event_list``: newest event first."""
    limit, offset = number(query, "limit", 10, highest=_MOST_TASKS), number(query, "offset", 0)
    total, rows = store.events(task_id, limit, offset)
    return {
        "DATA_TYPE": "event_list",
        "length": len(rows),
        "limit": limit,
        "offset": offset,
        "total": total,
        "DATA": [_event(row) for row in rows],
    }


def _event(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "DATA_TYPE": "event",
        "code": row["code"],
        "description": row["description"],
        "details": row["details"],
        "is_error": bool(row["is_error"]),
        "parent_task_id": None,
        "time": timestamp(row["time"], separator="T"),
    }


def successful_transfers(store: TaskStore, task_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``GET /task/<id>/successful_transfers``: files that moved, paged by marker."""
    return _marked(store, task_id, query, "done", "successful_transfers", _moved)


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


def skipped_errors(store: TaskStore, task_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``GET /task/<id>/skipped_errors``: files given up under ``skip_source_errors``, paged by marker."""
    return _marked(store, task_id, query, "skipped_error", "skipped_errors", _skipped)


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
        "is_symlink": False,
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
    limit = number(query, "limit", _PAGE, highest=_PAGE)
    rows = store.item_rows(task_id, state, marker - 1, limit + 1)
    more = len(rows) > limit
    return {
        "DATA_TYPE": data_type,
        "marker": marker,
        "next_marker": int(rows[limit]["seq"]) if more else None,
        "DATA": [document(row) for row in rows[:limit]],
    }


def pause_info(task: Task) -> dict[str, Any]:
    """Answer ``GET /task/<id>/pause_info``."""
    paused = task.hold == "paused"
    return {
        "DATA_TYPE": "pause_info_limited",
        "pause_rules": [],
        "source_pause_message": None,
        "destination_pause_message": "Paused by the administrator" if paused else None,
        "source_pause_message_share": None,
        "destination_pause_message_share": None,
    }


def stored_json(value: Any) -> str:
    """Spell data so that equal data are equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
