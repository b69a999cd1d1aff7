"""Whose turn it is: tasks by the time at which they are due, and places that only so many of a user's may hold."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

#: Tasks with files open at a time, of all users together: enough for everybody, and bounded.
MOST_PLACES = 32


class Turns:
    """Plain book-keeping without clock or lock: whoever uses it brings both.

    Who waits, for a time or for a place, is served in the order of asking: of equal times the first asked is first.
    """

    def __init__(self, most: int = MOST_PLACES) -> None:
        self._most = most
        self._limit: int | None = None
        self._heap: list[tuple[float, int, str]] = []
        self._due: dict[str, tuple[float, int]] = {}
        self._count = 0
        self._places: dict[str, Hashable] = {}
        self._held: Counter[Hashable] = Counter()
        self._queue: dict[str, Hashable] = {}

    # Times

    def add(self, task_id: str, when: float, *, keep: bool = False) -> None:
        """Let a task be due at a time; with ``keep`` only if it is not due earlier."""
        if keep and task_id in self._due and self._due[task_id][0] <= when:
            return
        self._count += 1
        self._due[task_id] = (when, self._count)
        heapq.heappush(self._heap, (when, self._count, task_id))

    def drop(self, task_id: str) -> None:
        """Let a task be due no more."""
        self._due.pop(task_id, None)

    def pop(self, now: float) -> str | None:
        """Take the task that is due; None when none is."""
        when = self.next_time()
        if when is None or when > now:
            return None
        task_id = heapq.heappop(self._heap)[2]
        del self._due[task_id]
        return task_id

    def next_time(self) -> float | None:
        """When the next task is due; None when none ever is."""
        while self._heap:
            when, count, task_id = self._heap[0]
            if self._due.get(task_id) == (when, count):
                return when
            heapq.heappop(self._heap)
        return None

    # Places

    def enter(self, task_id: str, group: Hashable) -> bool:
        """Give a task a place if its group may have one more; else it stands in the queue."""
        if task_id in self._places:
            return True
        waiting = any(other == group for name, other in self._queue.items() if name != task_id)
        if not self._free(group) or (waiting and task_id not in self._queue):
            self._queue.setdefault(task_id, group)
            return False
        self._take(task_id, group)
        return True

    def leave(self, task_id: str) -> list[str]:
        """Take a task's place, or its place in the queue; answers who has got a place instead."""
        self._queue.pop(task_id, None)
        group = self._places.pop(task_id, None)
        if group is None:
            return []
        self._held[group] -= 1
        return self._admit()

    def set_limit(self, limit: int | None) -> list[str]:
        """Change how many places a group may hold (None: any number); answers who has got one by that."""
        self._limit = limit
        return self._admit()

    def _admit(self) -> list[str]:
        admitted = []
        for task_id, group in list(self._queue.items()):
            if len(self._places) >= self._most:
                break
            if self._free(group):
                self._take(task_id, group)
                admitted.append(task_id)
        return admitted

    def _free(self, group: Hashable) -> bool:
        return len(self._places) < self._most and (self._limit is None or self._held[group] < self._limit)

    def _take(self, task_id: str, group: Hashable) -> None:
        self._queue.pop(task_id, None)
        self._places[task_id] = group
        self._held[group] += 1
