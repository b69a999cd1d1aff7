"""How fast files are read for their checksums: not while something is recorded, and no faster than the lab wants."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.archive.ports import Clock
    from pipeline.archive.quiet import Quiet
    from pipeline.archive.session import LocalFile

_MEGABYTE = 1_000_000


class Pace:
    """The pace of all threads together.

    Parameters
    ----------
    clock, epoch
        How to wait, and this instant in s.
    quiet
        Tells whether something is recorded on a file's disk; None: nobody asks.
    mb_per_second
        Most that is read (10**6 bytes in a second, by all threads together); None: as fast as the disk gives.
    """

    def __init__(
        self, clock: Clock, epoch: Callable[[], float], quiet: Quiet | None = None, mb_per_second: float | None = None
    ) -> None:
        self._clock, self._epoch, self._quiet = clock, epoch, quiet
        self._rate = None if mb_per_second is None else mb_per_second * _MEGABYTE
        self._lock = threading.Lock()
        self._free = float("-inf")

    def before(self, file: LocalFile, size: int, stop: Callable[[], bool]) -> None:
        """Return when the next ``size`` bytes of a file may be read, or when ``stop`` says so.

        Raises
        ------
        DiskBusy
            Something is recorded on its disk for longer than we wait.
        """
        if self._quiet is not None:
            self._quiet.wait_for(file.root, stop)
        if self._rate is None:
            return
        with self._lock:
            now = self._epoch()
            mine = max(self._free, now)
            self._free = mine + size / self._rate
        while (left := mine - self._epoch()) > 0 and not stop():
            self._clock.sleep(min(left, 1.0))
