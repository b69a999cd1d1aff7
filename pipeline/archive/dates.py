"""Dates as they stand in names: every way the field writes them, both ways.

``MMDDYY`` of the calendar year is what we write.  An earlier program formatted it with the ISO week-based year, so that
2021-01-01 became ``010120`` and 2018-12-31 became ``123119``; such a reading is offered too, but it counts only
when the recording's own start agrees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_YEAR = 1980
LAST_YEAR = 2079
"""Years outside are not recordings; the limits also keep ``MMDDYYYY`` and ``YYYYMMDD`` apart."""

_CENTURY = 2000
_TWO_DIGITS = 100


@dataclass(frozen=True, slots=True)
class DateReading:
    """A text read as a date.

    ``dates`` are all valid readings, best first; ``unsure`` those among them that count only when the start of
    the recording agrees; ``text`` the digits as written; ``style`` how, e.g. ``"mdy"``.
    """

    text: str
    style: str
    dates: tuple[date, ...]
    unsure: frozenset[date]


# The styles in the order in which a text is tried.  All digits are ASCII; \b would see "_" as a letter.
_STYLES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (style, re.compile(rf"(?:{pattern})(?=_|$)"))
    for style, pattern in (
        ("Y-m-d", r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"),
        ("Y_m_d", r"(?P<Y>[0-9]{4})_(?P<m>[0-9]{2})_(?P<d>[0-9]{2})"),
        ("mdY", r"(?P<m>[0-9]{2})(?P<d>[0-9]{2})(?P<Y>[0-9]{4})"),
        ("Ymd", r"(?P<Y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"),
        ("mdy", r"(?P<m>[0-9]{2})(?P<d>[0-9]{2})(?P<y>[0-9]{2})"),
        ("m-d-Y", r"(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})-(?P<Y>[0-9]{4})"),
    )
)


def mdy(day: date) -> str:
    """Return ``MMDDYY`` of the calendar year, as session and probe folders have it."""
    return f"{day.month:02d}{day.day:02d}{day.year % _TWO_DIGITS:02d}"


def mdY(day: date) -> str:  # noqa: N802  # the style's name
    """Return ``MMDDYYYY``, as video folders have it."""
    return f"{day.month:02d}{day.day:02d}{day.year:04d}"


def legacy_mdy(day: date) -> str:
    """Return ``MMDDYY`` with the ISO week-based year: the earlier program's name.  For discovery only."""
    return f"{day.month:02d}{day.day:02d}{day.isocalendar().year % _TWO_DIGITS:02d}"


def valid_date(year: int, month: int, day: int) -> date | None:
    """Return the date, None when there is none or no recording can be of it."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def read_date(text: str) -> DateReading | None:
    """Read the date at the beginning of a text; it must end there or at ``_``."""
    for style, pattern in _STYLES:
        found = pattern.match(text)
        if found is None:
            continue
        reading = _reading(found, style)
        if reading is not None:
            return reading
    return None


def _reading(found: re.Match[str], style: str) -> DateReading | None:
    parts = {name: int(digits) for name, digits in found.groupdict().items()}
    year = parts["Y"] if "Y" in parts else _CENTURY + parts["y"]
    month, day = parts["m"], parts["d"]
    sure = valid_date(year, month, day)
    others: list[date] = []
    if style == "mdy":
        others = list(_iso_year_dates(year, month, day))
    elif style == "m-d-Y":  # no rule says which comes first there
        swapped = valid_date(year, day, month)
        if swapped is not None and swapped != sure:
            others = [swapped]
    if sure is None and style != "m-d-Y":
        return None
    dates = ((sure,) if sure is not None else ()) + tuple(others)
    if not dates:
        return None
    return DateReading(found[0], style, dates, frozenset(others) if sure is not None else frozenset())


def _iso_year_dates(year: int, month: int, day: int) -> Iterator[date]:
    """Yield the dates whose name under the ISO week-based year this is, and is not under the calendar year."""
    for calendar_year in (year + 1, year - 1):
        other = valid_date(calendar_year, month, day)
        if other is not None and other.isocalendar().year == year:
            yield other


def find_date(text: str) -> tuple[str, DateReading, str] | None:
    """Find the first date that begins at the start of a text or after ``_``.

    Returns
    -------
    tuple or None
        What stands before (without the ``_``), the date, and what stands behind (without the ``_``).
    """
    start = 0
    while True:
        reading = read_date(text[start:])
        if reading is not None:
            before = text[: start - 1] if start else ""
            return before, reading, text[start + len(reading.text) + 1 :]
        next_break = text.find("_", start)
        if next_break < 0:
            return None
        start = next_break + 1
