"""The computer's own time zone by its IANA name."""

from __future__ import annotations

import warnings
from functools import cache


@cache
def local_timezone() -> str:
    """Return the IANA name of the computer's time zone, such as ``America/New_York``; ``UTC`` when it tells none.

    Reads what the system keeps (``TZ``, ``/etc/localtime``, the registry of Windows), once a process.
    """
    import tzlocal

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a computer without a configured zone is UTC, and that is all there is to say
        try:
            name = tzlocal.get_localzone_name()
        except (LookupError, ValueError, OSError):
            return "UTC"
    return "UTC" if name in {None, "Etc/UTC", "Etc/UCT", "UCT", "Zulu"} else str(name)
