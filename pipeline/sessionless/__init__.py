"""Datasets whose session the lab's tables no longer have: listed everywhere, never silently orphaned."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline import database, locations, publication, sessions
from pipeline.archive.session import SessionKey, SessionRef
from pipeline.archive.walk.withheld import Recording, Taken, is_recording
from pipeline.database.reading import clock, columns
from pipeline.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.session import DatasetType, Location
    from pipeline.sessions import LabSessions

STATE = "without session"
REASON = "the lab's tables have no such session any more; its files are at the archive"

_NAME = re.compile(r"(?:ephys|video)-([0-9]+)-([0-9]+)")
_FROM_A_DAY = re.compile(r"session_date (>=|<=) '([0-9]{4}-[0-9]{2}-[0-9]{2})'")


@dataclass(frozen=True, slots=True)
class Sessionless:
    """A dataset without session, and the session as it was when it was archived; ``size`` in bytes.

    ``archived_at`` (UTC) is None where the archived row went with the lab's session, ``has_row`` says whether it did
    not; ``folders`` are those that its files lie in, ``recordings`` the files in each that tell it under another name.
    """

    session: SessionRef
    alias: str
    dataset: str
    described: str
    files: int
    size: int
    folders: tuple[str, ...]
    archived_at: datetime | None = None
    has_row: bool = False
    recordings: Mapping[str, frozenset[Recording]] = field(default_factory=dict, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.session}, {self.alias}"

    @property
    def reason(self) -> str:
        """What is the matter with it."""
        return REASON

    @property
    def remedy(self) -> str:
        """What a person may do about it."""
        ref = self.session
        at = f", start {ref.session_time}" if ref.session_time else ""
        name = f'"{ref.h2o}' if " " in ref.h2o else ref.h2o
        end = '"' if " " in ref.h2o else ""
        return (
            f"enter it again as session {ref.session} of subject {ref.subject_id} ({ref.session_date:%Y-%m-%d}{at}), "
            "then `mapshell publication-discover`; if it is another session's, `mapshell publication-reassign "
            f"{name}/{ref.session}{end} TO`; or leave it: nothing is lost."
        )


def sessionless(
    location: Location,
    lab_sessions: LabSessions,
    restrictions: Sequence[Any] = (),
    known: Collection[SessionKey] | None = None,
) -> list[Sessionless]:
    """Return the datasets of a location without session, ordered by animal and day.

    Parameters
    ----------
    location
        The storage location.
    lab_sessions
        All sessions of the lab.
    restrictions
        Restrictions of ``experiment.Session``, as far as they can be told without it: of keys, and of a range of days.
    known
        The keys of all sessions of the lab, where ``lab_sessions`` are only some.
    """
    here = {"globus_alias": location.alias}
    known = {*lab_sessions.refs, *lab_sessions.nameless} if known is None else known
    named = ("dataset_name", "dataset_h2o", "dataset_date", "dataset_time", "dataset_manifest")
    gone = {}
    for name, h2o, day, time, manifest in columns(publication.DataSet() & here, named):
        key = _key(name)
        if key is not None and key not in known:
            ref = SessionRef(*key, h2o, day, clock(time))
            if meets(ref, restrictions):
                gone[name] = ref, manifest
    if not gone:
        return []
    chosen = [{**here, "dataset_name": name} for name in sorted(gone)]
    folders: dict[str, set[str]] = defaultdict(set)
    files: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    recordings: dict[str, dict[str, set[Recording]]] = defaultdict(lambda: defaultdict(set))
    listed = ("dataset_name", "file_subpath", "file_size", "file_mtime")
    for name, subpath, size, mtime in columns(publication.DataSet.PhysicalFile() & chosen, listed):
        folder = "/".join(subpath.split("/")[:2])
        folders[name].add(folder)
        if size and mtime is not None and is_recording(subpath):
            recordings[name][folder].add((subpath[len(folder) + 1 :], size, mtime))
        files[name] += 1
        sizes[name] += size or 0
    rows = {
        row["dataset_name"]: row
        for row in (publication.archived_table(location.dataset_type)() & here & chosen).to_dicts()
    }
    found = [
        Sessionless(
            ref,
            location.alias,
            name,
            manifest,
            files[name],
            sizes[name],
            tuple(sorted(folders[name])),
            rows[name]["archived_at"] if name in rows else None,
            name in rows,
            {folder: frozenset(those) for folder, those in recordings[name].items()},
        )
        for name, (ref, manifest) in gone.items()
    ]
    return sorted(found, key=lambda each: (each.session.h2o, each.session.session_date, each.session.key))


def taken(gone: Iterable[Sessionless]) -> dict[str, Taken]:
    """Return the folders of datasets without session, which the walk gives to no other session."""
    return {
        folder: Taken(str(each.session), each.remedy, each.recordings.get(folder, frozenset()))
        for each in gone
        for folder in each.folders
    }


def everywhere(types: Sequence[DatasetType]) -> dict[str, list[Sessionless]]:
    """Return the datasets without session of all storage locations of these types of data, by alias."""
    lab_sessions = sessions.load()
    places = {alias: place for alias, place in locations.known().items() if place.dataset_type in types}
    return {alias: sessionless(place, lab_sessions) for alias, place in places.items()}


def chosen_by(table: Any) -> list[Sessionless]:
    """Return the datasets without session, and without archived row, that a restricted table would choose."""
    import datajoint as dj

    gone = [each for some in everywhere([table.dataset_type]).values() for each in some if not each.has_row]
    bound = database.connection()
    text = "{}::text" if bound.adapter.backend == "postgresql" else "CAST({} AS CHAR)"
    found = []
    for each in gone:
        ref = each.session
        row = f"SELECT {ref.subject_id} AS subject_id, {ref.session} AS session, {text.format('%s')} AS globus_alias"
        try:
            with database.transaction():  # an error leaves no broken transaction behind
                query = f"SELECT 1 FROM ({row}) AS gone{table.where_clause()}"  # noqa: S608 - our own SQL
                if bound.query(query, (each.alias,)).fetchall():
                    found.append(each)
        except (dj.errors.DataJointError, DatabaseError):
            continue  # it speaks of what only archived rows have
    return found


def _key(name: str) -> SessionKey | None:
    said = _NAME.fullmatch(name)
    return None if said is None else (int(said[1]), int(said[2]))


def meets(ref: SessionRef, restrictions: Iterable[Any]) -> bool:
    """Say whether a session that the lab does not have meets restrictions; one that cannot be told is not met."""
    return all(_meets(ref, restriction) for restriction in restrictions)


def _meets(ref: SessionRef, restriction: Any) -> bool:
    if isinstance(restriction, list | tuple | set):
        return any(_meets(ref, each) for each in restriction)
    if isinstance(restriction, dict):
        facts = {"subject_id": ref.subject_id, "session": ref.session, "session_date": ref.session_date}
        return all(name in facts and facts[name] == value for name, value in restriction.items())
    if isinstance(restriction, str) and (said := _FROM_A_DAY.fullmatch(restriction)):
        day = date.fromisoformat(said[2])
        return ref.session_date >= day if said[1] == ">=" else ref.session_date <= day
    return False
