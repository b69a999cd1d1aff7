"""Files of an archive brought into a scratch folder by Globus: plain data in, files out, nothing remembered.

On disk they bear short numbers, so that no name from outside is ever made there, however hostile or long.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.haul import MOST_FILES, End, Haul, Patient, accused, follow, give_up, plan, send
from pipeline.archive.paths import check_subpath, printable
from pipeline.archive.place import own_folder
from pipeline.archive.ports import TransferItem
from pipeline.archive.scan import list_remote
from pipeline.archive.session import join_remote
from pipeline.errors import GlobusError, IntegrityError, LocalDiskError, MapshellError, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from pipeline.archive.ports import Store
    from pipeline.archive.session import Location, Root

_ROUNDS = 4
"""How often what a failed task did not bring is sent again, without what was at fault."""
OLD_SECONDS = 86_400.0
"""Age at which the scratch folder of somebody who is gone is removed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of an archive: ``subpath`` relative to its location, ``size`` in bytes, ``sha1`` in lower-case hex."""

    subpath: str
    size: int
    sha1: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a file: where it lies now, or why it did not come.

    A copy that contradicts the wanted SHA1 has both: ``error`` is then an ``IntegrityError``.
    """

    subpath: str
    path: Path | None
    error: MapshellError | None = None


class Courier:
    """Brings files; close it (or use ``with``) to remove its scratch folder.

    Parameters
    ----------
    store
        The login.
    root
        A folder of this computer that is also a folder of one of its collections.
    staging
        Our own folder within ``root``, relative.
    patient
        How the tasks are followed.
    purpose
        First part of the scratch folder's name and of the labels: letters and digits.
    checksums
        Let the service compare the SHA1 of those files of which it is known, at both ends.
    """

    def __init__(
        self,
        store: Store,
        root: Root,
        patient: Patient,
        *,
        staging: str = ".mapshell",
        purpose: str = "fetch",
        checksums: bool = False,
    ) -> None:
        self._store = store
        self._root = root
        self._patient = patient
        self._purpose = purpose
        self._checksums = checksums
        self._parent = root.local_path / staging
        self._name = f"{purpose}-{uuid.uuid4().hex}"
        self._remote = join_remote(root.globus_path, f"{staging}/{self._name}")
        self._number = 0
        self._under_way: list[Haul] = []

    @property
    def folder(self) -> Path:
        """The scratch folder."""
        return self._parent / self._name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is under way and remove the scratch folder with all that came."""
        for haul in self._under_way:
            with suppress(MapshellError):
                give_up(self._store, haul, self._patient)
        self._under_way.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def fetch(self, location: Location, items: Sequence[Wanted]) -> Iterator[Fetched]:
        """Bring files; one that cannot be had does not keep the others from coming.

        Parameters
        ----------
        location
            The storage location.
        items
            What is wanted; the subpaths are checked here.

        Yields
        ------
        Fetched
            Every item once, in no particular order.  Take or read its file before the courier is closed.

        Raises
        ------
        LocalDiskError
            The scratch folder cannot be made, or has no room.
        GlobusError, LoginNeeded
            Nothing can be fetched at all.
        NameRefused
            A subpath is unsafe.
        """
        for item in items:
            check_subpath(item.subpath)
        for start in range(0, len(items), MOST_FILES):
            yield from self._fetch(location, items[start : start + MOST_FILES])

    def _fetch(self, location: Location, items: Sequence[Wanted]) -> Iterator[Fetched]:
        self._prepare(sum(item.size for item in items))
        left = list(items)
        for turn in range(_ROUNDS):
            here, haul = self._send(location, left, checksums=self._checksums and turn == 0)
            (end,) = follow(self._store, [haul], self._patient)
            if end.way in ("stuck", "waiting"):
                give_up(self._store, haul, self._patient)
            self._under_way.remove(haul)
            came, left = self._harvest(end, left, here)
            yield from came
            if not left:
                return
            at_fault = self._at_fault(location, end, left)
            yield from at_fault
            named = {each.subpath for each in at_fault}
            left = [item for item in left if item.subpath not in named]
            # A contradicted SHA1 fails a whole task: without them it comes, and is compared here.
            again = bool(named or came) or (turn == 0 and self._checksums)
            if not left or not again or end.way == "waiting":
                break
        for item in left:
            yield Fetched(item.subpath, None, _not_fetched(item, end.reason, end.remedy))

    def _prepare(self, size: int) -> None:
        """Make the scratch folder, remove those of the dead, look whether there is room."""
        try:
            own_folder(self._parent)
            self.folder.mkdir(exist_ok=True)
            _sweep(self._parent, self._purpose)
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise LocalDiskError(
                f"The folder {self.folder} cannot be made: {error.strerror or error}.",
                remedy="make room on that disk, or give the account that runs mapshell the right to write there.",
            ) from error
        if size > free:
            from pipeline.sizes import human_bytes

            raise LocalDiskError(
                f"{self._root.local_path} has {human_bytes(free)} free; {human_bytes(size)} are to be read back there.",
                remedy="make room on that disk, or ask for less at a time.",
            )

    def _send(self, location: Location, items: Sequence[Wanted], *, checksums: bool) -> tuple[dict[str, Path], Haul]:
        here: dict[str, Path] = {}
        transfers = []
        for item in items:
            self._number += 1
            name = f"{self._number // 1000:04d}/{self._number:07d}"
            here[item.subpath] = self.folder.joinpath(*name.split("/"))
            source = join_remote(location.path, item.subpath)
            sha1 = item.sha1 if checksums else None
            transfers.append(TransferItem(source, join_remote(self._remote, name), sha1))
        label = f"mapshell {self._purpose} {location.alias} {len(items)} files {uuid.uuid4().hex[:8]}"
        size = sum(item.size for item in items)
        haul = plan(self._store, self._patient.clock, location.endpoint, self._root.endpoint, label, transfers, size)
        send(self._store, haul, self._patient.clock)
        self._under_way.append(haul)
        return here, haul

    def _harvest(self, end: End, items: Sequence[Wanted], here: dict[str, Path]) -> tuple[list[Fetched], list[Wanted]]:
        """Return what came, and what did not."""
        whole = end.way == "succeeded"
        moved: set[str] = set() if whole else set(self._store.transferred(str(end.haul.task_id)))
        came, left = [], []
        for item, request in zip(items, end.haul.request.items, strict=True):
            path = here[item.subpath]
            arrived = whole or request.destination in moved
            found = self._judge(item, path, arrived=arrived, compared=whole and request.sha1 is not None)
            if found is None:
                left.append(item)
            else:
                came.append(found)
        return came, left

    def _judge(self, item: Wanted, path: Path, *, arrived: bool, compared: bool) -> Fetched | None:
        """Say what a copy is good for; None: it has not come, or only in part."""
        size = _size(path)
        if size != item.size:
            return None  # that the archive has another size, its listing must say: a copy may be short by itself
        if arrived and (compared or not self._checksums or item.sha1 is None):
            return Fetched(item.subpath, path)
        if item.sha1 is None:
            return None
        if sha1_of(path) == item.sha1:
            return Fetched(item.subpath, path)
        return Fetched(item.subpath, path, _other_bytes(item)) if arrived else None

    def _at_fault(self, location: Location, end: End, left: Sequence[Wanted]) -> list[Fetched]:
        """Return the files that kept a task from succeeding, each with its cause."""
        listed = list_remote(self._store, location.endpoint, location.path, (item.subpath for item in left))
        said = accused(self._store, end.haul)
        found = []
        for item in left:
            source = join_remote(location.path, item.subpath)
            size = listed.get(item.subpath)
            if size is None:
                gone = f"The archive {location.alias} does not hold {_shown(item)} any more."
                found.append(Fetched(item.subpath, None, RemotePathNotFound(gone, remedy=_LOOK)))
            elif size != item.size:
                found.append(Fetched(item.subpath, None, _other_size(item, size)))
            elif source in said and not any(each.sha1 for each in end.haul.request.items):
                refused = _not_fetched(item, said[source], end.remedy)
                found.append(Fetched(item.subpath, None, refused))
        return found


_LOOK = "compare the archive with the index: mapshell publication-verify"


def _shown(item: Wanted) -> str:
    return printable(item.subpath)


def _not_fetched(item: Wanted, why: str, remedy: str) -> GlobusError:
    return GlobusError(
        f"{_shown(item)} was not fetched: {why or 'the transfer did not bring it whole'}.",
        remedy=remedy or "mend the cause and run it again.",
    )


def _other_size(item: Wanted, size: int) -> IntegrityError:
    return IntegrityError(f"{_shown(item)} has {size} bytes at the archive, not {item.size}.", remedy=_LOOK)


def _other_bytes(item: Wanted) -> IntegrityError:
    return IntegrityError(f"{_shown(item)}: the bytes at the archive do not have the SHA1 {item.sha1}.", remedy=_LOOK)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def sha1_of(path: Path) -> str:
    """Read a file that was fetched and return its SHA1 (40 lower-case hex digits).

    Raises
    ------
    LocalDiskError
        It cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as stream:
            return hashlib.file_digest(stream, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise LocalDiskError(
            f"{path} cannot be read: {error.strerror or error}.", remedy="check the disk, then run it again."
        ) from error


def _sweep(parent: Path, purpose: str, old: float = OLD_SECONDS) -> None:
    """Remove scratch folders of this purpose in which nothing has happened for a day."""
    for folder in parent.glob(f"{purpose}-*"):
        with suppress(FileNotFoundError, NotADirectoryError):  # another run removes its own meanwhile
            if stat.S_ISDIR(folder.lstat().st_mode) and time.time() - _last_change(folder) > old:
                shutil.rmtree(folder, ignore_errors=True)


def _last_change(folder: Path) -> float:
    """Return when something was last written in a folder (Unix time): ctime, since mtime is that of the originals."""
    return max(each.lstat().st_ctime for each in (folder, *folder.rglob("*")))  # a large file grows for long
