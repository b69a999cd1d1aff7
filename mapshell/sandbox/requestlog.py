"""The last requests, counted by kind: what ``mapshell sandbox log`` shows.  No query, header or body is kept."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import Any

_LENGTH = 2000


class RequestLog:
    """Counts requests by kind and remembers the last ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._recent: deque[dict[str, Any]] = deque(maxlen=_LENGTH)
        self._number = 0

    def add(
        self, method: str, kind: str, path: str, status: int | None, seconds: float, fault: str | None = None
    ) -> None:
        """Note one request that is over; status None: no answer was sent; ``fault`` is the kind that it met."""
        with self._lock:
            self._counts[f"{method} {kind}"] += 1
            self._number += 1
            self._recent.append(
                {
                    "number": self._number,
                    "time": time.time(),
                    "method": method,
                    "kind": kind,
                    "path": path,
                    "status": status,
                    "seconds": round(seconds, 4),
                    "fault": fault,
                }
            )

    def counts(self) -> dict[str, int]:
        """Return the number of requests of each ``"METHOD kind"``."""
        with self._lock:
            return dict(self._counts)

    def recent(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the last requests, oldest first, from behind a number."""
        with self._lock:
            return [request for request in self._recent if request["number"] > after]

    def reset(self) -> None:
        """Count from zero; numbers go on."""
        with self._lock:
            self._counts.clear()
            self._recent.clear()
