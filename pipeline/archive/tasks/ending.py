"""When a task is expected to end, and when to ask for it next: rules over numbers alone."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

LEAST = 0.5
"""The shortest pause before a task that is expected to end soon is asked for (s)."""
GROWTH = 1.5
"""How much longer each pause is than the one before, while nothing ends."""
_LOOKS = 5
"""So many looks tell how fast a task is: speed changes when others begin or end."""


@dataclass(frozen=True, slots=True)
class Look:
    """How far a task was at an instant (s): its files, and its bytes."""

    at: float
    files: int
    size: int

    @property
    def moved(self) -> bool:
        """Whether anything had been moved."""
        return bool(self.files or self.size)


@dataclass(slots=True)
class Course:
    """The newest looks at one task; of those before it has moved anything, the last."""

    looks: deque[Look] = field(default_factory=lambda: deque(maxlen=_LOOKS))

    def add(self, look: Look) -> None:
        """Note a look."""
        if self.looks and not (self.looks[-1].moved or look.moved):
            self.looks.pop()  # how long it waited for its turn says nothing of its speed
        self.looks.append(look)

    def left(self, files: int, size: int) -> float | None:
        """Return how long a task of so many files and bytes (0: nobody knows) still takes (s); None: cannot be told."""
        return None if len(self.looks) < 2 else remaining(self.looks[0], self.looks[-1], files, size)


def remaining(first: Look, now: Look, files: int, size: int) -> float | None:
    """Return how long a task takes after ``now`` at the speed since ``first`` (s); None when it cannot be told.

    What takes longer counts, files or bytes: the last file may be the largest, or small ones follow it.
    """
    spent = now.at - first.at
    if spent <= 0:
        return None
    found = []
    for before, done, total in ((first.files, now.files, files), (first.size, now.size, size)):
        if total <= 0:
            continue
        if done >= total:
            found.append(0.0)
        elif done > before:
            found.append((total - done) * spent / (done - before))
    at_rest = now.files < files and not (now.files > first.files or now.size > first.size)
    return None if at_rest else max(found, default=None)


def pause(usual: float, expected: float | None, misses: int, most: float) -> float:
    """Return how long to wait until tasks are asked for again (s).

    Parameters
    ----------
    usual
        The pause that grows while nothing ends.
    expected
        When the first of them is expected to end, from now; None: nobody can tell.
    misses
        How often that turned out too early since one ended: each time more is waited, so that what comes to a halt
        just before its end is not asked for again and again.
    most
        The longest pause.
    """
    if expected is None:
        return min(usual, most)
    least = min(LEAST * GROWTH ** min(misses, 20), most)
    return min(max(least, min(expected, usual)), most)
