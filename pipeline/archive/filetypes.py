"""File types: ordered rules on names, the first match wins.

The names are keys in the database: add rules, never rename one.  Globs match the last component of a path, case
sensitively; one with ``/`` matches as many last components as it has.  ``*``, ``?`` and ``[0-9]`` as in fnmatch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from pipeline.archive.filetype_rules import TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

UNKNOWN = "unknown"
MAX_NAME = 64
"""Longest name of a file type, in characters: the width of its column."""


@dataclass(frozen=True, slots=True)
class FileTypeRule:
    """One file type: ``name`` is its key, ``glob`` its patterns separated by blanks, ``family`` what it belongs to."""

    name: str
    glob: str
    description: str
    family: str

    @property
    def globs(self) -> tuple[str, ...]:
        """The patterns, one by one."""
        return tuple(self.glob.split())

    def matches(self, subpath: str) -> bool:
        """Say whether a file of this path is of this type."""
        parts = subpath.split("/")
        return any(_matches(glob, parts) for glob in self.globs)


def _matches(glob: str, parts: Sequence[str]) -> bool:
    tail, components = _parsed(glob)
    if not parts[-1].endswith(tail):  # spares a million files most of the patterns
        return False
    return len(parts) >= len(components) and all(map(fnmatchcase, parts[-len(components) :], components))


@cache
def _parsed(glob: str) -> tuple[str, tuple[str, ...]]:
    """Return the plain text that every name matched by a glob ends in, and the globs of its components."""
    return re.split(r"[]*?/]", glob)[-1], tuple(glob.split("/"))


RULES: tuple[FileTypeRule, ...] = tuple(
    FileTypeRule(
        name,
        glob,
        description,
        next(family for family in ("ephys-raw", "tracking-video", UNKNOWN) if name.startswith(family)),
    )
    for name, glob, description in TABLE
)
"""All types in the order in which they are tried; the last one, ``unknown``, takes everything."""


_GLOBS = tuple((rule.name, glob) for rule in RULES for glob in rule.globs)


@lru_cache(1024)
def _likely(end: str) -> tuple[tuple[str, str], ...]:
    """Return the globs, in their order, that may match a name which ends so: no million files tries all of them."""
    tails = ((name, glob, _parsed(glob)[0]) for name, glob in _GLOBS)
    return tuple((name, glob) for name, glob, tail in tails if end.endswith(tail) or tail.endswith(end))


def classify(subpath: str, extra: Sequence[FileTypeRule] = ()) -> str:
    """Return the name of a file's type.

    Parameters
    ----------
    subpath
        Relative POSIX path, or just a name.
    extra
        Rules of the lab, tried first.
    """
    if any((found := rule).matches(subpath) for rule in extra):
        return found.name
    parts = subpath.split("/")
    for name, glob in _likely(parts[-1][parts[-1].rfind(".") :]):
        if _matches(glob, parts):
            return name
    return UNKNOWN
