"""A file gets its name on this computer's disk: whole, checked, and never over another one unless that was asked for.

Nothing is written through a link, and nothing outside of the folder that was chosen.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from typing import TYPE_CHECKING

from pipeline.archive.checksums import Stopped
from pipeline.archive.journal import step
from pipeline.archive.paths import join_local, printable
from pipeline.archive.scan import is_link
from pipeline.errors import LocalDiskError, Refused

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

BLOCK = 1024 * 1024
_NO_LINKS = {errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Errors of disks that know no hard links, and of systems that do not let us make one."""


class Tree:
    """The folder that receives files, and what is known of the folders in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sound: set[Path] = set()

    def look(self, subpath: str) -> os.stat_result | None:
        """Look at a name without following links; None: nothing bears it.

        Raises
        ------
        NameRefused
            The subpath is unsafe, or this system would not keep it.
        Refused
            A folder on its way is a link or a file, or what bears the name is no regular file.
        """
        path = join_local(self.folder, subpath)
        if not self._way_is_sound(path):
            return None
        return self._look(path)

    @staticmethod
    def _look(path: Path) -> os.stat_result | None:
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise disk_error(f"{path} cannot be looked at", error) from error
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "a link or another special file"
            raise Refused(f"{path} is {what}.", remedy="move it away, then retrieve again; it was not touched.")
        return status

    def _way_is_sound(self, path: Path, *, again: bool = False) -> bool:
        """Say whether all folders down to a file exist; refuse links and files among them.

        Those that were seen before are looked at ``again`` before anything is written below them.
        """
        for parent in reversed(path.parents[: len(path.parts) - len(self.folder.parts) - 1]):
            if not again and parent in self._sound:
                continue
            try:
                status = parent.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return False
            except OSError as error:
                raise disk_error(f"{parent} cannot be looked at", error) from error
            if not stat.S_ISDIR(status.st_mode) or _junction(parent):
                raise Refused(
                    f"{parent} is no folder; nothing is written through links, and no file is replaced by a folder.",
                    remedy="move it away, or retrieve to another place.",
                )
            self._sound.add(parent)
        return True

    def place(self, staged: Path, subpath: str, *, replace: bool) -> Path:
        """Give a whole, checked file its name; return where it lies now.

        Raises
        ------
        Refused
            Something bears the name meanwhile, and must not be replaced.
        LocalDiskError
            The disk refuses.
        """
        final = join_local(self.folder, subpath)
        there = self._look(final) if self._way_is_sound(final, again=True) else None
        if there is not None and not replace:
            raise _taken(final)
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            self._way_is_sound(final, again=True)
            if replace:
                staged.replace(final)
            else:
                _rename_new(staged, final)
        except FileExistsError as error:
            raise _taken(final) from error
        except OSError as error:
            raise disk_error(f"{final} cannot be written", error) from error
        step("retrieve: placed")
        return final


def _rename_new(staged: Path, final: Path) -> None:
    """Rename, but never onto an existing file, whoever makes one at the same moment.

    Raises
    ------
    FileExistsError
        There is one.
    """
    if os.name == "nt":
        staged.rename(final)  # refuses an existing one by itself there
        return
    try:
        os.link(staged, final, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.EXDEV:
            _copy_new(staged, final)
            return
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(final):  # a disk without links: all that is left is to look first
            raise FileExistsError(errno.EEXIST, "exists", str(final)) from error
        staged.rename(final)
        return
    staged.unlink()


def _copy_new(staged: Path, final: Path) -> None:
    """Bring a file to another disk that is mounted within the folder, under another name first."""
    partial = final.with_name(f".{final.name[:200]}.{os.getpid()}.part")
    try:
        shutil.copy2(staged, partial)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        _rename_new(partial, final)
    finally:
        partial.unlink(missing_ok=True)
    staged.unlink()


def _junction(path: Path) -> bool:
    if os.name != "nt":
        return False
    with os.scandir(path.parent) as entries:
        return any(is_link(entry) for entry in entries if entry.name == path.name)


def sha1_of_path(
    path: Path, stop: threading.Event | None = None, seen: Callable[[int], None] | None = None, size: int = BLOCK
) -> str:
    """Read a file that is ours, see to it that the disk has it, and return its SHA1 (40 lower-case hex digits).

    ``size`` is what it probably has (bytes): to make room for a large block costs more than to read a small file.

    Raises
    ------
    LocalDiskError
        It cannot be read.
    Stopped
        ``stop`` was set meanwhile.
    """
    digest = hashlib.sha1(usedforsecurity=False)
    block = memoryview(bytearray(max(1, min(BLOCK, size))))
    try:
        with path.open("rb", buffering=0) as stream:
            while size := stream.readinto(block):
                digest.update(block[:size])
                if seen is not None:
                    seen(size)
                if stop is not None and stop.is_set():
                    raise Stopped  # what is caught below is the disk's
            with contextlib.suppress(OSError):  # Windows syncs only what was opened for writing
                os.fsync(stream.fileno())
    except OSError as error:
        raise disk_error(f"{path} cannot be read", error) from error
    return digest.hexdigest()


def make_folder(folder: Path) -> None:
    """Make a folder in which files shall be written.

    Raises
    ------
    LocalDiskError
        It cannot be made, is a file, or must not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, "permission denied")
    except OSError as error:
        raise disk_error(f"Nothing can be written in {folder}", error) from error


def own_folder(folder: Path) -> Path:
    """Make our own folder in a root unless it is there, and return it; what is written there stays in the root.

    Raises
    ------
    OSError
        It cannot be made.
    LocalDiskError
        A link or a file bears its name.
    """
    folder.mkdir(exist_ok=True)
    if folder.is_symlink() or _junction(folder):
        raise LocalDiskError(
            f"{folder} is a link; nothing is written through links.",
            remedy="look who made it and remove it, then try again.",
        )
    return folder


def free_bytes(folder: Path) -> int:
    """Return how many bytes fit on the disk of a folder, or of the nearest one above it that exists.

    Raises
    ------
    LocalDiskError
        The disk cannot be asked.
    """
    near = folder
    while not near.exists() and near != near.parent:
        near = near.parent
    try:
        return shutil.disk_usage(near).free
    except OSError as error:
        raise disk_error(f"The free space of {near} cannot be told", error) from error


def tidy(folder: Path, staging: str) -> None:
    """Remove our own folder once nothing lies in it."""
    with contextlib.suppress(OSError):
        (folder / staging).rmdir()


def _taken(final: Path) -> Refused:
    return Refused(f"{printable(str(final))} exists meanwhile.", remedy="look at it; it was not touched.")


def disk_error(what: str, error: OSError) -> LocalDiskError:
    """Return the error for what the disk refused; ``what`` begins the sentence."""
    full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    return LocalDiskError(
        f"{what}: {'the disk is full' if full else error.strerror or error}.",
        remedy="make room on that disk, then retrieve again: it goes on where it was."
        if full
        else "give the account that runs mapshell the right to write there, or retrieve to another folder.",
    )
