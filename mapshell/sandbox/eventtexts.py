"""What events of a task say beside their code."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.sandbox.tasks import Task, TaskStore

#: Details of the events that end a task.
ENDINGS = {"CANCELED": "Canceled by the task owner", "EXPIRED": "The task did not complete before its deadline"}


def started(kind: str) -> str:
    """Details of ``STARTED``: how the work is done, as JSON text."""
    if kind != "TRANSFER":
        return json.dumps({"type": "GridFTP Delete"}, indent=2)
    return json.dumps({"type": "GridFTP Transfer", "concurrency": 2, "parallelism": 4, "pipelining": 20}, indent=2)


def tell_success(store: TaskStore, task: Task, counters: Mapping[str, int]) -> None:
    """Write what goes before the end of a task that succeeds: what was skipped, and what was moved."""
    if counters["subtasks_skipped_errors"]:
        details = json.dumps({"skipped_errors": counters["subtasks_skipped_errors"]}, indent=2)
        store.add_event(task.task_id, "SKIPPED_ERRORS", "skipped errors", details, is_error=False)
    if counters["bytes_transferred"]:
        duration = max(time.time() - task.requested, 0.001)
        moved = {
            "bytes_transferred": counters["bytes_transferred"],
            "duration": round(duration, 2),
            "mbps": round(counters["bytes_transferred"] * 8 / duration / 1e6, 2),
        }
        store.add_event(task.task_id, "PROGRESS", "progress", json.dumps(moved, indent=2), is_error=False)


def succeeded(counters: Mapping[str, int]) -> str:
    """Details of ``SUCCEEDED``, as JSON text."""
    return json.dumps({"files_succeeded": counters["files_transferred"]}, indent=2)
