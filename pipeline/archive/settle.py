"""What arrived on this computer is read, compared with the index, and given its name; or it is not, and why is said."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.archive.fetch import OPEN
from pipeline.archive.fetchplan import local_file
from pipeline.archive.fetchtasks import staged_name
from pipeline.archive.journal import step
from pipeline.archive.place import Tree, sha1_of_path, tidy
from pipeline.errors import LocalDiskError, MapshellError, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.archive.fetch import Entry, Fetching, Item, Site
    from pipeline.archive.haul import End
    from pipeline.archive.session import LocalFile

_KEY = "check"


class Settler:
    """Checks and places files; several threads may use it at once (implements ``fetchtasks.Harvest``)."""

    def __init__(self, fetching: Fetching) -> None:
        self._fetching = fetching
        self._trees: dict[Site, Tree] = {}
        self._lock = threading.Lock()
        self._read = 0
        self._proved: list[tuple[LocalFile, str]] = []

    # -- what a task brought -----------------------------------------------------------------------------------

    def take(self, entry: Entry, end: End, moved: set[str]) -> int:
        """Check what a task brought and give it its names; see ``fetchtasks.Harvest``."""
        progress = self._fetching.patient.progress
        self._read = 0
        progress.task(_KEY, "checking what arrived", sum(item.size for item in entry.items))
        with ThreadPoolExecutor(self._fetching.threads, thread_name_prefix="settle") as pool:
            try:
                futures = [
                    pool.submit(
                        self._settle,
                        item,
                        self._staged(entry, item, number),
                        arrived=end.way == "succeeded" or request.destination in moved,
                    )
                    for number, (item, request) in enumerate(zip(entry.items, entry.haul.request.items, strict=True))
                    if item.verdict in OPEN
                ]
                return sum(future.result() for future in futures)
            except BaseException:
                self._fetching.stop.set()
                raise
            finally:
                self._fetching.cache.put_all(self._proved)
                self._proved.clear()
                progress.done(_KEY)

    def clear(self, entry: Entry) -> None:
        """Remove what a task left in our own folders."""
        for folder in {item.site.folder for item in entry.items}:
            if folder is not None:
                shutil.rmtree(folder / self._fetching.staging / entry.staging, ignore_errors=True)
                tidy(folder, self._fetching.staging)

    def is_here(self, item: Item) -> bool:
        """Say whether a file of this size bears the item's name."""
        with suppress(MapshellError):
            status = self._tree(item).look(item.subpath)
            return status is not None and status.st_size == item.size
        return False

    def _staged(self, entry: Entry, item: Item, number: int) -> Path:
        return self._tree(item).folder.joinpath(self._fetching.staging, entry.staging, *staged_name(number).split("/"))

    # -- one file ----------------------------------------------------------------------------------------------

    def _settle(self, item: Item, staged: Path, *, arrived: bool, sha1: str | None = None) -> bool:
        """Check a staged file and give it its name; say whether it has one now.

        A file that cannot be trusted keeps its open verdict, with the reason, and its copy is removed.

        Parameters
        ----------
        item
            What it should be.
        staged
            Where it lies now.
        arrived
            Whether it is said to be whole; if not, only its SHA1 can show that it is.
        sha1
            Its SHA1 where it was computed on the way.
        """
        try:
            status = staged.lstat()
        except OSError:
            if arrived:
                item.reason = "it did not arrive, though the transfer succeeded"
            return False
        if not stat.S_ISREG(status.st_mode):
            item.judge("failed", f"{staged} is a link or another special file", "look who made it, and remove it.")
            return False
        size = status.st_size
        try:
            why = self._defect(item, staged, size, arrived=arrived, sha1=sha1)
        except LocalDiskError as error:
            item.judge("failed", error.message.rstrip("."), error.remedy)
            return False
        if why is not None:
            item.reason = why
            with suppress(OSError):
                staged.unlink(missing_ok=True)
            return False
        step("retrieve: checked")
        return self._place(item, staged)

    def settle(self, item: Item, staged: Path, *, arrived: bool, sha1: str) -> bool:
        """Check and name one file whose SHA1 was computed on the way, as :meth:`_settle`, and remember it at once."""
        settled = self._settle(item, staged, arrived=arrived, sha1=sha1)
        with self._lock:
            self._fetching.cache.put_all(self._proved)
            self._proved.clear()
        return settled

    def _defect(self, item: Item, staged: Path, size: int, *, arrived: bool, sha1: str | None) -> str | None:
        """Say why a staged file is not what the index says, empty when it is only not whole yet; None: it is."""
        if size != item.size:
            return f"{size:,} bytes arrived, the index says {item.size:,}" if arrived else ""
        if item.sha1 is None:
            return None if arrived else ""
        found = sha1 or sha1_of_path(staged, self._fetching.stop, self._seen, size)
        if found == item.sha1:
            return None
        return f"what arrived has the SHA1 {found}, the index says {item.sha1}" if arrived else ""

    def _seen(self, size: int) -> None:
        with self._lock:
            self._read += size
            self._fetching.patient.progress.update(_KEY, self._read)

    def _place(self, item: Item, staged: Path) -> bool:
        with suppress(OSError):  # of another account: the transfer has kept the time already
            os.utime(staged, (item.mtime, item.mtime))
        try:
            final = self._tree(item).place(staged, item.subpath, replace=item.verdict == "to replace")
        except Refused as error:
            item.judge("refused", error.message.rstrip("."), error.remedy)
            return False
        except MapshellError as error:
            item.judge("failed", error.message.rstrip("."), error.remedy)
            return False
        if item.sha1 is None:
            item.judge("unchecked", "fetched; the index has no SHA1 to compare")
        else:
            item.judge("fetched")
            self._remember(item, final)
        return True

    def _tree(self, item: Item) -> Tree:
        if item.site.folder is None:
            raise ValueError(f"{item.site} is not on this computer")
        with self._lock:
            return self._trees.setdefault(item.site, Tree(item.site.folder))

    def _remember(self, item: Item, final: Path) -> None:
        """Spare the next run reading the file again."""
        with suppress(OSError):
            if item.sha1 is not None:
                self._proved.append((local_file(item, final.stat()), item.sha1))
