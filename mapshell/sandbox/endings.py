"""How tasks end, and what is counted then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapshell.sandbox import eventtexts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.sandbox.tasks import Task, TaskStore

CANCELED = {"code": "CANCELED", "description": "canceled"}
EXPIRED = {"code": "EXPIRED", "description": "expired"}


def succeed(store: TaskStore, task: Task, counters: Mapping[str, int]) -> None:
    """End a task whose items are all done."""
    eventtexts.tell_success(store, task, counters)
    store.finish(task.task_id, "SUCCEEDED", details=eventtexts.succeeded(counters))


def expire(store: TaskStore, task: Task) -> None:
    """End a task whose deadline has passed."""
    if store.finish(task.task_id, "FAILED", EXPIRED):
        count_left(store, task.task_id, "subtasks_expired")


def count_left(store: TaskStore, task_id: str, counter: str) -> None:
    """Count what a task has not done, under the name of what became of it."""
    task = store.get(task_id)
    if task is not None:
        left = task.counters["subtasks_total"] - task.counters["subtasks_succeeded"]
        left -= task.counters["subtasks_skipped_errors"]
        store.update(task_id, counters={**task.counters, counter: max(0, left), "subtasks_retrying": 0})
