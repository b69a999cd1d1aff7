"""When rounds begin, when they end early, and when the morning report is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from pipeline.amounts import duration
from pipeline.errors import UsageError
from pipeline.nights.window import Window, instant, local, read_window, time_of_day

_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(weeks=1)
_DAY = timedelta(days=1)
MORNING = time(7, 0)
"""When the report is due where neither a window nor ``--report-at`` says so."""

NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A round ``every`` so often, while the ``window`` is open (None: always).

    ``report_at`` is the time of the day of the morning report (None: there is none); ``zone`` is that of both.
    Instants are UTC without zone.
    """

    every: timedelta
    window: Window | None
    report_at: time | None
    zone: tzinfo

    def begin(self, due: datetime) -> datetime:
        """Return when a round that is due may begin: then, or when the window opens next."""
        return due if self.window is None else max(due, self.window.open_at(due)[0])

    def due(self, now: datetime, last: datetime) -> datetime:
        """Return when the next round is due after one that began at ``last`` and has ended ``now``.

        Rounds keep their beat: one that took longer than ``every`` lets the next one begin a whole number of it later.
        """
        if now < last:  # the clock was set back meanwhile
            return now + self.every
        return last + max(1, -((last - now) // self.every)) * self.every

    def end(self, now: datetime) -> datetime | None:
        """Return when the window that is open now ends; None where there is none."""
        return None if self.window is None else self.window.open_at(now)[1]

    def report(self, now: datetime) -> datetime | None:
        """Return when the newest report was due, at ``now`` at the latest; None when there are none."""
        return self._report(now, (1, 0, -1, -2), past=True)

    def next_report(self, now: datetime) -> datetime | None:
        """Return when the next report is due, after ``now``; None when there are none."""
        return self._report(now, (-1, 0, 1, 2), past=False)

    def _report(self, now: datetime, days: tuple[int, ...], *, past: bool) -> datetime | None:
        if self.report_at is None:
            return None
        today = local(now, self.zone).date()
        dues = (instant(datetime.combine(today + each * _DAY, self.report_at), self.zone) for each in days)
        return next(due for due in dues if (due <= now) is past)


def read_rhythm(every: str, at: str, report_at: str, zone: tzinfo) -> Rhythm:
    """Read what a person asks for: ``15m``, ``22:00-06:00`` (or nothing), ``07:00`` (or ``never``, or nothing).

    Raises
    ------
    UsageError
        One of them cannot be read, or makes no sense.
    """
    span = read_every(every)
    window = read_window(at, zone) if at else None
    return Rhythm(span, window, read_report_at(report_at, window), zone)


def read_every(text: str) -> timedelta:
    """Read how often rounds are to begin.

    Raises
    ------
    UsageError
        It cannot be read, or is shorter than a minute or longer than a week.
    """
    span = duration(text)
    if not _SHORTEST <= span <= _LONGEST:
        asked = "too often" if span < _SHORTEST else "too seldom"
        raise UsageError(
            f"A round every {text} is {asked}.", remedy="give a time between 1m and 1w, such as --every 15m."
        )
    return span


def read_report_at(text: str, window: Window | None) -> time | None:
    """Read when the report is due: by default when the window ends.

    Raises
    ------
    UsageError
        It is no time of the day.
    """
    if text == NEVER:
        return None
    if text:
        return time_of_day(text)
    return MORNING if window is None else window.end
