"""The time of all processes of a month: as far ahead of the computer's as the month says.

Commands and the sandbox are Python processes: ``time_machine`` moves their clock, and none of the product's code knows.
PostgreSQL asks a function of ours for the time, MariaDB runs under ``libfaketime`` (under which Python cannot sleep).
Monotonic clocks are left alone, so whatever waits, waits as long as ever.  The times that the system gives to files are
not moved: they lie in the past.
"""

from __future__ import annotations

import contextlib
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.integration.rig import wait_until

MISSING = "NO LIBFAKETIME: it is not installed (Debian: apt install libfaketime); the month runs on PostgreSQL only"

_PRELUDE = """
def _moved(file, follow):
    import threading, time, time_machine

    def ahead():
        with open(file) as text:
            return float(text.read())

    known = ahead()
    moved = time_machine.travel(time.time() + known, tick=True).start()
    real = time_machine.escape_hatch.time.time

    def watch():
        seen = known
        while True:
            time.sleep(0.02)
            now = ahead()
            if now != seen:
                moved.move_to(real() + now)
                seen = now
                with open(file + ".seen", "w") as text:
                    text.write(str(now))

    if follow:
        threading.Thread(target=watch, daemon=True).start()
_moved({file!r}, {follow!r})
del _moved
"""


class Clock:
    """One clock for all: how many seconds it is ahead lies in a file."""

    def __init__(self, folder):
        self._file = Path(folder) / "ahead"
        self.ahead = 0.0

    def now(self):
        """Return this instant of the month in UTC, naive."""
        return datetime.fromtimestamp(self.epoch(), UTC).replace(tzinfo=None)

    def epoch(self):
        """Return it in seconds since 1970."""
        return time.time() + self.ahead

    def set(self, instant, *followers):
        """Let it be an instant (naive UTC); wait until those who follow know.  It never goes back."""
        ahead = instant.replace(tzinfo=UTC).timestamp() - time.time()
        assert ahead >= self.ahead or not self._file.exists(), f"time goes back to {instant}"
        self.ahead = ahead
        new = self._file.with_suffix(".new")
        new.write_text(repr(ahead))
        new.replace(self._file)
        for follow in followers:
            follow(timedelta(seconds=ahead))

    def prelude(self, *, follow=False):
        """Return code that moves the clock of a process; one that lives longer than an evening follows it."""
        return _PRELUDE.format(file=str(self._file), follow=follow)

    def wait_for_sandbox(self, _):
        """Wait until the sandbox has the time."""
        seen = self._file.with_name(self._file.name + ".seen")

        def knows():
            with contextlib.suppress(OSError, ValueError):
                return float(seen.read_text()) == self.ahead
            return False

        wait_until(knows)


def library():
    """Return the path of libfaketime; None where it is not installed."""
    return next(iter(sorted(Path("/").glob("usr/lib*/**/faketime/libfaketimeMT.so.1"))), None)


def environment(file):
    """Return the environment that makes a program that is not Python follow a file: ``+SECONDS``."""
    return {
        **os.environ,
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_CACHE_DURATION": "1",
        "NO_FAKE_STAT": "1",
    }
