"""``mapshell publication-publish --every``: rounds of publishing, until somebody ends them."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mapshell.progress import SilentProgress
from mapshell.serving.lines import Lines, span
from mapshell.serving.signals import Signals
from pipeline.archive.round import in_words
from pipeline.database.entering import fitting
from pipeline.errors import (
    ConfigError,
    DatabaseError,
    MapshellError,
    SchemaVersionError,
    ServiceError,
    UsageError,
)
from pipeline.nights.only import only_service
from pipeline.nights.ready import notify
from pipeline.nights.rhythm import Rhythm, read_rhythm
from pipeline.nights.service import Tally, Turn, serve
from pipeline.nights.stopping import ServiceClock, Stop
from pipeline.services import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from mapshell.commands.choosing import Choice
    from mapshell.context import Context
    from mapshell.output import Output
    from mapshell.progress import Progress
    from pipeline.archive.ports import Clock
    from pipeline.report import Report

_LOG = logging.getLogger("mapshell.nights")


def publish_nights(
    context: Context, choice: Choice, *, every: str, at: str, report_at: str, wait: bool = True, adopt: bool = False
) -> None:
    """Make rounds of publishing until somebody ends them; nothing is ever asked.

    Parameters
    ----------
    context
        What the command works with.
    choice
        Which sessions and kinds of data.
    every, at, report_at
        As a person writes them: ``15m``, ``22:00-06:00``, ``07:00``; empty for the usual.
    wait, adopt
        As in :func:`pipeline.rounds.publish_round`.

    Raises
    ------
    MapshellError
        It cannot begin: the configuration or an option is wrong, or another one is at work.
    KeyboardInterrupt
        Somebody wanted the end at once.
    """
    context.options.no_input = True
    if context.options.format == "csv":
        raise UsageError("Rounds that go on have no table.", remedy="use --format json: a document in each line.")
    settings = context.settings
    rhythm = read_rhythm(every, at, report_at, ZoneInfo(settings.archive.timezone))
    stop = Stop()
    clock = ServiceClock(stop)
    with only_service(settings, context.environ, clock.now()) as mine, Signals(stop) as signals:
        _try_out(context, choice)
        nights = Nights(context, choice, rhythm, clock, mine, wait=wait, adopt=adopt)
        nights.begin()
        notify(context.environ, "READY=1")
        try:
            tally = serve(rhythm, nights, clock, stop)
        except KeyboardInterrupt:  # while it reported
            tally = Tally(why=stop.why, interrupted=True)
        notify(context.environ, "STOPPING=1")
        nights.end(tally)
    if tally.interrupted and not signals.overdue:
        raise KeyboardInterrupt


def _try_out(context: Context, choice: Choice) -> None:
    """Meet what never mends by itself before anything is promised; what may be back tonight is no obstacle."""
    try:
        context.database()
        choice.restrictions()
    except (ConfigError, UsageError, SchemaVersionError):
        raise
    except MapshellError as error:
        context.output.warn(f"{error.message} It is tried again in each round.")


class Nights:
    """What the service does (:class:`pipeline.nights.service.Duties`).

    Parameters
    ----------
    context, choice
        Settings, database, login; and which sessions.
    rhythm
        When it works.
    clock
        Time.
    mine
        File of this service, without its ending.
    wait, adopt
        As in :func:`pipeline.rounds.publish_round`.
    """

    def __init__(
        self, context: Context, choice: Choice, rhythm: Rhythm, clock: Clock, mine: Path, *, wait: bool, adopt: bool
    ) -> None:
        self._context, self._choice, self._rhythm, self._clock = context, choice, rhythm, clock
        self._reported = mine.with_suffix(".reported")
        self._wait, self._adopt = wait, adopt
        self._lines = Lines(context.output, rhythm.zone)

    def begin(self) -> None:
        """Tell what is going to happen."""
        rhythm, now = self._rhythm, self._clock.now()
        when = f"every {span(rhythm.every)}" + (f", {rhythm.window}" if rhythm.window else "")
        report = f", a report at {rhythm.report_at:%H:%M}" if rhythm.report_at else ""
        self._lines.tell(
            "started",
            now,
            f"A round of publishing {when} ({rhythm.zone}){report}.",
            every_seconds=rhythm.every.total_seconds(),
            window=str(rhythm.window or "") or None,
            report_at=f"{rhythm.report_at:%H:%M}" if rhythm.report_at else None,
            timezone=str(rhythm.zone),
            settings_file=self._context.settings.file,
        )

    def end(self, tally: Tally) -> None:
        """Tell what was done altogether."""
        rounds = f"{tally.rounds:,} {'round' if tally.rounds == 1 else 'rounds'}"
        unwell = f", of which {tally.unwell:,} left something to do" if tally.unwell else ""
        how = " The last one was interrupted; the next one goes on." if tally.interrupted else ""
        self._lines.tell(
            "ended",
            self._clock.now(),
            f"Ended ({tally.why}) after {rounds}{unwell}.{how} Transfers under way go on at Globus.",
            rounds=tally.rounds,
            rounds_not_well=tally.unwell,
            reports=tally.reports,
            interrupted=tally.interrupted,
            why=tally.why,
        )

    def waiting(self, until: datetime) -> None:
        """Tell the service manager alone: what came of each round is told already."""
        notify(self._context.environ, f"STATUS=next round at {self._lines.clock(until, self._clock.now())}")

    def round(self, turn: Turn) -> bool:
        """Make a round with the settings as they are now, and tell what came of it."""
        from pipeline.rounds import publish_round

        notify(self._context.environ, f"STATUS=round {turn.number:,}")
        here = self._context.child()
        here.database()
        chosen = self._choice.restrictions()
        with _progress(here.output) as progress:
            report = publish_round(
                here.settings,
                here.globus,
                self._choice.kinds,
                chosen,
                wait=self._wait,
                adopt=self._adopt,
                progress=progress,
                clock=self._clock,
                ending=turn.ending,
                next_at=turn.next_at,
            )
        if report.stopped is not None:
            self._tell(turn, f"{report.stopped.message} {report}", report, report.stopped)
            return False
        self._tell(turn, str(report), report)
        return report.whole

    def failed(self, turn: Turn, error: Exception) -> None:
        """Tell that a round could not be made."""
        said = in_words(error)  # one that nobody expected goes to the log with all that is known
        _LOG.info("The round failed: %s", said.message)
        self._tell(turn, said.message, None, said)

    def _tell(self, turn: Turn, text: str, report: Report | None, error: MapshellError | None = None) -> None:
        from pipeline.board.published import needs

        now, why = self._clock.now(), turn.ending()
        remedy = fitting(error.remedy) if error is not None else ""
        person = needs(report) if report is not None and error is None else ""
        parts = [text]
        if remedy:
            parts.append(f"Remedy: {remedy}")
        if person:
            parts.append(f"For a person: {person.rstrip('.')}.")
        if why:
            parts.append(f"The round ended early: {why}.")
        if not turn.last():
            parts.append(f"Next: {self._lines.clock(turn.next_at, now)}.")
        facts: dict[str, Any] = {
            "round": turn.number,
            "began_at": turn.began,
            "next_at": None if turn.last() else turn.next_at,
            "result": "failed" if error is not None else "done" if report is None or report.whole else "partly done",
            "error": error.message if error is not None else None,
            "remedy": remedy,
            "needs_a_person": person,
            "ended_early": why,
        }
        if report is not None:
            new = [outcome for outcome in report.outcomes if outcome.sent_files or outcome.adopted_files]
            facts["sessions"] = dict(sorted(Counter(outcome.state for outcome in report.outcomes).items()))
            facts["archived_now_sessions"] = sum(outcome.state.startswith("archived") for outcome in new)
            facts["archived_now_bytes"] = sum(outcome.sent_bytes + outcome.adopted_bytes for outcome in new)
        self._lines.tell("round", now, " ".join(parts), **facts)

    # -- the morning report ------------------------------------------------------------------------------------

    def reported_at(self) -> datetime | None:
        """Return when the last report was made with this configuration."""
        try:
            return datetime.fromisoformat(self._reported.read_text("utf-8").strip()).replace(tzinfo=None)
        except (OSError, ValueError):
            return None

    def report(self, since: datetime | None, now: datetime) -> None:
        """Make the morning report, tell it in a line, and give it to whoever the settings name."""
        from pipeline import morning

        here = self._context.child()
        try:
            here.database()
            made = morning.make(here.settings, since, environ=here.environ)
        except (DatabaseError, ServiceError) as error:  # who must know of it would else hear nothing at all
            made = morning.unreachable(here.settings, since, now, error)
        passed_on = bool(here.settings.notify.command)
        if passed_on:
            morning.tell(here.settings, made, here.environ)
        self._remember(now)
        told = " It was passed on." if passed_on else " mapshell publication-report tells more."
        self._lines.tell(
            "report", now, f"Report: {made.subject}.{told}", subject=made.subject, passed_on=passed_on, whole=made.whole
        )

    def report_failed(self, error: Exception) -> None:
        """Tell that the report could not be made or handed over."""
        said = in_words(error)
        text = f"The report failed: {said.message} Remedy: {said.remedy}"
        self._lines.tell("report", self._clock.now(), text, error=said.message, remedy=said.remedy)

    def _remember(self, now: datetime) -> None:
        write_private(self._reported, f"{now.isoformat()}\n".encode())


class _Spoken(SilentProgress):
    """Says what is worth a line, and draws nothing."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def say(self, message: str) -> None:
        """Say a line."""
        self._output.say(message)


def _progress(output: Output) -> Progress:
    return output.progress() if output.fancy(output.stderr) else _Spoken(output)
