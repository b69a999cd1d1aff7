"""Rounds that read from a loose drive, which somebody may pull out at any moment, or connect elsewhere next time.

What began from a drive goes on only with that drive: till then it waits, and nothing of it is judged by its absence.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.archive.journal import Entry, Lender, Outcome, Part
from pipeline.archive.round import Round, outcome
from pipeline.archive.scan import Defect
from pipeline.errors import DriveGone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.archive.find import LocalSession
    from pipeline.archive.session import LocalFile


def lender(round_: Round) -> Lender | None:
    """Return how the journal remembers the drive of this round; None when it reads from no drive."""
    return None if round_.drive is None else Lender(str(round_.drive.drive_id), str(round_.drive))


def gone(round_: Round) -> DriveGone | None:
    """Return what is to be said when the drive of this round has been disconnected; None while it is there."""
    if round_.drive is None:
        return None
    try:
        round_.drive.check()
    except DriveGone as error:
        return error
    return None


def waiting(round_: Round, session: LocalSession, entry: Entry, part: Part) -> Outcome | None:
    """Return the outcome of a transfer that began elsewhere than where this round reads; None for one to go on with.

    One that was checked needs its source no more, and one that failed has nothing to wait for.
    """
    own = lender(round_)
    if entry.state == "checked" or _same(own, part.lender):
        return None
    if part.lender is None:
        if entry.computer != round_.computer:
            return None
        said = "its transfer began from this computer's own folders"
        return outcome(round_, session, "in flight", said, "publish without --root: that goes on with it.")
    if entry.state == "submitted" and entry.task_id is not None:
        status = round_.store().task(entry.task_id)
        if status is not None and status.state == "FAILED":
            return None
    since = f"{entry.created_at:%Y-%m-%d %H:%M} UTC"
    reason = f"it waits for {part.lender.name}, from which its transfer began on {entry.computer} at {since}"
    late = round_.clock.now() - entry.created_at >= _PATIENCE
    return outcome(round_, session, "in flight", reason, _CONNECT, failed=late)


def moved(entry: Entry, files: Iterable[LocalFile]) -> tuple[Defect, ...]:
    """Name a file that the service looks for elsewhere: its drive was at another place when the transfer began."""
    sources = {item.source for item in entry.request.items}
    destinations = {item.destination for item in entry.request.items}
    for file in files:
        sent = any(destination.endswith(f"/{file.subpath}") for destination in destinations)
        if sent and file.in_globus not in sources:
            said = "its drive was connected at another place when its transfer began"
            return (Defect("vanished", file.subpath, said, "publish again: it is sent from where the drive is now."),)
    return ()


def _same(one: Lender | None, other: Lender | None) -> bool:
    return (one and one.drive_id) == (other and other.drive_id)


_PATIENCE = timedelta(days=1)
_CONNECT = "connect the drive, then `mapshell publication-publish --root PATH`: that goes on with it."
