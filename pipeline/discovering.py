"""``discover``: the index rebuilt from the archive alone; put together from the settings and the tables."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline import database, sessions
from pipeline.archive import remote_find
from pipeline.archive.haul import Patient
from pipeline.archive.lister import Lister
from pipeline.archive.naming import compile_layout
from pipeline.archive.spool import Spool
from pipeline.board.heartbeat import sign_of_life
from pipeline.discovered import DiscoverReport, FoundFolder, FoundSession
from pipeline.discovery.early import Early
from pipeline.errors import DatabaseReadOnly, MapshellError
from pipeline.from_listings import name_obstacle, take
from pipeline.from_manifests import Kept, read, write
from pipeline.here import local_roots
from pipeline.locations import locations
from pipeline.oldlab.looking import look_at_adopted
from pipeline.rebuild import Index
from pipeline.search import Place, Search, ends
from pipeline.sorting_out import known_by_listing, lost_manifests, sort_out
from pipeline.wanted import Wanted
from pipeline.work import Silence, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.session import Location, Root
    from pipeline.settings import Settings

__all__ = ["DiscoverReport", "FoundFolder", "FoundSession", "discover"]


def discover(
    settings: Settings,
    store: Callable[[], Store],
    tables: Sequence[Any],
    restrictions: Sequence[Any] = (),
    *,
    create_sessions: bool = False,
    restore: bool = False,
    dry_run: bool = False,
    subjects: str | int | Sequence[str | int] | None = None,
    numbers: Sequence[int] = (),
    since: date | str | None = None,
    until: date | str | None = None,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> DiscoverReport:
    """Rebuild the index of the chosen tables from the archive.

    First all manifests that the index lacks are read and compared with the archive's listings; then the folders that
    no manifest speaks of are given to the lab's sessions by their names.  Sessions are written whole, some at a time,
    so that an interrupted discovery keeps what it has, and the next one goes on.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Gives the Globus manager.
    tables
        Tables of archived sessions; their restrictions hold.
    restrictions
        DataJoint restrictions of ``experiment.Session``; all must hold.
    create_sessions, restore, dry_run
        As in :meth:`pipeline.archived.Archived.discover`.
    subjects, numbers, since, until
        Only these animals, session numbers and days; they hold for what the lab's tables have lost, too.

    Returns
    -------
    DiscoverReport
        ``stopped`` is set when something ended it early.

    Raises
    ------
    DatabaseReadOnly
        The account may not write the index.
    UsageError
        Nothing can match.
    """
    if create_sessions:
        database.refuse_entering("discover with --create-sessions")
    _ensure_writable(dry_run=dry_run)
    wanted = Wanted(tables, restrictions, subjects or (), numbers, since, until, create=create_sessions)
    places = locations(settings, [table.dataset_type for table in tables], register=not dry_run)
    lab_sessions = sessions.load()
    refusal = wanted.nothing(places, [*lab_sessions.refs, *lab_sessions.nameless])
    if refusal is not None:
        raise refusal
    report = DiscoverReport(dry_run=dry_run, restricted=not wanted.everything, created=create_sessions)
    shown = progress or Silence()
    with (
        sign_of_life(settings, "discover", dry_run=dry_run, scope="chosen" if report.restricted else "all") as life,
        Lister(manager := store()) as lister,
        Early(lister) as early,
        Spool() as spool,
        ExitStack() as leases,
    ):
        search = Search(
            wanted=wanted,
            lab=lab_sessions,
            store=manager,
            lister=lister,
            early=early,
            progress=shown,
            patient=_patient(settings, clock or SystemClock(), shown),
            report=report,
            staging=settings.archive.staging_name,
            create=create_sessions,
            restore=restore,
            dry_run=dry_run,
        )
        try:
            _discover(settings, search, places, spool, leases)
        except MapshellError as error:
            report.stopped = error
        life.came_of(report)
    _sort(report)
    return report


def _ensure_writable(*, dry_run: bool) -> None:
    try:
        database.ensure_writable()
    except DatabaseReadOnly as error:
        said = error.message.removesuffix("; nothing was transferred.")
        why = ": a dry run too, which rolls it back, so that the tables themselves tell what they would refuse"
        raise DatabaseReadOnly(
            f"{said}, and discover must write the index{why if dry_run else ''}.",
            remedy="use an account that may write; to find and fetch what the index has, this one is enough.",
        ) from error


def _patient(settings: Settings, clock: Clock, progress: Progress) -> Patient:
    return Patient(clock, progress, settings.archive.poll_seconds, settings.archive.stall_seconds)


def _discover(settings: Settings, search: Search, places: Sequence[Location], spool: Spool, leases: ExitStack) -> None:
    kept: list[Kept] = []
    for location in places:
        index = Index(location, search.lab.refs, settings.archive.computer)
        if not search.dry_run:
            leases.enter_context(index)
        place = Place(
            location=location,
            index=index,
            root=_root(settings, location.alias),
            layouts=[compile_layout(each) for each in settings.archive.layouts.get(location.dataset_type, ())],
            known=index.known(),
            withdrawn=index.withdrawn(),
            journalled=index.journalled(),
            working=index.working(),
        )
        search.places.append(place)
        kept += read(search, place, _look(search, place), spool)
    seen = [animal.h2o for place in search.places for animal in place.animals]
    lost = search.wanted.missing(seen)
    if lost is not None:
        raise lost
    write(search, kept, spool)
    if search.create and not search.dry_run:
        search.lab = sessions.load()
        search.wanted.read_names()
    for place in search.places:
        for animal in sorted(place.animals, key=lambda each: each.h2o):
            if not search.wanted.asked(animal.h2o):
                # It was looked into because its number was not known; where none could be read, that is told.
                for obstacle in animal.obstacles:
                    if obstacle.subpath == animal.h2o:
                        name_obstacle(search, place, obstacle)
                continue
            take(search, place, animal)
            look_at_adopted(search, place, animal)
            known_by_listing(search, place, animal)
            if animal.h2o not in search.wanted.h2os and not animal.described:
                search.report.strangers.setdefault(place.location.alias, []).append(animal.h2o)


def _look(search: Search, place: Place) -> list[remote_find.Described]:
    """List the root and the animals concerned; return the manifests that must be read."""

    def concerned(h2o: str) -> bool:
        return search.wanted.animal(h2o, place.location)

    archive = remote_find.top(search.lister, place.location, concerned, place.layouts)
    elsewhere = remote_find.outside(search.lister, place.location, archive, place.layouts) if place.layouts else {}
    archive.strangers += [h2o for h2o in elsewhere if h2o not in archive.animals and not concerned(h2o)]
    for obstacle in archive.obstacles:
        name_obstacle(search, place, obstacle)
    strangers = [h2o for h2o in archive.strangers if h2o not in search.wanted.h2os]
    if strangers and not search.wanted.restricted and not search.wanted.by_subject:
        search.report.strangers[place.location.alias] = sorted(strangers)
    title, many = f"listing {place.location.alias}", len(archive.animals)
    search.progress.task(title, title, 0)
    wanted = []
    found = remote_find.animals(search.lister, place.location, archive.animals, place.layouts)
    apart = [remote_find.Animal(h2o) for h2o in elsewhere if h2o not in archive.animals and concerned(h2o)]
    for count, animal in enumerate(chain(found, apart), 1):
        animal.folders.extend(elsewhere.get(animal.h2o, ()))
        place.animals.append(animal)
        for obstacle in animal.obstacles:
            if ends(obstacle.error):
                raise obstacle.error
        wanted += sort_out(search, place, animal)
        search.progress.update(title, 0, f"{count:,} of {many:,} animals")
    search.progress.done(title, f"{many:,} {'animal' if many == 1 else 'animals'}")
    if not any(obstacle.subpath == "." for obstacle in archive.obstacles):
        unread = {obstacle.subpath for animal in place.animals for obstacle in animal.obstacles}
        gone = {known.h2o for known in place.known.values() if search.wanted.animal(known.h2o, place.location)}
        lost_manifests(search, place, sorted((gone | set(archive.animals)) - unread))
    return wanted


def _root(settings: Settings, alias: str) -> Root | None:
    """Return a folder of this computer through which a task may bring small files."""
    closed = settings.globus.upload_only
    return next((root for root in local_roots(settings, alias) if root.endpoint not in closed), None)


def _sort(report: DiscoverReport) -> None:
    report.sessions.sort(key=lambda each: (each.alias, each.h2o, each.session_date, each.session))
    report.folders.sort(key=lambda each: (each.alias, each.folder))
