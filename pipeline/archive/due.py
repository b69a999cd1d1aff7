"""Which files are read back next: those never compared, then those whose last comparison is longest ago.

So an archive of any size is checked from end to end by many short runs, and a run that was killed is gone on with.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipeline.archive.manifest import FileEntry

NEVER = 0
"""The day of a comparison that never took place; days are counted as ``date.toordinal`` does."""

SAMPLE = 10
"""A sample is one file in so many of a session, at least one: as many runs see every file."""


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A file that may be read back: the day of its last comparison, its subpath, and what the index says of it."""

    day: int
    subpath: str
    entry: FileEntry


@dataclass(slots=True)
class _Queued:
    """A session that has files left: how many of it may still be taken, and the last one that was."""

    left: int
    cursor: tuple[int, str] = (-1, "")


def sampled(files: int) -> int:
    """Return how many files of a session a sample takes."""
    return -(-files // SAMPLE)


def due(
    sessions: Iterable[tuple[int, int, int]], load: Callable[[int], Sequence[Candidate]]
) -> Iterator[tuple[int, FileEntry]]:
    """Yield files of many sessions in the order in which they are due; a day is as fine as it gets.

    Parameters
    ----------
    sessions
        For each: the day of its earliest comparison (or an earlier one), its tag, how many of its files may be taken.
    load
        Returns what can be read back of a session, given its tag; called when its turn comes, once or more often.
        Files that were taken before in this run may be left out or not.
    """
    queue: list[tuple[int, int]] = []
    state: dict[int, _Queued] = {}
    for day, tag, most in sessions:
        queue.append((day, tag))
        state[tag] = _Queued(most)
    heapq.heapify(queue)
    while queue:
        _, tag = heapq.heappop(queue)
        mine = state[tag]
        files = sorted(each for each in load(tag) if (each.day, each.subpath) > mine.cursor)
        for each in files[: mine.left]:
            if queue and each.day > queue[0][0]:
                heapq.heappush(queue, (each.day, tag))
                break
            mine.left -= 1
            mine.cursor = (each.day, each.subpath)
            yield tag, each.entry
        else:
            del state[tag]


class Budget:
    """How much may be read in one run.

    Parameters
    ----------
    most_bytes
        Bytes; None: as many as there are.
    over
        Says whether the time is over.
    """

    def __init__(self, most_bytes: int | None, over: Callable[[], bool]) -> None:
        self._left = most_bytes
        self._most = most_bytes
        self._over = over
        self.spent = ""

    def over(self) -> bool:
        """Say whether the time is over, and remember it."""
        if self._over():
            self.spent = "time"
        return self.spent == "time"

    def never(self, size: int) -> bool:
        """Say whether a file is larger than the whole budget: no run would read it."""
        return self._most is not None and size > self._most

    def take(self, size: int) -> bool:
        """Take a file's bytes out of the budget; False when the run must end before it."""
        if self.over():
            return False
        if self._left is not None and size > self._left:
            self.spent = "bytes"
            return False
        if self._left is not None:
            self._left -= size
        return True
