"""The roots of this computer: which they are, and which sessions their folders are given to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.archive.find import Found, find
from pipeline.archive.naming import compile_layout
from pipeline.archive.nesting import inside
from pipeline.archive.session import Root
from pipeline.copies.named import roots as roots_of
from pipeline.reassign.former import former_names
from pipeline.sessionless import Sessionless, sessionless, taken

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline import sessions
    from pipeline.archive.session import Location, SessionKey
    from pipeline.archive.walk.listing import Listing
    from pipeline.journal import TableJournal
    from pipeline.settings import Settings


def look(
    settings: Settings,
    location: Location,
    roots: Sequence[Root],
    journal: TableJournal,
    lab_sessions: sessions.LabSessions,
    wanted: set[SessionKey],
    gone: Sequence[Sessionless] | None = None,
    listing: Listing | None = None,
    animals: Collection[str] = (),
) -> Found:
    """Walk the local roots of a location once and give every session its folders.

    All sessions take part in the matching (a folder may fit one that is not wanted); only wanted ones are read.
    Folders of datasets without session (``gone``, asked for when None) are given to nobody else.  All who look within
    one round may share its ``listing``.
    """
    if not roots:
        return Found()
    layouts = tuple(compile_layout(pattern) for pattern in settings.archive.layouts.get(location.dataset_type, ()))
    gone = sessionless(location, lab_sessions) if gone is None else gone
    return find(
        roots,
        location.dataset_type,
        lab_sessions.facts,
        lab_sessions.refs,
        journal.indexed,
        patterns(settings),
        layouts,
        wanted,
        former_names(location),
        taken(gone),
        listing,
        animals,
    )


def local_roots(settings: Settings, alias: str) -> tuple[Root, ...]:
    """Return this computer's roots of an alias, as the engine takes them: none enters another root below it."""
    mine = roots_of(settings, alias)
    every = {root.local_path: Path(os.path.realpath(root.local_path)) for root in (*settings.globus.local_roots, *mine)}
    return tuple(
        Root(
            root.alias,
            root.endpoint,
            root.globus_path,
            Path(root.local_path),
            inside(every[root.local_path], every.values()),
        )
        for root in mine
    )


def patterns(settings: Settings) -> tuple[str, ...]:
    """Return what is never archived: what the settings leave out, and our own staging folder."""
    return (*settings.archive.leave_out, settings.archive.staging_name)
