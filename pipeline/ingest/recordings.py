"""Sessions, probe insertions and recording facts from the raw folders of this computer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import ConfigError, DatabaseError, LocalDiskError
from pipeline.ingest.rows import NewRows, plan_rows
from pipeline.ingest.session_plan import SeenFolder, SessionPlan, Skipped, plan_sessions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from pipeline.archive.matching import FoundFolder
    from pipeline.archive.session import DatasetType, Root, SessionKey
    from pipeline.ingest.database import KnownLab
    from pipeline.reassign.former import Reassigned
    from pipeline.settings import Settings

_ATTEMPTS = 4
_NAMED = 8


@dataclass(frozen=True, slots=True)
class SessionReport:
    """One session of which this computer has folders, as it will be in the database.

    ``outcome`` says whether the session is new, gets rows of insertions or recordings, or is known as it is;
    ``recording`` that one of its recordings has not ended.
    """

    h2o: str
    subject_id: int
    session: int
    session_date: date
    session_time: str | None
    ident: str | None
    outcome: Literal["new", "added", "known"]
    folders: tuple[str, ...]
    insertions: int
    recording: bool


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """What would be entered; ``skipped`` and ``notes`` are for the person."""

    sessions: SessionPlan
    rows: NewRows
    reports: tuple[SessionReport, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    timezone: str

    def count(self, outcome: str) -> int:
        """Return how many sessions have this outcome."""
        return sum(report.outcome == outcome for report in self.reports)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.sessions.new or self.sessions.idents or self.rows)

    @property
    def refused(self) -> bool:
        """Whether a folder contradicts itself or the database, so that a person must look."""
        return any(skip.refused for skip in self.skipped)


def ingest_recordings(
    settings: Settings,
    *,
    subjects: Collection[int] | None = None,
    video_sessions: bool = False,
    dry_run: bool = False,
) -> IngestPlan:
    """Enter the sessions that this computer's folders hold and the database lacks.

    Parameters
    ----------
    settings
        This computer's settings; the tables must be bound.
    subjects
        Only these animals; all when None.
    video_sessions
        Also make sessions of days of which there are only videos.
    dry_run
        Only return the plan.

    Raises
    ------
    pipeline.errors.ConfigError
        No local root is configured.
    pipeline.errors.DatabaseError
        The database refuses, or others keep entering the same sessions.
    """
    from pipeline import database
    from pipeline.ingest import database as tables

    database.refuse_entering("ingest-recordings")
    skipped: list[Skipped] = []
    animals = tables.animals(subjects)
    entered = {identity for (_, identity), row in tables.load(animals).rows.recordings.items() if row["duration"]}
    seen = list(look(settings, animals, skipped, entered, strangers=subjects is None))
    notes = _beside(settings, animals, skipped) if subjects is None else []
    for _ in range(_ATTEMPTS):
        plan = plan_ingest(seen, tables.load(animals), settings.archive.timezone, video_sessions=video_sessions)
        plan = replace(plan, skipped=(*skipped, *plan.skipped), notes=(*plan.notes, *notes))
        if dry_run or plan.is_empty or tables.enter(plan):
            return plan
    raise DatabaseError(
        "Others entered sessions of the same animals again and again.", remedy="run mapshell ingest-recordings again."
    )


def plan_ingest(
    seen: Sequence[SeenFolder], known: KnownLab, timezone: str, *, video_sessions: bool = False
) -> IngestPlan:
    """Return what would be entered of the folders that were seen; pure."""
    sessions = plan_sessions(seen, known.sessions, video_sessions=video_sessions)
    rows = plan_rows(
        {
            key: [recording for folder in folders for recording in folder.facts.recordings]
            for key, folders in sessions.folders.items()
        },
        known.rows,
    )
    notes = [f"{problem}." for folder in seen for problem in folder.facts.problems]
    return IngestPlan(
        sessions, rows, tuple(_reports(sessions, rows)), tuple(sessions.skipped), (*notes, *rows.notes), timezone
    )


def look(
    settings: Settings,
    animals: Mapping[str, int],
    skipped: list[Skipped],
    entered: Collection[UUID] = frozenset(),
    *,
    strangers: bool = True,
) -> Iterator[SeenFolder]:
    """Walk the local roots and read what is recorded in each session folder of these animals.

    Parameters
    ----------
    animals
        Subjects by water restriction.
    skipped
        Gets what cannot be read and, with ``strangers``, the animals that nobody knows.
    entered
        Recordings that need not be read with neo again.

    Raises
    ------
    pipeline.errors.ConfigError
        No local root is configured, or a layout makes no sense.
    """
    from pipeline import sessions
    from pipeline.archive.find import candidates
    from pipeline.archive.naming import compile_layout
    from pipeline.reassign.former import Reassigned

    roots: dict[DatasetType, tuple[Root, ...]] = {
        "ephys": _roots(settings, "ephys"),
        "video": _roots(settings, "video"),
    }
    if not any(roots.values()):
        raise ConfigError(
            "No folder of recordings is configured on this computer.",
            remedy="add globus.local_roots to dj_local_conf.json (`mapshell config init` asks for it).",
        )
    patterns = (*settings.archive.leave_out, settings.archive.staging_name)
    refs = sessions.load().refs
    for kind, places in roots.items():
        layouts = [compile_layout(pattern) for pattern in settings.archive.layouts.get(kind, ())]
        reassigned = Reassigned(kind, refs, patterns, layouts)
        unknown: set[str] = set()
        for root in places:
            unknown.clear()
            try:
                found = candidates([root], kind, animals, layouts, unknown)
                yield from (
                    seen
                    for _, folder in found
                    if (seen := _see(root, kind, folder, patterns, skipped, entered, reassigned))
                )
                if strangers:
                    skipped.extend(_strangers(root, kind, unknown, layouts))
            except LocalDiskError as error:
                skipped.append(Skipped(kind, str(root.local_path), error.message, error.remedy, refused=True))


def _roots(settings: Settings, kind: DatasetType) -> tuple[Root, ...]:
    from pipeline.here import local_roots
    from pipeline.ingest.database import aliases

    places: dict[str, Root] = {}
    for alias in aliases(settings, kind):
        for root in local_roots(settings, alias):
            places.setdefault(str(root.local_path), root)
    return tuple(places.values())


def _see(
    root: Root,
    kind: DatasetType,
    found: FoundFolder,
    patterns: Collection[str],
    skipped: list[Skipped],
    entered: Collection[UUID],
    reassigned: Reassigned,
) -> SeenFolder | None:
    from pipeline.archive.scan import scan_folder
    from pipeline.ingest.facts import FolderFacts, read_facts

    try:
        scan = scan_folder(root, found.subpath, patterns)
    except LocalDiskError as error:
        skipped.append(Skipped(kind, found.subpath, error.message, error.remedy, refused=True))
        return None
    if reassigned.holds(root, found, scan.files):
        return None  # what it is named for was a mistake, which must not be entered again
    facts = read_facts(found.name, scan.files, entered, scan.defects) if kind == "ephys" else FolderFacts()
    return SeenFolder(kind, root, replace(found, started=facts.started), len(scan.files), facts)


def _strangers(root: Root, kind: DatasetType, names: Collection[str], layouts: Sequence[Any]) -> Iterator[Skipped]:
    """Name the animals that nobody entered, if there are recordings of them."""
    from pipeline.archive.find import candidates

    theirs: dict[str, list[FoundFolder]] = {}
    for _, found in candidates([root], kind, names, layouts):
        theirs.setdefault(found.name.h2o, []).append(found)
    for name, every in sorted(theirs.items()):
        below = [found for found in every if found.subpath.startswith(f"{name}/")]
        apart = [found for found in every if not found.subpath.startswith(f"{name}/")]
        remedy = "enter the animal with `mapshell ingest-subjects`, then run this again"
        lacks = f"no subject has the water restriction {name}"
        if below:
            many = f"{len(below)} session folders" if len(below) > 1 else "a session folder"
            yield Skipped(kind, name, f"it holds {many}, but {lacks}", f"{remedy}{_another(below)}")
        for found in apart:
            yield Skipped(
                kind, found.subpath, f"it is {name}'s by the layout {found.name.layout}, but {lacks}", f"{remedy}."
            )


def _another(folders: Sequence[FoundFolder]) -> str:
    """Propose a pattern where what lies in a folder is not named for the animal that the folder seems to be of."""
    from pipeline.archive.walk.suggesting import with_example

    strange = next((f for f in folders if f.name.layout == "run" and f.name.run_h2o != f.name.h2o), None)
    if strange is None:
        return "."
    above, _, last = strange.subpath.rpartition("/")
    said = "; if the folder is no animal's, say by a pattern in archive.ephys_layouts whose recordings these are"
    return f"{said}{with_example(last, above)}"


def _beside(settings: Settings, animals: Mapping[str, int], skipped: list[Skipped]) -> list[str]:
    """Name what lies in no session's folder; return a note of what looks like no recording."""
    from pipeline.ingest.leftovers import look_beside

    found = look_beside(settings, animals)
    told = {skip.folder for skip in skipped}
    kinds: dict[str, DatasetType] = {root.alias: "video" for root in _roots(settings, "video")}
    skipped.extend(
        Skipped(kinds.get(stray.root.alias, "ephys"), stray.folder, stray.reason, stray.remedy)
        for stray in found.strays
    )
    others = [name for name in found.others if name not in told]
    if not others:
        return []
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    return [f"Not looked at, for they are named like no recording: {', '.join(others[:_NAMED])}{more}."]


def _reports(sessions: SessionPlan, rows: NewRows) -> Iterator[SessionReport]:
    facts = {each.key: each for each in sessions.facts}
    for key, folders in sorted(sessions.folders.items(), key=lambda item: (facts[item[0]].h2o, item[0])):
        mine = facts[key]
        yield SessionReport(
            mine.h2o,
            *key,
            mine.session_date,
            mine.session_time,
            mine.ident,
            _outcome(key, sessions, rows),
            tuple(f"{folder.kind}/{folder.subpath}" for folder in folders),
            len({recording.insertion_number for folder in folders for recording in folder.facts.recordings}),
            any(folder.facts.running for folder in folders),
        )


def _outcome(key: SessionKey, sessions: SessionPlan, rows: NewRows) -> Literal["new", "added", "known"]:
    if key in sessions.new:
        return "new"
    return "added" if key in rows.touched else "known"
