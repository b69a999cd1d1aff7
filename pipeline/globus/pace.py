"""How fast requests may follow each other, for all managers of one login together."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from pipeline.settings.types import DEFAULT_REQUESTS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

RATE = DEFAULT_REQUESTS_PER_SECOND
"""Requests a second; the service allows about 20 for each identity, and other computers may use the same."""
WINDOW = 10.0
"""Seconds over which the service counts."""
SLOW = 60.0
"""Seconds for which only half as many are sent after the service has asked for fewer."""


class Pace:
    """Lets at most ``rate * window`` requests begin within any ``window`` seconds; a burst of that many is fine.

    Once the service has asked for fewer, it gets half as many for a while.  Safe to use from several threads.

    Parameters
    ----------
    rate
        Requests a second; 0: as many as the service takes, and after it has asked for fewer half as many as usual.
    window
        Seconds over which they are counted.
    clock, sleep
        Seconds that only grow, and how to wait.
    """

    def __init__(
        self,
        rate: float = RATE,
        window: float = WINDOW,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._most = max(2, int(rate * window)) if rate else None
        self._least = max(2, int((rate or RATE) * window)) // 2
        self._window = window
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._begun: deque[float] = deque()
        self._held = self._slow = float("-inf")

    def wait(self) -> None:
        """Wait until a further request may begin, and count it."""
        while (pause := self._ask()) > 0:
            self._sleep(pause)

    def slow_down(self, seconds: float = 0.0) -> None:
        """Note that the service asked for fewer: nothing for some seconds, then half as many for a while."""
        with self._lock:
            now = self._clock()
            self._held = max(self._held, now + min(max(seconds, 0.0), self._window))
            self._slow = now + SLOW

    def _ask(self) -> float:
        """Count a request and return 0, or return how long to wait before asking again, in seconds."""
        with self._lock:
            now = self._clock()
            while self._begun and self._begun[0] <= now - self._window:
                self._begun.popleft()
            if now < self._held:
                return self._held - now
            most = self._least if now < self._slow else self._most
            if most is None or len(self._begun) < most:
                self._begun.append(now)
                return 0.0
            return max(self._begun[-most] + self._window - now, 0.001)
