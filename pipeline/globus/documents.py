"""Globus documents to our plain data and back.  Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.archive.ports import EntryKind, RemoteEntry, TaskEvent, TaskState, TaskStatus
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.archive.ports import TransferRequest

LABEL_LENGTH = 128
CHECKSUM_ALGORITHM = "SHA1"
_TOO_LARGE = 2**63
"""Bytes; no file system and no database counts so far."""
_STATES: dict[str, TaskState] = {
    "ACTIVE": "ACTIVE",
    "INACTIVE": "INACTIVE",
    "SUCCEEDED": "SUCCEEDED",
    "FAILED": "FAILED",
}


@dataclass(frozen=True, slots=True)
class Collection:
    """What Globus says about a collection.

    ``online`` is None where Globus does not know (it knows for Globus Connect Personal only); ``https_server`` is a
    URL without a slash at the end; ``needs_consent`` tells whether the person must allow access to its data;
    ``contact`` is whom to ask about it.
    """

    id: str
    name: str
    kind: str
    online: bool | None
    https_server: str | None
    high_assurance: bool
    needs_consent: bool
    contact: str = ""


def collection(document: Mapping[str, Any]) -> Collection:
    """Read an ``endpoint`` document."""
    kind, assurance = str(document.get("entity_type") or ""), bool(document.get("high_assurance"))
    connected = document.get("gcp_connected")
    server = document.get("https_server")
    return Collection(
        id=str(document.get("id") or "").lower(),
        name=_text(document.get("display_name")) or _text(document.get("canonical_name")) or "",
        kind=kind,
        online=bool(connected) and not document.get("gcp_paused") if isinstance(connected, bool) else None,
        https_server=server.rstrip("/") if isinstance(server, str) and server else None,
        high_assurance=assurance,
        # Asking for this consent on any other kind of collection is an error of its own ("unknown scope").
        needs_consent=kind == "GCSv5_mapped_collection" and not assurance,
        contact=_text(document.get("contact_email")) or _text(document.get("owner_string")) or "",
    )


def body(request: TransferRequest, *, encrypt: bool = True) -> dict[str, Any]:
    """Return the transfer document of a request; equal requests give equal documents.

    File items only, checksums verified, times kept, no e-mail, and a full disk or an unreadable source ends in an
    error instead of a silent gap.  There is no ``deadline`` in it: the service's own (24 hours, extended while bytes
    move) holds, and a moving one would make two documents of one request.

    Raises
    ------
    UsageError
        The label is longer than the 128 characters that the service takes.
    """
    if len(request.label) > LABEL_LENGTH:
        raise UsageError(
            f"The label of a transfer has {len(request.label)} characters: {request.label!r}.",
            remedy=f"use at most {LABEL_LENGTH}.",
        )
    items = []
    for item in request.items:
        document: dict[str, Any] = {
            "DATA_TYPE": "transfer_item",
            "source_path": item.source,
            "destination_path": item.destination,
            "recursive": False,
        }
        if item.sha1 is not None:
            document["external_checksum"] = item.sha1
            document["checksum_algorithm"] = CHECKSUM_ALGORITHM
        items.append(document)
    return {
        "DATA_TYPE": "transfer",
        "submission_id": request.submission_id,
        "label": request.label,
        "source_endpoint": request.source_endpoint,
        "destination_endpoint": request.destination_endpoint,
        "sync_level": 0,  # what exists at the destination is kept, whatever it is
        "verify_checksum": True,
        "preserve_timestamp": True,
        "encrypt_data": encrypt,
        "fail_on_quota_errors": True,
        "skip_source_errors": False,
        "delete_destination_extra": False,
        "notify_on_succeeded": False,
        "notify_on_failed": False,
        "notify_on_inactive": False,
        "DATA": items,
    }


def body_hash(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 (64 hex digits) of a transfer document in its one canonical spelling."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def instant(value: Any) -> datetime | None:
    """Read an instant of the service as naive UTC; None when there is none."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo is None else read.astimezone(UTC)).replace(tzinfo=None)
    except (ValueError, OverflowError):  # the latter: of a year before the first or after the last
        return None


def entry(document: Mapping[str, Any]) -> RemoteEntry:
    """Read a ``file`` document.

    Raises
    ------
    ValueError
        It has no name, or a file has no size.
    """
    name, size = document.get("name"), document.get("size")
    kind: EntryKind = {"file": "file", "dir": "dir"}.get(str(document.get("type")), "other")  # type: ignore[assignment]
    if not isinstance(name, str):
        raise ValueError("an entry without a name")  # noqa: TRY004 - a bad answer, not a bad call
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < _TOO_LARGE:
        size = None
    if kind == "file" and size is None:
        raise ValueError(f"the file {name!r} has no size")
    modified = instant(document.get("last_modified"))
    mtime = None if modified is None else int(modified.replace(tzinfo=UTC).timestamp() // 1)
    link = document.get("link_target") is not None
    return RemoteEntry(name=name, kind=kind, size=size or 0, mtime=mtime, link=link)


def task(document: Mapping[str, Any]) -> TaskStatus:
    """Read a ``task`` document.

    Raises
    ------
    ValueError
        Its id or status is none that exists.
    """
    task_id, state = document.get("task_id"), _STATES.get(str(document.get("status")))
    if not isinstance(task_id, str) or state is None:
        raise ValueError(f"a task with the status {document.get('status')!r}")

    def number(key: str) -> int:
        value = document.get(key)
        return value if isinstance(value, int) else 0

    return TaskStatus(
        task_id=task_id,
        state=state,
        label=_text(document.get("label")) or "",
        nice_status=_text(document.get("nice_status")),
        nice_status_details=_text(document.get("nice_status_details")),
        is_paused=bool(document.get("is_paused")),
        faults=number("faults"),
        files=number("files"),
        files_transferred=number("files_transferred"),
        files_skipped=number("files_skipped"),
        skipped_errors=number("subtasks_skipped_errors"),
        bytes_transferred=number("bytes_transferred"),
        fatal_error=_text(document.get("fatal_error")),
        canceled_by_admin=_text(document.get("canceled_by_admin")),
        owner_id=_text(document.get("owner_id")),
        request_time=instant(document.get("request_time")),
        completion_time=instant(document.get("completion_time")),
    )


def event(document: Mapping[str, Any]) -> TaskEvent:
    """Read an ``event`` document."""
    return TaskEvent(
        time=_text(document.get("time")) or "",
        code=_text(document.get("code")) or "",
        description=_text(document.get("description")) or "",
        details=_text(document.get("details")) or "",
        is_error=bool(document.get("is_error")),
    )


def _text(value: Any) -> str | None:
    """Return a text of the service, a small document as "code: description"; None when there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, dict):
        parts = [str(value[key]) for key in ("code", "description", "message") if value.get(key)]
        return ": ".join(parts) or json.dumps(value, sort_keys=True)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
