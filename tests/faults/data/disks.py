"""Disks that are full."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest


@contextlib.contextmanager
def small_disk(folder, kilobytes):
    """Let a folder, whose files are kept, be a disk of its own with little room."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("NO FULL DISK: only root on Linux can mount a small one")
    kept = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    size = f"size={kilobytes}k"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"NO FULL DISK: a small one cannot be mounted here: {mounted.stderr.strip()}")
    try:
        folder.chmod(0o700)
        for name, data in kept.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o600)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder):
    """Write to a disk until nothing more fits; return the file that does it."""
    full = folder / "full"
    with full.open("ab", buffering=0) as stream:
        for size in (4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    stream.write(bytes(size))
    return full
