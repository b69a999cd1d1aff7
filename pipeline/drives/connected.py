"""A drive, or a folder of one, as it is connected to this computer now; whether it still is, and its name in words."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.archive.paths import printable
from pipeline.drives.volumes import Volume, volume_of
from pipeline.errors import DriveGone, LocalDiskError, UsageError

if TYPE_CHECKING:
    from pipeline.archive.session import LocalFile

# Never change: by it a drive is found again.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://mapshell/drive")


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive or a folder of one: ``path`` where it is now, ``folder`` where that lies on its volume (POSIX).

    ``folder`` is empty for the whole volume; ``device`` is what the system calls the volume as long as it is connected.
    """

    path: Path
    volume: Volume
    folder: str
    computer: str
    device: int

    @property
    def drive_id(self) -> uuid.UUID:
        """Identity of the drive's folder: of the volume, wherever it is connected; of this computer if it has none."""
        return uuid.uuid5(_NAMESPACE, f"{self._whose}\0{self.folder}")

    @property
    def _whose(self) -> str:
        return self.volume.identity or f"computer {self.computer} {self.volume.top.as_posix()}"

    def __str__(self) -> str:
        return in_words(self.volume.label, self.volume.serial, self.volume.volume_id, self.folder, str(self.path))

    def present(self) -> bool:
        """Say whether it is still connected."""
        try:
            if self.path.stat().st_dev != self.device:
                return False  # what is seen is the empty folder where it was connected
            with os.scandir(self.path) as entries:
                next(entries, None)
        except OSError:
            return False
        return True

    def check(self) -> None:
        """Make sure that it is still connected.

        Raises
        ------
        DriveGone
            It is not.
        """
        if not self.present():
            raise DriveGone(
                f"{str(self)[0].upper()}{str(self)[1:]} was disconnected.",
                remedy="connect it again, then run the same command again: it goes on.",
            )

    def name(self, file: LocalFile) -> str:
        """Name a file for the memory of checksums: by its volume where that is known, else by its path.

        Another drive may be connected at the same place next time, with files of the same names, sizes and times.
        """
        if not self.volume.identity:
            return str(file.path)
        try:
            within = Path(os.path.realpath(file.path)).relative_to(self.volume.top)
        except ValueError:
            return str(file.path)
        return f"{self.volume.identity}//{within.as_posix()}"


def in_words(label: str, serial: str, volume_id: str, folder: str, path: str) -> str:
    """Name a drive for a person, who must find it in a drawer."""
    known = [f"serial {serial}" if serial else "", f"volume {volume_id}" if volume_id else ""]
    facts = ", ".join(filter(None, known)) or "serial unknown"
    if not label:
        return f"the folder {path} (on a drive without label, {facts})" if folder else f"the drive at {path} ({facts})"
    inside = f"the folder {printable(folder)} of " if folder else ""
    return f"{inside}the drive {printable(label)} ({facts})"


def connect(path: Path, computer: str) -> Drive:
    """Look at a drive, or a folder of one.

    Raises
    ------
    UsageError
        There is no such folder.
    LocalDiskError
        It cannot be listed.
    """
    place = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - links stay as they were written
    if not place.is_dir():
        said = "is a file" if place.exists() else "does not exist"
        raise UsageError(
            f"{place} {said}.",
            remedy="name the folder where the drive is connected, such as /media/me/BACKUP3 or E:\\",
        )
    try:
        device = place.stat().st_dev
        with os.scandir(place) as entries:
            next(entries, None)
    except OSError as error:
        raise LocalDiskError(
            f"The folder {place} cannot be listed: {error.strerror}.",
            remedy="give the account that runs mapshell the right to read it, or check the drive.",
        ) from error
    volume = volume_of(place)
    real = Path(os.path.realpath(place))
    within = real.relative_to(volume.top).as_posix() if real.is_relative_to(volume.top) else real.as_posix()
    return Drive(place, volume, "" if within == "." else within, computer, device)
