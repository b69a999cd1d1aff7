"""Row 5: how fast files are read for their SHA1, and how often."""

from __future__ import annotations

import json
import os
import shutil
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.load.recordings import LONG_AGO, PER_FOLDER, fill, record

from . import days
from .apart import apart
from .instrument import Aim, Contender, Measured, Table, contest, scratch
from .lab import computer, corner, lab
from .probe import probed
from .processes import mapshell, timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .instrument import Options

RATE = 1 / 0.9
"""Nine tenths of sha1sum's rate."""
MEGABYTE = 1 << 20
OURS, PLAIN, BARE = "mapshell", "sha1sum", "a loop of Python, 1 thread"


def measure(options: Options) -> list[Table]:
    """Measure one file, many files on all cores, and what a round reads."""
    if shutil.which("sha1sum") is None or shutil.which("xargs") is None:
        return [Table("SHA1 of files", (), notes=("There are no programs sha1sum and xargs here.",)), *_read(options)]
    with scratch(options, "sha1-") as folder:
        return [_one(options, folder), *_many(options, folder), *_read(options)]


def _one(options: Options, folder: Path) -> Table:
    """One large file, by one thread."""
    size = options.size(4096, 16) * MEGABYTE
    (file,) = _files(folder / "one", 1, size)
    contenders = [Contender(OURS, partial(_ours, folder, [file], 1)), Contender(PLAIN, partial(_sha1sum, [file], 1))]
    contenders[1].run()
    notes = ["The file is in the system's memory for both: no disk is measured."]
    title = f"SHA1 of one file of {size // MEGABYTE:,} MB"
    table = contest(title, contenders, options, [Aim(OURS, PLAIN, RATE)], notes=notes)
    file.unlink()
    return table


def _many(options: Options, folder: Path) -> list[Table]:
    """Many files, on one core and on all of them, each file large and small."""
    cores = os.cpu_count() or 1
    tables = []
    for count, size, said in (
        (options.size(256, 8), options.size(16, 1) * MEGABYTE, f"{options.size(16, 1)} MB"),
        (options.size(50_000, 200), 4096, "4 kB"),
    ):
        files = _files(folder / "many", count, size)
        contenders = [
            Contender(f"{OURS}, {cores} threads", partial(_ours, folder, files, cores)),
            Contender(f"{PLAIN}, {cores} at once", partial(_sha1sum, files, cores)),
            Contender(f"{OURS}, 1 thread", partial(_ours, folder, files, 1)),
            Contender(f"{PLAIN}, 1", partial(_sha1sum, files, 1)),
            Contender(BARE, partial(_bare, folder, files)),
        ]
        contenders[3].run()
        together, theirs, alone, *_ = (each.name for each in contenders)
        aims = [Aim(together, theirs, RATE), Aim(together, alone, RATE / cores)]
        title = f"SHA1 of {count:,} files of {said}, {cores} cores"
        note = f"{BARE}: open, read, hashlib, close; nothing looked at, nothing remembered"
        tables.append(contest(title, contenders, options, aims, notes=[note]))
        shutil.rmtree(folder / "many")
    return tables


def _files(folder: Path, count: int, size: int) -> list[Path]:
    """Write files that differ, of bytes that do not compress."""
    block = os.urandom(min(size, MEGABYTE))
    found = []
    for number in range(count):
        path = folder / f"{number // PER_FOLDER:04d}" / f"{number:06d}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.write((number.to_bytes(8, "big") + block)[: len(block)])
            for _ in range(1, size // len(block)):
                stream.write(block)
        found.append(path)
    return found


def _ours(folder: Path, files: Sequence[Path], threads: int) -> float:
    listed = folder / "files.json"
    listed.write_text(json.dumps([str(path) for path in files]))
    done = apart(hash_all, folder, str(listed), threads)
    _same(done["sha1"], files)
    return float(done["seconds"])


def hash_all(listed: str, threads: int) -> dict[str, Any]:
    """Read files as a round does: at its pace, looking whether something is recorded, remembering what was read."""
    from pipeline.archive.checksums import ChecksumCache, Hasher
    from pipeline.archive.pace import Pace
    from pipeline.archive.quiet import Quiet
    from pipeline.archive.session import LocalFile, Root
    from pipeline.settings.types import ArchiveSettings
    from pipeline.work import SystemClock

    paths = [Path(path) for path in json.loads(Path(listed).read_text())]
    top = Path(os.path.commonpath([path.parent for path in paths]))
    root = Root("raw-ephys", "", "/", top)
    files = []
    for path in paths:
        status = path.stat()
        stamp = (int(status.st_mtime), status.st_mtime_ns, status.st_ctime_ns)
        files.append(LocalFile(root, path.relative_to(top).as_posix(), status.st_size, *stamp))
    settings, clock = ArchiveSettings(), SystemClock()
    remembered = Path(listed).with_name("remembered.sqlite")
    quiet = Quiet([top], clock, time.time, _silent, quiet_seconds=0, patience=0, staging=settings.staging_name)
    began = time.perf_counter()
    with Hasher(ChecksumCache(remembered), threads=threads, pace=Pace(clock, time.time, quiet)) as hasher:
        hasher.start(*files)
        found = [hasher.finish(file) for file in files]
    seconds = time.perf_counter() - began
    for left in remembered.parent.glob(f"{remembered.name}*"):
        left.unlink()
    return {"seconds": seconds, "sha1": [found[0], found[-1]]}


def _bare(folder: Path, files: Sequence[Path]) -> float:
    """Do what no program in Python can do without."""
    listed = folder / "files.json"
    listed.write_text(json.dumps([str(path) for path in files]))
    done = apart(hash_barely, folder, str(listed))
    _same(done["sha1"], files)
    return float(done["seconds"])


def hash_barely(listed: str) -> dict[str, Any]:
    """Open, read, hash and close each file, one after the other."""
    import hashlib

    names = json.loads(Path(listed).read_text())
    block = memoryview(bytearray(MEGABYTE))
    found = []
    began = time.perf_counter()
    for name in names:
        digest = hashlib.sha1(usedforsecurity=False)
        with open(name, "rb", buffering=0) as stream:  # noqa: PTH123 - a path would cost as much as the reading
            while size := stream.readinto(block):
                digest.update(block[:size])
        found.append(digest.hexdigest())
    return {"seconds": time.perf_counter() - began, "sha1": [found[0], found[-1]]}


def _silent(_: str) -> None:
    """Nobody is told of a pause: nothing is recorded."""


def _sha1sum(files: Sequence[Path], at_once: int) -> float:
    """Let sha1sum read the files: one process, or as many as there are cores, each with its part of the files."""
    names = "\0".join(map(str, files))
    part = len(files) if at_once == 1 else max(1, min(1000, len(files) // at_once))
    line = ["xargs", "-0", "-P", str(at_once), "-n", str(part), "sha1sum", "-b", "--"]
    ran = timed(line, stdin=names)
    sums = {said[42:]: said[:40] for said in ran.out.splitlines()}
    if len(sums) != len(files):
        raise SystemExit(f"WRONG: sha1sum has read {len(sums)} of {len(files)} files")
    return ran.seconds


def _same(ours: Sequence[str], files: Sequence[Path]) -> None:
    theirs = [timed(["sha1sum", "-b", "--", str(path)]).out[:40] for path in (files[0], files[-1])]
    if list(ours) != theirs:
        raise SystemExit(f"WRONG: SHA1 {ours}, sha1sum says {theirs}")


def _read(options: Options) -> list[Table]:
    """How often a round reads the bytes of what it archives: gate and checksum together, then once more."""
    count, size = 16, options.size(64, 1) * MEGABYTE
    with lab(options) as at, corner(at) as own:
        rig = computer(own)
        for session, each in enumerate((8, 8, size)):
            fill(record(rig.ephys, session), count, each, deep=False)
        days.enter(rig, 3)
        some, small, large = (("publication-publish", "--subject", "SC001", "--session", f"{n}") for n in (1, 2, 3))
        probed(rig, *some)  # whatever is done the first time only
        least = probed(rig, *small)
        first = probed(rig, *large)
        again = probed(rig, *large)
        for path in rig.ephys.rglob("waveforms_*"):
            os.utime(path, (LONG_AGO + 60, LONG_AGO + 60))
        mapshell(rig.command("publication-publish"))
        known = probed(rig, *large)
    if "bytes" not in least:
        note = "This system does not tell how many bytes a process has read."
        return [Table("how often a round reads each byte", (), (), "times", (note,))]
    whole = count * (size - 8)

    def times(which: dict[str, int]) -> tuple[float]:
        return (max(0.0, (which["bytes"] - least["bytes"]) / whole),)

    names = ("published", "nothing new", "of another time, read before")
    measured = tuple(Measured(name, times(each)) for name, each in zip(names, (first, again, known), strict=True))
    aims = (Aim(names[0], None, 1.01, "times"), Aim(names[1], None, 0.01, "times"), Aim(names[2], None, 0.01, "times"))
    note = f"{count} files of {size // MEGABYTE} MB; beyond what the same round reads for files of 8 bytes"
    return [Table("how often a round reads each byte of what it archives", measured, aims, "times", (note,))]
