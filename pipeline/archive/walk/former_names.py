"""Folders of this computer that bear a name under which their session was archived before it was reassigned.

A name alone proves nothing: the session that really is what the name says may have a folder of that name, too.  So the
files decide, by names, sizes and times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import LocalFile, SessionKey


@dataclass(frozen=True, slots=True)
class Former:
    """What an old name stands for: who has the files now, their ``folder`` at the archive now, and who had them."""

    key: SessionKey
    folder: str
    was: SessionKey


def whose(
    candidates: Sequence[Former],
    folder: str,
    files: Sequence[LocalFile],
    indexed: Mapping[SessionKey, Manifest],
    owner: SessionKey | None,
    known: Collection[SessionKey],
) -> Former | None:
    """Decide whether a folder that bears an old name is still that of a reassigned session.

    Parameters
    ----------
    candidates
        What the name may stand for.
    folder, files
        The folder, and what lies in it.
    indexed
        What the index has of the sessions concerned.
    owner
        The session of which the index has files in a folder of this very name.
    known
        The lab's sessions.

    Returns
    -------
    Former or None
        None: it is what its name says.
    """
    found = [one for one in candidates if one.key in indexed]
    scores = {one: _compared(files, folder, indexed[one.key], one.folder) for one in found}
    same = max((agreeing for agreeing, _ in scores.values()), default=0)
    own = _compared(files, folder, indexed[owner], folder)[0] if owner in indexed and owner is not None else 0
    if same > own:
        return next(one for one in found if scores[one][0] == same)
    if same or owner is not None:
        return None
    # Nothing of what was archived is here any more: what came later goes where the rest went, unless it contradicts
    # that, or the session that the name tells of exists.
    rest = [one for one in found if not scores[one][1] and one.was not in known]
    return rest[-1] if rest else None


def _compared(files: Sequence[LocalFile], folder: str, manifest: Manifest, there: str) -> tuple[int, int]:
    """Count the files that a manifest has with the same size and time, and those that it has with another size."""
    inside = {e.subpath[len(there) + 1 :]: e for e in manifest.files if e.subpath.startswith(f"{there}/")}
    same = other = 0
    for file in files:
        entry = inside.get(file.subpath[len(folder) + 1 :])
        if entry is not None:
            same += (entry.size, entry.mtime) == (file.size, file.mtime)
            other += entry.size != file.size
    return same, other


def under_new_name(scan: Scan, folder: str, there: str) -> Scan:
    """Return what lies in a folder with the subpaths that it has, or gets, at the archive."""
    if folder == there:
        return scan
    files = (file._replace(subpath=there + file.subpath[len(folder) :], lies=file.subpath) for file in scan.files)
    return Scan(tuple(files), scan.defects, scan.tombstones)
