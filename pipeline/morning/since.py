"""From when on a report tells, as people say it: ``yesterday``, ``friday``, ``2d``, ``2026-11-20 22:00``.  Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pipeline.amounts import duration
from pipeline.errors import UsageError

DEFAULT = "yesterday"

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORTEST = 3
"""Letters by which a weekday is told."""

_SPAN = re.compile(r"[0-9][0-9.]* *[A-Za-z]+")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_REMEDY = "write yesterday, today, a weekday, 2d, 12h, 22:00, a date such as 2026-11-20, or 2026-11-20T22:00."


def since(text: str, now: datetime, zone: tzinfo) -> datetime:
    """Return the instant that a text means, in UTC without zone.

    A day means its beginning, a weekday the last one of that name (today is one), a time of day the last one.

    Parameters
    ----------
    text
        As a person wrote it.
    now
        This instant, UTC without zone.
    zone
        The zone in which days begin.

    Raises
    ------
    UsageError
        It cannot be read, or lies in the future.
    """
    said = " ".join(text.lower().split())
    here = now.replace(tzinfo=UTC).astimezone(zone)
    found = _day(said, here.date())
    try:
        if found is not None:
            return _instant(datetime.combine(found, time()), text, now, zone)
        if clock := _CLOCK.fullmatch(said):
            return _last(time(int(clock[1]), int(clock[2])), here, zone)
        if _SPAN.fullmatch(said):
            return now - duration(said)
        return _instant(datetime.fromisoformat(text.strip()), text, now, zone)
    except OverflowError:
        raise UsageError(f"--since {text!r} is too long ago.", remedy=_REMEDY) from None
    except UsageError as error:
        if "future" in error.message:
            raise
    except ValueError:
        pass
    raise UsageError(f"--since {text!r} cannot be read as a time.", remedy=_REMEDY) from None


def _day(said: str, today: date) -> date | None:
    if said == "today":
        return today
    if said == "yesterday":
        return today - timedelta(days=1)
    named = [number for number, name in enumerate(_DAYS) if len(said) >= _SHORTEST and name.startswith(said)]
    return today - timedelta(days=(today.weekday() - named[0]) % 7) if named else None


def _last(clock: time, here: datetime, zone: tzinfo) -> datetime:
    for back in range(3):  # a day in which the clocks are put forward may not have the time
        at = datetime.combine(here.date() - timedelta(days=back), clock, zone)
        if at.astimezone(UTC) <= here.astimezone(UTC):
            return at.astimezone(UTC).replace(tzinfo=None)
    raise ValueError(clock)


def _instant(said: datetime, text: str, now: datetime, zone: tzinfo) -> datetime:
    at = (said if said.tzinfo is not None else said.replace(tzinfo=zone)).astimezone(UTC).replace(tzinfo=None)
    if at > now:
        raise UsageError(f"--since {text!r} lies in the future.", remedy=_REMEDY)
    return at
