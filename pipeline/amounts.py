"""Times and sizes as people write them: ``2h``, ``90 min``, ``500GB``."""

from __future__ import annotations

import re
from datetime import timedelta
from string import ascii_letters

from pipeline.errors import UsageError

_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([A-Za-z]*)", re.ASCII)

_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONG = {"second": "s", "minute": "min", "hour": "h", "day": "d", "week": "w"}
_BYTES = {"b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_BINARY = {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "pib": 2**50}


def duration(value: timedelta | float | str) -> timedelta:
    """Return a time span: of seconds, or of text such as ``2h``, ``90 min``, ``8w``.

    Raises
    ------
    UsageError
        It cannot be read, or is not positive.
    """
    if isinstance(value, timedelta):
        span = value
    elif isinstance(value, str):
        number, unit = _split(value)
        unit = unit.lower()
        unit = _LONG.get(unit.removesuffix("s") if len(unit) > 1 else unit, unit)
        if number is None or (unit or "s") not in _SECONDS:
            raise _wrong(value, "time span", "2h, 90min, 8w; a number alone means seconds")
        span = _span(number * _SECONDS[unit or "s"], value)
    else:
        span = _span(float(value), value)
    if span <= timedelta(0):
        raise _wrong(value, "time span", "2h, 90min, 8w; it must be more than nothing")
    return span


def age(value: timedelta | float | str) -> timedelta:
    """Return a time span as :func:`duration` reads it; none at all (``0d``) is allowed.

    A text needs a unit, and not ``m``: somebody who writes 30, or 6m, thinks of days, or of months, and must not lose
    what was archived a moment ago.

    Raises
    ------
    UsageError
        It cannot be read, or its unit may be misunderstood.
    """
    if value in (0, timedelta(0)):
        return timedelta(0)
    if not isinstance(value, str):
        return duration(value)
    number = value.strip().rstrip(ascii_letters).strip()
    unit = value.strip()[len(number) :].strip()
    if number == "0":
        duration(f"1{unit}")  # is it a unit at all?
        return timedelta(0)
    span = duration(value)
    if not unit or unit.lower() == "m":
        meant = "seconds" if not unit else "minutes"
        raise UsageError(
            f"An age of {value.strip()!r} would be {meant}.",
            remedy=f"say what it counts, such as {number}d or {number}w.",
        )
    return span


def _span(seconds: float, value: object) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise _wrong(value, "time span", "2h, 90min, 8w") from None


def size(value: int | str) -> int:
    """Return a number of bytes: as it is, or of text such as ``500GB`` (10**9) or ``1 TiB`` (2**40).

    Raises
    ------
    UsageError
        It cannot be read, or is not positive.
    """
    if isinstance(value, str):
        number, unit = _split(value)
        unit = unit.lower()
        factor = _BINARY.get(unit) or _BYTES.get(unit.removesuffix("b") or "b")
        if number is None or factor is None or number > 10**9:
            raise _wrong(value, "size", "500GB, 1.5TB, 20GiB; a number alone means bytes")
        found = int(number * factor)
    else:
        found = int(value)
    if found <= 0:
        raise _wrong(value, "size", "500GB, 1.5TB; it must be more than nothing")
    return found


def _split(text: str) -> tuple[float | None, str]:
    found = _AMOUNT.fullmatch(text.strip())
    return (None, "") if found is None else (float(found[1]), found[2])


def _wrong(value: object, what: str, examples: str) -> UsageError:
    return UsageError(f"{str(value)!r} is no {what}.", remedy=f"write it like {examples}.")
