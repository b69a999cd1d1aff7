"""One walk of a whole drive: every folder with what lies in it, by names and sizes; no file is opened."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.naming import parse_file, parse_video
from pipeline.archive.paths import printable
from pipeline.archive.scan import is_link
from pipeline.errors import LocalDiskError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SYSTEM = frozenset(
    {
        "$recycle.bin",
        "system volume information",
        "recycler",
        "found.000",
        "lost+found",
        ".trashes",
        ".trash-1000",
        ".spotlight-v100",
        ".fseventsd",
        ".temporaryitems",
        ".documentrevisions-v100",
    }
)
"""Folders of operating systems: nothing in them is taken for a recording, and they need not be readable."""


@dataclass(slots=True)
class Folder:
    """One folder of a drive.

    ``names`` lead to it from where the walk began, ``parent`` is its place in the list (-1 for the first).  ``files``
    and ``size`` (bytes) are of what lies in it directly; ``ephys`` and ``videos`` of those files bear names of
    recordings, ``animals`` are the ones that the names of videos tell.
    """

    names: tuple[str, ...]
    parent: int
    system: bool = False
    files: int = 0
    size: int = 0
    ephys: int = 0
    videos: int = 0
    animals: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Survey:
    """All folders in the order of a walk (a folder before those in it), and what could not be looked at."""

    folders: list[Folder] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    links: int = 0

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(folder.files for folder in self.folders)

    @property
    def size(self) -> int:
        """Their sizes, summed."""
        return sum(folder.size for folder in self.folders)


def survey(top: Path, watch: Callable[[int], None]) -> Survey:
    """Walk a drive, or a folder of it; links are counted, and not followed.

    Parameters
    ----------
    top
        Where to begin.
    watch
        Told now and then how many files were seen; whatever it raises ends the walk.

    Raises
    ------
    LocalDiskError
        The folder itself cannot be listed.
    """
    found = Survey([Folder((), -1)])
    pending, seen = [0], 0
    while pending:
        here = pending.pop()
        folder = found.folders[here]
        try:
            entries = sorted(os.scandir(top.joinpath(*folder.names)), key=lambda entry: entry.name)
        except OSError as error:
            _unlisted(found, folder, top, error)
            watch(seen)  # it may be the drive itself that has gone
            continue
        below = []
        for entry in entries:
            try:
                if is_link(entry):
                    found.links += 1
                elif entry.is_dir(follow_symlinks=False):
                    system = folder.system or entry.name.casefold() in SYSTEM
                    below.append(Folder((*folder.names, entry.name), here, system))
                else:
                    _count(folder, entry)
            except OSError as error:
                found.unread.append((printable("/".join((*folder.names, entry.name))), _why(error)))
        seen += folder.files
        watch(seen)
        first = len(found.folders)
        found.folders.extend(below)
        pending.extend(reversed(range(first, len(found.folders))))
    return found


def _count(folder: Folder, entry: os.DirEntry[str]) -> None:
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        return
    folder.files += 1
    folder.size += status.st_size
    if folder.system:
        return
    if parse_file(entry.name) is not None:
        folder.ephys += 1
    elif (video := parse_video(entry.name)) is not None:
        folder.videos += 1
        folder.animals.add(video.h2o)


def _unlisted(found: Survey, folder: Folder, top: Path, error: OSError) -> None:
    if not folder.names:
        raise LocalDiskError(
            f"The folder {top} cannot be listed: {error.strerror}.",
            remedy="connect the drive again, or give the account that runs mapshell the right to read it.",
        ) from error
    if not folder.system:
        found.unread.append((printable("/".join(folder.names)), _why(error)))


def _why(error: OSError) -> str:
    return error.strerror or str(error)
