"""Folders of a drive whose session the lab's tables lack: entered as ``ingest-recordings`` would, or told why not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.archive.matching import FoundFolder
from pipeline.archive.naming import compile_layout, parse_folder
from pipeline.archive.scan import scan_folder
from pipeline.errors import DatabaseError, DatabaseReadOnly, LocalDiskError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.session import Root, SessionKey, SessionRef
    from pipeline.drives.places import Place
    from pipeline.drives.sorted_drive import SortedFolder
    from pipeline.ingest.recordings import IngestPlan
    from pipeline.ingest.session_plan import SeenFolder
    from pipeline.settings import Settings

_ATTEMPTS = 4


@dataclass(slots=True)
class Unmatched:
    """What ingest says of the folders of a drive.

    ``new`` gives the session (and its date) that a folder makes, by its subpath; ``strays`` why a folder makes none and
    what to do, by its number; ``entered`` counts the sessions that are new, ``notes`` are for the person.
    """

    new: dict[tuple[str, str], tuple[SessionKey, str]] = field(default_factory=dict)
    skipped: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    strays: dict[int, tuple[str, str]] = field(default_factory=dict)
    entered: int = 0
    notes: list[str] = field(default_factory=list)

    def named(self, base: SortedFolder, ref: SessionRef) -> SortedFolder:
        """Return the folder with the session that owns it."""
        made = self.new.get((base.kind, base.subpath))
        return replace(
            base,
            subject_id=ref.subject_id,
            session=ref.session,
            session_date=ref.session_date.isoformat(),
            entered=made is not None and made[0] == ref.key,
        )

    def told(self, number: int, base: SortedFolder) -> SortedFolder:
        """Return a folder that no session owns yet, with the one that it would make, or why it makes none."""
        made = self.new.get((base.kind, base.subpath))
        if made is not None:
            (subject_id, session), day = made
            return replace(base, subject_id=subject_id, session=session, session_date=day, entered=True)
        reason, remedy = self.skipped.get((base.kind, base.subpath)) or self.strays.get(number, (_NOBODY, _ENTER))
        return replace(base, reason=reason, remedy=remedy)


def look_up(
    settings: Settings, chosen: Sequence[Place], roots: Sequence[Root], *, dry_run: bool, video_sessions: bool = False
) -> Unmatched:
    """Plan which sessions the folders of known animals make, and enter those (a dry run only plans).

    Raises
    ------
    DatabaseError
        The database refuses, or others keep entering the same sessions.
    """
    from pipeline.ingest import database as tables
    from pipeline.ingest.recordings import plan_ingest

    subjects = tables.animals()
    mine = {place.h2o: subjects[place.h2o] for place in chosen if place.known}
    found = Unmatched()
    seen = list(_seen(settings, chosen, roots, found))
    if not seen:
        return found
    for _ in range(_ATTEMPTS):
        plan = plan_ingest(seen, tables.load(mine), settings.archive.timezone, video_sessions=video_sessions)
        try:
            if dry_run or plan.is_empty or tables.enter(plan):
                _tell(found, plan)
                return found
        except DatabaseReadOnly as error:  # the lab's own tables: the rest of the work needs no right to them
            _tell(found, replace(plan, sessions=replace(plan.sessions, new={})))
            found.notes.append(f"No session was entered: {error.message} {error.remedy}")
            return found
    raise DatabaseError("Others entered sessions of the same animals again and again.", remedy="sort the drive again.")


def _seen(settings: Settings, chosen: Sequence[Place], roots: Sequence[Root], found: Unmatched) -> list[SeenFolder]:
    """Read what is recorded in each folder; of copies of one folder, the first."""
    from pipeline.ingest.facts import FolderFacts, read_facts
    from pipeline.ingest.session_plan import SeenFolder

    patterns = (*settings.archive.leave_out, settings.archive.staging_name)
    seen: dict[tuple[str, str], SeenFolder] = {}
    for place, root in zip(chosen, roots, strict=True):
        layouts = [compile_layout(each) for each in settings.archive.layouts.get(place.kind, ())]
        name = parse_folder(place.subpath, place.kind, layouts) if place.known else None
        if name is None or (place.kind, place.subpath) in seen:
            continue
        try:
            scan = scan_folder(root, place.subpath, patterns)
        except LocalDiskError as error:
            found.skipped[place.kind, place.subpath] = (error.message, error.remedy)
            continue
        facts = read_facts(name, scan.files, unread=scan.defects) if place.kind == "ephys" else FolderFacts()
        folder = FoundFolder(name, place.subpath, facts.started)
        seen[place.kind, place.subpath] = SeenFolder(place.kind, root, folder, len(scan.files), facts)
    return list(seen.values())


def _tell(found: Unmatched, plan: IngestPlan) -> None:
    days: Mapping[SessionKey, str] = {
        (report.subject_id, report.session): report.session_date.isoformat() for report in plan.reports
    }
    for key in plan.sessions.new:
        for folder in plan.sessions.folders.get(key, ()):
            found.new[folder.kind, folder.subpath] = (key, days[key])
    for skip in plan.skipped:
        found.skipped[skip.kind, skip.folder] = (skip.reason, skip.remedy)
    found.entered = len(plan.sessions.new)
    found.notes.extend(plan.notes)


_NOBODY = "no session of the lab is known to own it"
_ENTER = "enter the session (`mapshell ingest-recordings`), then sort the drive again."
