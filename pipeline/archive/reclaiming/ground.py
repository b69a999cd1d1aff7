"""A local root by handle: files below it are read, looked at and deleted without ever following a link.

Where the system has it (everywhere but on Windows), each folder on the way is opened through the one above it, so a
folder that is swapped for a link meanwhile leads nowhere.  On Windows each folder on the way is looked at instead.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HANDLES = (
    {os.open, os.stat, os.unlink, os.rmdir, os.rename} <= os.supports_dir_fd
    and hasattr(os, "O_NOFOLLOW")
    and hasattr(os, "O_DIRECTORY")
)
_BASIC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_NOT_THROUGH = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | _BASIC | _NOT_THROUGH | getattr(os, "O_DIRECTORY", 0)
_REPARSE_POINT = 0x400


class Ground:
    """A local root while something in it is proved and deleted; all subpaths are POSIX, relative to it.

    Every method raises ``OSError`` where the disk refuses, and where a link stands in the way.

    Parameters
    ----------
    root
        The root on disk; it may itself be a link, which is followed once, now.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real = os.path.realpath(root)
        self._top = os.open(self._real, _FOLDER) if HANDLES else -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the root go."""
        if self._top >= 0:
            os.close(self._top)
            self._top = -1

    def look(self, subpath: str) -> os.stat_result:
        """Return the status of what bears a name, itself, wherever it would lead."""
        with self._above(subpath) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def open(self, subpath: str) -> int:
        """Open a regular file for reading; return the handle."""
        with self._above(subpath) as (folder, name):
            # without O_NONBLOCK a pipe that took a file's name would hold us for ever
            flags = os.O_RDONLY | _BASIC | _NOT_THROUGH | getattr(os, "O_NONBLOCK", 0)
            handle = os.open(name, flags, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(handle).st_mode) or (not HANDLES and _is_link(self.look(subpath))):
            os.close(handle)
            raise OSError(errno.EINVAL, "it is not a regular file")
        return handle

    def read(self, subpath: str, most: int) -> bytes:
        """Return what a small file holds, ``most`` bytes and one more at most."""
        with os.fdopen(self.open(subpath), "rb") as stream:
            return stream.read(most + 1)

    def delete(self, subpath: str) -> None:
        """Delete one name, which must not be a folder's."""
        with self._above(subpath) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def delete_empty(self, subpath: str) -> bool:
        """Delete a folder if nothing is in it; say whether it is gone."""
        try:
            with self._above(subpath) as (folder, name):
                if _is_link(os.stat(name, dir_fd=folder, follow_symlinks=False)):
                    return False
                os.rmdir(name, dir_fd=folder)
        except OSError:
            return False
        return True

    def write(self, subpath: str, content: bytes) -> None:
        """Write a small file of ours: whole under its name, or not at all."""
        with self._above(subpath) as (folder, name):
            above, last = os.path.split(name)  # without handles it is a whole path
            unfinished = os.path.join(above, f".{last}.new")  # noqa: PTH118
            with suppress(FileNotFoundError):
                os.unlink(unfinished, dir_fd=folder)  # of a run that was killed
            handle = os.open(
                unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BASIC | _NOT_THROUGH, 0o644, dir_fd=folder
            )
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(unfinished, dir_fd=folder)
                raise
            if folder is not None:
                os.fsync(folder)

    @contextmanager
    def _above(self, subpath: str) -> Iterator[tuple[int | None, str]]:
        """Give the handle of the folder that holds a name, and the name; on Windows no handle, and the whole path."""
        *folders, name = subpath.split("/")
        if not HANDLES:
            yield None, self._looked_at(folders, name)
            return
        handle = os.dup(self._top)
        try:
            for each in folders:
                below = os.open(each, _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = below
            yield handle, name
        finally:
            os.close(handle)

    def _looked_at(self, folders: list[str], name: str) -> str:
        path = self._real
        for each in folders:
            path = os.path.join(path, each)  # noqa: PTH118  # text, as everything here
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode) or _is_link(status):
                raise OSError(errno.ELOOP, "a link stands in the way")
        return os.path.join(path, name)  # noqa: PTH118


def _is_link(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or bool(getattr(status, "st_file_attributes", 0) & _REPARSE_POINT)
