"""What the evidence of a generation says of files that were adopted: how many, and how many the index only listed.

Which ones, when and how, their own rows and entries tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pipeline.archive.manifest import FileEntry, Manifest

_KEY = "adopted"


def as_evidence(adopted: Collection[FileEntry], known: Manifest | None) -> dict[str, Any]:
    """Return what the evidence says; nothing when nothing was adopted."""
    if not adopted:
        return {}
    before = {entry.subpath for entry in known.files} if known else set()
    return {
        _KEY: {
            "files": len(adopted),
            "bytes": sum(entry.size for entry in adopted),
            "listed_before": sum(entry.subpath in before for entry in adopted),
            "how": sorted({str(entry.verified_how) for entry in adopted}),
        }
    }


def listed_before(evidence: Mapping[str, Any]) -> int:
    """Return how many files a generation adopts that the index had from a listing alone."""
    found = evidence.get(_KEY)
    count = found.get("listed_before") if isinstance(found, dict) else None
    return count if isinstance(count, int) else 0
