"""Volumes on Windows: what the system says of the folder's volume, its eight digits of identity among it."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

from pipeline.drives.volumes import Volume, capacity, top_of

_LONGEST = 32_768
_NAME = 261


def look(folder: Path) -> Volume:
    """Return the volume that holds a folder (a real path)."""
    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined, unused-ignore]
    place = ctypes.create_unicode_buffer(_LONGEST)
    if not kernel.GetVolumePathNameW(os.fspath(folder), place, _LONGEST):
        return Volume(top_of(folder), size=capacity(folder))
    label, filesystem = ctypes.create_unicode_buffer(_NAME), ctypes.create_unicode_buffer(_NAME)
    number = ctypes.c_uint32(0)
    known = kernel.GetVolumeInformationW(place.value, label, _NAME, ctypes.byref(number), None, None, filesystem, _NAME)
    top = Path(place.value)
    if not known:
        return Volume(top, size=capacity(folder))
    return Volume(
        top,
        label=label.value,
        volume_id=written(number.value) if number.value else "",
        filesystem=filesystem.value,
        size=capacity(folder),
    )


def written(number: int) -> str:
    """Return a volume's serial number as Windows itself shows it."""
    return f"{number >> 16:04X}-{number & 0xFFFF:04X}"
