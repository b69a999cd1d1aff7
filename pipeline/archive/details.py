"""The details of a session's outcome, as data for programs and screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.acceptance import records_in
from pipeline.archive.evidence import records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.manifest import Manifest
    from pipeline.archive.scan import Defect


def as_details(defects: Sequence[Defect]) -> tuple[dict[str, str], ...]:
    """Return defects as the details of an outcome."""
    return tuple({"rule": d.rule, "file": d.subpath, "reason": d.message, "remedy": d.remedy} for d in defects)


def as_accepted(manifest: Manifest) -> tuple[dict[str, str], ...]:
    """Return what a person accepted of this generation as the details of an outcome."""
    return tuple(
        {"accepted": f"{r['rule']}", "file": f"{r['file']}", "reason": f"{r['found']}", "because": f"{r['because']}"}
        for r in records_in(manifest.evidence)
        if r.get("generation") == manifest.generation  # of earlier ones, who knows what stands there
    )


def as_superseded(manifest: Manifest) -> tuple[dict[str, str], ...]:
    """Return which files this very generation moved aside as the details of an outcome."""
    return tuple(
        {
            "superseded": f"{r['as']}",
            "file": f"{r['file']}",
            "reason": f"is {r['as']} now",
            "because": f"{r['because']}",
        }
        for r in records(manifest.evidence, "superseded")
        if r.get("generation") == manifest.generation
    )
