"""Disks of a fixed size: small file systems in memory where this user may mount, else folders that are counted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class DiskFull(Exception):
    """A day's recording does not fit: the month has failed."""


@dataclass
class Disk:
    """A disk that holds so many bytes; ``mounted`` tells whether the system keeps to it, or whoever records does."""

    path: Path
    size: int
    mounted: bool = False

    def __enter__(self):
        self.path.mkdir(parents=True)
        if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount"):
            options = f"size={self.size},mode=0755"
            command = ["mount", "-t", "tmpfs", "-o", options, "mapshell-month", str(self.path)]
            self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.path)], capture_output=True, check=False)

    def free(self):
        """Return how many bytes are free."""
        if self.mounted:
            facts = os.statvfs(self.path)
            return facts.f_bavail * facts.f_frsize
        return self.size - self.used()

    def used(self):
        """Return how many bytes its files are."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def room_for(self, size, what):
        """See that so many bytes fit, before they are recorded."""
        if self.free() < size:
            raise DiskFull(f"{self.path.name} is full: {what} needs {size:,} bytes, and {self.free():,} are free")
