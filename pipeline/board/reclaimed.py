"""Which sessions were reclaimed: archived, and their local files deleted after each had been proved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import publication
from pipeline.database.reading import columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.session import DatasetType, Root, SessionKey

_COLUMNS = ("dataset_type", "subject_id", "session", "computer", "state", "files", "proved_at")


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """Files of a session that a computer deleted, or (not ``done``) began to delete; ``proved_at`` in UTC."""

    computer: str
    done: bool
    files: int
    proved_at: datetime


def reclaimed(key: SessionKey | None = None) -> dict[DatasetType, dict[SessionKey, list[Reclaimed]]]:
    """Return what was reclaimed of one session, or of all, by type of data and session, the newest last."""
    rows = publication.Reclaim() & ({} if key is None else {"subject_id": key[0], "session": key[1]})
    found: dict[DatasetType, dict[SessionKey, list[Reclaimed]]] = {}
    for kind, subject_id, session, computer, state, files, proved_at in columns(rows, _COLUMNS):
        if state == "back":  # all of its files were fetched again
            continue
        those = found.setdefault(kind, {}).setdefault((subject_id, session), [])
        those.append(Reclaimed(computer, state == "done", files, proved_at))
    for those in (each for sessions in found.values() for each in sessions.values()):
        those.sort(key=lambda each: each.proved_at)
    return found


def as_reclaimed(
    state: str, reason: str, those: Sequence[Reclaimed], files: int, *, here: bool
) -> tuple[str, str, Mapping[str, str]]:
    """Return state, reason and further facts of a session in the index that was reclaimed somewhere.

    Parameters
    ----------
    state, reason
        What it is called without looking at that; only what is simply archived can be reclaimed.
    those
        What was reclaimed of it, the newest last.
    files
        How many files of it may lie on a computer's disk.
    here
        Whether this computer has some of them (again).
    """
    if state != "archived" or not those:
        return state, reason, {}
    newest = those[-1]
    facts = {"computer": newest.computer}
    if not newest.done:
        said = f"its files on {newest.computer} are being deleted since {newest.proved_at:%Y-%m-%d %H:%M} UTC"
        return state, "; ".join(filter(None, (said, reason))), facts
    deleted = sum(each.files for each in those if each.done)
    if here:  # fetched again, or not all of them were deleted
        return state, reason, {}
    if deleted < files:
        said = f"{deleted:,} of {files:,} files were deleted on {newest.computer}"
        return state, "; ".join(filter(None, (said, reason))), facts
    said = f"its files on {newest.computer} were deleted on {newest.proved_at:%Y-%m-%d}"
    return "reclaimed", "; ".join(filter(None, (said, reason))), facts


def by_tombstone(root: Root, subpath: str) -> str:
    """Say that a session was reclaimed here, where the row that told it was lost with a database."""
    return f"its files on this computer were deleted: {root.text_on_disk(subpath)}"
