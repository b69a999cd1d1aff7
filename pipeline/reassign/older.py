"""An index that is older than a reassignment (a backup, say): its rows follow, by what the newer manifest tells.

The index has the files as of the session, or under the names, that they had before; the manifest has the same files,
with the same sizes, times and SHA1, under others, and its evidence tells the way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.archive.aliases import former
from pipeline.archive.evidence import records
from pipeline.archive.journal import Part, Rename

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import SessionKey

    Indexed = Callable[[Collection[SessionKey]], Mapping[SessionKey, Manifest]]


def left_behind(manifest: Manifest, indexed: Indexed) -> Part | None:
    """Return what the index has of a manifest's files as of before they were reassigned, and where that leads.

    None when it has nothing, or when not every file of it is the manifest's: then it is not for us to decide.
    """
    every = list(former(manifest.evidence))
    had = indexed({key for key, _ in every} | {manifest.session.key}) if every else {}
    said = {entry.subpath: entry for entry in manifest.files}
    aside = [(f"{record.get('file')}", f"{record.get('as')}") for record in records(manifest.evidence, "superseded")]
    for key, new_name in reversed(every):
        before = had.get(key)
        if before is None or before.generation >= manifest.generation:
            continue
        if key != manifest.session.key and manifest.session.key in had:
            continue
        files = tuple(_now(entry, new_name, said, aside) for entry in before.files)
        after = tuple(entry for entry in files if entry is not None)
        if len(after) < len(files) or (key == manifest.session.key and after == before.files):
            continue
        renames = tuple(
            Rename(old.subpath, new.subpath, old.size) for old, new in zip(before.files, after, strict=True)
        )
        told = replace(manifest, generation=before.generation, files=after)
        return Part(told, before=before, renames=renames)
    return None


def _now(
    entry: FileEntry,
    new_name: Callable[[str], str],
    said: Mapping[str, FileEntry],
    aside: Collection[tuple[str, str]],
) -> FileEntry | None:
    """Return a file as the manifest has it, by the name that it has now or under which it was superseded; else None."""
    name = new_name(entry.subpath)
    names = [name, *(new for old, new in aside if old == name)]
    return next((said[each] for each in names if said.get(each) == replace(entry, subpath=each)), None)
