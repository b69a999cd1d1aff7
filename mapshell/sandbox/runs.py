"""A task in the midst of its work."""

from __future__ import annotations

import enum
import time
from typing import TYPE_CHECKING

from mapshell.sandbox import deadlines

if TYPE_CHECKING:
    from collections.abc import Generator

    from mapshell.sandbox.passes import Pass
    from mapshell.sandbox.tasks import TaskStore

EXTEND_EVERY_S = 1800.0


class Run:
    """A task that is being worked on, and how far it is."""

    def __init__(self, work: Pass) -> None:
        self.work = work
        self.steps: Generator[float, None, bool | None] = work.run()
        self.not_before = 0.0
        self.extend_at = time.monotonic() + EXTEND_EVERY_S
        self.stale = False

    def refresh(self, store: TaskStore) -> None:
        """Take note of what was changed of the task from outside."""
        if not self.stale:
            return
        self.stale = False
        task = store.get(self.work.task.task_id)
        if task is not None:
            self.work.task.deadline, self.work.task.fault = task.deadline, task.fault

    def extend(self, store: TaskStore, now: float) -> None:
        """Give a transfer that is at work for hours more time, now and then."""
        if now >= self.extend_at:
            self.extend_at = now + EXTEND_EVERY_S
            deadlines.extend(store, self.work.task.task_id)
            self.stale = True

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.work.task.deadline - time.time()


class After(enum.Enum):
    """How a task stands after a turn: in the midst of its work, waiting for a place, or done with for now."""

    GOING = enum.auto()
    QUEUED = enum.auto()
    OVER = enum.auto()
