"""When a task ends at the latest: what moves is given more time, and so is what is paused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mapshell.sandbox.tasks import TaskStore

_DAY_S = 86_400
#: A deadline that the user has chosen is never moved by progress.
CHOSEN = "deadline_chosen"
_AFTER_PROGRESS_S = 3 * _DAY_S
_WHILE_PAUSED_S = 90 * _DAY_S
_AFTER_PAUSE_S = _DAY_S


def extend(store: TaskStore, task_id: str) -> None:
    """Give a transfer that has just got on three more days; a delete keeps its day."""
    task = store.get(task_id)
    if task is None or task.type != "TRANSFER" or task.options.get(CHOSEN):
        return
    now = time.time()
    # One that has passed was set by somebody: it holds.
    if now < task.deadline < now + _AFTER_PROGRESS_S:
        store.update(task_id, deadline=now + _AFTER_PROGRESS_S)


def paused(store: TaskStore, task_id: str) -> None:
    """Let a paused task wait for ninety days."""
    store.update(task_id, deadline=time.time() + _WHILE_PAUSED_S)


def unpaused(store: TaskStore, task_id: str) -> None:
    """Give a task that goes on a day."""
    store.update(task_id, deadline=time.time() + _AFTER_PAUSE_S)
    store.add_event(task_id, "UNPAUSED", "unpaused", "", is_error=False)
