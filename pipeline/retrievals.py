"""The journal of retrievals: a small file for each task, in the person's own folder, so that a killed run goes on.

It needs no right to write in the database.  A file is written whole or not at all, and removed when all is in place.
What was fetched is a row of the database as well, where the account may write.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import uuid
import zlib
from collections import defaultdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.fetch import Entry, Item, Site
from pipeline.archive.fetchtasks import complete
from pipeline.archive.haul import Haul
from pipeline.archive.ports import TransferRequest
from pipeline.archive.session import Location, SessionRef
from pipeline.errors import DatabaseError, DatabaseReadOnly, LocalDiskError, ServiceError
from pipeline.folders import data_folder
from pipeline.services import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping
    from pathlib import Path

    from pipeline.archive.ports import Store
    from pipeline.archive.session import SessionKey
    from pipeline.retrieved import Retrieved, RetrievedFile

_VERSION = 1
_UNREADABLE = (
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)


def folder(environ: Mapping[str, str]) -> Path:
    """Return where the journal of retrievals lies."""
    return data_folder(environ) / "retrievals"


class FileJournal:
    """Implements ``archive.fetch.FetchJournal`` over a folder.

    Parameters
    ----------
    folder
        Where the files lie; made when the first is written.
    staging
        Name of our own folder in the places that receive files.
    """

    def __init__(self, folder: Path, staging: str) -> None:
        self._folder = folder
        self._staging = staging
        self._unread: list[Path] = []

    def unfinished(self, sites: Collection[Site]) -> list[Entry]:
        """Return the entries that bring files to any of these places, oldest first."""
        found = [entry for entry in self.all() if any(item.site in sites for item in entry.items)]
        return sorted(found, key=lambda entry: entry.haul.created_at)

    def all(self) -> list[Entry]:
        """Return every entry; a file that cannot be read is left alone."""
        entries = []
        self._unread.clear()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for file in sorted(self._folder.iterdir()):
                if not file.name.endswith(".json.gz") or file.name.startswith("."):
                    continue
                try:
                    entries.append(_read(json.loads(gzip.decompress(file.read_bytes())), self._staging))
                except FileNotFoundError:
                    continue  # another run has just finished it
                except _UNREADABLE:
                    self._unread.append(file)
        return entries

    def notes(self) -> list[str]:
        """Name the files that could not be read when the journal was last looked into."""
        return [
            f"{file} cannot be read: what an earlier retrieval submitted, and that file remembers, is not gone on with "
            "but asked for again. Remove it."
            for file in self._unread
        ]

    def save(self, entry: Entry) -> None:
        """Store a new entry, or its new state: whole or not at all.

        Raises
        ------
        LocalDiskError
            It cannot be written; nothing must be submitted then.
        """
        document = json.dumps(_write(entry), ensure_ascii=False).encode("utf-8")
        try:
            write_private(self._file(entry), gzip.compress(document, mtime=0))
        except ServiceError as error:
            raise LocalDiskError(
                error.message, remedy="make room there, or set MAPSHELL_HOME to another disk."
            ) from error

    def remove(self, entry: Entry) -> None:
        """Forget an entry."""
        with contextlib.suppress(OSError):
            self._file(entry).unlink(missing_ok=True)

    def _file(self, entry: Entry) -> Path:
        return self._folder / f"{entry.entry_id}.json.gz"


class _Table:
    """Things that many items share, each written once."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._at: dict[Hashable, int] = {}

    def add(self, key: Hashable, row: Any) -> int:
        if key not in self._at:
            self._at[key] = len(self.rows)
            self.rows.append(row)
        return self._at[key]


def _write(entry: Entry) -> dict[str, Any]:
    locations, sessions, sites = _Table(), _Table(), _Table()
    items = [
        [
            locations.add(item.location, _location(item.location)),
            sessions.add(item.session, _session(item.session)),
            sites.add(item.site, _site(item.site)),
            item.subpath,
            item.size,
            item.mtime,
            item.sha1,
        ]
        for item in entry.items
    ]
    request = entry.haul.request
    return {
        "version": _VERSION,
        "entry_id": str(entry.entry_id),
        "computer": entry.computer,
        "identity": entry.haul.identity,
        "created_at": entry.haul.created_at.isoformat(),
        "task_id": entry.haul.task_id,
        "request": [request.submission_id, request.source_endpoint, request.destination_endpoint, request.label],
        "locations": locations.rows,
        "sessions": sessions.rows,
        "sites": sites.rows,
        "items": items,
    }


def _location(location: Location) -> list[str]:
    return [location.alias, location.endpoint, location.path, location.dataset_type]


def _site(site: Site) -> list[str | None]:
    return [None if site.folder is None else str(site.folder), site.endpoint, site.path]


def _session(session: SessionRef) -> list[Any]:
    return [session.subject_id, session.session, session.h2o, session.session_date.isoformat(), session.session_time]


def _read(document: Mapping[str, Any], staging: str) -> Entry:
    from pathlib import Path

    if document["version"] != _VERSION:
        raise ValueError(f"version {document['version']}")
    locations = [Location(*row) for row in document["locations"]]
    sessions = [SessionRef(row[0], row[1], row[2], date.fromisoformat(row[3]), row[4]) for row in document["sessions"]]
    sites = [Site(None if row[0] is None else Path(row[0]), row[1], row[2]) for row in document["sites"]]
    items = [
        Item(locations[place], sessions[session], subpath, size, mtime, sha1, sites[site])
        for place, session, site, subpath, size, mtime, sha1 in document["items"]
    ]
    if not all(isinstance(item.subpath, str) and isinstance(item.size, int) for item in items):
        raise TypeError("a file without a name or size")
    submission, source, destination, label = document["request"]
    haul = Haul(
        TransferRequest(submission, source, destination, label, ()),
        document["identity"],
        datetime.fromisoformat(document["created_at"]),
        sum(item.size for item in items),
        document["task_id"],
    )
    entry = Entry(uuid.UUID(document["entry_id"]), haul, items, document["computer"])
    complete(entry, staging)
    return entry


def record(result: Retrieved, began: datetime, ended: datetime, computer: str, store: Callable[[], Store]) -> None:
    """Write down what was fetched, where the account may write."""
    fetched: dict[tuple[SessionKey, str], list[RetrievedFile]] = defaultdict(list)
    for each in result.files:
        if each.verdict == "fetched" or (each.verdict == "unchecked" and each.reason.startswith("fetched")):
            fetched[each.key, each.alias].append(each)
    if not fetched:
        return
    retrieval_id = uuid.uuid4()
    row = {
        "retrieval_id": retrieval_id,
        "identity": store().identity,
        "computer": computer,
        "target": ", ".join(result.targets)[:2048],
        "via": result.via,
        "started_at": began,
        "ended_at": ended,
        "outcome": str(result)[:2048],
    }
    parts = [
        {
            "retrieval_id": retrieval_id,
            "subject_id": key[0],
            "session": key[1],
            "globus_alias": alias,
            "files": len(files),
            "bytes": sum(each.size for each in files),
        }
        for (key, alias), files in sorted(fetched.items())
    ]

    def write() -> None:
        publication.Retrieval.insert1(row)
        publication.Retrieval.Session.insert(parts)

    mine = publication.Retrieval() & {"retrieval_id": retrieval_id}
    try:
        database.run_transaction(write, done=lambda: bool(mine))
    except DatabaseReadOnly:
        result.notes.append("Not recorded in the database: this account may only read.")
    except DatabaseError as error:
        result.notes.append(f"Not recorded in the database: {error.message}")
