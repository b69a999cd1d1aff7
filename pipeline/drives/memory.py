"""What is remembered of files that were read on a drive: by the drive, not by where it is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.checksums import ChecksumCache
from pipeline.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.archive.session import LocalFile
    from pipeline.drives.connected import Drive


class DriveMemory(ChecksumCache):
    """The memory of checksums, for the files of a drive.

    Another drive with files of the same names, sizes and times (its backup) may be connected at the same place.
    """

    def __init__(self, path: Path | None, drive: Drive) -> None:
        super().__init__(path)
        self._drive = drive

    def name(self, file: LocalFile) -> str:
        """Return what a file is remembered by."""
        return self._drive.name(file)


def remembered(drive: Drive, environ: Mapping[str, str]) -> DriveMemory:
    """Return this person's memory of checksums, for a drive."""
    return DriveMemory(cache_folder(environ) / "sha1.sqlite", drive)
