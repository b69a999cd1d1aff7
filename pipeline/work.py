"""What every round of publishing needs and does, wherever its recordings lie: on this computer, or on a loose drive."""

from __future__ import annotations

import os
import platform
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from pipeline import accepting, database, insertions, sessions
from pipeline.archive.adoption.remembered import Remembered
from pipeline.archive.checksums import Hasher
from pipeline.archive.pace import Pace
from pipeline.archive.publish import publish
from pipeline.archive.round import Round
from pipeline.board.published import unarchived
from pipeline.errors import DatabaseError
from pipeline.folders import cache_folder
from pipeline.forecast import forecast, past_moves
from pipeline.here import patterns
from pipeline.report import Report
from pipeline.verify_checksums import scratch_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.archive.checksums import ChecksumCache
    from pipeline.archive.find import Found, LocalSession
    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.quiet import Quiet
    from pipeline.archive.session import Location, Root
    from pipeline.forecast import Move
    from pipeline.journal import TableJournal
    from pipeline.settings import Settings


class SystemClock:
    """The computer's clock."""

    def now(self) -> datetime:
        """Return this instant in UTC, naive."""
        return datetime.now(UTC).replace(tzinfo=None)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Silence:
    """A progress that nobody watches."""

    def task(self, key: str, description: str, total: int) -> None:
        """Do nothing."""

    def update(self, key: str, completed: int, note: str = "") -> None:
        """Do nothing."""

    def done(self, key: str, note: str = "") -> None:
        """Do nothing."""

    def say(self, message: str) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asks of a round; as the arguments of :func:`pipeline.rounds.publish_round`."""

    restrictions: Sequence[Any] = ()
    dry_run: bool = False
    wait: bool = True
    accept: str | Sequence[str] = ()
    because: str = ""
    supersede: bool = False
    adopt: bool = False
    ending: Callable[[], str] = str


class Work:
    """One run of publishing: the chosen sessions, what it works with, and its report.  Use it as a context manager.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Gives the Globus manager; called only when there is something to ask.
    wishes
        What is asked for.
    computer
        Under which name the journal knows where the recordings lie.
    clock, epoch, progress
        Time, seconds since 1970, and who is told how it goes.

    Raises
    ------
    UsageError
        What is to be accepted does not exist, never can be, has no reason, or is meant for several sessions; so with
        what is to be superseded.
    """

    def __init__(
        self,
        settings: Settings,
        store: Callable[[], Store],
        wishes: Wishes,
        computer: str,
        clock: Clock,
        epoch: Callable[[], float],
        progress: Progress,
    ) -> None:
        self.settings, self.wishes, self.computer = settings, wishes, computer
        self._store, self._clock, self._epoch, self._progress = store, clock, epoch, progress
        self.accepted = accepting.acceptance(
            wishes.accept, wishes.because, store, settings.archive.computer, supersede=wishes.supersede
        )
        self.lab_sessions = sessions.load()
        self.keys = sessions.chosen(wishes.restrictions)
        refs = set(self.lab_sessions.refs)
        self.wanted = refs if self.keys is None else self.keys & refs
        nameless = [key for key in self.lab_sessions.nameless if self.keys is None or key in self.keys]
        self.report = Report(dry_run=wishes.dry_run, restricted=self.keys is not None, nameless=nameless)
        self.report.chosen = len(self.wanted) + len(nameless)
        accepting.one_session(self.accepted, self.report.chosen)
        self.quiet: Quiet | None = None
        self._moves: list[Move] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.close()

    @property
    def leave_out(self) -> tuple[str, ...]:
        """What is never archived: what the settings leave out, and our own staging folder."""
        return patterns(self.settings)

    def read_with(self, cache: ChecksumCache, quiet: Quiet | None) -> None:
        """Begin: from here on files are read, remembered in ``cache``, while nothing is recorded (``quiet``)."""
        self.quiet = quiet
        pace = Pace(self._clock, self._epoch, quiet, self.settings.archive.hash_mb_per_second)
        hasher = Hasher(cache, threads=self.settings.archive.hash_threads, pace=pace)
        self._hasher = self._open.enter_context(hasher)
        self._remembered = Remembered(cache_folder(os.environ) / "read-back.sqlite")
        self._open.callback(self._remembered.close)

    def round(self, location: Location, roots: tuple[Root, ...], journal: TableJournal, **more: Any) -> Round:
        """Return the round at one storage location; ``more`` are fields of it that are not the usual ones."""
        archive = self.settings.archive
        usual: dict[str, Any] = {
            "store": self._store,
            "clock": self._clock,
            "epoch": self._epoch,
            "progress": self._progress,
            "hasher": self._hasher,
            "computer": self.computer,
            "quiet_seconds": archive.quiet_seconds,
            "poll_seconds": archive.poll_seconds,
            "stall_seconds": archive.stall_seconds,
            "staging": archive.staging_name,
            "provenance": provenance(self.computer),
            "leave_out": self.leave_out,
            "quiet": self.quiet,
            "acceptance": self.accepted,
            "adopt": self.wishes.adopt,
            "ending": self.wishes.ending,
            "scratch": scratch_root(self.settings, location.alias),
            "remembered": self._remembered,
        }
        return Round(location=location, roots=roots, journal=journal, **{**usual, **more})

    def publish(self, round_: Round, journal: TableJournal, here: Sequence[LocalSession], found: Found) -> bool:
        """Publish what lies here, and report of it; say whether the work may go on with the next location."""
        location, report, dry_run = round_.location, self.report, self.wishes.dry_run
        with journal:
            result = publish(round_, here, found.indexed, dry_run=dry_run, wait=self.wishes.wait)
        report.outcomes.extend(result.outcomes)
        local = {session.ref.key: session for session in here}
        for each in result.outcomes:
            if (size := unarchived(each, local.get(each.key), found.indexed.get(each.key))) is not None:
                report.waiting[each.key, each.alias] = size
        report.stopped = result.stopped
        if report.stopped is not None:
            return False
        news = {outcome.key for outcome in result.outcomes if report.restricted or report.is_news(outcome)}
        with suppress(DatabaseError):  # lost just now, it must not take the outcomes along
            if location.dataset_type == "ephys":
                worth = [session for session in here if session.ref.key in news]
                report.probes.extend(insertions.gaps(location.alias, worth, found.indexed))
            if dry_run and news:
                self._moves.extend(past_moves(location, self.computer))
        return True

    def end(self) -> Report:
        """Return the report, with what can be said of all locations together."""
        report, accepted = self.report, self.accepted
        report.unbroken = () if accepted is None else accepted.unused
        report.superseding = 0 if accepted is None else len(accepted.superseded)
        report.unchanged = accepted is not None and accepted.supersede and not accepted.superseded
        if report.dry_run:
            report.forecast = forecast(report.outcomes, self._moves, self.settings.archive.hash_mb_per_second)
        return report


def provenance(computer: str) -> dict[str, Any]:
    """Say which program made a manifest, and where."""
    from importlib.metadata import version

    return {
        "program": "mapshell",
        "version": version("mapshell"),
        "computer": computer,
        "system": platform.platform(),
        "database": database.describe(),
    }
