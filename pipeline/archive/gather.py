"""The second half of a round: watch the tasks, check, describe and commit each session as it lands."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.archive.check import check
from pipeline.archive.describe import Description, astray, describe, reattach, unstage
from pipeline.archive.details import as_details
from pipeline.archive.failing import AGAIN, Cancelled, Failure, after_failure, not_as_planned, vanished
from pipeline.archive.journal import Outcome, step
from pipeline.archive.known import differing
from pipeline.archive.lent import gone
from pipeline.archive.news import has_news, look_again
from pipeline.archive.ports import TaskStatus
from pipeline.archive.round import (
    UNWRITABLE,
    Flight,
    Round,
    committed,
    ends_the_round,
    in_words,
    outcome,
    under_way,
    with_amounts,
)
from pipeline.archive.transfer import why_failed
from pipeline.archive.watch import Forgotten, Watch
from pipeline.errors import GlobusError, IntegrityError, MapshellError, ServiceFull

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.archive.departing.queue import Departing
    from pipeline.archive.find import LocalSession
    from pipeline.archive.journal import Entry
    from pipeline.archive.scan import Defect


class Gatherer:
    """Brings the flights of a round home, while ``departing`` lets others take off.

    ``outcomes`` grows by one for each flight; ``again`` holds sessions that are archived so far, of which this computer
    may have more; ``stopped`` is what ended the round early (a lost login or database, a service that does not answer).
    """

    def __init__(self, round_: Round, departing: Departing) -> None:
        self._round = round_
        self._departing = departing
        self._airborne: list[Flight] = []
        self._checked: list[Flight] = []
        self._described: list[Description] = []
        self.outcomes: list[Outcome] = []
        self.again: list[LocalSession] = []
        self._cancelled = Cancelled(round_)
        self.stopped: MapshellError | None = None
        self._away: MapshellError | None = None
        self._turned_away = False

    def run(self, *, wait_for_tasks: bool = True) -> None:
        """Gather until nothing is left to wait for; without waiting, gather what has ended already."""
        try:
            self._depart()
            if self._flights():
                self._run(Watch(self._round), wait_for_tasks=wait_for_tasks)
        except MapshellError as error:
            self.stopped = error
        finally:
            self._leave_rest()
        self.stopped = self.stopped or self._away

    def _depart(self) -> None:
        """Take the next flights, as many as may be in the air; what ended their departure ends all of it."""
        flights = self._departing.depart(len(self._flights()))
        self._airborne.extend(flight for flight in flights if flight.entry.state != "checked")
        if checked := [flight for flight in flights if flight.entry.state == "checked"]:
            self._checked.extend(checked)
        if self._departing.stopped is not None:
            raise self._departing.stopped
        if checked:
            self._turned_away = True
            self._describe_or_wait()

    def _run(self, watch: Watch, *, wait_for_tasks: bool) -> None:
        while True:
            watch.ask(
                [f.entry for f in self._airborne if not f.landed and f.entry.request.items]
                + [d.entry for d in self._described]
            )
            with self._only_ending(list(self._airborne)):
                self._mind_drive()
            for flight in list(self._airborne):
                with self._only_ending([flight]):
                    self._look(watch, flight)
            if self._checked:
                self._describe_or_wait()
            for description in list(self._described):
                with self._only_ending(description.flights):
                    self._look_at_description(watch, description)
            if not wait_for_tasks or self._round.ending():
                return
            self._depart()
            if not self._flights():
                return
            self._pause(watch.interval)

    def _flights(self) -> list[Flight]:
        return [*self._airborne, *self._checked, *(f for d in self._described for f in d.flights)]

    def _mind_drive(self) -> None:
        """Judge nothing by the absence of files whose drive is gone: what is under way waits for it."""
        if self._airborne and (away := gone(self._round)) is not None:
            self._away = away
            raise away

    def _leave_rest(self) -> None:
        """Whatever is still under way stays in the journal; the next round goes on with it."""
        error = self.stopped
        for flight in self._flights():
            given_up = self._cancelled.why(flight)
            if error is None and given_up is not None:
                self._leave_cancelled(flight, given_up)
                continue
            reason = under_way(flight.entry) if error is None else error.message
            self._end(flight, "in flight", reason, "" if error is None else error.remedy, failed=error is not None)

    @contextmanager
    def _only_ending(self, flights: Sequence[Flight]) -> Iterator[None]:
        """Let an error end only the flights that it concerns; what they have reached stays in the journal."""
        try:
            yield
        except ServiceFull:
            raise
        except Exception as error:
            if ends_the_round(error):
                raise
            said = in_words(error)
            for flight in list(flights):
                self._end(flight, "in flight", said.message, said.remedy, failed=True)

    def _reattach(self) -> None:
        """Find the transfers of manifests that belong to flights checked in an earlier round."""
        by_subpath = {flight.manifest.subpath: flight for flight in self._checked}
        keys = [flight.session.ref.key for flight in self._checked]
        for entry in self._round.journal.unfinished(keys) if keys else ():
            flights = [by_subpath[p.manifest.subpath] for p in entry.parts if p.manifest.subpath in by_subpath]
            flights = [flight for flight in flights if flight in self._checked]
            if entry.purpose == "manifest" and flights:
                with self._only_ending(flights):
                    self._described.append(reattach(self._round, flights, entry))
                    self._checked = [flight for flight in self._checked if flight not in flights]

    def _describe_or_wait(self) -> None:
        """Send manifests; when Globus takes no further task, wait for what of ours is under way, if anything is."""
        try:
            with self._only_ending(list(self._checked)):
                if self._turned_away:
                    self._reattach()
                self._turned_away = False
                if self._checked:
                    self._describe()
        except ServiceFull as error:
            self._turned_away = True
            if not (self._airborne or self._described):
                for flight in list(self._checked):
                    self._end(flight, "in flight", error.message, error.remedy, failed=True)

    def _describe(self) -> None:
        """Send the manifests of the flights that were checked, and are still ours."""
        for flight in list(self._checked):
            with self._only_ending([flight]):
                self._round.journal.keep([flight.session.ref.key])
        descriptions, taken = describe(self._round, self._checked)
        self._described.extend(descriptions)
        self._checked.clear()
        for flight, error in taken:
            self._end(flight, "in flight", error.message, error.remedy, failed=True)

    def _look(self, watch: Watch, flight: Flight) -> None:
        if not flight.entry.request.items:
            self._landed(flight, _NO_TASK)
            return
        try:
            status = watch.status(flight.entry)
        except Forgotten:
            self._failed(flight, Failure("Globus does not know its task any more"))
            return
        if status is None:
            return
        if status.state == "SUCCEEDED":
            self._landed(flight, status)
        elif status.state == "FAILED":
            self._failed(flight, after_failure(self._round, flight, status, self._cancelled.why(flight)))
        else:
            self._still_flying(watch, flight, status)

    def _leave_cancelled(self, flight: Flight, defect: Defect) -> None:
        reason = f"{defect.subpath}: {defect.message}; its transfer was cancelled and has not ended yet"
        self._end(flight, "in flight", reason, defect.remedy, failed=True)

    def _still_flying(self, watch: Watch, flight: Flight, status: TaskStatus) -> None:
        if (given_up := self._cancelled.why(flight)) is not None:
            if self._cancelled.waited_for(flight):
                self._leave_cancelled(flight, given_up)
            return
        wrong, enough = watch.trouble(status)
        key = str(flight.entry.transfer_id)
        self._round.progress.update(key, status.bytes_transferred, "" if wrong is None else wrong.message)
        if wrong is None:
            return
        if lost := vanished(flight):
            self._mind_drive()
            # The service would go on asking for the file until the task's deadline.
            self._cancelled.cancel(flight, status, lost[0])
        elif enough:
            self._end(flight, "in flight", wrong.message, wrong.remedy, failed=True)

    def _landed(self, flight: Flight, status: TaskStatus) -> None:
        if not flight.landed:
            flight.landed = True
            step("succeeded")
            self._round.progress.update(str(flight.entry.transfer_id), flight.size, "checking")
        if self._round.hasher.pending(flight.unproved):
            return
        entry, defects = check(self._round, flight, status)
        if entry is None:
            self._mind_drive()
            self._failed(flight, not_as_planned(self._round, flight, status, defects))
            return
        step("checking")
        self._round.journal.advance(entry)
        step("checked")
        flight.entry = entry
        self._airborne.remove(flight)
        self._checked.append(flight)

    def _failed(self, flight: Flight, failure: Failure) -> None:
        self._round.journal.advance(flight.entry.advanced("failed", outcome=failure.reason, left=failure.left))
        reason, remedy, defects = failure.reason, failure.remedy, failure.defects
        state = differing(flight.known, "refused" if defects else "queued")
        if defects:
            reason, remedy = f"{defects[0].subpath}: {defects[0].message}", defects[0].remedy
        self._end(flight, state, reason, remedy, failed=True, details=as_details(defects))

    def _look_at_description(self, watch: Watch, description: Description) -> None:
        entry = description.entry
        try:
            status = watch.status(entry)
        except Forgotten:
            raise self._undescribed(entry, "Globus does not know its task any more") from None
        if status is None:
            return
        if status.state == "FAILED":
            raise self._undescribed(entry, why_failed(self._round.store(), status))
        if status.state != "SUCCEEDED":
            wrong, enough = watch.trouble(status)
            if wrong is not None and enough:
                raise GlobusError(
                    f"Its files are at the archive, its manifest is not: {wrong.message}.", remedy=wrong.remedy
                )
            return
        missing = astray(self._round, description)
        if status.files_skipped:
            missing = "something of its name came to the archive meanwhile"
        if missing:
            raise self._undescribed(entry, missing)
        step("described")
        for flight in list(description.flights):
            with self._only_ending([flight]):
                self._commit(description, flight)
        if self._round.journal.settle(entry):  # else some of them were not committed: the next round reattaches
            step("done")

    def _undescribed(self, entry: Entry, reason: str) -> IntegrityError:
        self._round.journal.advance(entry.advanced("failed", outcome=reason))
        return IntegrityError(f"Its files are at the archive, but its manifest is not: {reason}.", remedy=AGAIN)

    def _commit(self, description: Description, flight: Flight) -> None:
        self._round.journal.commit(flight.manifest, flight.entry.advanced("done"))
        step("committed")
        unstage(self._round, [flight.manifest])
        description.flights.remove(flight)
        if not description.flights:
            self._described.remove(description)
        now = look_again(self._round, flight.session)
        if flight.more or (not flight.problems and has_news(now, flight.session, flight.manifest)):
            self.again.append(now)
        result = committed(self._round, flight)
        self._finish(flight, with_amounts(result, flight))

    def _end(self, flight: Flight, state: str, reason: str, remedy: str, **more: object) -> None:
        self._airborne = [other for other in self._airborne if other is not flight]
        self._checked = [other for other in self._checked if other is not flight]
        for description in list(self._described):
            if flight in description.flights:
                description.flights.remove(flight)
                if not description.flights:
                    self._described.remove(description)
        self._finish(flight, outcome(self._round, flight.session, state, reason, remedy, **more))

    def _finish(self, flight: Flight, result: Outcome) -> None:
        self.outcomes.append(result)
        self._round.progress.done(str(flight.entry.transfer_id), result.state)
        if not isinstance(self.stopped, UNWRITABLE):
            self._round.journal.release([flight.session.ref.key])

    def _pause(self, seconds: float) -> None:
        """Wait for the next look, or for a checksum that a landed session still lacks."""
        pending = [f for flight in self._airborne if flight.landed for f in self._round.hasher.pending(flight.unproved)]
        if pending:
            wait(pending, timeout=seconds, return_when=FIRST_COMPLETED)
        else:
            self._round.clock.sleep(seconds)


_NO_TASK = TaskStatus("", "SUCCEEDED", "")
"""What stands for the task of a session of which nothing had to be sent."""
