"""Whether something is being recorded on a disk: while a file under a root grows, nothing new is read or sent there.

An acquisition that loses samples because of a backup cannot be repeated.  So before each transfer, and again and again
while checksums are computed, all roots on the disk are looked at: by names, sizes and times; no file is opened.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.paths import printable
from pipeline.archive.reclaiming.names import OWN
from pipeline.archive.scan import is_link
from pipeline.errors import DiskBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pipeline.archive.ports import Clock
    from pipeline.archive.session import LocalFile, Root

LOOK_EVERY_S = 10.0
_SHARE = 10
"""Looking takes at most one part in so many of the time."""

_NAP_S = 1.0
_RECENT_S = 2 * 86400


@dataclass(slots=True)
class _Disk:
    """What is known of the roots on one device.

    ``sizes`` tells size and time of every file at the last look (hashes of both, a rig may have a million files);
    ``moved`` when a file was last seen to change; ``since`` when the present pause began.
    """

    roots: list[Path]
    sizes: dict[int, int] = field(default_factory=dict)
    moved: dict[str, float] = field(default_factory=dict)
    growing: str = ""
    next_look: float = float("-inf")
    since: float | None = None


class Quiet:
    """Looks at the roots of this computer, and waits, bounded, until nothing grows on a disk.  For many threads.

    Parameters
    ----------
    roots
        All local roots of this computer, whatever their alias.
    clock, epoch, say
        How to wait, this instant in UTC seconds since 1970, and who is told that it waits.
    quiet_seconds
        A file that changed less than this ago is growing.
    patience
        How long a pause may last (s).
    staging
        Folder in each root that is our own.
    """

    def __init__(
        self,
        roots: Iterable[Path],
        clock: Clock,
        epoch: Callable[[], float],
        say: Callable[[str], None],
        *,
        quiet_seconds: float,
        patience: float,
        staging: str,
    ) -> None:
        self._clock, self._epoch, self._say = clock, epoch, say
        self._quiet, self._patience, self._staging = quiet_seconds, patience, staging
        self._lock = threading.Lock()
        self._scanned: list[LocalFile] = []
        self._devices: dict[Path, int | None] = {}
        by_device: dict[int, list[Path]] = {}
        for root in roots:
            device = self._device(root)
            if device is not None:
                by_device.setdefault(device, []).append(root)
        self._disks = {device: _Disk(_outermost(theirs)) for device, theirs in by_device.items()}

    def seen(self, files: Iterable[LocalFile]) -> None:
        """Take what somebody else has just scanned for a first look."""
        with self._lock:
            self._scanned.extend(files)  # looked at when something is to be sent: most nights nothing is

    def _take_scanned(self) -> None:
        scanned, self._scanned = self._scanned, []
        for file in scanned:
            disk = self._disk(file.root)
            if disk is not None:
                disk.sizes[hash(file.where)] = hash((file.size, file.mtime_ns))

    def wait(self, roots: Iterable[Root], stop: Callable[[], bool] = lambda: False) -> bool:
        """Return when nothing grows on the disks of these roots (or ``stop`` says so); say whether that took waiting.

        Raises
        ------
        DiskBusy
            Something still grows after the longest pause.
        """
        disks = {id(disk): disk for root in roots if (disk := self._disk(root)) is not None}
        return sum(self._wait(disk, stop) for disk in disks.values()) > 0

    def wait_for(self, root: Root, stop: Callable[[], bool]) -> bool:
        """Do :meth:`wait` for one root, block after block of each file that is read."""
        disk = self._disk(root)
        return disk is not None and self._wait(disk, stop)

    def _wait(self, disk: _Disk, stop: Callable[[], bool]) -> bool:
        waited = False
        while growing := self._look(disk):
            if self._epoch() - (disk.since or 0.0) >= self._patience:
                raise DiskBusy(
                    f"Something is being written to this disk: {growing}. Nothing was read from it or sent.",
                    remedy="publish again when the acquisition or copy has ended (archive.wait_for_quiet is how long a "
                    "run waits by itself).",
                )
            if stop():
                break
            waited = True
            self._clock.sleep(_NAP_S)
        return waited

    def _look(self, disk: _Disk) -> str:
        """Say what grows on a disk; empty when nothing does.  A look that has just been made is not made again."""
        with self._lock:
            now = self._epoch()
            if now < disk.next_look:
                return disk.growing
            self._take_scanned()
            before = disk.growing
            disk.growing = self._walk(disk, now)
            after = self._epoch()
            disk.next_look = after + max(LOOK_EVERY_S, _SHARE * (after - now))
            if disk.growing and not before:
                disk.since = now
                self._say(
                    f"Paused: {disk.growing}. Nothing more is read from that disk or sent until it has rested for "
                    f"{self._quiet:g} s; waiting {self._patience:g} s at most."
                )
            elif before and not disk.growing:
                disk.since = None
                self._say("Going on: nothing is written to that disk any more.")
            return disk.growing

    def _walk(self, disk: _Disk, now: float) -> str:
        sizes: dict[int, int] = {}
        youngest: tuple[float, str] = (self._quiet, "")
        for root in disk.roots:
            for path, size, mtime_ns in _files(root, self._staging, now):
                key, value = hash(path), hash((size, mtime_ns))
                if disk.sizes.get(key, value) != value:
                    disk.moved[path] = now
                sizes[key] = value
                age = now - mtime_ns / 1e9
                # A time far in the future only tells of a wrong clock; such a file grows when it is seen to.
                if -self._quiet < age < youngest[0]:
                    youngest = (age, path)
        disk.sizes = sizes
        disk.moved = {path: seen for path, seen in disk.moved.items() if now - seen < self._quiet}
        if youngest[1]:
            return f"{printable(youngest[1])} was written {max(youngest[0], 0):.0f} s ago"
        for path in disk.moved:
            return f"{printable(path)} changed between two looks"
        return ""

    def _disk(self, root: Root) -> _Disk | None:
        device = self._device(root.local_path)
        return None if device is None else self._disks.get(device)

    def _device(self, root: Path) -> int | None:
        if root not in self._devices:
            try:
                self._devices[root] = os.stat(root).st_dev  # noqa: PTH116 - what the system calls a device
            except OSError:  # not connected: nothing is read from it either
                self._devices[root] = None
        return self._devices[root]


def _outermost(roots: Iterable[Path]) -> list[Path]:
    """Return the roots without those that lie below another one: no file is looked at twice."""
    found: dict[str, Path] = {}
    for root in sorted(roots, key=lambda root: len(root.parts)):
        real = os.path.realpath(root)
        if not any(real == other or real.startswith(other.rstrip(os.sep) + os.sep) for other in found):
            found[real] = root
    return list(found.values())


def _files(root: Path, staging: str, now: float) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time (ns) of every file below a root; what cannot be looked at is left out."""
    pending = [str(root)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.name == staging or entry.name in OWN or is_link(entry):
                        continue
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(entry.path)
                        else:
                            status = _status(entry, now)
                            yield entry.path, status.st_size, status.st_mtime_ns
                    except OSError:
                        continue  # it vanished meanwhile
        except OSError:
            continue


def _status(entry: os.DirEntry[str], now: float) -> os.stat_result:
    status = entry.stat(follow_symlinks=False)
    # A folder of Windows tells size and time of an open file as they were when it was opened; the file itself knows.
    if os.name == "nt" and now - max(status.st_mtime, status.st_ctime) < _RECENT_S:
        return os.stat(entry.path, follow_symlinks=False)  # noqa: PTH116 - a string is at hand
    return status
