"""Signals of a service: the first one asks it to end at the next safe point, a second one ends it at once."""

from __future__ import annotations

import _thread
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pipeline.nights.stopping import Stop

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
_WORDS = {"SIGINT": "Ctrl-C", "SIGBREAK": "Ctrl-Break"}
GRACE_S = 20.0
"""A round that has not reached a safe point after so long (it reads a huge file, say) is interrupted as by Ctrl-C."""


class Signals:
    """While it is entered, signals that end a process ask ``stop`` first.

    ``overdue`` says that a round was interrupted because its safe point did not come in time.
    """

    def __init__(self, stop: Stop, grace: float = GRACE_S) -> None:
        self._stop, self._grace = stop, grace
        self._before: dict[int, Any] = {}
        self._timer: threading.Timer | None = None
        self.overdue = False

    def __enter__(self) -> Self:
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup: it stays ignored
                self._before[number] = signal.signal(number, self._met)
        return self

    def __exit__(self, *error: object) -> None:
        """Let signals do what they did before."""
        if self._timer is not None:
            self._timer.cancel()
        for number, before in self._before.items():
            signal.signal(number, before)

    def _met(self, number: int, frame: object) -> None:
        del frame
        if self._stop.why:
            raise KeyboardInterrupt
        name = signal.Signals(number).name
        self._timer = threading.Timer(self._grace, self._lose_patience, [number])
        self._timer.daemon = True
        self._timer.start()
        self._stop.ask(_WORDS.get(name, name))

    def _lose_patience(self, number: int) -> None:
        self.overdue = True
        main = threading.main_thread().ident
        if hasattr(signal, "pthread_kill") and main is not None:
            with suppress(ProcessLookupError):
                signal.pthread_kill(main, number)  # wakes it from whatever it waits for
        else:
            _thread.interrupt_main(signal.Signals(number))
