"""Transfers that do not bring a session home, cancelled or failed: why, and what they left at the archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.archive.aside import left_as_reported, left_at_the_archive, left_by_task
from pipeline.archive.check import contradicted, quarantine
from pipeline.archive.lent import gone
from pipeline.archive.scan import unchanged
from pipeline.archive.transfer import why_failed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from pipeline.archive.ports import TaskStatus
    from pipeline.archive.round import Flight, Round
    from pipeline.archive.scan import Defect

AGAIN = "publish again: it will be sent again."
_CANCELLED_WITHIN = timedelta(minutes=1)


class Cancelled:
    """Tasks that this round has cancelled; only when the service has really ended one is its session free again."""

    def __init__(self, round_: Round) -> None:
        self._round = round_
        self._tasks: dict[UUID, tuple[datetime, Defect]] = {}

    def why(self, flight: Flight) -> Defect | None:
        """Return why a flight's task was cancelled; None: it was not."""
        return self._tasks.get(flight.entry.transfer_id, (None, None))[1]

    def cancel(self, flight: Flight, status: TaskStatus, defect: Defect) -> None:
        """Ask the service to end a task."""
        self._round.store().cancel(status.task_id)
        self._tasks[flight.entry.transfer_id] = self._round.clock.now(), defect

    def waited_for(self, flight: Flight) -> bool:
        """Say whether the service had time enough to end it."""
        return self._round.clock.now() - self._tasks[flight.entry.transfer_id][0] >= _CANCELLED_WITHIN


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a transfer brought no session home; ``left`` (destination paths) is what it may have left, None: any."""

    reason: str
    remedy: str = AGAIN
    defects: Sequence[Defect] = ()
    left: tuple[str, ...] | None = None


def vanished(flight: Flight) -> list[Defect]:
    """Return why a flight could not be archived even if its task ended well: its files are not as they were planned.

    Of a transfer that an earlier run submitted, what is no longer as it was planned could not be archived anyway.
    """
    lost = (defect for defect in unchanged(flight.files) if defect.rule == "vanished")
    return [*flight.moved, *flight.changed, *lost]


def after_failure(round_: Round, flight: Flight, status: TaskStatus, cancelled: Defect | None) -> Failure:
    """Look what a task that failed was about; what the service found to be other bytes is moved aside there."""
    if cancelled is not None:
        left = left_at_the_archive(round_, flight)
        return Failure(f"{cancelled.subpath}: {cancelled.message}", cancelled.remedy, left=left)
    reason = why_failed(round_.store(), status)
    wrong = contradicted(round_, flight) if gone(round_) is None else []
    wrong = wrong if gone(round_) is None else []
    behind = left_by_task(round_, flight, status)
    if wrong:
        quarantine(round_, flight, wrong, behind)
    return Failure(f"the transfer failed: {reason}", defects=wrong, left=behind)


def not_as_planned(round_: Round, flight: Flight, status: TaskStatus, defects: Sequence[Defect]) -> Failure:
    """Return what is wrong with a transfer that succeeded, of which our own look found defects."""
    moved = left_as_reported(round_, flight, status)
    first = defects[0]
    return Failure(f"{first.subpath}: {first.message}", first.remedy, defects, moved)
