"""Places in collections as people write them: ``raw-ephys:/SC038``, ``UUID:/path``, or relative to where they stand.

Pure.  A path below an alias is relative to the alias's root and never leads out of it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.archive.session import Location

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HOME = "~"
_PATTERN = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True)
class Place:
    """A path in a collection.

    ``parts`` are the names from ``root`` on, which is the root of a storage location (then ``alias`` names it), ``/``
    or ``/~/`` of a collection.
    """

    endpoint: str
    root: str
    parts: tuple[str, ...] = ()
    alias: str | None = None

    @property
    def path(self) -> str:
        """The path in the collection."""
        return "/".join((self.root.rstrip("/"), *self.parts)) or "/"

    @property
    def name(self) -> str:
        """The last name; empty at the root."""
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> Place:
        """The folder in which it lies; the root is its own."""
        return self.above(1)

    def above(self, levels: int) -> Place:
        """Return the folder so many levels up; not above the root."""
        return replace(self, parts=self.parts[: max(0, len(self.parts) - levels)])

    @property
    def subpath(self) -> str:
        """The path relative to the root; empty at the root."""
        return "/".join(self.parts)

    @property
    def is_pattern(self) -> bool:
        """Whether a name in it stands for several (``*``, ``?``, ``[...]``)."""
        return any(_PATTERN.search(part) for part in self.parts)

    def below(self, *names: str) -> Place:
        """Return a place below it."""
        return replace(self, parts=(*self.parts, *names))

    def __str__(self) -> str:
        if self.alias is not None:
            return f"{self.alias}:/{self.subpath}"
        return f"{self.endpoint}:{self.path}"


def at_root(location: Location) -> Place:
    """Return the root of a storage location."""
    return Place(location.endpoint.lower(), location.path, (), location.alias)


def within(place: Place, location: Location) -> str | None:
    """Return a place relative to a location's root (empty: the root, or above it); None when it lies elsewhere."""
    if location.endpoint.lower() != place.endpoint:
        return None
    mine, root = PurePosixPath(place.path), PurePosixPath(location.path)
    if mine.is_relative_to(root):
        subpath = mine.relative_to(root).as_posix()
        return "" if subpath == "." else subpath
    return "" if root.is_relative_to(mine) else None


def shares(one: str, other: str) -> bool:
    """Say whether one path of a collection is, or lies in, the other one."""
    first, second = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return first.startswith(second) or second.startswith(first)


def read(text: str, locations: Mapping[str, Location], standing: Place | None = None) -> Place:
    """Return the place that a text means.

    Parameters
    ----------
    text
        ``alias:/path``, ``UUID:/path``, or a path relative to ``standing`` (``/path``: to its root).
    locations
        The storage locations, by alias.
    standing
        Where the person stands; None: nowhere.

    Raises
    ------
    UsageError
        It names none: an unknown alias, a path that leads out of the root, or a relative one of somebody who stands
        nowhere.
    """
    head, colon, path = text.partition(":")
    if colon and "/" not in head:
        if head in locations:
            return _walked(at_root(locations[head]), path, text)
        if _UUID.fullmatch(head):
            return _in_collection(head.lower(), path, text)
        raise _unknown(text, head, locations)
    if standing is None:
        aliases = ", ".join(locations) or "none yet"
        raise UsageError(
            f"{text!r} names no storage location and no collection.",
            remedy=f"write ALIAS:/PATH or UUID:/PATH (aliases: {aliases}); in the shell, cd there first.",
        )
    return _walked(replace(standing, parts=()) if text.startswith("/") else standing, text, text)


def _in_collection(endpoint: str, path: str, text: str) -> Place:
    home = not path.startswith("/") or path.split("/")[1:2] == [_HOME]
    if home:
        rest = path.removeprefix("/").removeprefix(_HOME) if path.startswith("/") else path
        return _walked(Place(endpoint, "/~/"), rest, text)
    return _walked(Place(endpoint, "/"), path, text)


def _walked(place: Place, path: str, text: str) -> Place:
    parts = list(place.parts)
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise UsageError(
                    f"{text!r} leads out of {replace(place, parts=())}.",
                    remedy="a path below an alias stays there; name the collection itself instead: UUID:/PATH.",
                )
            parts.pop()
        elif part not in ("", "."):
            if "\0" in part:
                raise UsageError(f"{text!r} holds a NUL character.", remedy="no path has one.")
            if any("\ud800" <= character <= "\udfff" for character in part):
                raise UsageError(
                    f"{text!r} is no UTF-8.", remedy="Globus knows no other names; write it as it is listed."
                )
            parts.append(part)
    return replace(place, parts=tuple(parts))


def _unknown(text: str, head: str, locations: Mapping[str, Location]) -> UsageError:
    near = difflib.get_close_matches(head.casefold(), {alias.casefold(): alias for alias in locations}, n=1, cutoff=0.5)
    meant = next((alias for alias in locations if near and alias.casefold() == near[0]), None)
    known = ", ".join(locations) or "none"
    return UsageError(
        f"{text!r}: there is no storage location {head!r} (known: {known}).",
        remedy=f"did you mean {meant}:/?" if meant else "see `mapshell storage list`, or write UUID:/PATH.",
    )
