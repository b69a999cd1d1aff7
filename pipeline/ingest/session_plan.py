"""Which sessions a computer's folders belong to, and which new ones they need.  Pure: a plan from folders and rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.archive.matching import TOLERANCE, FoundFolder, SessionFacts, Unowned, match, run_starts
from pipeline.ingest.days import Newcomer, arrange, number
from pipeline.ingest.facts import FolderFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from pipeline.archive.session import DatasetType, Root, SessionKey


@dataclass(frozen=True, slots=True, eq=False)
class SeenFolder:
    """A session folder on this computer and what is recorded in it; ``files`` is how many it holds."""

    kind: DatasetType
    root: Root
    found: FoundFolder
    files: int
    facts: FolderFacts = field(default_factory=FolderFacts)

    @property
    def subpath(self) -> str:
        """POSIX path relative to the local root."""
        return self.found.subpath


@dataclass(frozen=True, slots=True)
class KnownSessions:
    """What the database has: animals by their names, sessions, the highest number of each subject.

    ``recorded`` holds the starts of recordings that were entered with a session.
    """

    animals: Mapping[str, int]
    sessions: Sequence[SessionFacts] = ()
    last: Mapping[int, int] = field(default_factory=dict)
    recorded: Mapping[SessionKey, Sequence[datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A folder that was left alone, with reason and remedy; ``refused`` when it contradicts itself or the database."""

    kind: DatasetType
    folder: str
    reason: str
    remedy: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """New sessions by key, idents to keep ("" for none), all folders by session, and what was skipped."""

    new: Mapping[SessionKey, Newcomer]
    idents: Mapping[SessionKey, str]
    folders: Mapping[SessionKey, Sequence[SeenFolder]]
    facts: Sequence[SessionFacts]
    skipped: Sequence[Skipped]


def plan_sessions(seen: Sequence[SeenFolder], known: KnownSessions, *, video_sessions: bool = False) -> SessionPlan:
    """Match folders with the known sessions and make new sessions of those that match none.

    A session that was entered by hand is found by the rules of publishing; the folders that are left make new
    sessions: one for each animal, day and ident, or run where the name has no date.

    Parameters
    ----------
    seen
        The folders of this computer.
    known
        What the database has.
    video_sessions
        Make sessions of days of which there are only videos, too.
    """
    ephys = [folder for folder in seen if folder.kind == "ephys"]
    videos = [folder for folder in seen if folder.kind == "video"]
    skipped: list[Skipped] = []
    groups = _groups(_unclaimed(ephys, known), known, skipped)
    if video_sessions:
        strays = _settle(groups, ephys, videos, known).strays
        groups += _groups([folder for folder, why in strays if _without_session(folder, why)], known, skipped)
    given_up: set[_Group] = set()
    while True:
        settled = _settle(groups, ephys, videos, known)
        lost = {group.newcomer for key, group in settled.owners.items() if not group.is_owned(settled.folders.get(key))}
        # Publishing would not give them the folders that they were made of.
        given_up.update(group for group in groups if group.newcomer in lost)
        groups = [group for group in groups if group.newcomer not in lost]
        # What the new sessions left over is what the next run would make of it: make it now.
        tried = given_up | set(groups)
        rest = [group for group in _groups(_unclaimed(ephys, settled.known), known, []) if group not in tried]
        if video_sessions and not rest:
            left = [folder for folder, why in settled.strays if _without_session(folder, why)]
            rest = [group for group in _groups(left, known, []) if group not in tried]
        if not lost and not rest:
            break
        groups += rest
    # What could make no session of its own may belong to one all the same: it began minutes before that midnight.
    owned = {(folder.kind, folder.subpath) for folders in settled.folders.values() for folder in folders}
    skipped = [skip for skip in skipped if (skip.kind, skip.folder) not in owned]
    told = {(skip.kind, skip.folder) for skip in skipped}
    skipped += [_skip(*stray, settled) for stray in settled.strays if (stray[0].kind, stray[0].subpath) not in told]
    new = {key: group.newcomer for key, group in settled.owners.items()}
    return SessionPlan(new, settled.idents, settled.folders, settled.facts, skipped)


@dataclass(frozen=True, slots=True)
class _Group:
    """Folders that make one new session."""

    newcomer: Newcomer
    folders: frozenset[str]

    def is_owned(self, theirs: Iterable[SeenFolder] | None) -> bool:
        """Say whether the session that was made of these folders has at least one of them."""
        return any(folder.subpath in self.folders for folder in theirs or ())


@dataclass(slots=True)
class _Settled:
    owners: Mapping[SessionKey, _Group]
    idents: Mapping[SessionKey, str]
    facts: Sequence[SessionFacts]
    known: KnownSessions
    folders: dict[SessionKey, list[SeenFolder]] = field(default_factory=dict)
    strays: list[tuple[SeenFolder, Unowned]] = field(default_factory=list)
    refused: set[Unowned] = field(default_factory=set)


def _settle(
    groups: Sequence[_Group], ephys: Sequence[SeenFolder], videos: Sequence[SeenFolder], known: KnownSessions
) -> _Settled:
    """Match all folders again, now with the new sessions, numbered: what publishing will see."""
    by_newcomer: dict[Newcomer, _Group] = {}
    for group in groups:
        other = by_newcomer.get(group.newcomer)
        by_newcomer[group.newcomer] = replace(group, folders=group.folders | other.folders) if other else group
    new = number(by_newcomer, known.last)
    facts, idents = arrange(known.sessions, new)
    settled = _Settled({key: by_newcomer[newcomer] for key, newcomer in new.items()}, idents, facts, known)
    for folders in (ephys, videos):
        seen = {id(folder.found): folder for folder in folders}
        matching = match([folder.found for folder in folders], facts)
        for key, owned in matching.owned.items():
            settled.folders.setdefault(key, []).extend(seen[id(found)] for found in owned)
        settled.strays += [(seen[id(u.folder)], u) for u in (*matching.refused, *matching.unmatched)]
        settled.refused.update(matching.refused)
    recorded = {key: [*starts] for key, starts in known.recorded.items()}
    for key, owned_folders in settled.folders.items():
        recorded.setdefault(key, []).extend(f.facts.started for f in owned_folders if f.facts.started is not None)
    settled.known = replace(known, sessions=facts, recorded=recorded)
    return settled


def _unclaimed(folders: Sequence[SeenFolder], known: KnownSessions) -> list[SeenFolder]:
    """Return the folders that no known session owns and that may make new ones."""
    facts = {session.key: session for session in known.sessions}
    starts = run_starts([folder.found for folder in folders])
    matching = match([folder.found for folder in folders], known.sessions)
    free = {id(unowned.folder) for unowned in matching.unmatched}
    for key, owned in matching.owned.items():
        recorded = known.recorded.get(key, ())
        free |= {id(found) for found in owned if _is_another(found, starts[id(found)], facts[key], recorded)}
    for unowned in matching.refused:
        if _is_later(unowned.folder, starts[id(unowned.folder)], known.sessions):
            free.add(id(unowned.folder))
    return [folder for folder in folders if id(folder.found) in free]


def _is_another(
    found: FoundFolder, start: datetime | None, session: SessionFacts, recorded: Sequence[datetime]
) -> bool:
    """Say whether a folder is of another visit than the only session of its day.

    Publishing gives it to that session whatever its start, since a session entered by hand may have any time.  Of a
    session that was ingested the recordings are known: another ident and a start near none of them is another visit.
    """
    if not recorded or start is None or not found.name.dates or found.name.ident == session.ident:
        return False
    return all(abs(start - known) > TOLERANCE for known in recorded)


def _is_later(found: FoundFolder, start: datetime | None, sessions: Iterable[SessionFacts]) -> bool:
    """Say whether a refused folder only came too late: its start is near none of its day's sessions, all with times."""
    if start is None or found.name.names_other_animal or (found.name.dates and start.date() not in found.name.dates):
        return False
    begun = [s.started for s in sessions if s.h2o == found.name.h2o and s.session_date == start.date()]
    return all(instant is not None and abs(start - instant) > TOLERANCE for instant in begun)


def _groups(folders: Sequence[SeenFolder], known: KnownSessions, skipped: list[Skipped]) -> list[_Group]:
    starts = run_starts([folder.found for folder in folders])
    groups: dict[tuple[Any, ...], list[tuple[SeenFolder, date, datetime | None]]] = defaultdict(list)
    by_start: dict[tuple[str, datetime], tuple[Any, ...]] = {}
    for folder in folders:
        start = starts[id(folder.found)]
        day = _day(folder, start, skipped)
        if day is None:
            continue
        name = folder.found.name
        named = _is_named(folder)
        key: tuple[Any, ...] = (name.h2o, day, named, name.ident if named else name.run)
        if start is not None:  # equal starts are one recording, however its folders are called
            key = by_start.setdefault((name.h2o, start), key)
        groups[key].append((folder, day, start))
    return [_group(members, known) for members in groups.values()]


def _is_named(folder: SeenFolder) -> bool:
    name = folder.found.name
    return bool(name.dates) and not name.names_other_animal


def _group(members: Sequence[tuple[SeenFolder, date, datetime | None]], known: KnownSessions) -> _Group:
    first = members[0][0].found.name
    start = min((instant for _, _, instant in members if instant is not None), default=None)
    named = [folder.found.name for folder, _, _ in members if _is_named(folder)]
    time = start.time() if start else next((name.ident_time for name in named if name.ident_time), None)
    newcomer = Newcomer(
        known.animals[first.h2o],
        first.h2o,
        members[0][1],
        None if time is None else f"{time:%H:%M:%S}",
        next((name.ident for name in named if name.ident), None),
        named=bool(named),
    )
    return _Group(newcomer, frozenset(folder.subpath for folder, _, _ in members))


def _day(folder: SeenFolder, start: datetime | None, skipped: list[Skipped]) -> date | None:
    """Return the day of a new session, None (and why) when the folder does not tell it."""
    name = folder.found.name
    dated = _is_named(folder)
    if folder.files == 0:
        skipped.append(Skipped(folder.kind, folder.subpath, "it is empty", "delete it, or put the recording back."))
    elif start is None and not dated:
        skipped.append(
            Skipped(
                folder.kind,
                folder.subpath,
                "its name has no date, and no meta in it tells when it was recorded",
                "put its metas back, or enter the session by hand and give it the ident "
                f"{name.run!r} (`mapshell session-ident`).",
                refused=True,
            )
        )
    elif dated and start is not None and start.date() not in name.dates:
        skipped.append(
            Skipped(
                folder.kind,
                folder.subpath,
                f"its name says {name.dates[0]}, but its recording began on {start:%Y-%m-%d at %H:%M:%S}",
                "look which is right; correct the folder's name, or enter the session by hand.",
                refused=True,
            )
        )
    elif start is not None:
        return start.date()
    else:
        return next((day for day in name.dates if day not in name.legacy_dates), name.dates[0])
    return None


def _without_session(folder: SeenFolder, why: Unowned) -> bool:
    return folder.kind == "video" and not why.candidates


def _skip(folder: SeenFolder, why: Unowned, settled: _Settled) -> Skipped:
    name = folder.found.name
    that_day = any(facts.h2o == name.h2o and facts.session_date in name.dates for facts in settled.facts)
    if _without_session(folder, why) and not that_day:
        return Skipped(
            folder.kind,
            folder.subpath,
            "there are videos, but no session of that day",
            "enter the day's recording first, or give --with-video-sessions to make a session of the videos alone.",
        )
    return Skipped(folder.kind, folder.subpath, why.reason, why.remedy, why in settled.refused)
