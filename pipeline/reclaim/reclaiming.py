"""Reclaim over the tables: which sessions, what stands against each, and the way from one to the next.

A session is proved and deleted before the next one is begun, so that little time lies between.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pipeline import sessions
from pipeline.archive.lister import Lister
from pipeline.archive.pace import Pace
from pipeline.archive.reclaiming.rules import Missing, bring_back
from pipeline.board.heartbeat import sign_of_life
from pipeline.errors import DatabaseError, MapshellError
from pipeline.reclaim import rows
from pipeline.reclaim.carrying_out import Deletion
from pipeline.reclaim.places import Index, counted, everywhere, fetched_back
from pipeline.reclaim.proving import Prover, Subject
from pipeline.reclaim.report import Reclaimed, SessionReclaim
from pipeline.reclaim.units import units
from pipeline.rounds import quiet_disks
from pipeline.work import Silence, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.reclaiming.rules import Place
    from pipeline.archive.session import DatasetType, SessionKey
    from pipeline.reclaim.proving import Busy
    from pipeline.reclaim.units import Unit
    from pipeline.reclaim.wishes import Wishes
    from pipeline.settings import Settings


class Reclaiming:
    """One run of reclaim on this computer: :meth:`survey` it, then :meth:`prove` or :meth:`carry_out`.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Gives the Globus manager; called only when there is something to ask.
    wishes
        What is asked for.
    progress, clock, epoch
        Who is told how it goes; time, and seconds since 1970, the computer's by default.
    """

    def __init__(
        self,
        settings: Settings,
        store: Callable[[], Store],
        wishes: Wishes,
        *,
        progress: Progress | None = None,
        clock: Clock | None = None,
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._store, self._wishes = settings, store, wishes
        self.progress: Progress = progress or Silence()
        self._clock, self._epoch = clock or SystemClock(), epoch
        self._subjects: dict[int, Subject] = {}

    def survey(self) -> Reclaimed:
        """Return what lies here and what stands against each session, as far as no byte and no archive tells it."""
        settings, wishes = self._settings, self._wishes
        lab_sessions = sessions.load()
        keys = sessions.chosen(wishes.restrictions)
        wanted = set(lab_sessions.refs) if keys is None else keys & set(lab_sessions.refs)
        result = Reclaimed(wishes.older_than, restricted=keys is not None)
        places = everywhere(settings)
        # every session takes part: a file may belong to two
        here = units(settings, places, lab_sessions, set(lab_sessions.refs))
        counting = {kind: counted(several, kind) for kind, several in places.items()}
        folders = {str(root.local_path) for unit in here.values() for root in unit.folders.values()}
        back = fetched_back(settings.archive.computer, self._clock.now() - wishes.older_than, folders)
        kinds = {place.alias: kind for kind, several in places.items() for place in several}
        fetched: dict[tuple[SessionKey, DatasetType], Any] = {}
        for (key, alias), when in back.items():
            if alias in kinds:
                fetched[key, kinds[alias]] = max(when, fetched.get((key, kinds[alias]), when))
        self._prover = Prover(
            wishes,
            places,
            {kind: some for kind, (some, _) in counting.items()},
            {kind: most if wishes.copies is None else wishes.copies for kind, (_, most) in counting.items()},
            fetched,
            self._clock.now,
            settings.archive.quiet_seconds,
            settings.archive.hash_threads,
            settings.archive.computer,
        )
        busy = self._prover.busy()
        for kind in wishes.types:
            mine = {key: unit for (key, of), unit in here.items() if of == kind and key in wanted and unit.files}
            self._survey(result, kind, mine, busy)
            if result.restricted:
                self._nothing_here(result, kind, wanted - set(mine), lab_sessions.refs)
        result.sessions.sort(key=lambda each: (each.ref.h2o, each.ref.session_date, each.ref.key, each.dataset_type))
        return result

    def _survey(self, result: Reclaimed, kind: DatasetType, here: Mapping[SessionKey, Unit], busy: Busy) -> None:
        counting = [Index(location) for location in self._prover.counting[kind]]
        indexed = [index.places(sorted(here)) for index in counting]
        accepted = [index.accepted(sorted(here)) for index in counting]
        for key, unit in here.items():
            places: list[Place] = [of_all[key] for of_all in indexed]
            if all(place.is_empty for place in places) and not result.restricted:
                result.not_archived += 1
                continue
            row = SessionReclaim(unit.ref, kind, "to prove", unit.names, command=bring_back(unit.ref, kind))
            row.accepted = tuple(dict.fromkeys(rule for of_all in accepted for rule in of_all.get(key, ())))
            subject = self._prover.subject(unit, row, places)
            missing = self._prover.before_reading(subject, busy)
            if missing is not None:
                row.refuse(missing)
            elif not subject.chosen:
                continue  # nothing here of the file types that were asked for
            self._subjects[id(row)] = subject
            result.sessions.append(row)

    def _nothing_here(self, result: Reclaimed, kind: DatasetType, keys: set[SessionKey], refs: Any) -> None:
        """Name archived sessions that were asked for and of which nothing is here."""
        archived: set[SessionKey] = set()
        for location in self._prover.counting[kind]:
            places = Index(location).places(sorted(keys))
            archived.update(key for key, place in places.items() if not place.is_empty)
        for key in archived:
            command = bring_back(refs[key], kind)
            result.sessions.append(SessionReclaim(refs[key], kind, "nothing here", command=command))

    # -- what the archive and the bytes tell -------------------------------------------------------------------------

    def prove(self, survey: Reclaimed) -> Reclaimed:
        """Make every proof for what nothing stands against yet, and delete nothing."""
        survey.dry_run = True

        def one(subject: Subject, lister: Lister, pace: Pace) -> Missing | None:
            found = self._prover.by_looking(subject, lister) or self._prover.by_bytes(subject, pace, self._seen)
            subject.row.verdict = "would reclaim"
            return found

        return self._each(survey, one)

    def carry_out(self, survey: Reclaimed) -> Reclaimed:
        """Prove and delete, one session after the other."""
        with sign_of_life(self._settings, "reclaim", scope="chosen" if survey.restricted else "all") as life:
            self._carry_out(survey)
            life.came_of(survey)
        return survey

    def _carry_out(self, survey: Reclaimed) -> None:
        try:
            unfinished = rows.unfinished(self._settings.archive.computer)
        except DatabaseError as error:
            survey.stopped = error
            return

        def one(subject: Subject, lister: Lister, pace: Pace) -> Missing | None:
            earlier = unfinished.pop((subject.unit.key, subject.unit.dataset_type), [])
            work = Deletion(self._settings, self._prover, subject, self._store, earlier)
            try:
                missing = work.go(lister, pace, self._seen)
            except MapshellError as error:
                if work.deleted:  # the database was lost after it knew of the deletion
                    subject.row.verdict, subject.row.reason = "reclaimed", error.message
                    subject.row.remedy = "run it again: it finishes what is written down."
                raise
            finally:
                survey.freed += work.freed
                survey.deleted += work.deleted
                subject.row.files, subject.row.size = work.deleted, work.freed
            if missing is None:
                subject.row.verdict = "reclaimed"
                return None
            subject.row.refuse(missing)
            subject.row.files, subject.row.size = work.deleted, work.freed
            return missing

        self._each(survey, one)
        if survey.stopped is None:
            self._end(survey, [row for several in unfinished.values() for row in several])

    def _end(self, survey: Reclaimed, unfinished: list[dict[str, Any]]) -> None:
        """Finish rows of runs that were killed after their last deletion."""
        try:
            for row in unfinished:
                if rows.all_gone(row):
                    rows.finish(row["reclaim_id"], rows.DONE, row["files"], row["bytes"], self._clock.now())
        except DatabaseError as error:
            survey.stopped = error

    def _each(self, survey: Reclaimed, one: Callable[[Subject, Lister, Pace], Missing | None]) -> Reclaimed:
        """Do something for each session that nothing stands against; what ends one ends no other, if it need not."""
        todo = survey.to_prove
        if not todo:
            return survey
        quiet = quiet_disks(self._settings, self._clock, self._epoch, self.progress)
        pace = Pace(self._clock, self._epoch, quiet, self._settings.archive.hash_mb_per_second)
        self._read = 0
        self.progress.task("reclaim", "reading what is here", sum(row.size for row in todo))
        try:
            with Lister(self._store()) as lister:
                for row in todo:
                    missing = one(self._subjects[id(row)], lister, pace)
                    if missing is not None and row.verdict != "refused":
                        row.refuse(missing)
        except MapshellError as error:
            survey.stopped = error
        for row in survey.to_prove:
            row.refuse(_not_reached(survey.stopped))
        self.progress.done("reclaim")
        return survey

    def _seen(self, size: int) -> None:
        self._read += size
        self.progress.update("reclaim", self._read)


def _not_reached(stopped: MapshellError | None) -> Missing:
    said = "the run ended before" if stopped is None else f"not reached: {stopped.message.rstrip('.')}"
    return Missing("listed", said, "" if stopped is None else stopped.remedy)
