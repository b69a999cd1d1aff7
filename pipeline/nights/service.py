"""The service: a round, a pause, a round, a report in the morning; until it is asked to end."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.archive.ports import Clock
    from pipeline.nights.rhythm import Rhythm
    from pipeline.nights.stopping import Stop

_LOG = logging.getLogger("mapshell.nights")
_NAP = timedelta(minutes=1)
"""The clock may be set, and the computer sleep: so often the service looks what time it is."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One round: its number, when it began, and when the next one is to begin (UTC without zone).

    ``ending`` says why it is to end early, empty while it may go on; ``last`` whether no round follows.
    """

    number: int
    began: datetime
    next_at: datetime
    ending: Callable[[], str]
    last: Callable[[], bool]


class Duties(Protocol):
    """What the service does."""

    def round(self, turn: Turn) -> bool:
        """Make a round, and tell how it went; say whether all of it is well."""

    def failed(self, turn: Turn, error: Exception) -> None:
        """Tell that a round failed."""

    def report(self, since: datetime | None, now: datetime) -> None:
        """Make the morning report of what was since the last one (None: there was none), and hand it over."""

    def report_failed(self, error: Exception) -> None:
        """Tell that the report could not be made or handed over."""

    def waiting(self, until: datetime) -> None:
        """Tell when the next round begins."""

    def reported_at(self) -> datetime | None:
        """Return when the last report was made, by an earlier service perhaps."""


@dataclass(slots=True)
class Tally:
    """What a service did: rounds made, of these how many were not well, and reports; ``why`` it ended."""

    rounds: int = 0
    unwell: int = 0
    reports: int = 0
    interrupted: bool = False
    why: str = field(default="")


def serve(rhythm: Rhythm, duties: Duties, clock: Clock, stop: Stop) -> Tally:
    """Make rounds until ``stop`` asks for the end; what fails is told, and tried again at the next time.

    Raises
    ------
    ConfigError, UsageError
        A round that began when the service did met what never mends by itself.
    """
    tally = Tally()
    due: datetime | None = None
    told: datetime | None = None
    # A report that was due before anybody asked this service for one is nobody's.
    reported = duties.reported_at() or clock.now()
    while True:
        now = clock.now()
        if stop.why:
            break
        reported = min(reported, now)  # a clock that was ahead would keep all reports until then
        if reported < (rhythm.report(now) or reported):
            _report(duties, tally, reported, now)
            reported = now
            continue
        if due is not None and due - now > rhythm.every:  # the clock was set back
            due = now
        begin = rhythm.begin(max(now, due or now))
        if begin > now:
            if begin != told:
                duties.waiting(begin)
                told = begin
            until = min(filter(None, (begin, rhythm.next_report(now), now + _NAP)))
            clock.sleep((until - now).total_seconds())
            continue
        tally.rounds += 1
        _round(_turn(rhythm, tally.rounds, now, clock, stop), duties, tally, at_start=told is None and due is None)
        beat = told if told is not None and timedelta(0) <= now - told < rhythm.every else now
        due = rhythm.due(clock.now(), beat)
        if tally.interrupted:
            break
    tally.why = stop.why
    return tally


def _turn(rhythm: Rhythm, number: int, now: datetime, clock: Clock, stop: Stop) -> Turn:
    closes = rhythm.end(now)

    def ending() -> str:
        if stop.why:
            return f"the service ends ({stop.why})"
        return f"the window {rhythm.window} is over" if closes is not None and clock.now() >= closes else ""

    return Turn(number, now, rhythm.begin(rhythm.due(now, now)), ending, lambda: bool(stop.why))


def _round(turn: Turn, duties: Duties, tally: Tally, *, at_start: bool) -> None:
    try:
        if not duties.round(turn):
            tally.unwell += 1
    except KeyboardInterrupt:
        tally.interrupted = True
    except Exception as error:
        if at_start and isinstance(error, (ConfigError, UsageError)):
            raise
        tally.unwell += 1
        duties.failed(turn, error)


def _report(duties: Duties, tally: Tally, since: datetime | None, now: datetime) -> None:
    tally.reports += 1
    try:
        duties.report(since, now)
    except Exception as error:  # noqa: BLE001 - whatever keeps the report, the rounds go on
        _LOG.info("The report failed.", exc_info=error)
        duties.report_failed(error)
