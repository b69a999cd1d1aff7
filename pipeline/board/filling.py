"""How fast a disk fills, and when it will be full.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SPAN = timedelta(days=14)
"""The time whose rate counts."""

_SHORTEST = timedelta(days=1)
_OFTEN, _LATELY = 3, timedelta(days=4)
"""Room that came back on so many days, the last of them not longer ago, comes back regularly."""
_FAR = 3650.0
"""Days; of what lasts longer nobody can tell."""


@dataclass(frozen=True, slots=True)
class Filling:
    """How fast a disk fills: bytes a day, and in how many days it is full (None: not for years, or never).

    ``by`` says from what that is known.
    """

    per_day: float
    days: float | None
    by: str


def by_free(samples: Iterable[tuple[datetime, int]], now: datetime) -> Filling | None:
    """Tell it from the free space that rounds found; None when they tell of less than a day.

    What was deleted meanwhile counts as room that comes back only where a disk is freed regularly, as by a schedule.

    Parameters
    ----------
    samples
        When (UTC), and how many bytes were free then.
    now
        This instant, UTC.
    """
    seen = sorted(each for each in samples if now - SPAN < each[0] <= now)
    if len(seen) < 2 or seen[-1][0] - seen[0][0] < _SHORTEST:
        return None
    written = sum(max(before[1] - after[1], 0) for before, after in pairwise(seen))
    span = (seen[-1][0] - seen[0][0]) / timedelta(days=1)
    since = (now - seen[-1][0]) / timedelta(days=1)
    by = f"free space of the last {_days(span)}"
    freed = [(after[0], after[1] - before[1]) for before, after in pairwise(seen) if after[1] > before[1]]
    if len({when.date() for when, _ in freed}) >= _OFTEN and now - freed[-1][0] <= _LATELY:
        written = max(written - sum(size for _, size in freed), 0)
        by += ", less what is freed regularly"
    return _filling(written / span, seen[-1][1], by, since)


def by_files(arrived: int, free: int) -> Filling:
    """Tell it from the bytes of recordings of the last :data:`SPAN` that lie on the disk."""
    days = SPAN / timedelta(days=1)
    return _filling(arrived / days, free, f"recordings of the last {_days(days)}", 0.0)


def _filling(per_day: float, free: int, by: str, since: float) -> Filling:
    days = max(free / per_day - since, 0.0) if per_day > 0 and free / per_day < _FAR else None
    return Filling(per_day, days, by)


def _days(days: float) -> str:
    count = round(days)
    return "day" if count == 1 else f"{count} days"
