"""Samples of recordings of our own making: noise, spikes and sync pulses as int16 frames, written at disk speed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["ap", "lf", "nidq"]

_BLOCK_BYTES = 8 * 1024 * 1024
_SPIKE_SAMPLES = 61
_SYNC_BIT = 64


@dataclass(frozen=True, slots=True)
class Samples:
    """A binary file that was written: size in bytes, SHA1 in 40 upper-case hex digits, duration in seconds."""

    size: int
    sha1: str
    seconds: float


def write_samples(path: Path, kind: Kind, *, channels: int, frames: int, sample_rate: float, seed: int) -> Samples:
    """Write a new binary file of int16 frames, the same bytes for the same arguments.

    One block of signal is made and repeated, each time turned by another offset and with the sync pulses of its own
    time, so that a file of any size is written about as fast as the disk takes it.

    Parameters
    ----------
    path
        The file; it must not exist.
    kind
        What is recorded: a band of a probe, or the NI board.
    channels
        All saved channels; the last one carries the sync or digital word.
    frames
        How many samples of each channel.
    sample_rate
        In Hz; one sync period lasts a second.

    Raises
    ------
    FileExistsError
        There is a file already.
    """
    import numpy as np

    random = np.random.Generator(np.random.PCG64([seed, channels]))
    length = max(1, min(frames, _BLOCK_BYTES // (2 * channels)))
    block = _noise(random, kind, length, channels, sample_rate)
    digest = hashlib.sha1(usedforsecurity=False)
    half = sample_rate / 2
    with path.open("xb", buffering=0) as file:
        done = 0
        while done < frames:
            count = min(length, frames - done)
            turn = int(random.integers(length)) if count == length else 0
            instants = np.arange(done, done + count)
            pulses = np.where((instants // half).astype(np.int64) % 2 == 1, _SYNC_BIT, 0).astype("<i2")
            block[:count, -1] = np.roll(pulses, turn)
            for piece in (block[turn:count], block[:turn]):
                if piece.size:
                    view = memoryview(piece.data).cast("B")
                    digest.update(view)
                    _write_all(file, view)
            done += count
    return Samples(frames * channels * 2, digest.hexdigest().upper(), frames / sample_rate)


def _write_all(file: Any, view: memoryview) -> None:
    while view:
        view = view[file.write(view) :]


def _noise(random: np.random.Generator, kind: Kind, frames: int, channels: int, rate: float) -> NDArray[np.int16]:
    import numpy as np

    # Sums of small integers: nearly normal, quick, and the same on every computer.
    shape = (frames, channels)
    noise = random.integers(-5, 6, shape, dtype=np.int8).astype("<i2")
    noise += random.integers(-5, 6, shape, dtype=np.int8)
    if kind == "lf":
        wave = np.cumsum(random.integers(-3, 4, frames, dtype=np.int64))
        noise += (wave - wave.mean().astype(np.int64)).clip(-200, 200).astype("<i2")[:, None]
    elif kind == "nidq":
        noise[:, 0] += np.where((np.arange(frames) // (rate / 2)).astype(np.int64) % 2 == 1, 13000, 0).astype("<i2")
    else:
        noise += random.integers(-3, 4, (frames, 1), dtype=np.int8)  # what all electrodes share
        _add_spikes(random, noise, rate)
    return noise


def _add_spikes(random: np.random.Generator, signal: NDArray[np.int16], rate: float) -> None:
    import numpy as np

    frames, channels = signal.shape
    if frames <= _SPIKE_SAMPLES:
        return
    units = max(1, (channels - 1) // 4)
    phase = np.arange(_SPIKE_SAMPLES) - 20
    shape = -np.exp(-((phase / 5.0) ** 2)) + 0.4 * np.exp(-(((phase - 12) / 9.0) ** 2))
    for unit in range(units):
        centre = min(unit * 4, channels - 2)
        reach = np.arange(max(0, centre - 3), min(channels - 1, centre + 4))
        height = float(random.integers(40, 120))
        template = np.rint(height * shape[:, None] * 0.6 ** np.abs(reach - centre)[None, :]).astype("<i2")
        count = max(1, round(12 * frames / rate))
        for start in random.integers(0, frames - _SPIKE_SAMPLES, count):
            signal[start : start + _SPIKE_SAMPLES, reach[0] : reach[-1] + 1] += template
