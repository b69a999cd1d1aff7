"""Which volume a folder lies on, as the system tells it: label, serial number, identity.  What is unknown is empty.

A volume is told by its own identity, never by a drive letter or the place where it is connected: both change.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume: a formatted drive, a partition, a share.

    ``top`` is the folder where it is connected now; ``serial`` that of the device (of a dock, when that hides the
    drive's), ``volume_id`` the identity that it got when it was formatted; ``size`` in bytes.  What is not known is
    empty, or 0.
    """

    top: Path
    label: str = ""
    serial: str = ""
    volume_id: str = ""
    filesystem: str = ""
    size: int = 0

    @property
    def identity(self) -> str:
        """What tells this volume from all others, the same on every computer; empty when nothing does."""
        if self.volume_id:
            return f"volume {_common(self.volume_id, self.filesystem)}"
        return f"device {self.serial} {self.label} {self.size}" if self.serial else ""


def volume_of(folder: Path) -> Volume:
    """Return the volume that holds a folder; what the system does not tell, or not soon, stays unknown."""
    real = Path(os.path.realpath(folder))
    try:
        if sys.platform == "win32":
            from pipeline.drives.volumes_windows import look
        elif sys.platform == "darwin":
            from pipeline.drives.volumes_macos import look
        else:
            from pipeline.drives.volumes_linux import look
        return look(real)
    except (OSError, ValueError):
        return Volume(top_of(real))


def top_of(folder: Path) -> Path:
    """Return the folder where the volume that holds this one begins."""
    place = folder
    while place != place.parent and not os.path.ismount(place):
        place = place.parent
    return place


def capacity(folder: Path) -> int:
    """Return the size (bytes) of the volume that holds a folder, 0 when it is not told."""
    import shutil

    try:
        return shutil.disk_usage(folder).total
    except OSError:
        return 0


def _common(volume_id: str, filesystem: str) -> str:
    """Return what all systems agree on: of its own file systems, Windows tells just the last 8 digits."""
    digits = volume_id.replace("-", "").upper()
    if filesystem.lower() in _OF_WINDOWS and len(digits) in (8, 16) and not set(digits) - set("0123456789ABCDEF"):
        return digits[-8:]
    return volume_id.lower()


_OF_WINDOWS = frozenset({"ntfs", "ntfs3", "fuseblk", "exfat", "vfat", "fat", "fat16", "fat32", "msdos"})
