"""Names at the archive are freed by renaming what stands there: no byte is ever overwritten or deleted.

What an unfinished transfer of our own left under a final name, and what must not be taken for data, gets a name that
nothing else uses.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Literal

from pipeline.archive.scan import list_remote
from pipeline.archive.session import join_remote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.ports import TaskStatus
    from pipeline.archive.round import Flight, Round

OWN_FOLDERS = (".mapshell-doctor", ".mapshell-doctor-renamed")
"""Names of the one empty folder that we may leave in an archive's folder: `mapshell doctor` proves writing with it."""

_LONGEST_NAME = 255
"""Bytes that a component of a path may have on the usual file systems."""


_ASIDE = re.compile(r".+\.(?:unfinished|quarantined|reassigned)-[0-9a-f]{8}", re.DOTALL)


def is_aside(name: str) -> bool:
    """Say whether the name of a file (not its path) is one that :func:`set_aside` gives, and nobody else."""
    return _ASIDE.fullmatch(name) is not None


_SUPERSEDED = re.compile(r".+\.superseded-[0-9a-f]{8}", re.DOTALL)


def is_superseded(subpath: str) -> bool:
    """Say whether a file bears the name of archived bytes that others took the place of; it stays in the index."""
    return _SUPERSEDED.fullmatch(subpath.rpartition("/")[2]) is not None


def in_force(wanted: Sequence[FileEntry], every: Iterable[FileEntry]) -> list[FileEntry]:
    """Return files without those whose place others have taken; what nothing has followed is still the last word."""
    names = {entry.subpath for entry in every}
    last: dict[str, FileEntry] = {}
    for entry in wanted:
        before = entry.subpath.rpartition(".superseded-")[0]
        if is_superseded(entry.subpath) and before not in names:
            last[before] = max(last.get(before, entry), entry, key=lambda each: each.generation)
    kept = {entry.subpath for entry in last.values()}
    return [entry for entry in wanted if not is_superseded(entry.subpath) or entry.subpath in kept]


def aside_name(subpath: str, why: str) -> str:
    """Return ``<name>.<why>-<8 hex digits>`` beside a file, no longer than a name may be."""
    suffix = f".{why}-{uuid.uuid4().hex[:8]}"
    folder, slash, name = subpath.rpartition("/")
    return folder + slash + name.encode("utf-8")[: _LONGEST_NAME - len(suffix)].decode("utf-8", "ignore") + suffix


def set_aside(round_: Round, subpaths: Iterable[str], why: Literal["unfinished", "quarantined"]) -> None:
    """Rename files at the archive to ``<name>.<why>-<8 hex digits>``.

    Raises
    ------
    GlobusError
        One could not be renamed; the others before it were.
    """
    location = round_.location
    for subpath in subpaths:
        aside = aside_name(subpath, why)
        old, new = (join_remote(location.path, each) for each in (subpath, aside))
        round_.store().rename(location.endpoint, old, new)
        round_.progress.say(f"At the archive, {subpath} was renamed to {aside.rpartition('/')[2]}.")


def left_by_task(round_: Round, flight: Flight, status: TaskStatus) -> tuple[str, ...]:
    """Return what a failed task left; where it met files of others, only what it reports as sent is ours."""
    return left_as_reported(round_, flight, status) if status.files_skipped else left_at_the_archive(round_, flight)


def left_as_reported(round_: Round, flight: Flight, status: TaskStatus) -> tuple[str, ...]:
    """Return what a task reports as sent and what is there now.

    What it says it sent, and is not there, may be somebody else's when it is there one day.
    """
    if not status.task_id:
        return ()
    sent = set(round_.store().transferred(status.task_id))
    return tuple(path for path in left_at_the_archive(round_, flight) if path in sent)


def left_at_the_archive(round_: Round, flight: Flight) -> tuple[str, ...]:
    """Look which destinations of a failed task hold something: only that may be ours, what comes later is not."""
    location = round_.location
    adopted = flight.compared  # is not ours
    subpaths = [entry.subpath for entry in flight.new_entries if entry.subpath not in adopted]
    there = list_remote(round_.store(), location.endpoint, location.path, subpaths)
    return tuple(join_remote(location.path, subpath) for subpath in there)
