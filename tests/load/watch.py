"""Processes watched from outside: how much memory and how many open files they had at most, and how long they took."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOK_EVERY = 0.05
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Command:
    """A command line of mapshell that is to be run somewhere."""

    computer: str
    args: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]


@dataclass
class Figures:
    """What a command came to: seconds, most memory (bytes), most open files, requests to the service, its document."""

    title: str
    computer: str
    seconds: float
    memory: int
    open_files: int
    document: Any
    calls: int | None = None


def watched(title: str, commands: Sequence[Command], *, codes: tuple[int, ...] = (0,)) -> list[Figures]:
    """Run commands at the same time; every one must end well."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(_Running(title, command)) for command in commands]
        while sum(each.look() for each in running):
            time.sleep(LOOK_EVERY)
        return [each.end(codes) for each in running]


class _Running:
    def __init__(self, title: str, command: Command) -> None:
        self._title, self._command = title, command
        self._memory = self._open = 0

    def __enter__(self) -> _Running:
        self._files = [(self._command.folder / f"std{name}").open("w+b") for name in ("out", "err")]
        self._began = self._ended = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mapshell", "--no-input", *self._command.args],
            cwd=self._command.folder,
            env=dict(self._command.environ),
            stdin=subprocess.DEVNULL,
            stdout=self._files[0],
            stderr=self._files[1],
        )
        self._seen = psutil.Process(self._process.pid)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for file in self._files:
            file.close()

    def look(self) -> bool:
        """Note what the process and those that it began hold; say whether it still runs."""
        if self._process.poll() is not None:
            self._ended = max(self._ended, time.monotonic()) if self._ended == self._began else self._ended
            return False
        with contextlib.suppress(psutil.Error):
            family = [self._seen, *self._seen.children(recursive=True)]
            self._memory = max(self._memory, sum(_peak(each) for each in family))
            self._open = max(self._open, sum(_open(each) for each in family))
        return True

    def end(self, codes: tuple[int, ...]) -> Figures:
        """Return the figures.

        Raises
        ------
        SystemExit
            The command did not end as it should.
        """
        out, err = self._files
        out.seek(0)
        err.seek(0)
        said = err.read().decode("utf-8", "replace")
        text = out.read()
        if self._process.returncode not in codes or "Traceback" in said:
            line = " ".join(self._command.args)
            raise SystemExit(f"{line}: exit {self._process.returncode}\n{said[-4000:]}\n{text[-2000:]!r}")
        document = json.loads(text) if text.strip() else None
        seconds = self._ended - self._began
        return Figures(self._title, self._command.computer, seconds, self._memory, self._open, document)


def _peak(process: psutil.Process) -> int:
    """Return the most memory that a process has held so far, where the system knows it; else what it holds now."""
    if psutil.WINDOWS:
        return int(process.memory_info().peak_wset)
    with contextlib.suppress(OSError, StopIteration), Path(f"/proc/{process.pid}/status").open() as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    return int(process.memory_info().rss)


def _open(process: psutil.Process) -> int:
    return int(process.num_handles() if psutil.WINDOWS else process.num_fds())
