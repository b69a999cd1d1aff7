"""From a manifest to the rows of the index and back, and from a journal entry to its row.

Publish commits these rows; discover will make the very same ones from a manifest found at the archive.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import uuid
from typing import TYPE_CHECKING, Any

from pipeline.archive.manifest import FileEntry
from pipeline.archive.session import file_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.archive.journal import Entry
    from pipeline.archive.manifest import Manifest


def dataset_row(manifest: Manifest) -> dict[str, Any]:
    """Return the row of ``publication.DataSet``."""
    return {
        "globus_alias": manifest.alias,
        "dataset_name": manifest.name,
        "dataset_type": manifest.dataset_type,
        "dataset_generation": manifest.generation,
        "dataset_manifest": manifest.subpath,
        "dataset_h2o": manifest.session.h2o,
        "dataset_date": manifest.session.session_date,
        "dataset_time": manifest.session.session_time,
    }


def file_rows(manifest: Manifest, entries: Sequence[FileEntry]) -> Iterator[dict[str, Any]]:
    """Yield rows of ``publication.DataSet.PhysicalFile``."""
    alias, name = manifest.alias, manifest.name
    for entry in entries:
        yield {
            "globus_alias": alias,
            "dataset_name": name,
            "file_id": file_id(entry.subpath),
            "file_subpath": entry.subpath,
            "file_type": entry.file_type,
            "file_size": entry.size if entry.sized else None,
            "file_mtime": entry.mtime if entry.sized else None,
            "file_sha1": entry.sha1,
            "sha1_source": entry.sha1_source,
            "verified_at": entry.verified_at,
            "verified_how": entry.verified_how,
            "file_generation": entry.generation,
        }


ENTRY = (
    *("file_subpath", "file_size", "file_mtime", "file_type", "file_sha1", "sha1_source"),
    *("verified_at", "verified_how", "file_generation"),
)
"""Columns of ``publication.DataSet.PhysicalFile`` that tell the file of a manifest, in its order."""


def read_entry(values: Sequence[Any]) -> FileEntry:
    """Return the file of a manifest that the columns ``ENTRY`` of a row mean."""
    subpath, size, mtime, kind, sha1, source, verified_at, how, generation = values
    sized = size is not None
    return FileEntry(subpath, size or 0, mtime or 0, kind, sha1, source, verified_at, how, generation, sized)


def file_entry(row: Mapping[str, Any]) -> FileEntry:
    """Return the file of a manifest that a row of ``publication.DataSet.PhysicalFile`` means."""
    return read_entry([row[name] for name in ENTRY])


def archived_row(manifest: Manifest) -> dict[str, Any]:
    """Return the row of ``publication.ArchivedRawEphys`` or ``ArchivedTrackingVideo``."""
    return {
        "subject_id": manifest.session.subject_id,
        "session": manifest.session.session,
        "globus_alias": manifest.alias,
        "dataset_name": manifest.name,
        "archived_at": manifest.archived_at,
        "generation": manifest.generation,
        "evidence": dict(manifest.evidence),
    }


def transfer_row(entry: Entry, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of ``publication.Transfer`` for a new entry; ``request`` is the request as JSON data."""
    digest, packed = hashlib.sha256(), io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as stream:
        for piece in json.JSONEncoder(ensure_ascii=False, sort_keys=True).iterencode(request):
            data = piece.encode("utf-8")
            digest.update(data)
            stream.write(data)
    return {
        "transfer_id": entry.transfer_id,
        "purpose": entry.purpose,
        "state": entry.state,
        "submission_id": uuid.UUID(entry.request.submission_id) if entry.request.submission_id else None,
        "label": entry.request.label,
        "identity": entry.identity,
        "body_sha256": digest.hexdigest(),
        "request": packed.getvalue(),
        "computer": entry.computer,
        "created_at": entry.created_at,
    }
