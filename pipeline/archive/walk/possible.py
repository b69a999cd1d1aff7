"""Which sessions a folder may be of, by its name alone.  Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.archive.matching_types import FoundFolder
from pipeline.archive.naming import parse_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.matching_types import SessionFacts
    from pipeline.archive.session import DatasetType, SessionKey
    from pipeline.archive.walk.session_folders import Stray


def possible(folders: Sequence[FoundFolder], sessions: Mapping[SessionKey, SessionFacts]) -> list[SessionKey]:
    """Return the sessions that a folder's name allows: same animal, and same day when the name has one."""
    by_h2o: dict[str, list[SessionFacts]] = defaultdict(list)
    for facts in sessions.values():
        by_h2o[facts.h2o].append(facts)
    return sorted(
        {
            facts.key
            for folder in folders
            for facts in by_h2o[folder.name.h2o]
            if not folder.name.dates or facts.session_date in folder.name.dates
        }
    )


def with_candidates(
    stray: Stray, kind: DatasetType, layouts: Sequence[Layout], sessions: Mapping[SessionKey, SessionFacts]
) -> Stray:
    """Name the sessions that an obstacle may hide: by its name, and all of an animal whose own folder it is."""
    if stray.folder == ".":
        return stray
    parsed = parse_folder(stray.folder, kind, layouts)
    if parsed is None and "/" not in stray.folder:
        return replace(stray, candidates=tuple(sorted(f.key for f in sessions.values() if f.h2o == stray.folder)))
    if parsed is None:
        return stray
    return replace(stray, candidates=by_name(FoundFolder(parsed, stray.folder, None), sessions))


def by_name(folder: FoundFolder, sessions: Mapping[SessionKey, SessionFacts]) -> tuple[SessionKey, ...]:
    """Return the sessions that a folder which cannot be read may be of: those of its ident, or all of its day."""
    keys = possible([folder], sessions)
    same = [key for key in keys if sessions[key].ident == folder.name.ident]
    return tuple(same or keys)
