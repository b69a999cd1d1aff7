"""When a disk will be full, from how much room each round found on it.  Pure."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

SPAN = timedelta(days=14)
"""The time whose rate counts."""

_SHORTEST = timedelta(days=1)


def full_in(free: Iterable[tuple[datetime, int]], now: datetime) -> timedelta | None:
    """Return how long a disk has room at the rate of the last two weeks; None when it does not fill, or nobody knows.

    What was deleted meanwhile does not count as room that comes back: only what was written does.

    Parameters
    ----------
    free
        When (UTC), and how many bytes were free then.
    now
        This instant, UTC.
    """
    seen = sorted(each for each in free if each[0] > now - SPAN)
    if len(seen) < 2 or seen[-1][0] - seen[0][0] < _SHORTEST:
        return None
    written = sum(max(before[1] - after[1], 0) for before, after in pairwise(seen))
    if not written:
        return None
    rate = written / (seen[-1][0] - seen[0][0]).total_seconds()
    try:
        left = timedelta(seconds=seen[-1][1] / rate)
    except OverflowError:
        return None
    return max(left - (now - seen[-1][0]), timedelta(0))
