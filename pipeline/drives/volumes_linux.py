"""Volumes on Linux: what ``lsblk`` says of the device that a folder lies on."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.drives.volumes import Volume, capacity, top_of

if TYPE_CHECKING:
    from pathlib import Path

_LSBLK = ("--json", "--bytes", "--inverse", "--output", "NAME,LABEL,UUID,SERIAL,FSTYPE,SIZE")
_PATIENCE_S = 10


def look(folder: Path) -> Volume:
    """Return the volume that holds a folder (a real path)."""
    top = top_of(folder)
    kind, device = _mounted(top)
    found = read(_said(["lsblk", *_LSBLK, "--", device]), top) if device.startswith("/dev/") else Volume(top)
    if device.startswith("/dev/") and not found.volume_id:
        # Without udev the device itself must be looked at; not blkid's memory of it, which may be of another volume.
        found = read_blkid(_said(["blkid", "--probe", "--output", "export", "--", device]), found)
    named = found.label or (
        "" if device.startswith("/dev/") or "/" not in device else device
    )  # a share has its address
    size = found.size or capacity(folder)
    return Volume(top, named, found.serial, found.volume_id, found.filesystem or kind, size)


def read(document: str, top: Path) -> Volume:
    """Read what ``lsblk --inverse`` says: the volume, and the devices below it, of which the drive has the serial."""
    try:
        devices = json.loads(document)["blockdevices"]
    except (ValueError, KeyError, TypeError):
        return Volume(top)
    chain: list[dict[str, Any]] = []
    while devices:
        chain.append(devices[0])
        devices = devices[0].get("children") or []
    if not chain:
        return Volume(top)
    first = chain[0]
    serial = next((_text(device, "serial") for device in chain if _text(device, "serial")), "")
    size = first.get("size")
    return Volume(
        top,
        _text(first, "label"),
        serial,
        _text(first, "uuid"),
        _text(first, "fstype"),
        int(f"{size}") if f"{size}".isdigit() else 0,
    )


def _text(device: dict[str, Any], name: str) -> str:
    return str(device.get(name) or "").strip()


def _mounted(top: Path) -> tuple[str, str]:
    """Return file system and device of what is connected at a folder."""
    import psutil

    place = os.fspath(top)
    found = [part for part in psutil.disk_partitions(all=True) if part.mountpoint == place]
    return (found[-1].fstype, found[-1].device) if found else ("", "")


def read_blkid(document: str, known: Volume) -> Volume:
    """Read what ``blkid -o export`` says, and add it to what is known."""
    said = dict(line.split("=", 1) for line in document.splitlines() if "=" in line)
    return replace(
        known,
        label=said.get("LABEL", "").replace("\\ ", " ") or known.label,
        volume_id=said.get("UUID", ""),
        filesystem=said.get("TYPE", "") or known.filesystem,
    )


def _said(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
