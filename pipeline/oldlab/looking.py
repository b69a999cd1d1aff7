"""Adopted sessions as discover sees them: their folders are walked, and what their rows did not know is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import database, publication
from pipeline.archive.paths import printable, top_folders
from pipeline.archive.session import dataset_name
from pipeline.archive.undescribed import contents
from pipeline.discovered import FoundSession
from pipeline.errors import RemotePathNotFound
from pipeline.oldlab.completing import fill_sizes
from pipeline.search import ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.remote_find import Animal
    from pipeline.archive.session import SessionKey
    from pipeline.errors import MapshellError
    from pipeline.known_index import Known
    from pipeline.search import Place, Search

_AT_ONCE = 16
"""Sessions whose folders are walked together."""

_GONE = "look at it with `mapshell publication-verify`; its row keeps what it does not know."


def look_at_adopted(search: Search, place: Place, animal: Animal) -> None:
    """Fill in sizes and times of the files of an animal that an older database named, as the archive lists them."""
    todo = [
        (key, known)
        for key, known in sorted(place.known.items())
        if known.h2o == animal.h2o
        and known.unsized
        and known.archived
        and search.wanted.session(key, known.session_date, place.location)
    ]
    for begin in range(0, len(todo), _AT_ONCE):
        _look(search, place, todo[begin : begin + _AT_ONCE])


def _look(search: Search, place: Place, some: Sequence[tuple[SessionKey, Known]]) -> None:
    wanted = {key: _unsized(place, key) for key, _ in some}
    folders = {key: top_folders(subpaths) for key, subpaths in wanted.items()}
    found = contents(search.lister, place.location, sorted({each for mine in folders.values() for each in mine}))
    listed = {entry.subpath: entry for each in found.values() for entry in each.files}
    for key, known in some:
        errors = [error for each in folders[key] if (error := found[each].error) is not None]
        error = next((each for each in errors if not isinstance(each, RemotePathNotFound)), None)
        if error is not None and ends(error):
            raise error
        mine = {subpath: listed[subpath] for subpath in wanted[key] if subpath in listed}
        if mine and not search.dry_run:
            name = dataset_name(place.location.dataset_type, key)
            learnt = {subpath: (entry.size, entry.mtime) for subpath, entry in mine.items()}
            database.run_transaction(
                lambda name=name, learnt=learnt: fill_sizes(place.location.alias, name, learnt),  # type: ignore[misc]
                done=lambda: False,  # it may be done twice
            )
        gone = [subpath for subpath in wanted[key] if subpath not in listed]
        search.report.sessions.append(_told(search, place, key, known, mine, gone, error))


def _unsized(place: Place, key: SessionKey) -> list[str]:
    name = dataset_name(place.location.dataset_type, key)
    mine = {"globus_alias": place.location.alias, "dataset_name": name}
    rows = (publication.DataSet.PhysicalFile() & mine & "file_size is null").proj("file_subpath").to_dicts()
    return sorted(row["file_subpath"] for row in rows)


def _told(
    search: Search,
    place: Place,
    key: SessionKey,
    known: Known,
    mine: dict[str, FileEntry],
    gone: Sequence[str],
    error: MapshellError | None,
) -> FoundSession:
    would = "would be filled in" if search.dry_run else "filled in"
    said = [f"adopted before; size and time of {len(mine)} of its files {would} from the listing"]
    if error is not None:
        said.append(error.message)
    elif gone:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        said.append(f"the archive does not list {printable(gone[0])}{more}")
    return FoundSession(
        place.location.alias,
        known.h2o,
        key[1],
        known.session_date.isoformat(),
        "not read" if error is not None else "present",
        subject_id=key[0],
        generation=known.generation,
        files=known.files,
        size=known.size + sum(entry.size for entry in mine.values()),
        reason="; ".join(said),
        remedy="discover again when it can be listed." if error is not None else _GONE if gone else "",
        failed=bool(gone or error),
    )
