"""Session folders at an archive that no manifest describes: what is in them, when they began, whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.aside import is_aside
from pipeline.archive.filetypes import classify
from pipeline.archive.manifest import FileEntry
from pipeline.archive.matching import FoundFolder, SessionFacts
from pipeline.archive.round import ends_the_round
from pipeline.errors import MapshellError, NameRefused, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import date, datetime

    from pipeline.archive.lister import Lister
    from pipeline.archive.remote_find import ArchiveFolder
    from pipeline.archive.session import Location

MOST_METAS = 32
"""Metas that are read of a folder at most: the first by name hold the earliest start."""

LARGEST_META = 4 * 1024 * 1024


@dataclass(slots=True)
class Contents:
    """The files below a folder of the archive, and what could not be read or followed, in words."""

    files: list[FileEntry] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    error: MapshellError | None = None

    @property
    def size(self) -> int:
        """Sum of the sizes, in bytes."""
        return sum(entry.size for entry in self.files)


def contents(lister: Lister, location: Location, folders: Sequence[str]) -> dict[str, Contents]:
    """Walk some folders, several listings at once.

    A folder of which a part could not be listed has an ``error``: what was seen of it is not all.

    Raises
    ------
    MapshellError
        Nothing can be listed any more: the service is down, or the login has gone.
    """
    found = {folder: Contents() for folder in folders}
    for subpath, entry in lister.trees(location.endpoint, location.path, folders):
        mine = found[next((f for f in _ancestors(subpath) if f in found), folders[0])]
        if isinstance(entry, RemotePathNotFound) and subpath not in found:
            continue  # it went away while we looked
        if isinstance(entry, MapshellError):
            if isinstance(entry, NameRefused):
                mine.refused.append(entry.message)
            elif ends_the_round(entry):
                raise entry
            else:
                mine.error = mine.error or entry
        elif entry.kind != "file":
            mine.refused.append(f"{subpath} is neither a file nor a folder")
        elif not is_aside(entry.name):
            mine.files.append(FileEntry(subpath, entry.size, entry.mtime or 0, classify(subpath)))
    for each in found.values():
        each.files.sort(key=lambda entry: entry.subpath)
    return found


def _ancestors(subpath: str) -> Iterator[str]:
    """Yield a path and the folders that it lies in, the deepest first."""
    parts = subpath.split("/")
    return ("/".join(parts[:depth]) for depth in range(len(parts), 0, -1))


def metas(found: Contents) -> list[FileEntry]:
    """Return the metas whose starts are worth reading."""
    small = [entry for entry in found.files if entry.subpath.endswith(".meta") and 0 < entry.size <= LARGEST_META]
    return small[:MOST_METAS]


def started(raw: bytes, subpath: str) -> datetime | None:
    """Return when a recording began, from its meta (naive local time); None when it does not tell."""
    from pipeline import spikeglx

    try:
        return spikeglx.parse_meta(raw, name=subpath).created
    except MapshellError:
        return None


def in_need(folders: Sequence[ArchiveFolder], sessions: Iterable[SessionFacts]) -> list[ArchiveFolder]:
    """Return the folders whose session only the start of the recording can tell.

    The name is enough where it has a date that can be read in one way, on which there is just one session and one
    run, or the very ident that was set by hand.

    Parameters
    ----------
    folders
        All folders of an animal that are to be matched.
    sessions
        All sessions of the animal.
    """
    days: dict[date, list[SessionFacts]] = {}
    for session in sessions:
        days.setdefault(session.session_date, []).append(session)
    idents: dict[date, set[str | None]] = {}
    for folder in folders:
        for day in folder.name.dates:
            idents.setdefault(day, set()).add(folder.name.ident)
    return [folder for folder in folders if not _told_by_name(folder, days, idents)]


def _told_by_name(
    folder: ArchiveFolder, days: dict[date, list[SessionFacts]], idents: dict[date, set[str | None]]
) -> bool:
    name = folder.name
    if name.kind == "video":
        return True  # there is no meta that could tell
    if not name.dates:
        return any(s.ident_by_hand == name.run for each in days.values() for s in each)
    if name.legacy_dates or name.names_other_animal:
        return False
    that_day = [session for day in name.dates for session in days.get(day, ())]
    ident = name.number if name.origin == "old" else name.ident
    if [s.ident_by_hand for s in that_day].count(ident or "") == 1:
        return True
    only = len(that_day) <= 1 and all(len(idents[day]) == 1 for day in name.dates)
    return only and all(session.ident_by_hand is None for session in that_day)


def to_match(folders: Iterable[ArchiveFolder], starts: dict[str, datetime]) -> list[FoundFolder]:
    """Return the folders as the rules of matching take them."""
    return [FoundFolder(folder.name, folder.subpath, starts.get(folder.subpath)) for folder in folders]


def listed_in(files: Sequence[FileEntry], folders: Collection[str]) -> dict[str, object]:
    """Return the evidence of a session that is known by listing alone."""
    return {
        "source": "listing",
        "files": len(files),
        "bytes": sum(entry.size for entry in files),
        "folders": sorted(folders),
        "checks": ["listed at the archive with its size"],
    }
