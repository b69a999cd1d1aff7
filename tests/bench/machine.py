"""On what kind of computer was measured: figures without it say little."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from pathlib import Path

import psutil


def kind() -> str:
    """Return processor, cores, memory, system and Python, in one line, without the computer's name."""
    memory = psutil.virtual_memory().total / (1 << 30)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}{load}"
    )


def processor() -> str:
    """Return what the system calls the processor."""
    with contextlib.suppress(OSError, StopIteration), Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()


def room(folder: Path) -> int:
    """Return the bytes that are free where a folder lies."""
    return shutil.disk_usage(folder).free
