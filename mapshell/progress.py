"""Progress of long work on stderr: bars on a terminal, now and then a line without one, or nothing.

All of them may be called from several threads.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from mapshell.output import Output

LINE_EVERY_S = 10.0
LONG_S = 10.0
"""After so long a person wants to know where more is told."""


class _LogNamed:
    """Says once, when work has become long, where the log lies."""

    def __init__(self, output: Output, clock: Callable[[], float]) -> None:
        self._output = output
        self._clock = clock
        self._began = clock()
        self._said = False

    def look(self) -> None:
        """Say it, if it is time."""
        if not self._said and self._clock() - self._began >= LONG_S:
            self._said = True
            if self._output.log is not None:
                self._output.say(f"The log is {self._output.log}.")


class Progress(Protocol):
    """What long work tells about itself (``pipeline.archive.ports.Progress``), as a context manager.

    ``key`` names a piece of work; sizes are in bytes.
    """

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(self, *exc: object) -> None:
        """End the display, whatever happened."""

    def task(self, key: str, description: str, total: int | None = None) -> None:
        """Announce a piece of work; again for a known key changes its description and total."""

    def update(self, key: str, completed: int | None = None, note: str = "") -> None:
        """Say how many bytes are done by now (not how many more), and what is going on."""

    def done(self, key: str, note: str = "") -> None:
        """Say that a piece of work has ended; ``note`` says how."""

    def say(self, message: str) -> None:
        """Say something worth a line."""


class SilentProgress:
    """Shows nothing: with ``--quiet`` and ``--format json``, and for callers that want none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing to end."""

    def task(self, key: str, description: str, total: int | None = None) -> None:
        """Ignore it."""

    def update(self, key: str, completed: int | None = None, note: str = "") -> None:
        """Ignore it."""

    def done(self, key: str, note: str = "") -> None:
        """Ignore it."""

    def say(self, message: str) -> None:
        """Ignore it."""


@dataclass
class _Work:
    description: str
    total: int | None
    started: float
    done: int = 0
    note: str = ""
    shown_at: float = 0.0


class LineProgress:
    """One plain line per piece of work at most every ten seconds, and one at its end."""

    def __init__(
        self, output: Output, *, clock: Callable[[], float] = time.monotonic, every: float = LINE_EVERY_S
    ) -> None:
        self._output = output
        self._clock = clock
        self._every = every
        self._lock = threading.Lock()
        self._works: dict[str, _Work] = {}
        self._log = _LogNamed(output, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Forget what has not ended; its state is the caller's to tell."""
        self._works.clear()

    def task(self, key: str, description: str, total: int | None = None) -> None:
        """Begin; says nothing yet."""
        now = self._clock()
        with self._lock:
            known = self._works.get(key)
            if known is None:
                self._works[key] = _Work(description, total or None, started=now, shown_at=now)
            else:
                known.description, known.total = description, total or None

    def update(self, key: str, completed: int | None = None, note: str = "") -> None:
        """Say a line when the last one is old enough."""
        self._log.look()
        now = self._clock()
        with self._lock:
            work = self._works.get(key)
            if work is None:
                return
            work.done = work.done if completed is None else completed
            work.note = note or work.note
            if now - work.shown_at < self._every:
                return
            work.shown_at = now
            line = describe(work.description, work.done, work.total, now - work.started, work.note)
        self._output.say(line)

    def done(self, key: str, note: str = "") -> None:
        """Say the last line of this work."""
        with self._lock:
            work = self._works.pop(key, None)
        if work is not None:
            size = f": {human_bytes(work.total)}" if work.total else ""
            self._output.say(f"{work.description}{size}, {note or 'done'}")

    def say(self, message: str) -> None:
        """Say a line."""
        self._output.say(message)


class BarProgress:
    """Bars of rich, with rate and time left; talk meanwhile appears above them."""

    def __init__(self, output: Output) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as RichProgress

        self._output = output
        self._console = Console(
            file=output.stderr, no_color=not output.coloured(output.stderr), highlight=False, markup=False, emoji=False
        )

        class Amount(DownloadColumn):
            def render(self, task: Any) -> Any:
                return super().render(task) if task.total or task.completed else ""  # else it is not counted in bytes

        class Rate(TransferSpeedColumn):
            def render(self, task: Any) -> Any:
                return super().render(task) if task.total or task.completed else ""

        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            Amount(),
            Rate(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}", markup=False),
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._lock = threading.Lock()
        self._ids: dict[str, Any] = {}
        self._log = _LogNamed(output, time.monotonic)

    def __enter__(self) -> Self:
        self._output.set_live(self._console)
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Take the bars away."""
        self._bars.stop()
        self._output.set_live(None)

    def task(self, key: str, description: str, total: int | None = None) -> None:
        """Add a bar."""
        with self._lock:
            if key in self._ids:
                self._bars.update(self._ids[key], description=description, total=total or None)
            else:
                self._ids[key] = self._bars.add_task(description, total=total or None, note="")

    def update(self, key: str, completed: int | None = None, note: str = "") -> None:
        """Move a bar."""
        self._log.look()
        with self._lock:
            if key in self._ids:
                changes: dict[str, Any] = {"note": note} if note else {}
                self._bars.update(self._ids[key], completed=completed, **changes)

    def done(self, key: str, note: str = "") -> None:
        """Take the bar away; how it ended stands in the command's result."""
        del note
        with self._lock:
            bar = self._ids.pop(key, None)
            if bar is not None:
                self._bars.remove_task(bar)

    def say(self, message: str) -> None:
        """Say a line above the bars."""
        self._output.say(message)


def describe(description: str, done: int, total: int | None, seconds: float, note: str) -> str:
    """Return one line about running work: how much of it, how fast, how long still (time in seconds)."""
    parts = [human_bytes(done) if total is None else f"{human_bytes(done)} of {human_bytes(total)}"]
    if note and not done and total is None:
        parts = []  # work that is not counted in bytes: the note tells
    if total:
        parts[0] += f" ({100 * done // total} %)"
    if done > 0 and seconds > 0:
        rate = done / seconds
        parts.append(f"{human_bytes(int(rate))}/s")
        if total and done < total:
            parts.append(f"{duration((total - done) / rate)} left")
    return f"{description}: " + ", ".join([*parts, note] if note else parts)


def duration(seconds: float) -> str:
    """Return a time span as a person reads it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
