"""Files that were archived and bear other names here now: they are named, and not sent a second time.

A file is the one that was archived under another name when the index has its size and SHA1, and no file of the archived
name is here any more.  A small one must have the time of the archived one too: programs write the same bytes again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.archive.aside import is_superseded
from pipeline.archive.plan import Plan
from pipeline.archive.scan import Defect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.plan import PlanItem
    from pipeline.archive.session import LocalFile

WORTH = 1_000_000
"""Bytes from which a file is compared with the archived ones of its size whatever its time says."""


def suspects(local: Sequence[LocalFile], indexed: Mapping[str, FileEntry]) -> dict[str, tuple[FileEntry, ...]]:
    """Return the new files that may have been archived under another name, with the archived ones they may be."""
    here = {file.subpath for file in local}
    gone: dict[int, list[FileEntry]] = defaultdict(list)
    for entry in indexed.values():
        if entry.sha1 is not None and entry.size and entry.subpath not in here and not is_superseded(entry.subpath):
            gone[entry.size].append(entry)
    found = {}
    for file in local if gone else ():
        if file.subpath not in indexed:
            alike = [e for e in gone.get(file.size, ()) if e.mtime == file.mtime or e.size >= WORTH]
            if alike:
                found[file.subpath] = tuple(sorted(alike, key=lambda entry: _unlike(file, entry)))
    return found


def _unlike(file: LocalFile, entry: FileEntry) -> tuple[bool, bool, str]:
    same_name = file.subpath.rsplit("/", 1)[-1] == entry.subpath.rsplit("/", 1)[-1]
    return (not same_name, entry.mtime != file.mtime, entry.subpath)


def with_renames(plan: Plan, maybe: Mapping[str, Sequence[FileEntry]], checksums: Mapping[str, str | None]) -> Plan:
    """Return a plan that does not send what was archived under another name.

    Parameters
    ----------
    plan
        The plan as names alone make it.
    maybe
        What :func:`suspects` found.
    checksums
        SHA1 of the suspects, by subpath; without one a suspect is to be hashed.
    """
    return Plan(tuple(_judged(item, maybe.get(item.subpath, ()), checksums.get(item.subpath)) for item in plan.items))


def _judged(item: PlanItem, entries: Sequence[FileEntry], sha1: str | None) -> PlanItem:
    same = [entry for entry in entries if sha1 in (None, entry.sha1)] if item.action == "send" else []
    if not same:
        return item
    was = same[0].subpath
    if sha1 is None:
        return replace(item, action="hash", reason=f"it may be {was} under another name", was=was)
    return replace(item, action="renamed", reason=f"renamed since it was archived: it is {was} at the archive", was=was)


def as_defects(plan: Plan) -> tuple[Defect, ...]:
    """Return the renamed files of a plan as what the gate refuses."""
    return tuple(Defect("renamed", item.subpath, item.reason, _remedy(item)) for item in plan.only("renamed"))


def in_short(item: PlanItem) -> str:
    """Say which folder or file was renamed: the part of the path in which the two names differ."""
    now, then = _shortest(item)
    return f"{then} is {now} here"


def _remedy(item: PlanItem) -> str:
    now, then = _shortest(item)
    return f"rename {now} back to {then}; its bytes are archived, and nothing was sent twice."


def _shortest(item: PlanItem) -> tuple[str, str]:
    new, old = item.subpath.split("/"), item.was.split("/")
    while len(new) > 1 and len(old) > 1 and new[-1] == old[-1]:
        del new[-1], old[-1]
    return "/".join(new), "/".join(old)
