"""A second look at the folders of a session that has just been archived: what came while its bytes moved."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.archive.find import local_session
from pipeline.archive.plan import diff
from pipeline.archive.scan import scan_folder
from pipeline.errors import LocalDiskError

if TYPE_CHECKING:
    from pipeline.archive.find import LocalSession
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.round import Round


def look_again(round_: Round, session: LocalSession) -> LocalSession:
    """Return what the folders of a session hold now, by names, sizes and times; no file is read."""
    parts = []
    for root in round_.roots:
        for folder in session.folders:
            with suppress(LocalDiskError):  # it lies in another root, or was taken away meanwhile
                parts.append((root, folder, scan_folder(root, folder, round_.leave_out)))
    now = local_session(session.ref, parts, dict(session.names))
    return replace(now, folders=session.folders, names=session.names)


def has_news(now: LocalSession, before: LocalSession, archived: Manifest) -> bool:
    """Say whether more or other files are there than were archived, or something new stands in the way."""
    plan = diff(now.files, {entry.subpath: entry for entry in archived.files})
    return bool(set(now.defects) - set(before.defects)) or not plan.nothing_to_do
