"""Why a session is not archived: the decisions of publish, taken for this one session, rule by rule."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline import experiment, lab, sessions
from pipeline.archive.identity import unlisted
from pipeline.archive.naming import compile_layout, parse_folder
from pipeline.archive.walk.listing import Listing
from pipeline.archive.walk.session_folders import candidates
from pipeline.board.reclaimed import by_tombstone
from pipeline.database import ensure_writable
from pipeline.database.reading import columns
from pipeline.errors import DatabaseError, LocalDiskError, UsageError
from pipeline.folders import cache_folder
from pipeline.here import local_roots, look
from pipeline.journal import TableJournal
from pipeline.locations import locations
from pipeline.reassign.former import former_names
from pipeline.sessionless import sessionless
from pipeline.why.choosing import Chosen, choose
from pipeline.why.explanation import Explanation, Place
from pipeline.why.judged import about_files, judged, not_asked
from pipeline.why.local import about_folders
from pipeline.why.memory import Drives, about_state, about_work, remembered
from pipeline.why.refusals import CATALOGUE
from pipeline.why.verdict import conclude, state_of
from pipeline.why.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from pipeline.archive.ports import Clock, Store
    from pipeline.archive.session import DatasetType, Location, SessionKey, SessionRef
    from pipeline.settings import Settings
    from pipeline.why.explanation import Subject

BOTH: tuple[DatasetType, ...] = ("ephys", "video")


def explain(
    settings: Settings,
    store: Callable[[], Store] | None,
    subject: str | int,
    session: str | int,
    *,
    types: Sequence[DatasetType] = BOTH,
    alias: str = "",
    ask: Callable[[Sequence[Subject]], Subject] | None = None,
    clock: Clock | None = None,
    epoch: Callable[[], float] = time.time,
) -> Explanation:
    """Explain one session at every storage location of its types; nothing is changed or sent.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Gives the Globus manager, called only where its answer matters; None asks nobody.
    subject, session
        As :func:`pipeline.why.choosing.choose` takes them.
    types, alias
        Only these types of data; only this storage location.
    ask
        Asks a person which of several sessions of a day is meant.
    clock, epoch
        Time, and seconds since 1970.

    Raises
    ------
    UsageError
        There is no such subject, session, day or location; or several sessions are of that day.
    """
    places = _places(settings, types, alias)
    now = datetime.fromtimestamp(epoch(), UTC)
    today = now.astimezone(ZoneInfo(settings.archive.timezone)).date()
    chosen = choose(
        subject, session, today, ask=ask, lying_here=lambda h2o, day: _lying_here(settings, places, h2o, day)
    )
    work = _Work(settings, store, chosen, places, clock, epoch)
    return Explanation(
        chosen.session, tuple(work.at(place) for place in places), settings.archive.computer, store is not None
    )


def _places(settings: Settings, types: Sequence[DatasetType], alias: str) -> list[Location]:
    places = locations(settings, types, register=False)
    if not alias:
        return places
    found = [place for place in places if place.alias == alias]
    if not found:
        every = locations(settings, BOTH, register=False)
        known = ", ".join(f"{place.alias} ({place.dataset_type})" for place in every)
        raise UsageError(
            f"There is no storage location {alias!r}"
            + (f" of {' or '.join(types)}" if any(place.alias == alias for place in every) else "")
            + ".",
            remedy=f"there are: {known} (`mapshell storage` shows where each lies).",
        )
    return found


def _lying_here(settings: Settings, places: Sequence[Location], h2o: str, day: date) -> list[str]:
    """Return the folders of an animal and day in this computer's roots, by their names."""
    found = []
    for place in places:
        layouts = [compile_layout(each) for each in settings.archive.layouts.get(place.dataset_type, ())]
        for root in local_roots(settings, place.alias):
            try:
                for _, folder in candidates([root], place.dataset_type, {h2o}, layouts, strays=[]):
                    name = parse_folder(folder.subpath, place.dataset_type, layouts)
                    if name is not None and name.h2o == h2o and day in name.dates:
                        found.append(folder.subpath)
            except LocalDiskError:
                continue
    return list(dict.fromkeys(found))


class _Work:
    """Explains one session, at one place after the other."""

    def __init__(
        self,
        settings: Settings,
        store: Callable[[], Store] | None,
        chosen: Chosen,
        places: Sequence[Location],
        clock: Clock | None,
        epoch: Callable[[], float],
    ) -> None:
        self._settings, self._store, self._chosen = settings, store, chosen
        self._clock, self._epoch = clock, epoch
        self._computer = settings.archive.computer
        self._listing = Listing()
        key = chosen.key
        former = [each for place in places for some in former_names(place).values() for each in some]
        others = {subject for one in former for subject in (one.key[0], one.was[0])} - {key[0]}
        self._lab = sessions.load({key[0], *others}) if others else chosen.of_animal
        self._known = {(row[0], row[1]) for row in columns(experiment.Session(), ("subject_id", "session"))}
        named = lab.WaterRestriction() & experiment.Session().proj()
        self._animals = {h2o for (h2o,) in columns(named, ("water_restriction_number",))}

    def at(self, location: Location) -> Place:
        """Explain the session at one location."""
        writer = Writer(self._chosen.session, location.dataset_type, location.alias, self._computer)
        place = Place(location.alias, location.dataset_type, "not here")
        key = self._chosen.key
        ref = self._lab.refs.get(key)
        if ref is None:
            writer.failed("water-restriction", f"subject {key[0]} has no water restriction", _NAMELESS)
            place.state, place.reason = "refused", "the subject has no water restriction, so its folders have no name"
            conclude(place, writer)
            return place
        writer.note("water-restriction", "passed", ref.h2o)
        self._at(location, key, ref, place, writer)
        conclude(place, writer)
        return place

    def _at(self, location: Location, key: SessionKey, ref: SessionRef, place: Place, writer: Writer) -> None:
        settings, kind = self._settings, location.dataset_type
        journal = TableJournal(location, self._lab.refs, self._computer)
        roots = local_roots(settings, location.alias)
        layouts = [compile_layout(each) for each in settings.archive.layouts.get(kind, ())]
        gone = sessionless(location, self._lab, known=self._known)
        found = look(settings, location, roots, journal, self._lab, {key}, gone, self._listing, self._animals)
        memory = remembered(location, key, journal)
        here = found.sessions.get(key)
        known = found.indexed.get(key) or journal.indexed([key]).get(key)
        elsewhere = any(row["computer"] != self._computer for row in memory.said)
        settled = memory.row is not None or memory.in_flight or elsewhere or bool(memory.coming)
        about_folders(writer, ref, kind, roots, layouts, found, self._listing, settled=settled)
        outcome = None
        if here is not None:
            result = judged(
                settings,
                self._store or not_asked,
                location,
                roots,
                journal,
                here,
                known,
                cache_folder(os.environ),
                self._clock,
                self._epoch,
            )
            outcome = result.outcome
            about_files(writer, result, here, known, kind)
        about_work(writer, memory, key, self._store, self._computer, Drives())
        if outcome is not None and outcome.state not in ("archived", "present") and (error := _read_only()):
            writer.failed(error.kind if error.kind in CATALOGUE else "database-error", error.message, error.remedy)
        if known is not None and memory.row is None and here is None and memory.withdrawn is None:
            wrong = unlisted(ref)
            writer.failed("identity", wrong.message, wrong.remedy)
        about_state(writer, memory, self._computer, outcome)
        blocked = next((f"{s.folder}: {s.reason}" for s in found.strays if key in s.candidates), "")
        place.folders = here.folders if here is not None else ()
        tomb = by_tombstone(*here.tombstones[0]) if here is not None and here.tombstones and not here.files else ""
        place.state, place.reason = state_of(
            memory, known, outcome, blocked=blocked, computer=self._computer, tomb=tomb
        )


def _read_only() -> DatabaseError | None:
    """Return why nothing can be written into the database; None when it can."""
    try:
        ensure_writable()
    except DatabaseError as error:
        return error
    return None


_NAMELESS = "enter it with `mapshell ingest-subjects`."
