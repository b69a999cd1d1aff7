"""The computer itself: versions, private files, local services, free space, our own folders."""

from __future__ import annotations

import os
import platform
import stat
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import folders
from pipeline.doctor.findings import Finding, Subject, failure, ok, warning
from pipeline.doctor.world import existing
from pipeline.errors import ConfigError, LocalDiskError
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.doctor.world import World

SCARCE = 2_000_000_000
"""Bytes below which a disk is said to fill up."""

FULL = 100_000_000
"""Bytes below which the next run may fail for want of room."""

_NAMED = ("globus-sdk", "datajoint")


def versions(_: World, __: Subject) -> Iterable[Finding]:
    """Tell the versions that a report of a defect needs, and compare the libraries with what mapshell asks for."""
    try:
        own = metadata.version("mapshell")
    except metadata.PackageNotFoundError:  # run from a folder of sources
        own = "of a folder of sources"
    found = {"mapshell": own, "python": platform.python_version(), "system": platform.platform(terse=True)}
    found |= {name: metadata.version(name) for name in _NAMED}
    yield ok(", ".join(f"{'Python' if name == 'python' else name} {each}" for name, each in found.items()), **found)
    for wanted, there in _unfit():
        yield failure(
            ConfigError(
                f"mapshell {own} needs {wanted}; {there}.",
                remedy=f"install it anew (pipx reinstall mapshell), or: {sys.executable} -m pip install '{wanted}'",
            )
        )


def _unfit() -> Iterator[tuple[str, str]]:
    """Yield the requirements of mapshell that this environment does not fulfil, and what there is instead."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        texts = metadata.requires("mapshell") or []
    except metadata.PackageNotFoundError:
        return
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            there = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{requirement.name}{requirement.specifier}", "it is not installed"
            continue
        if not requirement.specifier.contains(there, prereleases=True):
            yield f"{requirement.name}{requirement.specifier}", f"{there} is installed"


def private_files(world: World, _: Subject) -> Iterable[Finding]:
    """Look whether others can read the login, or change the settings."""
    own = world.settings
    token = own.globus.token_file
    if os.name == "nt":
        yield ok("your profile's folders are yours alone on Windows; modes mean nothing there")
        return
    sound = []
    if token is not None and token.exists():
        mode = stat.S_IMODE(token.stat().st_mode)
        if mode & 0o077:
            yield failure(
                ConfigError(
                    f"Other users of this computer can read the file with the Globus tokens: {token} "
                    f"(mode {mode:04o}).",
                    remedy=f"run: chmod 600 '{token}'; if others may have read it: mapshell logout, then mapshell "
                    "login",
                ),
                file=str(token),
            )
        else:
            sound.append(f"{token} (login)")
    if own.file is not None:
        mode = stat.S_IMODE(own.file.stat().st_mode)
        if mode & 0o002:
            yield warning(
                f"Everybody on this computer can change {own.file} (mode {mode:04o}), and so where data are sent.",
                f"run: chmod o-w '{own.file}'",
                file=str(own.file),
            )
        else:
            sound.append(f"{own.file} (settings)")
    if sound:
        yield ok("; ".join(sound))


def services(world: World, _: Subject) -> Iterable[Finding]:
    """Look whether the local services that the settings name run; the database's is looked at there."""
    own = world.settings
    said = []
    if own.database.embedded is not None:
        from pipeline import embedded

        found = embedded.status(own.database.embedded)
        how = f"runs on port {found.port}" if found.running else "is stopped; commands start it"
        said.append(f"embedded database {how if found.exists else 'not made yet; the first command makes it'}")
    if own.globus.service_file is not None:
        from pipeline.services import read_state

        running = read_state(own.globus.service_file)
        said.append(f"local Globus {'runs' if running else 'is stopped; commands start it'}")
    yield ok("; ".join(said) or "none: a database server, and Globus itself")


def _places(world: World) -> Iterator[tuple[str, Path]]:
    """Yield every folder of this computer that must have room, with what it is for."""
    for root in world.settings.globus.local_roots:
        if root.local_path.exists():  # else told as such
            yield f"local folder {root.local_path}", root.local_path
    if world.settings.database.embedded is not None:
        yield "embedded database", world.settings.database.embedded
    yield "data folder", folders.data_folder(world.environ)
    yield "cache", folders.cache_folder(world.environ)
    yield "log", folders.log_folder(world.environ)
    yield "temporary files", Path(tempfile.gettempdir())


def space(world: World, _: Subject) -> Iterable[Finding]:
    """Look at the free space of every disk that is used, once each."""
    disks: dict[int, tuple[Path, list[str]]] = {}
    for what, folder in _places(world):
        there = existing(folder)
        uses = disks.setdefault(there.stat().st_dev, (there, []))[1]
        if what not in uses:
            uses.append(what)
    for there, uses in disks.values():
        free = world.free(there)
        facts = {"folder": str(there), "free_bytes": free, "uses": uses}
        what = ", ".join(uses)
        if free < FULL:
            yield failure(
                LocalDiskError(
                    f"The disk of {there} is full: {human_bytes(free)} are free. It holds: {what}.",
                    remedy="make room there; sessions that `mapshell publication-status` shows as archived need not "
                    "stay on a rig.",
                ),
                **facts,
            )
        elif free < SCARCE:
            yield warning(
                f"The disk of {there} fills up: {human_bytes(free)} are free. It holds: {what}.",
                "make room there before the next recording.",
                **facts,
            )
        else:
            yield ok(f"{human_bytes(free)} free at {there}: {what}", **facts)


def own_folders(world: World, _: Subject) -> Iterable[Finding]:
    """Look whether our own folders can be written, or made; by their rights alone."""
    sound = []
    for what, folder in (
        ("data folder", folders.data_folder(world.environ)),
        ("cache", folders.cache_folder(world.environ)),
        ("log", folders.log_folder(world.environ)),
    ):
        there = existing(folder)
        if there == folder and not there.is_dir():
            reason = "is no folder"
        elif not os.access(there, os.W_OK | os.X_OK):
            reason = "may not be written by this account"
        else:
            sound.append(f"{what} {folder}")
            continue
        why = reason if there == folder else f"cannot be made: {there} {reason}"
        error = LocalDiskError(
            f"The {what} {folder} {why}.",
            remedy=f"give this account the right to write to {there}, or name another place in the environment "
            "variable MAPSHELL_HOME.",
        )
        if what == "data folder":  # the login and what retrievals are doing
            yield failure(error, folder=str(folder))
        else:
            yield warning(error.message, error.remedy, folder=str(folder))
    if sound:
        yield ok(", ".join(sound))
