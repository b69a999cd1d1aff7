"""The plain words of the engine: a session, a place where data lie, a file on this computer."""

from __future__ import annotations

import hashlib
import os
import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

SessionKey = tuple[int, int]
"""``(subject_id, session)``"""

DatasetType = Literal["ephys", "video"]

State = Literal[
    "not here",
    "recording",
    "refused",
    "queued",
    "in flight",
    "archived",
    "archived with changes",
    "present",
    "reclaimed",
    "withdrawn",
    "without session",
]
"""The state of a session at a location, in the words that every screen uses."""

# Never change: the identity of every file row in every index hangs on it.
_FILE_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://mapshell/physical-file")
_HASHED_NAMESPACE = hashlib.sha1(_FILE_NAMESPACE.bytes, usedforsecurity=False)
_NOT_OURS, _VERSION_5 = ~((0xF000 << 64) | (0xC000 << 48)), (5 << 76) | (0x8000 << 48)
"""The bits that tell version and variant (RFC 9562), and what they are for version 5."""


@dataclass(frozen=True, slots=True)
class SessionRef:
    """One row of ``experiment.Session`` with the names that its folders may bear.

    ``session_time`` is local wall time ``HH:MM:SS`` or None when unknown; ``timezone`` its IANA zone name.
    """

    subject_id: int
    session: int
    h2o: str
    session_date: date
    session_time: str | None = None
    timezone: str | None = None
    ident: str | None = None

    @property
    def key(self) -> SessionKey:
        """``(subject_id, session)``."""
        return (self.subject_id, self.session)

    def __str__(self) -> str:
        return f"{self.h2o} (subject {self.subject_id}) session {self.session} of {self.session_date:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Location:
    """A storage location: an archive root in a collection.

    ``elsewhere`` holds the folders below it, POSIX, relative, that are locations of their own: no walk enters them.
    """

    alias: str
    endpoint: str
    path: str
    dataset_type: DatasetType
    elsewhere: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class Root:
    """A local root: the same folder on disk and in this computer's collection.

    ``elsewhere`` holds the folders below it, POSIX, relative, that are roots of their own: no walk enters them.
    ``below`` is where this very folder stands in the archive's layout when it is not the top of it, as on a loose
    drive (``SC038/SC038_111919_g0``): all subpaths of such a root begin with it.
    """

    alias: str
    endpoint: str
    globus_path: str
    local_path: Path
    elsewhere: frozenset[str] = field(default=frozenset(), compare=False)
    below: str = ""

    def holds(self, subpath: str) -> bool:
        """Say whether a subpath is of this root at all."""
        return not self.below or subpath == self.below or subpath.startswith(f"{self.below}/")

    def on_disk(self, subpath: str) -> Path:
        """Return where a subpath lies on disk."""
        return self.local_path.joinpath(*self._within(subpath))

    def text_on_disk(self, subpath: str) -> str:
        """Return :meth:`on_disk` as text, without the price of a path: it is asked of every file."""
        within = self._within(subpath)
        top = str(self.local_path)
        return _beginning(top) + os.sep.join(within) if within else top  # noqa: PTH118  # this is about doing without

    def in_globus(self, subpath: str) -> str:
        """Return where a subpath lies in the collection."""
        return "/".join((self.globus_path.rstrip("/"), *self._within(subpath)))

    def _within(self, subpath: str) -> list[str]:
        if not self.holds(subpath):
            raise ValueError(f"{subpath!r} does not begin with {self.below!r}")
        own = subpath[len(self.below) :].lstrip("/") if self.below else subpath
        return own.split("/") if own else []


@lru_cache(64)
def _beginning(folder: str) -> str:
    """Return what the text of every path below a folder begins with."""
    return str(PurePath(folder) / "x")[:-1]


class LocalFile(NamedTuple):
    """A regular file under a local root; a walk makes a million of them, and a tuple is made fastest.

    ``size`` in bytes, ``mtime`` in whole UTC seconds, ``mtime_ns`` in nanoseconds.  ``ctime_ns`` is when the file's
    entry last changed (on Windows: when it was made), which no tool can set back.  Nanoseconds are never stored in the
    database.  ``subpath`` is its name at the archive, ``lies`` its name below the local root where that is another one.
    """

    root: Root
    subpath: str
    size: int
    mtime: int
    mtime_ns: int
    ctime_ns: int = 0
    lies: str = ""

    def __hash__(self) -> int:
        return hash((self.subpath, self.size, self.mtime_ns))  # a million of them are in one dictionary or another

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Size, time of the last change of its bytes, and of its entry: when they agree, it is the same file."""
        return (self.size, self.mtime_ns, self.ctime_ns)

    @property
    def path(self) -> Path:
        """Where the file lies on disk."""
        return self.root.on_disk(self.lies or self.subpath)

    @property
    def where(self) -> str:
        """Where the file lies on disk, as text."""
        return self.root.text_on_disk(self.lies or self.subpath)

    @property
    def in_globus(self) -> str:
        """Where the file lies in this computer's collection."""
        return self.root.in_globus(self.lies or self.subpath)


def stamp(status: os.stat_result) -> tuple[int, int, int]:
    """Return what :attr:`LocalFile.stamp` is, of a file as it is now."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def join_remote(root: str, subpath: str) -> str:
    """Join a collection folder and a checked relative subpath."""
    return f"{root.rstrip('/')}/{subpath}"


def dataset_name(dataset_type: DatasetType, key: SessionKey) -> str:
    """Return the ASCII name of a session's dataset, unique within a storage location."""
    return f"{dataset_type}-{key[0]}-{key[1]:04d}"


def file_id(subpath: str) -> uuid.UUID:
    """Return the identity of a file within its dataset, from the exact UTF-8 subpath."""
    hashed = _HASHED_NAMESPACE.copy()  # as uuid.uuid5 does, which hashes the namespace again for each file
    hashed.update(subpath.encode())
    return uuid.UUID(int=int.from_bytes(hashed.digest()[:16], "big") & _NOT_OURS | _VERSION_5)


def token(name: str, alias: str, generation: int) -> str:
    """Return the deterministic token (12 hex digits) that a task's label carries for a generation of a dataset."""
    return hashlib.sha256(f"{alias}\0{name}\0{generation}".encode()).hexdigest()[:12]
