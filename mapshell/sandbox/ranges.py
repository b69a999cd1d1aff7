"""Byte ranges of HTTP, as pure rules: which bytes of a file a request asks for."""

from __future__ import annotations

import re

_SPEC = re.compile(r"(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})")
# More at once is taken for a mistake or an attack: the whole file is sent.
_MOST = 100


class UnsatisfiableError(ValueError):
    """No byte of the file lies in what was asked for."""


def wanted(header: str | None, size: int) -> list[tuple[int, int]] | None:
    """Read a ``Range`` header.

    Parameters
    ----------
    header
        Its value, None without one.
    size
        Bytes of the file.

    Returns
    -------
    list of tuple of int, or None
        First byte and the one after the last, for each part, in the order asked for; None when the header is to be
        ignored: it cannot be read, or counts something other than bytes.

    Raises
    ------
    UnsatisfiableError
        All parts begin behind the end of the file.
    """
    unit, separator, text = (header or "").partition("=")
    if not separator or unit.strip().lower() != "bytes":
        return None
    parts = [_SPEC.fullmatch(part.strip()) for part in text.split(",") if part.strip()]
    if not parts or len(parts) > _MOST:
        return None
    found: list[tuple[int, int]] = []
    for part in parts:
        if part is None or (not part["first"] and not part["last"]):
            return None
        if not part["first"]:
            first, end = max(0, size - int(part["last"])), size
        else:
            first = int(part["first"])
            last = int(part["last"]) if part["last"] else size - 1
            if part["last"] and last < first:
                return None
            end = min(last + 1, size)
        if first < end:
            found.append((first, end))
    if not found:
        raise UnsatisfiableError(text)
    # Overlapping parts would send a file many times over.
    return found if sum(end - first for first, end in found) <= size else None
