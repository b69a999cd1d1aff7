"""How fast tasks may go: start-up delay, cost of a file, and a bandwidth that they share."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from mapshell.sandbox.realism import Realism

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes moved at a time: large enough for full speed, small enough to stop at once and to bound memory.
BLOCK = 1 << 20
_LEAST_BLOCK = 1 << 12
_BLOCK_S = 0.1
# Shorter pauses are saved up: going away and coming back costs more than that.
_LEAST_PAUSE_S = 0.005


class Pace:
    """Answers how long a task must pause; it never waits itself.

    Parameters
    ----------
    realism
        What holds at first; may be replaced at any time.
    now
        The clock, in seconds.
    """

    def __init__(self, realism: Realism | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.realism = realism or Realism()
        self._now = now
        self._lock = threading.Lock()
        self._free = 0.0
        self._written: set[tuple[int, int]] = set()

    def change(self, realism: Realism) -> None:
        """Let other settings hold from now on."""
        with self._lock:
            self.realism = realism
            self._free = 0.0

    @property
    def block(self) -> int:
        """Bytes to move at a time."""
        bandwidth = self.realism.bandwidth
        return BLOCK if bandwidth is None else int(min(BLOCK, max(_LEAST_BLOCK, bandwidth * _BLOCK_S)))

    def moved(self, count: int) -> float:
        """Account for bytes that were moved; answers after how many seconds the next may follow.

        Tasks take turns block by block, so that a small one does not wait for a large one to end.
        """
        bandwidth = self.realism.bandwidth
        if bandwidth is None or not count:
            return 0.0
        with self._lock:
            now = self._now()
            self._free = max(self._free, now) + count / bandwidth
            pause = self._free - now
        return pause if pause >= _LEAST_PAUSE_S else 0.0

    def claim(self, file: tuple[int, int]) -> bool:
        """Let a task write a file (device and number of it), unless another one is at it; then :meth:`give_back`."""
        with self._lock:
            if file in self._written:
                return False
            self._written.add(file)
            return True

    def give_back(self, file: tuple[int, int]) -> None:
        """Let others write a file again."""
        with self._lock:
            self._written.discard(file)
