"""Retrieving over HTTPS, without any local endpoint: several files at once, each going on where it was broken off.

A file grows in our own folder, under a name of its own; its SHA1 is computed on the way.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import uuid
from collections import defaultdict
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.archive.checksums import Stopped
from pipeline.archive.fetch import OPEN
from pipeline.archive.fetchplan import VERIFY
from pipeline.archive.fetchtasks import AGAIN, DAMAGED
from pipeline.archive.journal import step
from pipeline.archive.place import BLOCK, disk_error, make_folder
from pipeline.archive.session import join_remote
from pipeline.errors import (
    GlobusError,
    GlobusUnavailable,
    LocalDiskError,
    LoginNeeded,
    MapshellError,
    PermissionDenied,
    RangesNotServed,
    RemotePathNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from pipeline.archive.fetch import Fetching, Item
    from pipeline.archive.settle import Settler

STREAMS = 4
"""Files that are fetched at once."""
_KEY = "https"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://mapshell/partial-file")
_DENIED = 8
"""After so many refusals in a folder, and no file of it, the rest of that folder is not asked for any more."""


class WebFetcher:
    """Brings files over HTTPS into folders of this computer."""

    def __init__(self, fetching: Fetching, settler: Settler) -> None:
        self._fetching = fetching
        self._settler = settler
        self._lock = threading.Lock()
        self._done = 0
        self._denied: dict[str, list[tuple[Item, str, PermissionDenied]]] = defaultdict(list)
        self._brought: set[str] = set()

    def fetch(self, items: Sequence[Item]) -> None:
        """Bring all items whose verdict is open to their places.

        Raises
        ------
        LoginNeeded, GlobusUnavailable, LocalDiskError
            Nothing more can be fetched; what came of unfinished files is kept for the next run.
        PermissionDenied
            All that was asked for is denied.
        """
        todo = [item for item in items if item.verdict in OPEN]
        for site in {item.site for item in todo}:
            if site.folder is not None:
                make_folder(site.folder / self._fetching.staging)
        if not todo:
            return
        progress = self._fetching.patient.progress
        progress.task(_KEY, "fetching over HTTPS", sum(item.size for item in todo))
        with ThreadPoolExecutor(STREAMS, thread_name_prefix="https") as pool:
            try:
                futures = [pool.submit(self._bring, item) for item in todo]
                wait(futures, return_when=FIRST_EXCEPTION)
                _raise_first(futures)
            except BaseException:
                self._fetching.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            finally:
                progress.done(_KEY)
        self._judge_denied(items)
        for item in todo:
            if item.verdict in OPEN:
                item.judge("damaged" if item.reason else "failed", item.reason or "it was not fetched", DAMAGED)

    def _bring(self, item: Item) -> None:
        """Fetch one file, and once more from the beginning when what came is not what the index says."""
        part, folder = part_of(item, self._fetching.staging), item.source.rpartition("/")[0]
        with self._lock:
            before = self._denied[folder]
            if len(before) >= _DENIED and folder not in self._brought:
                before.append((item, *before[0][1:]))
                return
        try:
            for _ in range(2):
                sha1 = self._download(item, part)
                if self._settler.settle(item, part, arrived=True, sha1=sha1):
                    break
                if item.verdict not in OPEN:  # its name is taken, or the disk refuses
                    part.unlink(missing_ok=True)
                    break
        except (LoginNeeded, GlobusUnavailable, LocalDiskError, Stopped):
            raise
        except RemotePathNotFound:
            item.judge("missing", "the index has it, the archive does not", VERIFY)
        except _OtherSize as error:
            item.judge("missing", error.message, error.remedy)
        except PermissionDenied as error:
            with self._lock:
                self._denied[folder].append((item, item.source, error))
        except MapshellError as error:
            item.judge("failed", error.message.rstrip("."), error.remedy or AGAIN)
        else:
            with self._lock:
                self._brought.add(folder)

    def _judge_denied(self, items: Sequence[Item]) -> None:
        """Say what is denied, once for all files of a session.

        Raises
        ------
        PermissionDenied
            It is all that was asked for.
        """
        number = 0
        said: dict[str, str] = {}
        for item, asked, error in chain.from_iterable(self._denied.values()):
            where = _session_folder(item)
            item.judge("failed", said.setdefault(where, error.message.rstrip(".").replace(asked, where)), error.remedy)
            number += 1
        if number and number == len(items):
            raise PermissionDenied(items[0].reason + ".", remedy=items[0].remedy)

    def _download(self, item: Item, part: Path) -> str:
        """Bring what is missing of a file; return the SHA1 of the whole."""
        if item.sha1 is None:  # nothing could show that two halves are of one file
            part.unlink(missing_ok=True)
        for _ in range(2):
            digest, have = self._begun(part, item)
            try:
                self._append(item, part, digest, have)
            except RangesNotServed:
                part.unlink(missing_ok=True)
                continue
            break
        return digest.hexdigest()

    def _begun(self, part: Path, item: Item) -> tuple[hashlib._Hash, int]:
        """Read what an earlier run has brought."""
        digest, have = hashlib.sha1(usedforsecurity=False), 0
        try:
            if _may_go_on(part, item.size):
                with part.open("rb", buffering=0) as stream:
                    while block := stream.read(BLOCK):
                        self._go_on(0)
                        digest.update(block)
                        have += len(block)
        except OSError as error:
            raise disk_error(f"{part} cannot be read", error) from error
        self._go_on(have)
        return digest, have

    def _append(self, item: Item, part: Path, digest: hashlib._Hash, have: int) -> None:
        store = self._fetching.store()
        if have == item.size and item.size:
            return
        with store.open_https(item.location.endpoint, item.source, offset=have) as stream:
            if stream.size != item.size:
                raise _OtherSize(f"the archive has {stream.size:,} bytes, the index says {item.size:,}", remedy=VERIFY)
            try:
                with open(part, "ab", opener=_no_link) as target:
                    for block in stream:
                        target.write(block)
                        digest.update(block)
                        self._go_on(len(block))
                        step("retrieve: part written")
                    target.flush()
                    os.fsync(target.fileno())  # a name is given only to what the disk has
            except OSError as error:
                raise disk_error(f"{part} cannot be written", error) from error

    def _go_on(self, size: int) -> None:
        """Tell how far it is; end when the run ends."""
        if self._fetching.stop.is_set():
            raise Stopped
        with self._lock:
            self._done += size
            self._fetching.patient.progress.update(_KEY, self._done)


def _session_folder(item: Item) -> str:
    """Return the folder in the archive that holds the files of an item's session, this one among them."""
    return join_remote(item.location.path, "/".join(item.subpath.split("/")[:-1][:2])).rstrip("/")


def _may_go_on(part: Path, most: int) -> bool:
    """Say whether a file that an earlier run began is there; remove what is none, or is too large (bytes).

    A second name means that a run was killed while it gave the whole file its name: writing here would change that one.
    """
    try:
        status = part.lstat()
    except FileNotFoundError:
        return False
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_size <= most:
        return True
    part.unlink()
    return False


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _raise_first(futures: Sequence[Future[None]]) -> None:
    """Raise what ended the run, if anything did."""
    for future in futures:
        error = future.exception() if future.done() else None
        if error is not None and not isinstance(error, Stopped):
            raise error


def check_served(fetching: Fetching, items: Sequence[Item]) -> None:
    """Make sure that the collections serve HTTPS.

    Raises
    ------
    GlobusError
        One does not.
    """
    for location in sorted({item.location for item in items if item.verdict in OPEN}, key=lambda each: each.alias):
        if fetching.store().https_server(location.endpoint) is None:
            raise GlobusError(
                f"The collection of {location.alias} ({location.endpoint}) serves no HTTPS.",
                remedy='fetch by a transfer instead (--via globus, via="globus"), or ask its owner to switch HTTPS on.',
            )


def part_of(item: Item, staging: str) -> Path:
    """Return where a file grows: the same in every run, another one when the index says something else of it."""
    if item.site.folder is None:
        raise ValueError(f"{item.site} is not on this computer")
    name = uuid.uuid5(_SPACE, f"{item.location.endpoint}\0{item.source}\0{item.size}\0{item.sha1}")
    return item.site.folder / staging / f"https-{name.hex}.part"


class _OtherSize(MapshellError):
    """The archive's file is not of the size that the index says."""


def sweep(folder: Path, staging: str, keep_seconds: float, now: float) -> None:
    """Remove begun files that nobody has gone on with for long."""
    with suppress(OSError):
        for part in (folder / staging).glob("https-*.part"):
            with suppress(OSError):
                if now - part.stat().st_mtime > keep_seconds:
                    part.unlink()
