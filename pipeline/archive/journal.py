"""The durable record of what we asked Globus to do, as plain data.

An entry is written before its task is submitted and tells enough to go on after a kill at any instant.  Its states:

``planned``    request and submission id are stored; the service may or may not have seen it
``submitted``  the service's task id is stored
``checked``    the task succeeded and our own listing agreed; the manifest is final and stored here
``done``       its rows are committed (or, for a manifest's own transfer, the manifest was checked)
``failed``     it ended without success; what it may have left at the archive is ours to send again

A *move* sends nothing: its entry names what is renamed at the archive.  It goes from *planned* to *checked* by itself.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
from dataclasses import dataclass, field, replace
from itertools import islice
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Literal

from pipeline.archive.manifest import Manifest, from_json, pieces
from pipeline.archive.ports import TransferItem, TransferRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from pipeline.archive.session import SessionKey

JournalState = Literal["planned", "submitted", "checked", "done", "failed"]
Purpose = Literal["publish", "manifest", "move", "copy"]


def step(name: str) -> None:
    """Mark a step of a publication for whoever watches (Python's own audit events; costs nothing unwatched)."""
    sys.audit("mapshell.step", name)


@dataclass(frozen=True, slots=True)
class Source:
    """A local file as it was when it was planned.

    An ``adopted`` one is not sent: the archive's file was compared with it, whose time (whole UTC seconds) was
    ``listed`` there (None where the archive tells no times).
    """

    subpath: str
    path: str
    size: int
    mtime_ns: int
    adopted: bool = False
    listed: int | None = None

    def pack(self) -> list[Any]:
        """Return it as JSON data."""
        row = [self.subpath, self.path, self.size, self.mtime_ns]
        return [*row, self.listed] if self.adopted else row

    @classmethod
    def unpack(cls, row: Sequence[Any]) -> Source:
        """Read what :meth:`pack` wrote."""
        subpath, path, size, mtime_ns, *listed = row
        return cls(subpath, path, size, mtime_ns, bool(listed), *listed)


@dataclass(frozen=True, slots=True)
class Rename:
    """One renaming at the archive, never onto an existing path; both names are below the location's root.

    ``size`` is that of a file (bytes; None: not compared); ``folder`` marks a folder, with all that lies in it.
    """

    old: str
    new: str
    size: int | None = None
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Lender:
    """The loose drive from which a transfer reads: its identity, and its name for a person."""

    drive_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """One session's share of a transfer: the manifest as it will be, and the files that bring it about.

    Of a move: ``before`` is what the index had and ``renames`` what leads from it to the manifest; ``gone`` marks the
    share of the session that has nothing any more afterwards (its manifest is what the index had).
    ``lender`` is the loose drive on which the files lie, if they do; ``origin`` the alias of the storage location from
    which they come instead of from this computer.
    """

    manifest: Manifest
    sources: Sequence[Source] = ()
    before: Manifest | None = None
    renames: tuple[Rename, ...] = ()
    gone: bool = False
    lender: Lender | None = None
    origin: str = ""

    @property
    def key(self) -> SessionKey:
        """The session."""
        return self.manifest.session.key

    @property
    def generation(self) -> int:
        """The generation of the dataset that this makes; 0 where none is left."""
        return 0 if self.gone else self.manifest.generation

    def pack(self) -> bytes:
        """Serialise for the journal."""
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as stream:
            pieces = self._pieces()
            while some := "".join(islice(pieces, 1000)):
                stream.write(some.encode("utf-8"))
        return packed.getvalue()

    def _pieces(self) -> Iterator[str]:
        """Yield the document a file at a time; the manifests are texts within it."""
        yield '{"manifest": '
        yield from _quoted(self.manifest)
        yield ', "sources": ['
        for number, source in enumerate(self.sources):
            yield f"{', ' if number else ''}{json.dumps(source.pack(), ensure_ascii=False)}"
        yield "]"
        if self.before is not None:
            yield ', "before": '
            yield from _quoted(self.before)
            renames = [[r.old, r.new, r.size, r.folder] for r in self.renames]
            yield f', "renames": {json.dumps(renames, ensure_ascii=False)}'
        if self.gone:
            yield ', "gone": true'
        if self.lender is not None:
            drive = [self.lender.drive_id, self.lender.name]
            yield f', "drive": {json.dumps(drive, ensure_ascii=False)}'
        if self.origin:
            yield f', "origin": {json.dumps(self.origin, ensure_ascii=False)}'
        yield "}"

    @classmethod
    def unpack(cls, payload: bytes) -> Part:
        """Read what :meth:`pack` wrote."""
        document = json.loads(gzip.decompress(payload))
        manifest = from_json(document["manifest"].encode("utf-8"), name="the journal's manifest")
        before = document.get("before")
        return cls(
            manifest,
            tuple(Source.unpack(row) for row in document["sources"]),
            None if before is None else from_json(before.encode("utf-8"), name="the journal's earlier manifest"),
            tuple(Rename(*row) for row in document.get("renames", ())),
            bool(document.get("gone")),
            Lender(*document["drive"]) if "drive" in document else None,
            document.get("origin", ""),
        )


def _quoted(manifest: Manifest) -> Iterator[str]:
    yield '"'
    for piece in pieces(manifest):
        yield encode_basestring(piece)[1:-1]
    yield '"'


@dataclass(frozen=True, slots=True)
class Entry:
    """One transfer in the journal; without items in its request, all its files were at the archive before.

    The first part of a move is the session that has the files afterwards.

    ``left`` names (by destination path) what a failed transfer may have left at the archive; None means any of its
    items.  ``submitted_at`` is None when this very round submitted it.
    """

    transfer_id: UUID
    purpose: Purpose
    state: JournalState
    request: TransferRequest
    parts: tuple[Part, ...]
    computer: str
    identity: str
    created_at: datetime
    task_id: str | None = None
    outcome: str | None = None
    left: tuple[str, ...] | None = None
    submitted_at: datetime | None = None

    def advanced(self, state: JournalState, **facts: Any) -> Entry:
        """Return the entry in its next state."""
        return replace(self, state=state, **facts)


def request_to_json(request: TransferRequest) -> dict[str, Any]:
    """Return the request as JSON data; the same request gives the same data."""
    return {
        "submission_id": request.submission_id,
        "source_endpoint": request.source_endpoint,
        "destination_endpoint": request.destination_endpoint,
        "label": request.label,
        "items": [[item.source, item.destination, item.sha1] for item in request.items],
    }


def request_from_json(data: Mapping[str, Any]) -> TransferRequest:
    """Read what :func:`request_to_json` wrote."""
    return TransferRequest(
        submission_id=data["submission_id"],
        source_endpoint=data["source_endpoint"],
        destination_endpoint=data["destination_endpoint"],
        label=data["label"],
        items=tuple(TransferItem(*item) for item in data["items"]),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one session at one storage location in this round.

    ``reason`` is empty when there is nothing to say; ``remedy`` likewise; ``rule`` names what decided so, where a rule
    of the gate or an error did; ``accept`` the rules that a person may accept to have it archived as it is.  ``failed``
    marks what a person should see
    (the round is then only partly done).  ``files`` and ``size`` (bytes) count what the session holds here,
    ``sent_files`` and ``sent_bytes`` what this round sent and archived, ``adopted_files`` and ``adopted_bytes`` what it
    archived without sending.  Of a dry run, ``to_send_files`` and ``to_send_bytes`` are what is to be sent,
    ``to_adopt_files`` and ``to_adopt_bytes`` what the archive has already, as far as names and sizes tell;
    ``to_read_bytes`` is what is to be read here for checksums, ``to_read_back_bytes`` what at the archive.
    ``copied_from`` is the storage location from which it was, or is to be, copied instead of from this computer.
    """

    key: SessionKey
    h2o: str
    session_date: str
    alias: str
    folders: tuple[str, ...]
    state: str
    reason: str = ""
    remedy: str = ""
    failed: bool = False
    files: int = 0
    size: int = 0
    sent_files: int = 0
    sent_bytes: int = 0
    to_send_files: int = 0
    to_send_bytes: int = 0
    to_read_bytes: int = 0
    adopted_files: int = 0
    adopted_bytes: int = 0
    to_adopt_files: int = 0
    to_adopt_bytes: int = 0
    to_read_back_bytes: int = 0
    details: tuple[Mapping[str, str], ...] = field(default=())
    rule: str = ""
    accept: tuple[str, ...] = ()
    copied_from: str = ""

    def with_sent(self, files: int, size: int) -> Outcome:
        """Return the outcome with what this round sent."""
        return replace(self, sent_files=files, sent_bytes=size)

    def with_adopted(self, files: int, size: int) -> Outcome:
        """Return the outcome with what this round archived without sending it."""
        return replace(self, adopted_files=files, adopted_bytes=size)
