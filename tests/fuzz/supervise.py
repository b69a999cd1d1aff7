"""Feeds a target in a process of its own: one that hangs, grows without end or dies is ended, and its input known."""

from __future__ import annotations

import json
import mmap
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psutil

from .loop import feed, keep
from .mutate import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from .targets import Target

_HEAD = struct.Struct("<QI")
_LOOK_S = 0.1


class Board:
    """Where a process notes which input it is busy with, so that another one can read it whatever happens."""

    def __init__(self, file: IO[bytes]) -> None:
        self._size = _HEAD.size + LARGEST
        file.truncate(self._size)
        self._map = mmap.mmap(file.fileno(), self._size)
        self._count = 0

    def begun(self, data: bytes) -> None:
        """Note that an input is tried now."""
        self._count += 1
        data = data[:LARGEST]
        self._map[_HEAD.size : _HEAD.size + len(data)] = data
        self._map[: _HEAD.size] = _HEAD.pack(self._count, len(data))

    def read(self) -> tuple[int, bytes]:
        """Return how many inputs were begun, and the last of them."""
        count, length = _HEAD.unpack(self._map[: _HEAD.size])
        return count, self._map[_HEAD.size : _HEAD.size + length]

    def close(self) -> None:
        """End."""
        self._map.close()


@dataclass
class Report:
    """What came of one target: figures, and what broke, each with the file that keeps its input."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    outcomes: set[str] = field(default_factory=set)
    lines: set[tuple[str, int]] = field(default_factory=set)
    crashes: list[dict[str, str]] = field(default_factory=list)
    hangs: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Bounds:
    """What one input may take: seconds, and memory of the whole process in bytes."""

    seconds: float = 20.0
    memory: int = 1024**3


def supervise(
    name: str,
    *,
    seed: int,
    inputs: int | None = None,
    seconds: float | None = None,
    bounds: Bounds = Bounds(),
    module: str = "",
    seeds: Path | None = None,
    say: Callable[[str], None] = print,
) -> Report:
    """Feed a target in processes of its own until it has had enough.

    ``module`` is a file that has a table ``TARGETS`` instead of the usual one; ``seeds`` the folder that keeps inputs.
    """
    report = Report(name)
    known: set[str] = set()
    while (inputs is None or report.inputs < inputs) and (seconds is None or report.seconds < seconds):
        left = {
            "target": name,
            "seed": seed,
            "inputs": None if inputs is None else inputs - report.inputs,
            "seconds": None if seconds is None else seconds - report.seconds,
            "module": module,
        }
        began = time.monotonic()
        tally, ended, count, data = _one(left, bounds)
        report.inputs += count
        report.seconds += time.monotonic() - began
        if tally is not None:
            report.outcomes.update(tally["outcomes"])
            report.lines.update((file, line) for file, line in tally["lines"])
            for where, (words, hexed) in tally["crashes"].items():
                if where not in known:
                    known.add(where)
                    report.crashes.append(_finding(name, where, words, bytes.fromhex(hexed), seeds, say))
            break
        found = report.hangs if ended.startswith("hung") else report.crashes
        found.append(_finding(name, ended, "", data, seeds, say))
        seed += 1
        if len(report.hangs) + len(report.crashes) >= 10:
            break
    return report


def _finding(
    name: str, where: str, words: str, data: bytes, seeds: Path | None, say: Callable[[str], None]
) -> dict[str, str]:
    file = keep(name, data) if seeds is None else keep(name, data, seeds)
    shown = f"{where}\n{words}".rstrip().encode("ascii", "backslashreplace").decode()
    say(f"\n{name}: {shown}\ninput ({len(data)} bytes, kept as {file}):\n{data[:400]!r}\n")
    return {"where": where, "file": str(file)}


def _one(order: dict[str, Any], bounds: Bounds) -> tuple[dict[str, Any] | None, str, int, bytes]:
    """Run one process; return its tally (None: it did not end by itself), why it ended, and its last input."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path, result = Path(folder) / "board", Path(folder) / "result.json"
        with path.open("w+b") as file:
            board = Board(file)
            command = [
                sys.executable,
                str(Path(__file__).parent),
                "--worker",
                json.dumps(order),
                str(path),
                str(result),
            ]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            try:
                ended = _watch(process, board, bounds)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
            count, data = board.read()
            board.close()
        if not ended and process.returncode == 0 and result.exists():
            return json.loads(result.read_text("ascii")), "", count, data
        return None, ended or f"died with exit code {process.returncode}", count, data


def _watch(process: subprocess.Popen[bytes], board: Board, bounds: Bounds) -> str:
    """Wait for a process; return why it must be ended, empty when it ended by itself.

    What counts is the time that it worked, so that a busy computer makes nobody hang; ten times that if it only waits.
    """
    seen, since, worked = 0, time.monotonic(), 0.0
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_S)
            return ""
        count, now = board.read()[0], time.monotonic()
        used = memory = 0.0
        with suppress(psutil.Error):
            watched = psutil.Process(process.pid)
            times = watched.cpu_times()
            used, memory = times.user + times.system, watched.memory_info().rss
        if count != seen:
            seen, since, worked = count, now, used
        elif seen and (used - worked > bounds.seconds or now - since > 10 * bounds.seconds):
            return f"hung: more than {bounds.seconds:g} s"
        if memory > bounds.memory:
            return f"grew: more than {bounds.memory // 2**20} MB"


def worker(order: dict[str, Any], targets: dict[str, Target], board: Path, result: Path) -> None:
    """Be the process that is watched."""
    with board.open("r+b") as file:
        shared = Board(file)
        tally = feed(
            targets[order["target"]],
            seed=order["seed"],
            inputs=order["inputs"],
            seconds=order["seconds"],
            begun=shared.begun,
        )
        shared.close()
    document = {
        "outcomes": sorted(tally.outcomes),
        "lines": sorted(tally.lines),
        "crashes": {where: [words, data.hex()] for where, (words, data) in tally.crashes.items()},
    }
    result.write_text(json.dumps(document), "ascii")
