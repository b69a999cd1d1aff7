"""A drive as it was walked: its session folders, each a root of its own, wherever they lie."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.archive.naming import compile_layout
from pipeline.archive.session import Root
from pipeline.drives.places import KINDS, Place, places
from pipeline.drives.survey import Survey, survey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.ports import Progress
    from pipeline.archive.session import DatasetType
    from pipeline.drives.connected import Drive
    from pipeline.drives.places import Loose
    from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Ground:
    """What one walk of a drive found; ``animals`` are the lab's subjects by water restriction."""

    seen: Survey
    animals: Mapping[str, int]
    chosen: Sequence[Place]
    loose: Sequence[Loose]


def walk(settings: Settings, drive: Drive, progress: Progress) -> Ground:
    """Walk a drive; empty session folders are left out.

    Raises
    ------
    LocalDiskError
        The drive's own folder cannot be listed.
    DriveGone
        It was disconnected meanwhile.
    """
    from pipeline.ingest.database import animals

    known = animals()
    progress.task("walking", f"Looking at {drive}", 0)

    def watch(files: int) -> None:
        drive.check()
        progress.update("walking", 0, f"{files:,} files")

    seen = survey(drive.path, watch)
    progress.done("walking", f"{seen.files:,} files")
    found, loose = places(seen.folders, above(drive.path), known, layouts(settings))
    return Ground(seen, known, [place for place in found if place.files], loose)


def above(top: Path) -> tuple[str, ...]:
    """Return the names of the folders that lead to a place, its own among them: they may tell the animal."""
    return Path(os.path.realpath(top)).parts[1:]


def layouts(settings: Settings) -> dict[DatasetType, list[Layout]]:
    """Return the lab's further layouts of folders, by kind."""
    return {kind: [compile_layout(each) for each in settings.archive.layouts.get(kind, ())] for kind in KINDS}


def root_of(top: Path, place: Place, alias: str = "", endpoint: str = "", globus_path: str = "") -> Root:
    """Return a session folder of a drive as a root of its own; ``globus_path`` is that of the drive."""
    there = "/".join((globus_path.rstrip("/"), *place.names))
    return Root(alias, endpoint, there, top.joinpath(*place.names), place.elsewhere, place.subpath)


def without_copies(chosen: Sequence[Place]) -> list[tuple[DatasetType, list[int]]]:
    """Return the folders of known animals by kind, in groups in which no folder has a copy of itself."""
    groups: dict[tuple[DatasetType, int], list[int]] = defaultdict(list)
    times: dict[tuple[str, str], int] = defaultdict(int)
    for number, place in enumerate(chosen):
        if place.known:
            groups[place.kind, times[place.kind, place.subpath]].append(number)
            times[place.kind, place.subpath] += 1
    return [(kind, numbers) for (kind, _), numbers in groups.items()]
