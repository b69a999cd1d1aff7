"""What programs that run in the background inherit of the environment: no password of the person who started them.

The environment of a process can be read by every process of its user, for as long as it lives; the embedded
PostgreSQL may run as another user than the person, such as ``nobody``.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECRET = re.compile(r"PASS|SECRET|TOKEN|CREDENTIAL|KEY|AUTH", re.IGNORECASE)
# What the programs of another user need on POSIX systems: to be found, to find their libraries, their language.
_NEEDED = re.compile(r"PATH|LD_LIBRARY_PATH|DYLD_\w+|LANG|LC_\w+|TZ|TMPDIR")


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what is called like a secret (``DJ_PASS``, any ``..._TOKEN``)."""
    return {name: value for name, value in environ.items() if not _SECRET.search(name)}


def bare(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a foreign program needs and nothing else; on Windows, where that is much, all but secrets."""
    if os.name == "nt":
        return without_secrets(environ)
    return {name: value for name, value in environ.items() if _NEEDED.fullmatch(name)}
