"""What was done with an older database's sessions in ours since: their files may be another session's by now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.archive.aliases import former

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import SessionKey


def reassigned(
    key: SessionKey,
    files: Collection[str],
    evidence: Mapping[SessionKey, Any],
    indexed: Callable[[Collection[SessionKey]], Mapping[SessionKey, Manifest]],
) -> set[str]:
    """Return the files of an older database's session that our index has under the names that a reassignment gave them.

    Parameters
    ----------
    key, files
        The session there, and its files in our spelling.
    evidence
        The evidence of all our archived rows of the location.
    indexed
        Asks our index.
    """
    found: set[str] = set()
    for now, told in evidence.items():
        for was, new_name in former(told):
            if was == key:
                ours = {entry.subpath for each in indexed([now]).values() for entry in each.files}
                names = {subpath: new_name(subpath) for subpath in files}
                found |= {old for old, new in names.items() if new in ours and (now, new) != (key, old)}
    return found
