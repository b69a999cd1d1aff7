"""What is left out by its name, wherever it lies: patterns compiled once, for a walk asks of every file.  Pure.

Names of our own (what reclaim leaves in a folder) are left out whatever the patterns say.
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.archive.reclaiming.names import OWN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_WILD = re.compile(r"[*?\[]")


def left_out(subpath: str, patterns: Collection[str]) -> bool:
    """Say whether any component of a subpath matches one of the patterns (``temp_wh.dat``, ``.phy``)."""
    return any(map(leaving_out(patterns), subpath.split("/")))


def leaving_out(patterns: Collection[str]) -> Callable[[str], object]:
    """Return what says, of a single component, whether it matches one of the patterns (something true).

    A walk that enters no folder which is left out needs to ask of each name alone.
    """
    return _compiled(tuple(patterns))


@lru_cache(32)
def _compiled(patterns: tuple[str, ...]) -> Callable[[str], object]:
    globs = [pattern.rstrip("/") for pattern in patterns if pattern]
    names = OWN.union(glob for glob in globs if not _WILD.search(glob))
    wild = [translate(glob) for glob in globs if glob not in names]
    if not wild:
        return names.__contains__
    matches = re.compile("|".join(wild)).match
    return lambda name: name in names or matches(name)
