"""What lies in this computer's local roots and is no session's, from the settings and the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pipeline.archive.session import DatasetType, Root
    from pipeline.archive.walk.leftovers import Leftovers
    from pipeline.archive.walk.listing import Listing
    from pipeline.settings import Settings


def look_beside(settings: Settings, h2os: Collection[str], listing: Listing | None = None) -> Leftovers:
    """Return what lies in the local roots and in no session's folder.

    ``h2os`` are the animals of the database, ``listing`` is what others have just listed.
    """
    from pipeline.archive.naming import compile_layout
    from pipeline.archive.walk.leftovers import Ground, leftovers
    from pipeline.here import local_roots
    from pipeline.ingest.database import aliases

    both: tuple[DatasetType, ...] = ("ephys", "video")
    kinds: dict[Path, set[DatasetType]] = {}
    roots: dict[Path, Root] = {}
    for kind in both:
        for alias in aliases(settings, kind):
            for root in local_roots(settings, alias):
                kinds.setdefault(root.local_path, set()).add(kind)
                roots.setdefault(root.local_path, root)
    layouts = {kind: [compile_layout(each) for each in settings.archive.layouts.get(kind, ())] for kind in both}
    patterns = (*settings.archive.leave_out, settings.archive.staging_name, "dj_local_conf.json")
    grounds = [Ground(root, frozenset(kinds[path])) for path, root in roots.items()]
    return leftovers(grounds, layouts, h2os, patterns, listing)
