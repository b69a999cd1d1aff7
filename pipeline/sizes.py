"""Sizes as a person reads them."""

from __future__ import annotations


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
