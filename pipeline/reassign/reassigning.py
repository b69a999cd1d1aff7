"""``reassign``: what was archived as one session becomes another's; put together from the settings and the tables."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline import accepting, database, publication
from pipeline.archive.acceptance import checked_reason
from pipeline.archive.checksums import ChecksumCache, Hasher
from pipeline.archive.find import LocalSession
from pipeline.archive.haul import Patient
from pipeline.archive.identity import is_same
from pipeline.archive.naming import compile_layout
from pipeline.archive.relocate import begin, look
from pipeline.archive.round import Round, ends_the_round, in_words
from pipeline.errors import DatabaseReadOnly, Refused
from pipeline.folders import cache_folder
from pipeline.here import local_roots
from pipeline.journal import TableJournal
from pipeline.locations import locations
from pipeline.reassign import choosing, planning
from pipeline.reassign.finishing import Finished, finish, gather, open_moves, settle
from pipeline.reassign.reassigned import Place, Reassignment
from pipeline.verify_checksums import scratch_root
from pipeline.work import Silence, SystemClock, provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.archive.journal import Entry, Rename
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.relocate import Relocation
    from pipeline.archive.session import DatasetType, Location, SessionRef
    from pipeline.reassign.planning import Reason
    from pipeline.settings import Settings


class Reassigning:
    """Plans a reassignment, then carries it out.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Gives the Globus manager; called when there is something to ask.
    source
        The session as it was archived: ``SUBJECT/NUMBER`` or ``SUBJECT/DATE``.
    target
        The session of the lab's tables that it is.
    types
        Which kinds of data.
    because
        Why; may be empty.
    progress, clock
        Who is told how it goes; time, the computer's by default.

    Raises
    ------
    UsageError
        A session that does not exist, or is not archived.
    """

    def __init__(
        self,
        settings: Settings,
        store: Callable[[], Store],
        source: str,
        target: str,
        types: Sequence[DatasetType] = ("ephys", "video"),
        *,
        because: str = "",
        progress: Progress | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self.progress = progress or Silence()
        self._clock = clock or SystemClock()
        self._because = checked_reason(because) if because.strip() else ""
        self._said = choosing.read(source)
        self._lab = choosing.lab_now()
        self._now = choosing.in_lab(choosing.read(target), self._lab)
        self._places = locations(settings, types, register=False)
        self._who: dict[str, str] | None = None
        self._was = choosing.archived(self._said, [place.alias for place in self._places])
        self._target = target

    def plan(self) -> Reassignment:
        """Say what is to be done at each storage location; changes nothing.

        Raises
        ------
        UsageError, Refused, Conflict, IntegrityError, NameRefused
            It cannot be done, at one of them or at all: then nothing is done at any.
        """
        result = Reassignment(self._said.text, self._target, self._now, dry_run=True)
        for location in self._places:
            place = self._plan(location)
            if place is not None:
                result.places.append(place)
        if not result.places:
            raise choosing.none_archived(self._said, [place.alias for place in self._places])
        return result

    def carry_out(self, plan: Reassignment) -> Reassignment:
        """Do what was planned, one storage location after the other; what is interrupted is ended by the next run.

        Raises
        ------
        DatabaseReadOnly
            The account may not write.
        """
        if plan.to_do:
            database.ensure_writable()
        result = Reassignment(plan.source, plan.target, plan.now)
        for place in plan.places:
            if place.state in ("to be reassigned", "to be ended") and result.stopped is None:
                try:
                    self._carry_out(place)
                except Exception as error:  # noqa: BLE001 - the other places are tried all the same
                    said = in_words(error)
                    flying = bool(self._open(TableJournal(place.location, {}, self._settings.archive.computer), place))
                    place.tell("in flight" if flying else "failed", said.message, said.remedy)
                    if ends_the_round(error):
                        result.stopped = said
            elif place.state == "already" and result.stopped is None:
                self._tidy(place)
            result.places.append(place)
        return result

    def _tidy(self, place: Place) -> None:
        """Close what was left open by a process that was killed when all was done."""
        journal = TableJournal(place.location, {}, self._settings.archive.computer)
        with suppress(DatabaseReadOnly), self._round(place.location, journal) as round_:
            settle(round_, journal, [place.now.key])

    # -- one location ------------------------------------------------------------------------------------------

    def _plan(self, location: Location) -> Place | None:
        journal = TableJournal(location, {}, self._settings.archive.computer)
        was = self._was
        before = None if was is None else journal.indexed([was.key]).get(was.key)
        if before is None or is_same(before.session, self._now):
            done = before.session if before else planning.was_before(location, self._is_meant, self._now)
            there = journal.indexed([self._now.key]).get(self._now.key)
            if done is None or there is None:
                return None
            return Place(location, "already", done, self._now, len(there.files), _size(there))
        place = Place(
            location,
            "to be reassigned",
            before.session,
            self._now,
            files=len(before.files),
            size=_size(before),
        )
        under_way = self._open(journal, place)
        if under_way:
            place.state, part = "to be ended", under_way[0].parts[0]
            place.renames, place.manifest = part.renames, part.manifest.subpath
            return place
        planning.refuse(journal, location, before, self._now)
        with self._round(location, journal) as round_:
            planned = self._relocation(round_, before)
            look(round_, planned)
        place.renames, place.manifest = planned.renames, planned.after.subpath
        return place

    def _is_meant(self, was: SessionRef) -> bool:
        return self._was.key == was.key if self._was is not None else choosing.is_meant(self._said, was)

    def _open(self, journal: TableJournal, place: Place) -> list[Entry]:
        """Return the open relocations that lead from the one session to the other."""
        return [
            entry
            for entry in open_moves(journal, {place.was.key})
            if entry.parts[0].key == self._now.key
            and entry.parts[0].before is not None
            and entry.parts[0].before.session.key == place.was.key
            and entry.parts[0].before.session != entry.parts[0].manifest.session
        ]

    def _relocation(self, round_: Round, before: Manifest) -> Relocation:
        layouts = tuple(
            compile_layout(each) for each in self._settings.archive.layouts.get(round_.location.dataset_type, ())
        )
        (row,) = (publication.DataSet() & {"globus_alias": before.alias, "dataset_name": before.name}).to_dicts()
        archive = self._settings.archive
        patient = Patient(self._clock, self.progress, archive.poll_seconds, archive.stall_seconds)
        return planning.plan(round_, before, row["dataset_manifest"], self._now, layouts, self._reason(), patient)

    def _reason(self) -> Reason:
        if self._who is None:
            self._who = accepting.who(self._store)
        return planning.Reason(self._clock.now(), self._who, self._because)

    def _carry_out(self, place: Place) -> None:
        journal = TableJournal(place.location, self._lab.refs, self._settings.archive.computer)
        keys = sorted({place.was.key, place.now.key})
        with self._round(place.location, journal) as round_:
            if place.state == "to be ended":
                place.note(finish(round_, journal, keys))
                return
            with journal:
                for key in keys:
                    holder = journal.claim(key)
                    if holder is not None:
                        journal.release(keys)
                        raise Refused(f"{holder} works on the session now.", remedy="reassign when that has ended.")
                try:
                    planned = self._as_planned(round_, journal, place)
                    flight = begin(round_, planned, LocalSession(self._now, (), (), ()))
                except BaseException:
                    journal.release(keys)
                    raise
                done = Finished()
                gather(round_, [flight], done)
                place.note(done)

    def _as_planned(self, round_: Round, journal: TableJournal, place: Place) -> Relocation:
        """Plan it anew, now that nobody else can change the sessions: it must be what was planned."""
        before = journal.indexed([place.was.key]).get(place.was.key)
        if before is None or len(before.files) != place.files:
            raise Refused("The index has changed meanwhile; nothing was renamed.", remedy="plan it again.")
        entries = journal.unfinished({place.was.key, place.now.key})
        if entries:
            raise Refused("Something else was begun with the session meanwhile.", remedy="plan it again.")
        planned = self._relocation(round_, before)
        if _paths(planned.renames) != _paths(place.renames):
            raise Refused("The archive has changed meanwhile; nothing was renamed.", remedy="plan it again.")
        return planned

    @contextmanager
    def _round(self, location: Location, journal: TableJournal) -> Iterator[Round]:
        archive, folder = self._settings.archive, cache_folder(os.environ)
        with Hasher(ChecksumCache(folder / "sha1.sqlite"), threads=1) as hasher:
            yield Round(
                location=location,
                roots=local_roots(self._settings, location.alias),
                store=self._store,
                journal=journal,
                clock=self._clock,
                epoch=time.time,
                progress=self.progress,
                hasher=hasher,
                computer=archive.computer,
                poll_seconds=archive.poll_seconds,
                stall_seconds=archive.stall_seconds,
                staging=archive.staging_name,
                provenance=provenance(archive.computer),
                scratch=scratch_root(self._settings, location.alias),
            )


def _size(manifest: Manifest) -> int:
    return sum(entry.size or 0 for entry in manifest.files)


def _paths(renames: Sequence[Rename]) -> set[tuple[str, str]]:
    """Return what a plan comes to; names of what is set aside differ each time."""
    return {(rename.old, rename.new if rename.folder or rename.size is not None else "") for rename in renames}
