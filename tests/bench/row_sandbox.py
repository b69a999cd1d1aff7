"""Row 11: what the sandbox moves, beside a plain copy with checksums: else the other figures would be its own."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

from mapshell.demo.run import ARCHIVE
from tests.load import check

from . import machine
from .contenders import per_file
from .instrument import Aim, Contender, Options, Table, contest
from .lab import SPEEDS, collection, computer, corner, lab, pace
from .processes import timed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.load.place import Computer, Place

OURS, PLAIN, BARE, RSYNC = "sandbox", "cp, sha1sum of both", "cp, sha1sum of the copy", "rsync -c"
GIGABYTE = 10**9
SPARE = 5 * GIGABYTE
BLOCK = 1 << 24
EACH = 1024
PER_FOLDER = 1000


def measure(options: Options) -> list[Table]:
    """Move one large file, then many small ones."""
    with lab(options) as at, corner(at) as own:
        pace(at, SPEEDS[0], options)
        rig = computer(own)
        note = () if shutil.which("rsync") else ("rsync is not installed here: it does not take part",)
        wanted = options.size(20_000, 50) * 10**6
        size = min(wanted, max(BLOCK, (machine.room(own.folder) - SPARE) // 2 // BLOCK * BLOCK))
        if size < wanted:
            note = (
                *note,
                f"the disk has no room for two files of {wanted / GIGABYTE:g} GB: smaller, as the title says",
            )
        large(rig.ephys / "one", size)
        tables = [_table(own, rig, "one", f"copy {size / GIGABYTE:.3g} GB in one file", options, note)]
        shutil.rmtree(rig.ephys / "one")
        count = options.size(100_000, 200)
        small(rig.ephys / "many", count)
        title = f"copy {count:,} files of {EACH} bytes"
        return [*tables, _table(own, rig, "many", title, options, note[:1])]


def _table(own: Place, rig: Computer, name: str, title: str, options: Options, notes: tuple[str, ...]) -> Table:
    source = rig.ephys / name
    contenders = [
        Contender(OURS, lambda: sandbox(own, rig, name)),
        Contender(PLAIN, lambda: plain(own, source, both=True)),
        Contender(BARE, lambda: plain(own, source, both=False)),
    ]
    if shutil.which("rsync"):
        contenders.append(Contender(RSYNC, lambda: rsync(own, source)))
    return contest(title, contenders, options, [Aim(OURS, PLAIN, 1.3)], notes=notes)


def large(folder: Path, size: int) -> None:
    """Write one file of random bytes."""
    folder.mkdir()
    block = os.urandom(BLOCK)
    with (folder / "recording.bin").open("wb") as stream:
        for start in range(0, size, BLOCK):
            piece = start.to_bytes(8, "big") + block[8:]
            stream.write(piece[: size - start])


def small(folder: Path, count: int) -> None:
    """Write many small files, a thousand in each folder."""
    block = os.urandom(EACH - 8)
    for number in range(count):
        place = folder / f"batch_{number // PER_FOLDER:03d}"
        if number % PER_FOLDER == 0:
            place.mkdir(parents=True)
        (place / f"waveforms_{number:06d}.npy").write_bytes(number.to_bytes(8, "big") + block)


def sandbox(own: Place, rig: Computer, name: str) -> float:
    """Let a transfer with its checksums carry the folder."""
    there = own.archive / name
    os.sync()
    seconds = per_file(own, collection(rig), ARCHIVE, [(f"/ephys/{name}/", f"/raw-ephys/{name}/")], pause=0.05)
    return _verified(rig.ephys / name, there, seconds)


def plain(own: Place, source: Path, *, both: bool) -> float:
    """Copy with ``cp``, then read the copy (and the source) for SHA1."""
    there = own.archive / "plain"
    os.sync()
    began = time.perf_counter()
    timed(["cp", "-r", "--preserve=timestamps", str(source), str(there)])
    for folder in (there, source) if both else (there,):
        timed(["sh", "-c", "find . -type f -print0 | xargs -0 sha1sum"], folder=folder)
    return _verified(source, there, time.perf_counter() - began)


def rsync(own: Place, source: Path) -> float:
    """Copy with ``rsync -c``, which compares what it wrote."""
    there = own.archive / "rsync"
    os.sync()
    began = time.perf_counter()
    timed(["rsync", "-rtc", f"{source}/", str(there)])
    return _verified(source, there, time.perf_counter() - began)


def _verified(source: Path, there: Path, seconds: float) -> float:
    """Compare the copy, and remove it."""
    check.must(check.facts(there) == check.facts(source), f"{there.name} is no copy of {source.name}")
    shutil.rmtree(there)
    return seconds
