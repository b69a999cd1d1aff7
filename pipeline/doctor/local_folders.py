"""Each local folder: readable and writable here, and listed by Globus under the path that the settings say.

The proof that both are one folder is a file of our own in the staging folder, looked at through Globus, and a folder
made and renamed through Globus, looked at here.  Both are taken away again, by this computer.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.paths import visible
from pipeline.archive.session import join_remote
from pipeline.doctor.candidates import candidates
from pipeline.doctor.findings import Finding, Subject, ok, warning
from pipeline.errors import (
    ConfigError,
    Conflict,
    GlobusError,
    LocalDiskError,
    MapshellError,
    PermissionDenied,
    RemotePathNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.archive.ports import RemoteEntry
    from pipeline.doctor.world import World
    from pipeline.settings import LocalRoot

PROBE = "doctor-probe-"
"""How the names of what is put down for a moment begin."""

_FORGOTTEN_S = 3600.0
_DAY = 86_400


def on_disk(world: World, subject: Subject) -> Iterable[Finding]:
    """Look whether the folder is there and can be read."""
    root: LocalRoot = subject.thing
    path = root.local_path
    if not path.exists():
        raise ConfigError(
            f"The folder {path} does not exist on this computer.",
            remedy=f"connect the drive, make the folder, or correct endpoint_path in {_where(world)}.",
        )
    if not path.is_dir():
        raise ConfigError(f"{path} is a file, not a folder.", remedy="name the folder with the recordings.")
    try:
        entries = sum(1 for _ in os.scandir(path))
    except OSError as error:
        raise LocalDiskError(
            f"The folder {path} cannot be read: {error.strerror or error}.",
            remedy="give the account that runs mapshell the right to read it, or check the disk.",
        ) from error
    yield ok(f"{path}: {_many(entries)}", folder=str(path), entries=entries)


def written(world: World, subject: Subject) -> Iterable[Finding]:
    """Look whether manifests can be staged: a small file, written and taken away."""
    root: LocalRoot = subject.thing
    if not world.write:
        if os.access(root.local_path, os.W_OK):
            yield ok("by its rights it can be written (--no-write: nothing was)")
            return
        raise _unwritable(root.local_path, "by its rights it may not be written")
    with _probe(world, root):
        pass
    yield ok("can be written; manifests are put there before they are sent")


def listed(world: World, subject: Subject) -> Iterable[Finding]:
    """List the folder through Globus."""
    root: LocalRoot = subject.thing
    try:
        entries = world.store(root.endpoint).ls(root.endpoint, root.globus_path)
    except RemotePathNotFound as error:
        raise ConfigError(
            f"Globus has no folder {root.globus_path} in {subject.name}'s collection {root.endpoint}.",
            remedy=_other_path(world, root)
            or f"correct endpoint_subdir in {_where(world)}: open the collection in "
            "the web application; the path that it shows is the one to write.",
        ) from error
    except PermissionDenied as error:
        raise PermissionDenied(
            error.message,
            remedy="add the folder to the accessible ones of Globus Connect Personal (Options, Access), or log in as "
            "who may read it: mapshell whoami",
        ) from error
    yield ok(f"{root.globus_path}: {_many(len(entries))}", path=root.globus_path, entries=len(entries))


def same(world: World, subject: Subject) -> Iterable[Finding]:
    """Prove that the folder on disk is the one that Globus has under its path."""
    root: LocalRoot = subject.thing
    if not world.write:
        yield from _compared(world, root)
        return
    with _probe(world, root) as probe:
        try:
            seen = _seen(world, root, root.globus_path, probe)
        except RemotePathNotFound:
            seen = None
        if seen is None:
            raise ConfigError(
                f"{root.local_path} is not the folder that Globus has at {root.endpoint}:{root.globus_path}: a file "
                "that was written here is not seen there.",
                remedy=_other_path(world, root, probe)
                or f"correct endpoint_subdir or endpoint_path in {_where(world)}: both must name one folder.",
            )
        if seen.size != probe.size:
            raise ConfigError(
                f"Globus shows {seen.size} bytes of a file in {root.local_path} that has {probe.size}.",
                remedy="wait until nothing caches that folder (a network drive?), then run `mapshell doctor` again.",
            )
        facts = {"folder": str(root.local_path), "path": root.globus_path}
        yield ok("a file written here is seen by Globus, with its size", **facts)
        if seen.mtime is not None and seen.mtime != probe.mtime:
            yield warning(
                f"Globus tells another time of a file than this computer: {seen.mtime - probe.mtime:+d} s.",
                "nothing depends on it: files are compared by size and SHA1; look at the clock of the collection's "
                "computer.",
                **facts,
            )


def globus_writes(world: World, subject: Subject) -> Iterable[Finding]:
    """Make a folder through Globus and rename it; look at it here, and take it away here."""
    root: LocalRoot = subject.thing
    if root.endpoint in world.settings.globus.upload_only:
        yield ok("upload only: nothing is ever fetched to it")
        return
    if not world.write:
        return
    store = world.store(root.endpoint)
    with _staging(world, root) as folder:
        name = f"{PROBE}{secrets.token_hex(8)}"
        first, second = folder / name, folder / f"{name}-renamed"
        remote = join_remote(root.globus_path, folder.name)
        clean = world.promise(lambda: _remove_folders(first, second))
        try:
            store.mkdir(root.endpoint, join_remote(remote, first.name))
            if not first.is_dir():
                raise ConfigError(
                    f"A folder made by Globus at {root.endpoint}:{remote} does not appear in {folder}.",
                    remedy=f"correct endpoint_subdir or endpoint_path in {_where(world)}: both must name one folder. "
                    f"It is called {name} and may be removed.",
                )
            store.rename(root.endpoint, join_remote(remote, first.name), join_remote(remote, second.name))
            appeared = second.is_dir()
        except PermissionDenied as error:
            yield warning(
                f"Globus may not write into {root.local_path}: {error.message}",
                "publishing does not need it; to fetch files to this computer, allow writing among the accessible "
                "folders of Globus Connect Personal, or fetch with --via https. To have it so: upload_only.",
            )
            return
        finally:
            clean()
    if appeared:
        yield ok("a folder made and renamed by Globus is seen here")
    else:
        yield warning(
            "A folder that Globus renamed still has its old name here.",
            "a network drive that remembers names for a while? Run `mapshell doctor` again.",
        )


# -- what is put down ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Probe:
    """A file of ours in the staging folder; ``mtime`` in whole UTC seconds."""

    staging: str
    name: str
    size: int
    mtime: int


@contextlib.contextmanager
def _staging(world: World, root: LocalRoot) -> Iterator[Path]:
    """Have the staging folder; one that was made for this goes again."""
    folder = root.local_path / world.settings.archive.staging_name
    try:
        made = not folder.exists()
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():
            raise LocalDiskError(f"{folder} is a link.", remedy="put a folder of its own there.")
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error
    clean = world.promise(lambda: folder.rmdir() if made else None)
    try:
        _sweep(folder)
        yield folder
    finally:
        with contextlib.suppress(OSError):  # somebody else works in it now
            clean()


@contextlib.contextmanager
def _probe(world: World, root: LocalRoot) -> Iterator[_Probe]:
    """Write a file of a name and size of its own, with a time of a day ago; it goes again."""
    with _staging(world, root) as folder:
        file = folder / f"{PROBE}{secrets.token_hex(8)}"
        size, mtime = 100 + secrets.randbelow(900), int(time.time()) - _DAY
        clean = world.promise(lambda: file.unlink(missing_ok=True))
        try:
            try:
                with file.open("xb") as stream:
                    stream.write(secrets.token_bytes(size))
                    stream.flush()
                    os.fsync(stream.fileno())
                os.utime(file, (mtime, mtime))
            except OSError as error:
                raise _unwritable(folder, error.strerror or str(error)) from error
            yield _Probe(folder.name, file.name, size, mtime)
        finally:
            clean()


def _sweep(folder: Path) -> None:
    """Take away what a run that was killed put down."""
    now = time.time()
    for path in folder.glob(f"{PROBE}*"):
        with contextlib.suppress(OSError):
            if now - path.lstat().st_ctime > _FORGOTTEN_S:
                path.rmdir() if path.is_dir() else path.unlink()


def _remove_folders(*folders: Path) -> None:
    for each in folders:
        with contextlib.suppress(FileNotFoundError):
            each.rmdir()


# -- looking through Globus ------------------------------------------------------------------------------------


def _seen(world: World, root: LocalRoot, path: str, probe: _Probe) -> RemoteEntry | None:
    """Return the probe as Globus shows it below a path, None where it does not."""
    listing = world.store(root.endpoint).ls(root.endpoint, join_remote(path, probe.staging))
    return next((entry for entry in listing if entry.name == probe.name), None)


def _other_path(world: World, root: LocalRoot, probe: _Probe | None = None) -> str:
    """Look for the folder under other paths of its collection; return the remedy, empty when it is not found."""
    with contextlib.ExitStack() as stack:
        if probe is None:
            if not world.write:
                return ""
            try:
                probe = stack.enter_context(_probe(world, root))
            except LocalDiskError:
                return ""
        for path in candidates(root.local_path, root.globus_path):
            try:
                if _seen(world, root, path, probe) is not None:
                    return (
                        f'write "endpoint_subdir": "{path}" for {root.alias} in {_where(world)}: Globus has this very '
                        "folder there."
                    )
            except (RemotePathNotFound, PermissionDenied, Conflict):
                continue
            except GlobusError:
                return ""
    return ""


def _compared(world: World, root: LocalRoot) -> Iterable[Finding]:
    """Compare the names here and there: no proof, but it writes nothing."""
    there = {entry.name for entry in world.store(root.endpoint).ls(root.endpoint, root.globus_path)}
    here = {name for name in os.listdir(root.local_path) if visible(name) == name}  # noqa: PTH208 - names alone
    if here - there:
        missing = sorted(here - there)
        raise ConfigError(
            f"{root.local_path} is not the folder that Globus has at {root.endpoint}:{root.globus_path}: "
            f"{missing[0]} is here and not there.",
            remedy=f"correct endpoint_subdir or endpoint_path in {_where(world)}: both must name one folder.",
        )
    if here:
        yield ok("the same names here and in Globus (--no-write: not proven)")
    else:
        yield warning("The folder is empty, so that without writing nothing can be said.", "run it without --no-write.")


def _where(world: World) -> str:
    return f"globus.local_endpoints ({world.settings.file or 'the environment'})"


def _unwritable(folder: Path, why: str) -> MapshellError:
    return LocalDiskError(
        f"Nothing can be written in {folder}: {why}.",
        remedy="make room on that disk, or give the account that runs mapshell the right to write there: manifests are "
        "put there before they are sent.",
    )


def _many(entries: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'}"
