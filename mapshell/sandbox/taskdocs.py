"""Documents of one task on the wire: the task itself, and why it is paused."""

from __future__ import annotations

import base64
import json
import posixpath
import time
import uuid
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.listing import timestamp
from mapshell.sandbox.tasks import COUNTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mapshell.sandbox.tasks import Item, Task

QUEUED = "Queued"
#: Options of a transfer that its document repeats as true or false, also for deletes.
_SWITCHES = (
    "encrypt_data",
    "verify_checksum",
    "preserve_timestamp",
    "skip_source_errors",
    "fail_on_quota_errors",
    "delete_destination_extra",
)


def username(identity_id: str) -> str:
    """Return the name without meaning that the service gives to an identity: its bytes in base 32."""
    return "u_" + base64.b32encode(uuid.UUID(identity_id).bytes).decode("ascii").rstrip("=").lower()


def task_document(task: Task, names: Callable[[str | None], str | None]) -> dict[str, Any]:
    """Describe a task; ``names`` tells display names of collections."""
    options = task.options
    return {
        "DATA_TYPE": "task",
        "task_id": task.task_id,
        "type": task.type,
        "status": task.status,
        "label": task.label,
        "owner_id": task.owner,
        "username": username(task.owner),
        "command": "API 0.10",
        "request_time": timestamp(task.requested, separator="T"),
        "deadline": timestamp(task.deadline, separator="T"),
        "completion_time": None if task.completed is None else timestamp(task.completed, separator="T"),
        **_ends(task, names),
        **_counters(task),
        **{name: bool(options.get(name, False)) for name in _SWITCHES},
        "sync_level": options.get("sync_level"),
        "recursive_symlinks": options.get("recursive_symlinks", "ignore") if task.type == "TRANSFER" else None,
        "filter_rules": options.get("filter_rules"),
        "notify_on_succeeded": options.get("notify_on_succeeded", True),
        "notify_on_failed": options.get("notify_on_failed", True),
        "notify_on_inactive": options.get("notify_on_inactive", True),
        "fatal_error": task.fatal_error,
        "canceled_by_admin": options.get("canceled_by_admin"),
        "canceled_by_admin_message": options.get("canceled_by_admin_message"),
        "history_deleted": False,
        "is_paused": task.hold == "paused",
        **_nice(task),
    }


def _ends(task: Task, names: Callable[[str | None], str | None]) -> dict[str, Any]:
    """Tell about both sides of a task; a delete has a source only."""
    document: dict[str, Any] = {}
    for side, collection_id in (("source", task.source), ("destination", task.destination)):
        local_user = task.options.get(f"{side}_local_user")
        document.update(
            {
                f"{side}_endpoint": collection_id,
                f"{side}_endpoint_id": collection_id,
                f"{side}_endpoint_display_name": names(collection_id),
                f"{side}_local_user": local_user,
                # Which account that is on the server, only its administrators see.
                f"{side}_local_user_status": "OK" if local_user else "NO_PERMISSION",
                f"{side}_base_path": task.options.get(f"{side}_base_path"),
            }
        )
    return document


def _counters(task: Task) -> dict[str, int]:
    counters = {name: task.counters.get(name, 0) for name in COUNTERS}
    done = sum(
        counters[f"subtasks_{name}"] for name in ("succeeded", "failed", "canceled", "expired", "skipped_errors")
    )
    elapsed = max((task.completed or time.time()) - task.requested, 1.0)
    return {
        **counters,
        "subtasks_pending": max(0, counters["subtasks_total"] - done - counters["subtasks_retrying"]),
        "effective_bytes_per_second": int(counters["bytes_transferred"] / elapsed),
    }


def _nice(task: Task) -> dict[str, Any]:
    """Tell how a task fares; of one that has ended there is nothing to tell."""
    nice = task.nice_status or ("OK" if task.status == "ACTIVE" else None)
    quiet = nice in {QUEUED, "OK"}
    return {
        "is_ok": quiet if task.status == "ACTIVE" else None,
        "nice_status": nice,
        "nice_status_details": task.nice_details,
        "nice_status_expires_in": None if nice is None else -1,
        "nice_status_short_description": nice if nice is None or quiet else nice.lower().replace("_", " "),
    }


def base_paths(items: Sequence[Item]) -> dict[str, str]:
    """Return the folders that all items of a task have in common (``store_base_path_info``).

    Of a single folder it is the folder itself; of a single file its folder.
    """

    def common(paths: list[str], *, folders: bool) -> str:
        clean = [posixpath.normpath(path) for path in paths]
        base = posixpath.commonpath(clean) if len({path.startswith("/") for path in clean}) == 1 else "/"
        if len(clean) == 1 and not folders:
            base = posixpath.dirname(base)
        return base if base.endswith("/") else base + "/"

    folders = all(item.kind == "dir" for item in items)
    found = {"source_base_path": common([item.source for item in items], folders=folders)}
    if all(item.destination for item in items):
        found["destination_base_path"] = common([item.destination for item in items], folders=folders)
    return found


def pause_info(task: Task, names: Callable[[str | None], str | None]) -> dict[str, Any]:
    """Answer ``GET /task/<id>/pause_info``: the rule that pauses the task, if one does."""
    rules = []
    if task.hold == "paused":
        collection_id = task.destination or task.source
        rules.append(
            {
                "DATA_TYPE": "pause_rule_limited",
                "id": str(uuid.uuid5(uuid.UUID(task.task_id), "pause")),
                "message": task.nice_details,
                "start_time": timestamp(task.requested, separator="T"),
                "endpoint_id": collection_id,
                "endpoint_display_name": names(collection_id),
                "identity_id": task.owner,
                "pause_ls": False,
                "pause_mkdir": False,
                "pause_rename": False,
                "pause_symlink": False,
                "pause_task_delete": task.type == "DELETE",
                "pause_task_transfer_read": False,
                "pause_task_transfer_write": task.type == "TRANSFER",
            }
        )
    return {
        "DATA_TYPE": "pause_info_limited",
        "pause_rules": rules,
        "source_pause_message": None,
        # An administrator who pauses one task says why here; a rule has its own message.
        "destination_pause_message": task.nice_details if rules else None,
        "source_pause_message_share": None,
        "destination_pause_message_share": None,
    }


def stored_json(value: Any) -> str:
    """Spell data so that equal data are equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
