"""From paths in a collection to files on disk: never outside the collection's folder, links included."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mapshell.sandbox.errors import ApiError

if TYPE_CHECKING:
    from mapshell.sandbox.spec import CollectionSpec

_WINDOWS = os.name == "nt"
# Names that are not UTF-8 travel as this mark plus their bytes read as Latin-1, as at the real service.
_NOT_UTF8 = "\ufffd"


class PathRefused(ApiError):
    """The path leaves the collection, or its rules deny it."""


def to_wire(name: str) -> str:
    """Spell a name of the file system for the wire."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return _NOT_UTF8 + os.fsencode(name).decode("latin-1")
    return name


def to_disk(name: str) -> str:
    """Undo :func:`to_wire`."""
    if name.startswith(_NOT_UTF8) and not _WINDOWS:
        try:
            raw = name[1:].encode("latin-1")
        except UnicodeEncodeError:
            return name
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            return os.fsdecode(raw)
    # Only names that are not UTF-8 were marked: this one begins with the mark by itself.
    return name


def split(path: str, home: str = "/") -> list[str]:
    """Components of a collection path; ``/~/x`` and relative paths start at the home folder.

    Raises
    ------
    ApiError
        The path holds what no path may hold, or climbs with ``..``.
    """
    if "\0" in path or "\r\n" in path:
        raise ApiError(400, "ClientError.BadRequest.InvalidPath", "Invalid path: control characters are not allowed")
    if path in {"~", "/~"} or path.startswith(("~/", "/~/")):
        path = f"{home}/{path.lstrip('/')[1:]}"
    elif not path.startswith("/"):
        path = f"{home}/{path}"
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise PathRefused(403, "EndpointPermissionDenied", "Denied by endpoint: Path not allowed.")
    if _WINDOWS and any(character in part for part in parts for character in '\\:<>|?*"'):
        raise ApiError(400, "ClientError.BadRequest.InvalidPath", "Invalid path: this computer has no such names")
    return parts


def absolute(path: str, home: str = "/") -> str:
    """Return the path from the root of the collection, without ``/~/``."""
    return "/" + "/".join(split(path, home))


def _is_plain(name: str) -> bool:
    """Tell whether the last part of a path is a name that means itself and that any path may end with."""
    return not (_WINDOWS or name in {"", ".", "..", "~"} or name[0] == _NOT_UTF8 or "\0" in name or "\r" in name)


@dataclass
class Folder:
    """The folder of a collection with its rules: the only way from a collection path to a file.

    Keeps which parent folders it has resolved; make a new one for each pass over many files.
    """

    collection_id: str
    spec: CollectionSpec
    _root: str = field(init=False)
    _parents: dict[str, str] = field(default_factory=dict, init=False)
    _last: tuple[str, str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._root = os.path.realpath(self.spec.path)
        self._without_rules = not self.spec.denied and not self.spec.deny

    def local(self, path: str, *, follow: bool = True) -> Path:
        """Return the file behind a collection path (it need not exist).

        Parameters
        ----------
        path
            Path in the collection.
        follow
            Whether a link at the end is followed; either way it must not lead out.

        Raises
        ------
        PathRefused
            It lies outside of the collection's folder, or is denied.
        """
        parent, name = self.locate(path)
        if name == os.curdir:
            return Path(self._root)
        candidate = os.path.join(parent, name)  # noqa: PTH118 - a name may be anything but a path
        if os.path.islink(candidate):  # noqa: PTH114
            resolved = os.path.join(*self.follow(parent, name))  # noqa: PTH118
            if follow:
                candidate = resolved
        return Path(candidate)

    @property
    def root(self) -> str:
        """The folder itself, links resolved."""
        return self._root

    def place(self, path: str) -> str:
        """Return where a path of the collection lies on disk, all links resolved; nothing is checked."""
        return os.path.realpath(os.path.join(self._root, *map(to_disk, split(path, self.spec.home))))  # noqa: PTH118

    def locate(self, path: str) -> tuple[str, str]:
        """Return the resolved folder that holds a path of the collection, and the name in it (``.`` for the root).

        Raises
        ------
        PathRefused
            As for :meth:`local`; a link at the end is not looked at.
        """
        above, _, last = path.rpartition("/")
        if (known := self._last) is not None and above == known[0] and _is_plain(last):
            return known[1], last
        parts = split(path, self.spec.home)
        self.check_rules("/" + "/".join(parts))
        if not parts:
            return self._root, os.curdir
        parent, name = self._real_parent(parts[:-1]), to_disk(parts[-1])
        if self.spec.deny:
            self._check_resolved(os.path.join(parent, name))  # noqa: PTH118
        if above and self._without_rules and _is_plain(last):
            self._last = (above, parent)  # the next file of a task mostly lies in the same folder
        return parent, name

    def follow(self, parent: str, name: str) -> tuple[str, str]:
        """Return the folder and the name that a link in the collection leads to.

        Raises
        ------
        PathRefused
            It leads out, or to what is denied.
        """
        resolved = os.path.realpath(os.path.join(parent, name))  # noqa: PTH118
        self._check_inside(resolved)
        if self.spec.deny:
            self._check_resolved(resolved)
        if resolved == self._root:
            return self._root, os.curdir
        return os.path.split(resolved)

    def _check_resolved(self, resolved: str) -> None:
        # What is denied is denied by every way that leads there.
        below = Path(resolved).relative_to(self._root)
        self.check_rules("/" + "/".join(map(to_wire, below.parts)))

    def _real_parent(self, parts: list[str]) -> str:
        key = "/".join(parts)
        found = self._parents.get(key)
        if found is None:
            found = os.path.realpath(os.path.join(self._root, *map(to_disk, parts)))  # noqa: PTH118
            self._check_inside(found)
            if len(self._parents) > 10_000:
                self._parents.clear()
            self._parents[key] = found
        return found

    def _check_inside(self, resolved: str) -> None:
        if resolved != self._root and not resolved.startswith(self._root.rstrip(os.sep) + os.sep):
            raise PathRefused(403, "EndpointPermissionDenied", "Denied by endpoint: Path not allowed.")

    def check_rules(self, path: str) -> None:
        """Refuse what the collection's settings deny.

        Raises
        ------
        PathRefused
            The path or a folder above it is denied.
        """
        if self.spec.denied or any(fnmatch.fnmatchcase(path, pattern) for pattern in self.spec.deny):
            raise PathRefused(
                403,
                "EndpointPermissionDenied",
                f"Denied by endpoint, Error (list)\nEndpoint: {self.spec.display_name} ({self.collection_id})\n"
                "Server: 127.0.0.1:443\nMessage: Permission denied\n---\n"
                "Details: 550-GlobusError: v=1 c=PERMISSION_DENIED\\r\\n550-GridFTP-Errno: 13\\r\\n"
                "550-GridFTP-Reason: System error in stat\\r\\n"
                "550-GridFTP-Error-String: Permission denied\\r\\n550 End.\\r\\n\n",
            )

    def inside(self, path: Path | str) -> bool:
        """Tell whether a file, links followed, lies in the collection."""
        try:
            self._check_inside(os.path.realpath(path))
        except PathRefused:
            return False
        return True
