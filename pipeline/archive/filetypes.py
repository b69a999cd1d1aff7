"""File types: ordered rules on names, the first match wins.

The names are keys in the database: add rules, never rename one.  Globs match the last component of a path, case
sensitively; one with ``/`` matches as many last components as it has.  ``*``, ``?`` and ``[0-9]`` as in fnmatch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from pipeline.archive.filetype_rules import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
_TAILS = tuple(dict.fromkeys(_parsed(glob)[0] for _, glob in _GLOBS))
_ANY = len(_GLOBS) - 1
"""The number of the last one, ``*``."""
_WILD = re.compile(r"\[[^]]+\]|[*?]")


@dataclass(frozen=True, slots=True)
class _Globs:
    """Some globs, each by its number in all.

    Those of one component are plain names, or ``wild``: one pattern of them, of which a name can match nothing when it
    holds none of ``texts``.  ``deep`` are the others.
    """

    names: Mapping[str, int]
    texts: tuple[str, ...]
    wild: re.Pattern[str]
    deep: tuple[tuple[int, str], ...]

    def first(self, subpath: str, name: str) -> int:
        """Return the number of the first glob that a path, of this last component, matches; ``*`` takes any."""
        first = self.names.get(name, _ANY)
        for text in self.texts:
            if text in name:
                found = self.wild.match(name)
                first = first if found is None else min(first, int(str(found.lastgroup)[1:]))
                break
        if self.deep:
            parts = subpath.split("/")
            first = next((number for number, glob in self.deep if number < first and _matches(glob, parts)), first)
        return first


@lru_cache(4096)
def _likely(end: str) -> _Globs:
    """Return the globs that may match a name which ends so: no million files tries all of them."""
    return _compiled(tuple(tail for tail in _TAILS if end.endswith(tail) or tail.endswith(end)))


@cache
def _compiled(tails: tuple[str, ...]) -> _Globs:
    """Return the globs with these tails, ready to be matched; many endings have the same."""
    numbered = [(number, glob) for number, (_, glob) in enumerate(_GLOBS) if _parsed(glob)[0] in tails]
    deep = tuple((number, glob) for number, glob in numbered if "/" in glob)
    plain = [(number, glob) for number, glob in numbered if "/" not in glob and number != _ANY]
    names = {glob: number for number, glob in reversed(plain) if not _WILD.search(glob)}
    wild = [(number, glob) for number, glob in plain if glob not in names]
    texts = dict.fromkeys(max(_WILD.split(glob), key=len) for _, glob in wild)
    pattern = "|".join(f"(?P<n{number}>{translate(glob)})" for number, glob in wild)
    return _Globs(names, tuple(texts), re.compile(pattern), deep)


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
    name = subpath.rpartition("/")[2]
    return _GLOBS[_likely(name[name.rfind(".") :]).first(subpath, name)][0]
