"""Which rounds are told no longer: a service makes one every quarter of an hour, for years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from uuid import UUID

IN_FULL = timedelta(days=3)
"""Every round is kept for this long."""
TROUBLED = timedelta(days=14)
"""So are rounds that did not do all."""
BUSY = timedelta(days=90)
"""So are rounds that archived something; the last one of each day and verb is kept for ever."""


@dataclass(frozen=True, slots=True)
class Past:
    """A round of the past, as far as it matters here; ``began`` in UTC."""

    round_id: UUID
    verb: str
    began: datetime
    result: str
    archived: int = 0


def surplus(rounds: Iterable[Past], now: datetime) -> list[UUID]:
    """Return the rounds of one computer that need not be kept."""
    last: dict[tuple[str, date], Past] = {}
    every = sorted(rounds, key=lambda each: (each.began, each.round_id))
    for each in every:
        last[each.verb, each.began.date()] = each
    kept = {each.round_id for each in last.values()}
    return [each.round_id for each in every if each.round_id not in kept and now - each.began > _patience(each)]


def _patience(past: Past) -> timedelta:
    if past.archived:
        return BUSY
    return IN_FULL if past.result == "done" else TROUBLED
