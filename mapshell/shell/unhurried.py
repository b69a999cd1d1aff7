"""Completion that keeps nobody waiting: what takes long is suggested when it has come."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prompt_toolkit.document import Document

WAIT_S = 0.3
_MOST = 4  # a server that hangs must not fill the process with threads


class Unhurried(Completer):
    """Lets another completer work in threads of its own.

    The prompt waits for its own threads before it runs a line; so none of them may wait for a server.

    Parameters
    ----------
    inner
        Finds the suggestions, however long that takes.
    again
        Called when there is more to suggest than there was when it was asked for.
    wait
        Seconds after which the prompt goes on without suggestions.
    """

    def __init__(self, inner: Completer, again: Callable[[], None], wait: float = WAIT_S) -> None:
        self._inner = inner
        self._again = again
        self._wait = wait
        self._free = threading.BoundedSemaphore(_MOST)
        self._come: tuple[Document, tuple[Completion, ...]] | None = None

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Return the suggestions that are found in time."""
        come, self._come = self._come, None
        if come is not None and come[0] == document:
            return come[1]
        if not self._free.acquire(blocking=False):
            return ()
        work = _Work(self._inner, document, complete_event)

        def run() -> None:
            try:
                work.run()
            finally:
                self._free.release()
            if work.late:
                self._come = document, work.found
                self._again()

        threading.Thread(target=run, name="mapshell completion", daemon=True).start()
        return work.found_within(self._wait)


class _Work:
    """One question, and what is found."""

    def __init__(self, inner: Completer, document: Document, event: CompleteEvent) -> None:
        self._inner, self._document, self._event = inner, document, event
        self.found: tuple[Completion, ...] = ()
        self._done = threading.Event()
        self._lock = threading.Lock()
        self.late = False

    def run(self) -> None:
        """Find."""
        try:
            found = tuple(self._inner.get_completions(self._document, self._event))
        except Exception:  # noqa: BLE001 - whatever goes wrong: there is nothing to suggest
            found = ()
        with self._lock:
            self.found = found
            self._done.set()

    def found_within(self, seconds: float) -> tuple[Completion, ...]:
        """Return what was found, nothing when that takes longer."""
        self._done.wait(seconds)
        with self._lock:
            self.late = not self._done.is_set()
            return self.found
