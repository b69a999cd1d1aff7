"""The scheduler of tasks: a few worker threads, retries of what cannot be done yet, and control from outside.

A task that waits (for a missing file, an endpoint that is down) holds no thread.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
import traceback
from typing import TYPE_CHECKING

from mapshell.sandbox import eventtexts
from mapshell.sandbox.deleting import DeletePass
from mapshell.sandbox.holds import apply_hold
from mapshell.sandbox.moving import Interrupted
from mapshell.sandbox.runner import TransferPass

if TYPE_CHECKING:
    from mapshell.sandbox.collections import Collections
    from mapshell.sandbox.tasks import Task, TaskStore

_log = logging.getLogger("mapshell.sandbox")
_FIRST_RETRY_S = 0.25
_LONGEST_RETRY_S = 5.0
_CANCELED = {"code": "CANCELED", "description": "canceled"}
_EXPIRED = {"code": "EXPIRED", "description": "expired"}


class Engine:
    """Runs tasks in the background.

    Parameters
    ----------
    store
        Where tasks live.
    collections
        The collections they touch.
    workers
        How many tasks move bytes at a time.
    """

    def __init__(self, store: TaskStore, collections: Collections, *, workers: int = 4) -> None:
        self._store = store
        self._collections = collections
        self._condition = threading.Condition()
        self._queue: list[tuple[float, int, str]] = []
        self._count = 0
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._interrupted: set[str] = set()
        self._delays: dict[str, float] = {}
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"sandbox-task-{number}", daemon=True) for number in range(workers)
        ]

    def start(self) -> None:
        """Take up what was running when the sandbox ended, and begin to work."""
        for task_id in self._store.active():
            self.schedule(task_id)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Interrupt all tasks where they are; they go on at the next start."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=10)

    @property
    def busy(self) -> bool:
        """Whether a task is moving bytes right now, or is about to."""
        with self._condition:
            return bool(self._running) or any(when <= time.monotonic() for when, _, _ in self._queue)

    def schedule(self, task_id: str, delay: float = 0.0) -> None:
        """Work on a task after ``delay`` seconds."""
        with self._condition:
            if task_id in self._running:
                self._again.add(task_id)
                return
            self._count += 1
            heapq.heappush(self._queue, (time.monotonic() + delay, self._count, task_id))
            self._condition.notify()

    # Control ---------------------------------------------------------------------------------------------------

    def cancel(self, task_id: str) -> bool:
        """Cancel a task; False when it has ended already."""
        return self._end(task_id, "FAILED", _CANCELED)

    def fail(self, task_id: str, code: str, description: str) -> bool:
        """Let a task fail (for tests); False when it has ended already."""
        return self._end(task_id, "FAILED", {"code": code, "description": description})

    def _end(self, task_id: str, status: str, error: dict[str, str]) -> bool:
        with self._condition:
            if task_id in self._running:
                self._interrupted.add(task_id)
        ended = self._store.finish(task_id, status, error)
        # The caller is told when no byte of the task moves any more.
        self._wait_idle(task_id)
        if ended:
            self._count_open(task_id, "subtasks_canceled" if error is _CANCELED else "subtasks_failed")
        return ended

    def hold(self, task_id: str, how: str) -> None:
        """Stop working on a task: ``paused``, ``inactive`` (credentials expired) or ``held`` (still ACTIVE)."""
        with self._condition:
            if task_id in self._running:
                self._interrupted.add(task_id)
        self._wait_idle(task_id)
        apply_hold(self._store, task_id, how)

    def release(self, task_id: str) -> None:
        """Go on with a task that is on hold."""
        task = self._store.get(task_id)
        if task is not None and task.status in {"ACTIVE", "INACTIVE"}:
            self._store.update(task_id, status="ACTIVE", hold=None, nice_status=None, nice_details=None)
            self.schedule(task_id)

    def _wait_idle(self, task_id: str) -> None:
        with self._condition:
            self._condition.wait_for(lambda: task_id not in self._running, timeout=10)

    def _count_open(self, task_id: str, counter: str) -> None:
        task = self._store.get(task_id)
        if task is not None:
            left = task.counters["subtasks_total"] - task.counters["subtasks_succeeded"]
            left -= task.counters["subtasks_skipped_errors"]
            self._store.update(task_id, counters={**task.counters, counter: max(0, left), "subtasks_retrying": 0})

    # Work ------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (task_id := self._next()) is not None:
            delay: float | None = None
            try:
                delay = self._run(task_id)
            except Interrupted:
                pass
            except Exception:  # noqa: BLE001 - a defect here must not end the thread that runs everybody's tasks
                _log.error("task %s: %s", task_id, traceback.format_exc())
                self._store.finish(task_id, "FAILED", {"code": "INTERNAL_ERROR", "description": "internal error"})
            with self._condition:
                self._running.discard(task_id)
                self._interrupted.discard(task_id)
                again = task_id in self._again
                self._again.discard(task_id)
                self._condition.notify_all()
            if again or delay is not None:
                self.schedule(task_id, 0.0 if again else delay or 0.0)

    def _next(self) -> str | None:
        with self._condition:
            while not self._stopping:
                if self._queue and self._queue[0][0] <= time.monotonic():
                    task_id = heapq.heappop(self._queue)[2]
                    if task_id in self._running:
                        self._again.add(task_id)
                        continue
                    self._running.add(task_id)
                    return task_id
                wait = None if not self._queue else max(0.0, self._queue[0][0] - time.monotonic())
                self._condition.wait(wait)
        return None

    def _is_interrupted(self, task_id: str) -> bool:
        return self._stopping or task_id in self._interrupted

    def _run(self, task_id: str) -> float | None:
        """Work on a task once; the answer is after how many seconds to try again, None when that is not needed."""
        task = self._store.get(task_id)
        if task is None or task.status != "ACTIVE" or task.hold is not None:
            return None
        if time.time() > task.deadline:
            self._expire(task)
            return None
        kind = TransferPass if task.type == "TRANSFER" else DeletePass
        work = kind(task, self._store, self._collections, lambda: self._is_interrupted(task_id))
        moved = work.run()
        if not self._store.is_open(task_id) or moved is None:
            if moved is not None:
                eventtexts.tell_success(self._store, task, work.counters)
                self._store.finish(task_id, "SUCCEEDED", details=eventtexts.succeeded(work.counters))
            self._delays.pop(task_id, None)
            return None
        delay = _FIRST_RETRY_S if moved else min(self._delays.get(task_id, _FIRST_RETRY_S) * 2, _LONGEST_RETRY_S)
        self._delays[task_id] = delay
        return min(delay, max(0.0, task.deadline - time.time()) + 0.01)

    def _expire(self, task: Task) -> None:
        if self._store.finish(task.task_id, "FAILED", _EXPIRED):
            self._count_open(task.task_id, "subtasks_expired")
