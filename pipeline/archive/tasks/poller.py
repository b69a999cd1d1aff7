"""Asks for many tasks in one call: ever less often while nothing ends, and again when one is expected to."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.archive.tasks.ending import GROWTH, Course, Look, pause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.ports import Clock, Store, TaskStatus

_NO_SIZES: Mapping[str, int] = MappingProxyType({})


class Poller:
    """Keeps how fast each task was, and when to ask again.

    Parameters
    ----------
    store, clock
        The login, and time.
    first, most
        The pause after something has ended, and the longest one (s).
    """

    def __init__(self, store: Store, clock: Clock, *, first: float = 0.2, most: float = 10.0) -> None:
        self._store = store
        self._clock = clock
        self._first = first
        self._most = most
        self._usual = first
        self._began: datetime = clock.now()
        self._courses: dict[str, Course] = {}
        self._awaited = False
        self._misses = 0
        self.interval = first
        """When to ask again (s)."""

    def poll(self, task_ids: Sequence[str], sizes: Mapping[str, int] = _NO_SIZES) -> Mapping[str, TaskStatus]:
        """Return the status of the tasks that the service knows; ``sizes`` has the bytes of those that are known."""
        now = self._store.tasks(task_ids) if task_ids else {}
        if any(task.state != "ACTIVE" for task in now.values()):
            self._usual, self._misses = self._first, 0
        else:
            self._usual = min(self._usual * GROWTH, self._most)
            self._misses += self._awaited
        at = (self._clock.now() - self._began).total_seconds()
        lefts = [self._left(task, at, sizes.get(task.task_id, 0)) for task in now.values() if task.state == "ACTIVE"]
        expected = min((left for left in lefts if left is not None), default=None)
        self.interval = pause(self._usual, expected, self._misses, self._most)
        self._awaited = expected is not None and self.interval >= expected
        return now

    def _left(self, task: TaskStatus, at: float, size: int) -> float | None:
        course = self._courses.setdefault(task.task_id, Course())
        course.add(Look(at, task.files_transferred, task.bytes_transferred))
        return course.left(task.files, size)
