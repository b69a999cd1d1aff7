"""Opening files below a collection's folder, and nowhere else, whatever becomes of links meanwhile.

A path is resolved first; then every folder on the way is opened from the one above it, refusing links.  Where the
system cannot do that (Windows), the place of what was opened is checked before anything is read or written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from mapshell.sandbox.paths import PathRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mapshell.sandbox.paths import Folder

#: Whether files can be opened from an open folder.
BY_FOLDER = {os.open, os.mkdir, os.stat, os.unlink, os.rmdir} <= os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
_BINARY = getattr(os, "O_BINARY", 0)
# Reading must not wait for somebody at the other end of a pipe.
READ = os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0)
WRITE = os.O_RDWR | os.O_CREAT | _BINARY | getattr(os, "O_NONBLOCK", 0)
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _SAFE
LIST = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _SAFE
_LINKS = {errno.ELOOP, errno.EMLINK}
# A task keeps few folders open; one that was replaced meanwhile is noticed within this time.
_MOST_OPEN = 6
_FRESH_S = 1.0


class At(NamedTuple):
    """A name, and the open folder that it is in (None: the name is a whole path); good until the next call."""

    name: str
    folder: int | None


class Anchor:
    """Opens what is in one collection.  For one thread at a time; close it.

    Parameters
    ----------
    folder
        The collection's folder, which refuses paths that lead out or are denied.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._open: dict[str, tuple[int, float]] = {}

    def close(self) -> None:
        """Close the folders that are kept open."""
        while self._open:
            os.close(self._open.popitem()[1][0])

    def open(self, path: str, flags: int, *, make: bool = False) -> int:
        """Open a file of the collection; with ``make`` the folders above it are made.

        Parameters
        ----------
        path
            Path in the collection.  A link at its end is followed if it stays in the collection.
        flags
            As for :func:`os.open`.

        Returns
        -------
        int
            A file descriptor, to be closed by the caller.

        Raises
        ------
        PathRefused
            It lies outside, or is denied.
        OSError
            It cannot be opened.
        """
        parent, name = self._folder.locate(path)
        for last in (False, False, True):
            try:
                return self._open_in(parent, name, flags, make=make)
            except OSError as error:
                if last:
                    raise
                # Asked for a folder, the system says of a link that it is none.
                no_folder = error.errno == errno.ENOTDIR and os.path.islink(os.path.join(parent, name))  # noqa: PTH114, PTH118
                if error.errno in _LINKS or no_folder:
                    parent, name = self._folder.follow(parent, name)
                elif not (isinstance(error, FileNotFoundError) and self._forget(parent)):
                    raise
        raise AssertionError("unreachable")

    def stat(self, path: str) -> os.stat_result:
        """Look at a file of the collection.

        Raises
        ------
        PathRefused, OSError
            As for :meth:`open`.
        """
        handle = self.open(path, getattr(os, "O_PATH", os.O_RDONLY))
        try:
            return os.fstat(handle)
        finally:
            os.close(handle)

    def at(self, path: str, *, make: bool = False) -> At:
        """Tell how a path is named to functions such as :func:`os.mkdir` and :func:`os.unlink`; links are not followed.

        Raises
        ------
        PathRefused, OSError
            As for :meth:`open`.
        """
        parent, name = self._folder.locate(path)
        if BY_FOLDER:
            return At(name, self.folder(parent, make=make))
        if make:
            os.makedirs(parent, exist_ok=True)  # noqa: PTH103 - texts, for speed
        return At(os.path.join(parent, name), None)  # noqa: PTH118

    def make(self, path: str) -> None:
        """Make a folder, and those above it, unless it is there.

        Raises
        ------
        PathRefused, OSError
            As for :meth:`open`.
        """
        there = self.at(path, make=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(there.name, dir_fd=there.folder)
        with self.listed(path):
            pass

    @contextlib.contextmanager
    def listed(self, path: str) -> Iterator[int | str]:
        """Give what :func:`os.scandir` needs to list a folder: an open one where the system knows that.

        Raises
        ------
        PathRefused, OSError
            As for :meth:`open`.
        """
        if not BY_FOLDER:
            local = self._folder.local(path)
            if not local.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "Not a directory")
            yield os.fspath(local)
            return
        handle = self.open(path, LIST)
        try:
            yield handle
        finally:
            os.close(handle)

    def set_time(self, path: str, handle: int | None, seconds: int) -> None:
        """Give a file a modification time (seconds since 1970), by its descriptor if it is open.

        Raises
        ------
        PathRefused, OSError
            As for :meth:`open`.
        """
        os.utime(self._folder.local(path) if handle is None else handle, (seconds, seconds))

    def folder(self, parent: str, *, make: bool = False) -> int:
        """Return the descriptor of a resolved folder of the collection, kept open here.

        Raises
        ------
        PathRefused
            A link has come to stand where a folder was.
        OSError
            It is not there (with ``make``: cannot be made).
        """
        known, now = self._open.get(parent), time.monotonic()
        if known is not None:
            if now - known[1] < _FRESH_S:
                return known[0]
            self._forget(parent)
        handle = self._walk(parent, make=make)
        while len(self._open) >= _MOST_OPEN:
            os.close(self._open.pop(next(iter(self._open)))[0])
        self._open[parent] = (handle, now)
        return handle

    def _open_in(self, parent: str, name: str, flags: int, *, make: bool) -> int:
        if BY_FOLDER:
            return os.open(name, flags | _SAFE, 0o666, dir_fd=self.folder(parent, make=make))
        if make:
            os.makedirs(parent, exist_ok=True)  # noqa: PTH103 - texts, for speed
        path = os.path.join(parent, name)  # noqa: PTH118
        handle = os.open(path, flags | _SAFE, 0o666)
        if not self._folder.inside(path):
            os.close(handle)
            raise refused()
        return handle

    def _forget(self, parent: str) -> bool:
        known = self._open.pop(parent, None)
        if known is not None:
            os.close(known[0])
        return known is not None

    def _walk(self, parent: str, *, make: bool) -> int:
        root = self._folder.root
        handle = os.open(root, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0))
        for part in parent[len(root) :].split(os.sep):  # noqa: PTH206 - texts, for speed
            if part:
                above = handle
                try:
                    handle = _step(above, part, make=make)
                except OSError as error:
                    if error.errno in _LINKS:
                        raise refused() from error
                    raise
                finally:
                    os.close(above)
        return handle


def _step(above: int, name: str, *, make: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=above)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, dir_fd=above)
    return os.open(name, _FOLDER, dir_fd=above)


def refused() -> PathRefused:
    """Answer for a path that leads out of a collection."""
    return PathRefused(403, "EndpointPermissionDenied", "Denied by endpoint: Path not allowed.")
