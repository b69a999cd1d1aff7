"""Whether a row of the lab's tables still names the recording day that was archived under its key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.archive.scan import Defect

if TYPE_CHECKING:
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import SessionRef

CORRECTION = timedelta(minutes=10)
"""A start that was entered anew by no more is a correction; by more it is another session."""


def is_same(archived: SessionRef, now: SessionRef) -> bool:
    """Say whether two rows are the same session: key, animal, day and, where both know it, about the same start."""
    if (archived.key, archived.h2o, archived.session_date) != (now.key, now.h2o, now.session_date):
        return False
    begun, begins = _start(archived), _start(now)
    return begun is None or begins is None or abs(begun - begins) <= CORRECTION


def _start(ref: SessionRef) -> datetime | None:
    if ref.session_time is None:
        return None
    try:
        return datetime.fromisoformat(f"{ref.session_date:%Y-%m-%d}T{ref.session_time:0>8}")
    except ValueError:
        return None


def disowned(known: Manifest, now: SessionRef) -> Defect | None:
    """Say why nothing may be added to what the index holds under a session's key, if anything forbids it."""
    if not is_same(known.session, now):
        return mistaken(known.session, now)
    return unlisted(now) if known.archived_at is None else None


def mistaken(then: SessionRef, now: SessionRef, what: str = "archived") -> Defect:
    """Name a session whose row is no longer the one that was ``archived`` or submitted."""
    remedy = "correct the session in the lab's tables: its animal, date and start must be those of its recordings."
    if what == "archived":
        remedy += (
            " If they are right, and it was archived under a wrong name: `mapshell publication-reassign "
            f"{then.h2o}/{then.session} {now.h2o}/{now.session}`."
        )
    return Defect(
        "identity",
        str(now),
        f"it was {what} as {_said(then)}, but the lab's tables now say {_said(now)}; nothing was added to it",
        remedy,
    )


def unlisted(now: SessionRef) -> Defect:
    """Name a session that the index holds without saying that it is archived."""
    return Defect(
        "identity",
        str(now),
        "its files are in the index without an archived row: the row was deleted, or the session was deleted from the "
        "lab's tables and entered again",
        "make sure that it is the same session; then `mapshell publication-discover` puts its row back (with --restore "
        "if it was deleted on purpose).",
    )


def _said(ref: SessionRef) -> str:
    at = f" at {ref.session_time}" if ref.session_time else ""
    return f"{ref.h2o} session {ref.session} of {ref.session_date:%Y-%m-%d}{at}"
