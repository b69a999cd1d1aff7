"""Sizes as a person reads and writes them."""

from __future__ import annotations

import re

from pipeline.errors import UsageError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]*)?) *([kmgtp]?)(i?)b?", re.IGNORECASE)


def human_bytes(size: int) -> str:
    """Return a size in bytes as a person reads it (decimal units, as disks are sold)."""
    if abs(size) < 1000:
        return f"{size} B"
    number = float(size)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        number /= 1000
        if abs(number) < 999.95 or unit == "PB":
            return f"{number:.1f} {unit}"
    raise AssertionError  # the last unit always returns


def read_bytes(text: str) -> int:
    """Return a size in bytes as a person writes it: ``1.5GB``, ``300 k``, ``2TiB`` (with an i: powers of 1,024).

    Raises
    ------
    UsageError
        It is none.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no size.", remedy="write a number and a unit, such as 500MB or 1.5GB.")
    number, unit, binary = found.groups()
    factor = _UNITS[unit.lower()]
    if binary:
        factor = 1024 ** list(_UNITS).index(unit.lower())
    return int(float(number) * factor)
