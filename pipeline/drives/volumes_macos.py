"""Volumes on macOS: what ``diskutil`` says of the folder.  It does not tell the serial number of the device."""

from __future__ import annotations

import os
import plistlib
import subprocess
from typing import TYPE_CHECKING
from xml.parsers.expat import ExpatError

from pipeline.drives.volumes import Volume, capacity, top_of

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE_S = 10


def look(folder: Path) -> Volume:
    """Return the volume that holds a folder (a real path)."""
    top = top_of(folder)
    words = ["diskutil", "info", "-plist", os.fspath(top)]
    try:
        done = subprocess.run(words, capture_output=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return Volume(top, size=capacity(folder))
    return read(done.stdout, top)


def read(document: bytes, top: Path) -> Volume:
    """Read what ``diskutil info -plist`` says."""
    try:
        said = plistlib.loads(document)
    except (plistlib.InvalidFileException, ExpatError, ValueError):
        return Volume(top, size=capacity(top))
    size = said.get("TotalSize") or said.get("VolumeSize") or 0
    return Volume(
        top,
        label=str(said.get("VolumeName") or ""),
        volume_id=str(said.get("VolumeUUID") or ""),
        filesystem=str(said.get("FilesystemType") or ""),
        size=int(size),
    )
