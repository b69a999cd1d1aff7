"""Folders that no rule of matching may give away: they are another session's than their names tell, or may be.

That session is gone from the lab's tables, or it was reassigned and this is a further folder of its run.  A person
decides.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.filenames import parse_file, parse_video
from pipeline.archive.naming import parse_folder
from pipeline.archive.walk.session_folders import Stray

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pipeline.archive.foldernames import FolderName
    from pipeline.archive.layouts import Layout
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.matching import FoundFolder, SessionFacts
    from pipeline.archive.session import DatasetType, LocalFile, Root, SessionKey
    from pipeline.archive.walk.former_names import Former

Recording = tuple[str, int, int]
"""A recording's file: its name inside the session's folder, size in bytes, time in whole UTC seconds."""

Run = tuple[str | None, ...]

TAKEN, FURTHER = "archived-elsewhere", "reassigned-run"
"""Rules: the folder was archived as of a session that is gone; it is a further one of a run that was reassigned."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Whose folder it is: a session that was archived and that the lab's tables no longer have; what may be done.

    ``recordings`` tell the folder under any other name, such as one that it had before the session was reassigned.
    """

    session: str
    remedy: str
    recordings: frozenset[Recording] = frozenset()


def is_recording(subpath: str) -> bool:
    """Say whether a file bears the name of a recording: two of one name, size and time are the same one."""
    name = subpath.rpartition("/")[2]
    return parse_file(name) is not None or parse_video(name) is not None


def taken_elsewhere(folder: str, files: Sequence[LocalFile], taken: Mapping[str, Taken]) -> Taken | None:
    """Return the lost session as of which a folder's recording was archived, under whatever name."""
    if not taken:
        return None
    mine = {(f.subpath[len(folder) + 1 :], f.size, f.mtime) for f in files if is_recording(f.subpath)}
    return next((one for one in taken.values() if not mine.isdisjoint(one.recordings)), None)


def as_taken(
    root: Root, folder: str, by: Taken, could: Sequence[SessionKey], sessions: Mapping[SessionKey, SessionFacts]
) -> Stray:
    """Name a folder whose session is gone; where another one may be meant to have it, a person must decide."""
    said = f"it was archived as {by.session}, which the lab's tables no longer have"
    remedy = by.remedy
    if len(could) == 1 and " " not in sessions[could[0]].h2o:
        remedy = remedy.replace(" TO`", f" {sessions[could[0]].h2o}/{could[0][1]}`")
    return Stray(folder, root, said, remedy, refused=bool(could), candidates=tuple(could), rule=TAKEN)


def by_run(
    former: Mapping[str, Sequence[Former]], kind: DatasetType, layouts: Sequence[Layout]
) -> dict[Run, list[tuple[str, Former]]]:
    """Return the former names of reassigned sessions' folders, and what they stand for, by the run that they tell."""
    found: dict[Run, list[tuple[str, Former]]] = defaultdict(list)
    for old, candidates in former.items():
        said = parse_folder(old, kind, layouts)
        if said is not None:
            found[run_of(said)].extend((old, one) for one in candidates)
    return dict(found)


def run_of(name: FolderName) -> Run:
    """Return what the folders of one run have in common: its gates, and CatGT's output."""
    return (name.h2o, name.layout, name.run, name.number)


def of_reassigned_run(
    folder: FoundFolder,
    former: Mapping[Run, Sequence[tuple[str, Former]]],
    own: Collection[str],
    indexed: Mapping[SessionKey, Manifest],
) -> tuple[str, Former] | None:
    """Return the former name, and what it stands for, of a reassigned session of whose run a folder seems to be.

    Parameters
    ----------
    folder
        One that nobody owns: another gate, or CatGT's output, of the run.
    former
        The former names (:func:`by_run`).
    own
        Folders here that rightly bear such a name: their run is their own session's.
    indexed
        What the index has of the sessions that the former names tell.
    """
    every = former.get(run_of(folder.name), ())
    return next(((old, one) for old, one in every if old not in own and not _holds(indexed.get(one.was), old)), None)


def _holds(manifest: Manifest | None, folder: str) -> bool:
    return manifest is not None and any(entry.subpath.startswith(f"{folder}/") for entry in manifest.files)


def as_further(
    root: Root,
    folder: FoundFolder,
    found: tuple[str, Former],
    layouts: Sequence[Layout],
    could: Iterable[SessionKey],
) -> Stray:
    """Name a further folder of a run whose first one was reassigned: whose it is only a person knows."""
    old, one = found
    said = f"it is of the run of {old}, which was reassigned and is {one.folder} at the archive now"
    now = parse_folder(one.folder, folder.name.kind, layouts)
    last = folder.subpath.rpartition("/")[2]
    as_one = "" if now is None else f"{now.h2o}/{last.replace(folder.name.run, now.run, 1)}"
    move = f"if it belongs to that session, move it here to {as_one}; " if as_one and as_one != folder.subpath else ""
    remedy = f"{move}if it is another one's, rename it so that it has that session's date and ident."
    return Stray(folder.subpath, root, said, remedy, refused=True, candidates=tuple(could), rule=FURTHER)
