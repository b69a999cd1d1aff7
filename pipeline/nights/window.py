"""The hours of the day in which rounds may begin, as wall clocks show them, also where the clocks are changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pipeline.errors import UsageError

_TIME = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?", re.ASCII)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From one time of the day to another, the next morning when that is earlier; ``zone`` is where the clock hangs.

    Instants are UTC without zone.  Where a time of the day comes twice, its first coming counts; where it is left out,
    the instant at which the clock jumps.  Every day has its window: one that would be lost in a jump begins there and
    is as long as the wall clock says.
    """

    begin: time
    end: time
    zone: tzinfo

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"

    def interval(self, day: date) -> tuple[datetime, datetime]:
        """Return beginning and end of the window that opens on a day."""
        begin, end = datetime.combine(day, self.begin), datetime.combine(day, self.end)
        if end <= begin:
            end += _DAY
        opens, closes = instant(begin, self.zone), instant(end, self.zone)
        return opens, (closes if closes > opens else opens + (end - begin))

    def open_at(self, now: datetime) -> tuple[datetime, datetime]:
        """Return beginning and end of the window that is open at an instant, or else of the next one."""
        today = local(now, self.zone).date()
        return next(
            (opens, closes)
            for opens, closes in (self.interval(today + days * _DAY) for days in (-1, 0, 1, 2))
            if now < closes
        )


def local(now: datetime, zone: tzinfo) -> datetime:
    """Return an instant (UTC without zone) as clocks show it."""
    return now.replace(tzinfo=UTC).astimezone(zone)


def instant(wall: datetime, zone: tzinfo) -> datetime:
    """Return when clocks show a time first, in UTC without zone; the jump itself where they leave it out."""
    aware = wall.replace(tzinfo=zone)
    found = aware.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) != wall:
        # In the gap: read with the offset of before, the time lies as far behind the jump as it lies within the gap.
        after = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
        gap = after - (aware.utcoffset() or timedelta())
        low, high = found - abs(gap), found
        before = low.astimezone(zone).utcoffset()
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) / 2
            low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
        found = high.replace(microsecond=0)
    return found.replace(tzinfo=None)


def time_of_day(text: str) -> time:
    """Read a time of the day: ``22:00``, ``7``.

    Raises
    ------
    UsageError
        It is none.
    """
    found = _TIME.fullmatch(text.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 0)
    if hour > 23 or minute > 59:
        raise UsageError(f"{text!r} is no time of the day.", remedy="write it like 22:00.")
    return time(hour, minute)


def read_window(text: str, zone: tzinfo) -> Window:
    """Read a window: ``22:00-06:00``.

    Raises
    ------
    UsageError
        It is none, or has no length.
    """
    first, dash, last = text.partition("-")
    if not dash:
        raise UsageError(f"{text!r} is no window of time.", remedy="write its beginning and its end, like 22:00-06:00.")
    begin = time_of_day(first)
    end = time(0) if last.strip() in {"24", "24:00"} else time_of_day(last)
    if begin == end:
        raise UsageError(
            f"{text!r} is a window without length.",
            remedy="leave --at out for all hours, or write it like 22:00-06:00.",
        )
    return Window(begin, end, zone)
