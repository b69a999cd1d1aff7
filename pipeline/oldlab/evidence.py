"""What an archived row says that was taken over from an older database.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SOURCE = "adopted"


def as_evidence(source: str, datasets: Sequence[str], files: int, folders: Sequence[str]) -> dict[str, Any]:
    """Return the evidence of a session that was adopted from a schema: nothing was checked."""
    return {
        "source": _SOURCE,
        "from": source,
        "datasets": sorted(datasets),
        "files": files,
        "folders": sorted(folders),
        "checks": [],
    }


def is_adopted(evidence: Mapping[str, Any]) -> bool:
    """Say whether a session was adopted."""
    # What somebody changed in the row by hand may be no object.
    return isinstance(evidence, dict) and evidence.get("source") == _SOURCE


def in_words(evidence: Mapping[str, Any]) -> str:
    """Say where a session was adopted from; empty when it was not."""
    return f"adopted from {evidence.get('from', 'an older database')}, never verified" if is_adopted(evidence) else ""
