"""How many tasks files are given to, and which files to which: many side by side, few in one."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

SIDE_BY_SIDE = 3
"""So many tasks of one person the service works on at a time."""
ENOUGH = 100
"""Files for which a task of their own pays: each takes the service a while apart from its bytes, and so does a task."""
OF_A_FILE = 5_000_000
"""So many bytes take about as long as a file by itself."""


def side_by_side(files: int) -> int:
    """Return how many tasks so many files are given to."""
    return max(1, min(SIDE_BY_SIDE, files // ENOUGH))


def work(sizes: Sequence[int]) -> float:
    """Return how much work files of these sizes (bytes) are, in files without bytes."""
    return len(sizes) + sum(sizes) / OF_A_FILE


def shares(units: Sequence[T], works: Sequence[float], most: int) -> list[Sequence[T]]:
    """Cut a sequence into at most so many pieces of about equal work, none of them empty.

    Parameters
    ----------
    units
        What is not taken apart.
    works
        How much work each of them is.
    most
        How many pieces there may be.
    """
    total, before = sum(works), 0.0
    places = []
    for each in works:
        # A unit goes where its middle lies, so that the largest alone makes a difference.
        places.append(min(most - 1, int(most * (before + each / 2) / total)) if total > 0 else 0)
        before += each
    numbered = groupby(range(len(units)), key=places.__getitem__)
    return [[units[number] for number in numbers] for _, numbers in numbered]
