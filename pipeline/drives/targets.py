"""Where a drive's recordings go, where their manifests wait on the way, and which disks are watched meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.archive.quiet import Quiet
from pipeline.archive.session import Root
from pipeline.copies.named import named as named_copies
from pipeline.errors import LocalDiskError, UsageError
from pipeline.locations import locations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.archive.ports import Clock, Progress
    from pipeline.archive.session import DatasetType, Location
    from pipeline.drives.connected import Drive
    from pipeline.settings import Settings


def archives(settings: Settings, kinds: Sequence[DatasetType], alias: str, *, register: bool) -> list[Location]:
    """Return the storage locations of each kind of data: the one that is named, or its copies, or this computer's.

    Raises
    ------
    UsageError
        There is none of that name, or several are possible.
    """
    if not kinds:
        return []
    every = locations(settings, kinds, register=register)
    if alias:
        named = [place for place in every if place.alias == alias]
        if not named:
            listed = ", ".join(place.alias for place in every) or "none"
            raise UsageError(
                f"There is no storage location {alias} for what lies on the drive ({', '.join(kinds)}: {listed}).",
                remedy="see them with `mapshell storage list`.",
            )
        return named
    chosen, copies = [], named_copies()
    for kind in kinds:
        possible = [place for place in every if place.dataset_type == kind]
        if copies[kind]:  # somebody said which of them hold every session
            chosen += [place for place in possible if place.alias in copies[kind]]
            continue
        own = {root.alias for root in settings.globus.local_roots}
        possible = [place for place in possible if place.alias in own] or possible
        if len(possible) > 1:
            listed = ", ".join(place.alias for place in possible)
            raise UsageError(
                f"Several archives hold {kind}: {listed}.",
                remedy=f"say which is meant, one after the other: --archive {possible[0].alias}",
            )
        chosen += possible
    return chosen


def staging_root(settings: Settings, drive: Drive, alias: str, endpoint: str, path: str) -> Root:
    """Return where manifests are staged: in a root of this computer, for nothing need be written to the drive.

    A computer without roots of its own stages them on the drive.

    Raises
    ------
    LocalDiskError
        There is no such root, and the drive cannot be written.
    """
    for root in (*settings.globus.roots(alias), *settings.globus.local_roots):
        if root.local_path.is_dir():
            return Root(root.alias, root.endpoint, root.globus_path, Path(root.local_path))
    folder = drive.path / settings.archive.staging_name
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise LocalDiskError(
            f"Manifests cannot be staged in {folder} ({error.strerror}), and no local root of this computer is there.",
            remedy="add a local root to dj_local_conf.json (`mapshell config init`), or connect the drive so that it "
            "can be written.",
        ) from error
    return Root(alias, endpoint, path, drive.path)


def watch_disks(
    settings: Settings, drive: Drive, clock: Clock, epoch: Callable[[], float], progress: Progress
) -> Quiet | None:
    """Return what looks whether something is written to the drive, or recorded on its disk; None when switched off."""
    if not settings.archive.pause_while_recording:
        return None
    roots = {Path(root.local_path) for root in (*settings.globus.local_roots, *settings.globus.shared_roots)}
    return Quiet(
        {*roots, drive.path},
        clock,
        epoch,
        progress.say,
        quiet_seconds=settings.archive.quiet_seconds,
        patience=settings.archive.wait_for_quiet,
        staging=settings.archive.staging_name,
    )
