"""What stands in a cell, as a value: numbers, dates and words as people and spreadsheet programs write them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

_EXCEL_DAY_ZERO = date(1899, 12, 30)
_EXCEL_DAYS = range(10_000, 80_000)  # 1927 to 2119
_SEXES = {"m": "M", "male": "M", "f": "F", "female": "F", "u": "U", "unknown": "U", "?": "U"}
_YEAR_FIRST = re.compile(r"(\d{4})[-/.]?(\d{1,2})[-/.]?(\d{1,2})(?:[ T]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)  # with dots nobody writes the month first


class CellError(ValueError):
    """A cell that does not say what its column asks for; the text tells what is wrong with it."""


def read_text(cell: Any, limit: int) -> str | None:
    """Return the text of a cell of at most ``limit`` characters; None when it is empty."""
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell).strip()
    if len(text) > limit:
        raise CellError(f"{text[:40]!r}... is longer than {limit} characters")
    if any(ord(character) < 32 and character not in "\t\n\r" for character in text):
        raise CellError(f"{text!r} holds characters that cannot be printed")
    return text or None


def read_number(cell: Any) -> int | None:
    """Return the whole number of a cell, None when it is empty."""
    if isinstance(cell, bool):
        raise CellError(f"{cell} is no number")
    if isinstance(cell, (int, float)):
        if cell != cell or cell in (float("inf"), float("-inf")) or int(cell) != cell:
            raise CellError(f"{cell} is no whole number")
        return int(cell)
    text = read_text(cell, 64)
    if text is None:
        return None
    if re.fullmatch(r"[+-]?\d{1,18}(?:\.0*)?", text, re.ASCII) is None:
        raise CellError(f"{text!r} is no whole number")
    return int(text.split(".")[0])


def read_decimal(cell: Any) -> float | None:
    """Return the number of a cell, None when it is empty; a decimal comma is understood."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        value = float(cell)
    else:
        text = read_text(cell, 64)
        if text is None:
            return None
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            raise CellError(f"{text!r} is no number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise CellError(f"{value} is no number")
    return value


def read_sex(cell: Any) -> str | None:
    """Return M, F or U; None when the cell is empty."""
    text = read_text(cell, 64)
    if text is None:
        return None
    found = _SEXES.get(text.casefold())
    if found is None:
        raise CellError(f"{text!r} is no sex; write M, F or U")
    return found


def read_date(cell: Any) -> date | None:
    """Return the date of a cell: a date cell, ``YYYY-MM-DD``, ``DD.MM.YYYY``, or Excel's number of the day."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = read_text(cell, 64)
    if text is None:
        return None
    if re.fullmatch(r"\d{5}", text, re.ASCII) and int(text) in _EXCEL_DAYS:
        return _EXCEL_DAY_ZERO + timedelta(days=int(text))
    found = _YEAR_FIRST.fullmatch(text)
    parts = found.groups() if found else None
    if parts is None and (found := _DAY_FIRST.fullmatch(text)):
        parts = found.groups()[::-1]
    if parts is None:
        raise CellError(f"{text!r} is no date that can only be read in one way; write YYYY-MM-DD")
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        raise CellError(f"{text!r} is no date of the calendar") from None
