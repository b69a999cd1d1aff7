"""What is put down in a local folder for a moment, under names that nobody mistakes, and taken away again."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from pipeline.archive.journal import step
from pipeline.errors import LocalDiskError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.doctor.world import World
    from pipeline.settings import LocalRoot

PROBE = "doctor-probe-"
"""How the names of what is put down begin."""

_FORGOTTEN_S = 3600.0
_DAY = 86_400
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Probe:
    """A file of ours in the staging folder; ``mtime`` in whole UTC seconds."""

    staging: str
    name: str
    size: int
    mtime: int


@contextlib.contextmanager
def probe(world: World, root: LocalRoot) -> Iterator[Probe]:
    """Write a file of a name and size of its own, with a time of a day ago; it goes again.

    So does the staging folder, if it was made for this and nobody else works in it by then.
    """
    folder = root.local_path / world.settings.archive.staging_name
    file = folder / fresh_name(world)
    size, mtime = 100 + secrets.randbelow(900), int(time.time()) - _DAY
    made = not folder.exists()
    clean = world.promise(lambda: _remove(file, folder if made else None))
    try:
        try:
            _write(file, secrets.token_bytes(size))
            os.utime(file, (mtime, mtime))
        except OSError as error:
            raise unwritable(folder, error.strerror or str(error)) from error
        _sweep(world, folder)
        step("doctor: probe")
        yield Probe(folder.name, file.name, size, mtime)
    finally:
        clean()


def _write(file: Path, content: bytes) -> None:
    """Write a file into the staging folder, which somebody who has just ended may take away meanwhile."""
    for left in range(_ATTEMPTS, 0, -1):
        file.parent.mkdir(exist_ok=True)
        if file.parent.is_symlink():
            raise LocalDiskError(f"{file.parent} is a link.", remedy="put a folder of its own there.")
        try:
            with file.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        except FileNotFoundError:
            if left == 1:
                raise
        else:
            return


def _remove(file: Path, folder: Path | None) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
    if folder is not None:
        with contextlib.suppress(OSError):  # somebody else works in it now
            folder.rmdir()


def fresh_name(world: World) -> str:
    """Return a name that nobody mistakes, with the time in it (s since 1970)."""
    return f"{PROBE}{_seconds(world):.0f}-{secrets.token_hex(6)}"


def _seconds(world: World) -> float:
    return world.clock.now().replace(tzinfo=UTC).timestamp()


def _sweep(world: World, folder: Path) -> None:
    """Take away what a run that was killed put down, an hour later."""
    for path in folder.glob(f"{PROBE}*-*"):
        said = path.name.removeprefix(PROBE).partition("-")[0]
        with contextlib.suppress(OSError):
            if said.isdecimal() and _seconds(world) - int(said) > _FORGOTTEN_S:
                path.rmdir() if path.is_dir() else path.unlink()


def remove_folders(*folders: Path) -> None:
    """Take empty folders away, those that are there."""
    for each in folders:
        with contextlib.suppress(FileNotFoundError):
            each.rmdir()


def unwritable(folder: Path, why: str) -> LocalDiskError:
    """Return the error of a folder in which manifests cannot be staged."""
    return LocalDiskError(
        f"Nothing can be written in {folder}: {why}.",
        remedy="make room on that disk, or give the account that runs mapshell the right to write there: manifests are "
        "put there before they are sent.",
    )
