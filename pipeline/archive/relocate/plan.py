"""A relocation as data: what the index has, what it will have, the renamings from one to the other.  Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipeline.archive.evidence import records
from pipeline.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.archive.journal import Rename
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import SessionRef


@dataclass(frozen=True, slots=True)
class Relocation:
    """Files of one session that get other names at one storage location, and the session that has them afterwards."""

    before: Manifest
    after: Manifest
    renames: tuple[Rename, ...]


def relocation(
    before: Manifest,
    renames: Sequence[Rename],
    *,
    session: SessionRef | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> Relocation:
    """Plan a relocation.

    Parameters
    ----------
    before
        What the index has.
    renames
        Of files and folders, and of what goes along with them; those that change nothing are left out.
    session
        Whose files they are afterwards; the same session's by default.
    evidence
        All evidence of the next generation; by default what there was.

    Raises
    ------
    Refused
        Two files would get one name, or names would be traded.
    """
    wanted = tuple(rename for rename in renames if rename.old != rename.new)
    _refuse_trades(wanted)
    new_name = translation(wanted)
    files = tuple(
        sorted((replace(e, subpath=new_name(e.subpath)) for e in before.files), key=lambda entry: entry.subpath)
    )
    names = [entry.subpath for entry in files]
    twice = next((one for one, other in pairwise(names) if one == other), None)
    if twice is not None:
        raise Refused(f"Two files would both be named {twice}; nothing was renamed.", remedy=_IDENT)
    said = dict(before.evidence if evidence is None else evidence)
    after = replace(
        before,
        session=session or before.session,
        generation=before.generation + 1,
        files=files,
        archived_at=None,
        evidence={**_translated(said, wanted), "folders": sorted({"/".join(name.split("/")[:2]) for name in names})},
    )
    return Relocation(before, after, wanted)


def _translated(evidence: Mapping[str, Any], renames: Sequence[Rename]) -> dict[str, Any]:
    """Return evidence whose names of superseded files follow the folders that they lie in."""
    folders = {rename.old: rename.new for rename in renames if rename.folder}
    told = [
        {**record, **{what: in_folders(record[what], folders) for what in ("file", "as") if what in record}}
        for record in records(evidence, "superseded")
    ]
    return {**evidence, "superseded": told} if told else dict(evidence)


def _refuse_trades(renames: Sequence[Rename]) -> None:
    """Refuse names that another renaming must free first: after a kill nobody could tell how far it was."""
    old, new = {rename.old for rename in renames}, Counter(rename.new for rename in renames)
    taken = sorted(name for name, count in new.items() if count > 1 or name in old)
    if taken:
        raise Refused(f"{taken[0]} would be the name of two things; nothing was renamed.", remedy=_IDENT)


def translation(renames: Sequence[Rename]) -> Callable[[str], str]:
    """Return what gives each subpath its new one."""
    files = {rename.old: rename.new for rename in renames if not rename.folder}
    folders = {rename.old: rename.new for rename in renames if rename.folder}

    def new_name(subpath: str) -> str:
        return files.get(subpath) or in_folders(subpath, folders)

    return new_name


def in_folders(subpath: str, folders: Mapping[str, str]) -> str:
    """Return a subpath with the deepest folder of it that has another name renamed."""
    folder = subpath
    while folder:
        if folder in folders:
            return folders[folder] + subpath[len(folder) :]
        folder = folder.rpartition("/")[0]
    return subpath


_IDENT = "give the session an ident that makes the names differ (`mapshell session-ident`)."
