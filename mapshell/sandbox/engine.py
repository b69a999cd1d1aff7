"""The scheduler of tasks: a few worker threads that take turns among all tasks, and control from outside.

A task is worked on in small steps (see :meth:`mapshell.sandbox.passes.Pass.run`).  Between two of them it can be left
off for another task's turn, for a while, or for good; one that waits holds no thread.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
import traceback
from typing import TYPE_CHECKING

from mapshell.sandbox import deadlines, endings
from mapshell.sandbox.deleting import DeletePass
from mapshell.sandbox.holds import apply_hold
from mapshell.sandbox.moving import Interrupted
from mapshell.sandbox.pace import Pace
from mapshell.sandbox.runner import TransferPass
from mapshell.sandbox.runs import After, Run
from mapshell.sandbox.taskdocs import QUEUED
from mapshell.sandbox.turns import Turns

if TYPE_CHECKING:
    from mapshell.sandbox.collections import Collections
    from mapshell.sandbox.realism import Realism
    from mapshell.sandbox.tasks import TaskStore

_log = logging.getLogger("mapshell.sandbox")
_FIRST_RETRY_S = 0.25
_LONGEST_RETRY_S = 5.0
_TURN_S = 0.05


class Engine:
    """Runs tasks in the background.

    Parameters
    ----------
    store
        Where tasks live.
    collections
        The collections they touch.
    pace
        How fast they may go.
    workers
        How many threads take turns.
    """

    def __init__(
        self, store: TaskStore, collections: Collections, pace: Pace | None = None, *, workers: int = 4
    ) -> None:
        self._store = store
        self._collections = collections
        self._pace = pace or Pace()
        self._condition = threading.Condition()
        self._turns = Turns()
        self._turns.set_limit(self._pace.realism.running_tasks)
        self._runs: dict[str, Run] = {}
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
        for task_id in self._store.not_ended():
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
        for task_id in list(self._runs):
            self._leave_off(task_id)

    @property
    def busy(self) -> bool:
        """Whether a task is moving bytes, or is about to."""
        with self._condition:
            due = self._turns.next_time()
            return bool(self._running or self._runs) or (due is not None and due <= time.monotonic())

    def schedule(self, task_id: str, delay: float = 0.0) -> None:
        """Look at a task after ``delay`` seconds."""
        with self._condition:
            if (run := self._runs.get(task_id)) is not None:
                run.stale = True
            if task_id in self._running:
                self._again.add(task_id)
                return
            self._turns.add(task_id, time.monotonic() + delay)
            self._condition.notify()

    def set_realism(self, realism: Realism) -> None:
        """Let tasks go at another pace from now on."""
        self._pace.change(realism)
        with self._condition:
            admitted = self._turns.set_limit(realism.running_tasks)
            for run in self._runs.values():
                run.not_before = 0.0
            waiting = [*admitted, *self._runs]
        for task_id in waiting:
            self.schedule(task_id)

    # Control ---------------------------------------------------------------------------------------------------

    def cancel(self, task_id: str) -> bool:
        """Cancel a task; False when it has ended already."""
        return self._end(task_id, "FAILED", endings.CANCELED)

    def fail(self, task_id: str, code: str, description: str) -> bool:
        """Let a task fail (for tests); False when it has ended already."""
        return self._end(task_id, "FAILED", {"code": code, "description": description})

    def _end(self, task_id: str, status: str, error: dict[str, str]) -> bool:
        ended = self._store.finish(task_id, status, error)
        self._delays.pop(task_id, None)
        # The caller is told when no byte of the task moves any more.
        self._leave_off(task_id)
        if ended:
            counter = "subtasks_canceled" if error is endings.CANCELED else "subtasks_failed"
            endings.count_left(self._store, task_id, counter)
        return ended

    def hold(self, task_id: str, how: str) -> None:
        """Stop working on a task: ``paused``, ``inactive`` (credentials expired) or ``held`` (still ACTIVE)."""
        self._leave_off(task_id)
        apply_hold(self._store, task_id, how)
        # Somebody may have wanted it looked at in between.
        self._leave_off(task_id)
        self.schedule(task_id)

    def release(self, task_id: str) -> None:
        """Go on with a task that is on hold."""
        task = self._store.get(task_id)
        if task is not None and task.status in {"ACTIVE", "INACTIVE"}:
            self._store.update(task_id, status="ACTIVE", hold=None, nice_status=None, nice_details=None)
            if task.hold == "paused":
                deadlines.unpaused(self._store, task_id)
            self.schedule(task_id)

    def _leave_off(self, task_id: str) -> None:
        """Stop where the task is, and give its place to another; returns when nothing of it moves any more."""
        with self._condition:
            if task_id in self._running:
                self._interrupted.add(task_id)
                self._condition.wait_for(lambda: task_id not in self._running, timeout=10)
                if task_id in self._running:
                    return
            self._turns.drop(task_id)
            run = self._runs.pop(task_id, None)
            admitted = self._turns.leave(task_id)
        if run is not None:
            run.steps.close()
        for other in admitted:
            self.schedule(other)

    # Work ------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (task_id := self._next()) is not None:
            after, pause = After.OVER, None
            try:
                after, pause = self._turn(task_id)
            except Interrupted:
                # On hold by itself: its deadline goes on.
                pause = 0.0
            except Exception as error:  # noqa: BLE001 - a defect here must not end the thread that runs everybody's tasks
                pause = self._broken(task_id, error)
            self._settle(task_id, after, pause)

    def _broken(self, task_id: str, error: Exception) -> float | None:
        """Take note of what no task should meet; answers after how many seconds the task is tried again, if it is."""
        _log.error("task %s: %s", task_id, "".join(traceback.format_exception(error)))
        if not isinstance(error, sqlite3.Error):
            with contextlib.suppress(sqlite3.Error):
                self._store.finish(task_id, "FAILED", {"code": "INTERNAL_ERROR", "description": "internal error"})
                return None
        # The sandbox's own disk is full, for instance: nothing is known to be wrong with the task.
        return _LONGEST_RETRY_S

    def _next(self) -> str | None:
        with self._condition:
            while not self._stopping:
                now = time.monotonic()
                task_id = self._turns.pop(now)
                if task_id is None:
                    due = self._turns.next_time()
                    self._condition.wait(None if due is None else min(due - now, threading.TIMEOUT_MAX))
                elif task_id in self._running:
                    self._again.add(task_id)
                else:
                    self._running.add(task_id)
                    return task_id
        return None

    def _settle(self, task_id: str, after: After, pause: float | None) -> None:
        """After a turn: when this task is looked at again (None: not by itself), and who gets its place."""
        now = time.monotonic()
        with self._condition:
            self._running.discard(task_id)
            again, interrupted = task_id in self._again, task_id in self._interrupted
            self._again.discard(task_id)
            self._interrupted.discard(task_id)
            if after is After.OVER:
                self._runs.pop(task_id, None)
                for other in self._turns.leave(task_id):
                    self._turns.add(other, now)
            if not interrupted and (again or pause is not None):
                self._turns.add(task_id, now + (0.0 if again else pause or 0.0))
            self._condition.notify_all()

    def _turn(self, task_id: str) -> tuple[After, float | None]:
        """Work on a task for a while."""
        run = self._runs.get(task_id)
        if run is not None:
            return self._advance(task_id, run)
        task = self._store.get(task_id)
        if task is None or task.status not in {"ACTIVE", "INACTIVE"}:
            return After.OVER, None
        left = task.deadline - time.time()
        if task.hold != "paused" and left <= 0:
            endings.expire(self._store, task)
            return After.OVER, None
        if task.hold is not None or task.status != "ACTIVE":
            return After.OVER, left if left > 0 else None
        with self._condition:
            placed = self._turns.enter(task_id, (task.owner, task.type))
        if not placed:
            # What went wrong before it had to wait is more worth telling.
            if (task.nice_status or QUEUED).upper() == QUEUED.upper():
                self._store.update(task_id, nice_status=QUEUED)
            return After.QUEUED, left
        kind = TransferPass if task.type == "TRANSFER" else DeletePass
        work = kind(task, self._store, self._collections, self._pace, lambda: self._is_interrupted(task_id))
        run = self._runs[task_id] = Run(work)
        return self._advance(task_id, run)

    def _is_interrupted(self, task_id: str) -> bool:
        return self._stopping or task_id in self._interrupted

    def _advance(self, task_id: str, run: Run) -> tuple[After, float | None]:
        now = time.monotonic()
        ends = now + _TURN_S
        pause = run.not_before - now
        while not self._is_interrupted(task_id):
            run.extend(self._store, now)
            run.refresh(self._store)
            if (left := run.left()) <= 0:
                run.steps.close()
                endings.expire(self._store, run.work.task)
                return After.OVER, None
            if pause > 0:
                run.not_before = now + pause
                return After.GOING, min(pause, left)
            if now > ends:
                if self._others_wait(now):
                    return After.GOING, 0.0
                ends = now + _TURN_S
            try:
                pause = next(run.steps)
            except StopIteration as end:
                return After.OVER, self._ended(run, end.value)
            now = time.monotonic()
        run.steps.close()
        return After.OVER, None

    def _others_wait(self, now: float) -> bool:
        with self._condition:
            due = self._turns.next_time()
        return due is not None and due <= now

    def _ended(self, run: Run, moved: bool | None) -> float | None:
        """After a whole pass: the task has succeeded, or after how many seconds it is tried again."""
        task = run.work.task
        if moved is not None and self._store.is_open(task.task_id):
            if moved:
                deadlines.extend(self._store, task.task_id)
            last = self._delays.get(task.task_id, _FIRST_RETRY_S)
            self._delays[task.task_id] = delay = _FIRST_RETRY_S if moved else min(last * 2, _LONGEST_RETRY_S)
            return min(delay, max(0.0, run.left()) + 0.01)
        if moved is not None:
            endings.succeed(self._store, task, run.work.counters)
        self._delays.pop(task.task_id, None)
        return None
