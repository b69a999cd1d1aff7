"""The next piece of work is made in a thread while the present one is used."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


def ahead(pieces: Iterable[T]) -> Iterator[T]:
    """Yield what an iterable gives; while one piece is used, the next is made, and no further one.

    What the iterable raises is raised here.  When the caller ends early, the thread ends after the piece that it is
    at; it is not waited for.
    """
    made: SimpleQueue[tuple[bool, T | BaseException | None]] = SimpleQueue()
    room = threading.Semaphore(1)
    over = threading.Event()

    def work() -> None:
        try:
            for piece in pieces:
                made.put((True, piece))
                del piece  # held by whoever uses it alone
                room.acquire()
                if over.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  # whoever waits for the next piece must hear of it
            made.put((False, error))
        else:
            made.put((False, None))

    threading.Thread(target=work, name="ahead", daemon=True).start()
    try:
        while True:
            more, piece = made.get()
            if not more:
                if isinstance(piece, BaseException):
                    raise piece
                return
            yield piece  # type: ignore[misc]
            del piece
            room.release()
    finally:
        over.set()
        room.release()
