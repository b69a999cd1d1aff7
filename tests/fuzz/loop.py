"""Feeds one target: what does something new joins the corpus, what breaks the product is kept as a seed."""

from __future__ import annotations

import hashlib
import random
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .mutate import LARGEST, mutated
from .targets import outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from .targets import Target

SEEDS = Path(__file__).with_name("seeds")
_PRODUCT = tuple(str(Path(__file__).resolve().parents[2] / name) for name in ("pipeline", "mapshell"))
_FAREWELL = 25
"""Defects of one target after which it is not worth going on."""


@dataclass
class Tally:
    """What came of feeding one target."""

    inputs: int = 0
    seconds: float = 0.0
    outcomes: set[str] = field(default_factory=set)
    lines: set[tuple[str, int]] = field(default_factory=set)
    crashes: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """By where it broke: the last words, and the input."""


def seeds_of(name: str, folder: Path = SEEDS) -> list[Path]:
    """Return the inputs that once broke a target."""
    return sorted((folder / name).glob("*.bin"))


def keep(name: str, data: bytes, folder: Path = SEEDS) -> Path:
    """Keep an input that broke a target as a seed; return where."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
    file.write_bytes(data)
    return file


def feed(
    target: Target,
    *,
    seed: int,
    inputs: int | None = None,
    seconds: float | None = None,
    begun: Callable[[bytes], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> Tally:
    """Feed a target until it has had enough inputs, or enough time.

    Parameters
    ----------
    target
        The reader.
    seed
        Of the mutations: the same seed gives the same inputs as long as the code is the same.
    inputs, seconds
        How long.
    begun
        Told each input before it is tried.
    clock
        Seconds that only grow.
    """
    rng = random.Random(f"{target.name} {seed}")
    first = [data[:LARGEST] for data in (*target.samples(), *(path.read_bytes() for path in seeds_of(target.name)))]
    words, corpus, tally = target.words(), list(first), Tally()
    start = clock()
    with target.opened() as run, _watched(tally.lines):
        while (inputs is None or tally.inputs < inputs) and (seconds is None or clock() - start < seconds):
            data = first[tally.inputs] if tally.inputs < len(first) else mutated(rng, corpus, words)
            tally.inputs += 1
            begun(data)
            known = len(tally.lines)
            try:
                how = outcome(run, data)
            except Exception as error:  # noqa: BLE001 - every one is a finding
                where = _where(error)
                tally.crashes.setdefault(where, ("".join(traceback.format_exception(error, limit=-12)), data))
                if len(tally.crashes) >= _FAREWELL:
                    break
                continue
            if how not in tally.outcomes or len(tally.lines) > known:
                tally.outcomes.add(how)
                corpus.append(data)
    tally.seconds = clock() - start
    return tally


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PRODUCT)] or frames
    last = ours[-1]
    said = str(error)[:60] if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno} {said}".rstrip()


@contextmanager
def _watched(lines: set[tuple[str, int]]) -> Iterator[None]:
    """Collect the lines of the product that run meanwhile, in all threads that begin from now on."""

    def of_line(frame: FrameType, event: str, _: object) -> object:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return of_line

    def of_call(frame: FrameType, _event: str, _: object) -> object:
        return of_line if frame.f_code.co_filename.startswith(_PRODUCT) else None

    before = sys.gettrace()
    sys.settrace(of_call)
    threading.settrace(of_call)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(None)  # type: ignore[arg-type]
