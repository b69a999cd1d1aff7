"""The plain words of retrieving: a wanted file, where it shall lie, what became of it, and what a run works with."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from pipeline.archive.session import Root, join_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from pipeline.archive.checksums import ChecksumCache, Hasher
    from pipeline.archive.haul import Haul, Patient
    from pipeline.archive.ports import Store
    from pipeline.archive.session import Location, SessionRef

Verdict = Literal[
    "wanted",
    "to fetch",
    "to replace",
    "fetched",
    "identical",
    "unchecked",
    "in flight",
    "refused",
    "damaged",
    "missing",
    "failed",
]
"""What became of a file.

``unchecked``: it is here with the size of the index, which has no SHA1 to compare with (or, in a collection elsewhere,
nobody has compared it); ``missing``: the archive does not have it as the index says; ``refused``: something else bears
its name here; ``damaged``: what came does not have the SHA1 of the index.
"""

BAD: frozenset[Verdict] = frozenset({"refused", "damaged", "missing", "failed"})
"""Verdicts that a person should see."""

OPEN: frozenset[Verdict] = frozenset({"to fetch", "to replace"})
"""Verdicts of what a run has still to bring."""


@dataclass(frozen=True, slots=True)
class Site:
    """A folder that receives files, each by its subpath.

    ``folder`` is where it lies on this computer, None for a collection elsewhere; ``endpoint`` and ``path`` where it
    lies in a collection, empty without one.
    """

    folder: Path | None
    endpoint: str = ""
    path: str = ""

    def __str__(self) -> str:
        return f"{self.endpoint}:{self.path}" if self.folder is None else str(self.folder)

    @property
    def root(self) -> Root:
        """The folder as a root, for what works with local files."""
        if self.folder is None:
            raise ValueError(f"{self} is not on this computer")
        return Root("", self.endpoint, self.path, self.folder)

    def remote(self, subpath: str) -> str:
        """Return where a subpath lies in the collection."""
        return join_remote(self.path, subpath)


@dataclass(slots=True, eq=False)
class Item:
    """A file that is wanted.

    ``size`` in bytes, ``mtime`` in whole UTC seconds and ``sha1`` are those of the index; ``reason`` and ``remedy`` say
    more of the verdict; ``failed`` marks an item in flight for which somebody must do something.
    """

    location: Location
    session: SessionRef
    subpath: str
    size: int
    mtime: int
    sha1: str | None
    site: Site
    verdict: Verdict = "wanted"
    reason: str = ""
    remedy: str = ""
    failed: bool = False

    @property
    def source(self) -> str:
        """Where it lies in the archive's collection."""
        return join_remote(self.location.path, self.subpath)

    @property
    def path(self) -> Path | None:
        """Where it lies, or shall lie, on this computer; None elsewhere."""
        return None if self.site.folder is None else self.site.folder.joinpath(*self.subpath.split("/"))

    @property
    def bad(self) -> bool:
        """Whether a person should see it."""
        return self.failed or self.verdict in BAD

    def judge(self, verdict: Verdict, reason: str = "", remedy: str = "", *, failed: bool = False) -> None:
        """Say what became of it."""
        self.verdict, self.reason, self.remedy, self.failed = verdict, reason, remedy, failed

    @property
    def identity(self) -> tuple[str, str, int, str | None, Site]:
        """What tells whether an earlier run asked for the very same file."""
        return (self.location.alias, self.subpath, self.size, self.sha1, self.site)


@dataclass(slots=True)
class Entry:
    """A task of a retrieval as the journal keeps it: stored before it is submitted, removed when all is in its place.

    ``items`` are in the order of the task's own.
    """

    entry_id: UUID
    haul: Haul
    items: Sequence[Item]
    computer: str

    @property
    def staging(self) -> str:
        """Name of the folder, within our own folder of each site, to which the task brings its files."""
        return f"retrieve-{self.entry_id.hex}"


class FetchJournal(Protocol):
    """What remembers the tasks of retrievals between runs; the account of the database need not be able to write."""

    def unfinished(self, sites: Collection[Site]) -> list[Entry]:
        """Return the entries that bring files to any of these places, oldest first."""

    def save(self, entry: Entry) -> None:
        """Store a new entry, or its new state: whole or not at all."""

    def remove(self, entry: Entry) -> None:
        """Forget an entry."""


@dataclass(slots=True)
class Fetching:
    """What one retrieval works with.

    ``staging`` is the name of our own folder in a site; ``threads`` how many files are read, or fetched over HTTPS, at
    once; ``stop`` is set when the run ends early; ``sent`` are the files that tasks are bringing, or have brought;
    ``begun`` says that the archive has something of it; ``outdated`` picks the files that the index
    has otherwise by now.
    """

    store: Callable[[], Store]
    patient: Patient
    hasher: Hasher
    cache: ChecksumCache
    journal: FetchJournal
    staging: str
    computer: str
    threads: int = 4
    overwrite: bool = False
    wait: bool = True
    stop: threading.Event = field(default_factory=threading.Event)
    tasks: list[str] = field(default_factory=list)
    sent: list[Item] = field(default_factory=list)
    begun: bool = False
    outdated: Callable[[Sequence[Item]], Sequence[Item]] = lambda _: ()
    notes: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        """Return this instant in UTC, naive."""
        return self.patient.clock.now()
