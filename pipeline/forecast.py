"""What a dry run foretells: bytes to read and to send, and how long that takes at the speed of the last transfers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.archive.journal import Outcome
    from pipeline.archive.session import Location

LAST = 50
"""Archived sessions of each location whose transfers are looked at, the newest first."""

_SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Move:
    """One transfer as the service timed it; ``size`` in bytes."""

    began: datetime
    ended: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes to send, to read for checksums, and to read back at the archive.

    ``seconds`` and ``speed`` (bytes/s) are None where nobody knows; ``transfers`` is how many past ones the speed comes
    from.
    """

    to_send: int
    to_read: int
    seconds: float | None = None
    speed: float | None = None
    transfers: int = 0
    to_read_back: int = 0

    def __str__(self) -> str:
        read = f"To read here for checksums: {human_bytes(self.to_read)}."
        if self.seconds is None:
            return f"{read} How long it takes is not known: this computer has not yet sent anything that was timed."
        past = "the last transfer" if self.transfers == 1 else f"the last {self.transfers} transfers"
        return f"{read} Expected time: {about(self.seconds)}, at the {human_bytes(round(self.speed or 0))}/s of {past}."


def forecast(outcomes: Sequence[Outcome], moves: Sequence[Move], mb_per_second: float | None = None) -> Forecast | None:
    """Foretell what a dry run found; None when there is nothing to do.

    Parameters
    ----------
    outcomes
        What the dry run found.
    moves
        Past transfers from this computer.
    mb_per_second
        Most that is read in a second for checksums (10**6 bytes); None: no limit.
    """
    send, read = sum(o.to_send_bytes for o in outcomes), sum(o.to_read_bytes for o in outcomes)
    back = sum(o.to_read_back_bytes for o in outcomes)
    if not any(outcome.to_send_files or outcome.to_read_bytes or outcome.to_adopt_files for outcome in outcomes):
        return None
    rate = speed(moves)
    if rate is None:
        return Forecast(send, read, to_read_back=back)
    # Files are read while bytes move; only a limit can make that the longer of the two.
    # What is read back is taken to come as fast as what is sent.
    seconds = max((send + back) / rate, read / (mb_per_second * 1e6) if mb_per_second else 0.0)
    return Forecast(send, read, seconds, rate, len(moves), back)


def speed(moves: Iterable[Move]) -> float | None:
    """Return bytes per second over all the time in which at least one transfer ran; None when none did."""
    total, busy = 0, timedelta(0)
    until: datetime | None = None
    for move in sorted(moves, key=lambda move: move.began):
        ended = max(move.ended, move.began + _SHORTEST)  # the service counts whole seconds
        busy += max(ended - max(move.began, until or move.began), timedelta(0))
        until = max(ended, until or ended)
        total += move.size
    return total / busy.total_seconds() if total and busy else None


def about(seconds: float) -> str:
    """Return a time span as people say it: ``about 2 h 10 min``."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    hours, minutes = divmod(round(minutes / 5) * 5, 60)
    if hours >= 48:
        return f"about {round(hours / 24)} days"
    return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"


def past_moves(location: Location, computer: str) -> list[Move]:
    """Return the last transfers from a computer to a location, from the evidence of the archived rows."""
    from pipeline import publication

    here = publication.archived_table(location.dataset_type) & {"globus_alias": location.alias}
    rows = here.to_dicts(order_by="archived_at DESC", limit=LAST)
    return [move for row in rows if (move := as_move(row["evidence"], computer)) is not None]


def as_move(evidence: Any, computer: str) -> Move | None:
    """Return the transfer of a session as its evidence times it; None when another computer sent it, or none did."""
    try:
        if evidence["computer"] != computer or "copied_from" in evidence:
            return None
        began, ended = (datetime.fromisoformat(evidence[name]) for name in ("requested", "completed"))
        return Move(began.replace(tzinfo=None), ended.replace(tzinfo=None), int(evidence["bytes"]))
    except (KeyError, TypeError, ValueError):  # found by a listing alone, or written by an older program
        return None
