"""A service that is asked to end: whoever sleeps is woken, and whoever begins something asks first."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

_NAP_S = 1.0
"""Other threads, and Windows, look so often whether the service is to end."""


class Woken(BaseException):
    """The sleep of the main thread is over."""


class Stop:
    """Whether the service is to end, and why.  ``ask`` may be called from a signal handler: it takes no lock."""

    def __init__(self) -> None:
        self.why = ""
        self._asleep = False

    def ask(self, why: str) -> None:
        """Ask the service to end; called in the main thread.

        Raises
        ------
        Woken
            The main thread sleeps; ``sleep`` catches it.
        """
        self.why = self.why or why
        if self._asleep:
            raise Woken

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until the service is asked to end."""
        if threading.current_thread() is not threading.main_thread():
            self._nap(seconds)
            return
        try:
            self._asleep = True
            if not self.why:
                self._nap(seconds)
            self._asleep = False
        except Woken:
            pass
        finally:
            self._asleep = False

    def _nap(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.why and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _NAP_S))


class ServiceClock:
    """The computer's clock, whose sleep ends when the service is to end."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def now(self) -> datetime:
        """Return this instant in UTC, naive."""
        return datetime.now(UTC).replace(tzinfo=None)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._stop.sleep(seconds)
