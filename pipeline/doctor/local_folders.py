"""Each local folder: readable and writable here, and listed by Globus under the path that the settings say.

The proof that both are one folder is a file of our own in the staging folder, looked at through Globus, and a folder
made and renamed through Globus, looked at here.  Both are taken away again, by this computer.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pipeline.archive.paths import visible
from pipeline.archive.session import join_remote
from pipeline.doctor.candidates import candidates
from pipeline.doctor.findings import Finding, Subject, ok, warning
from pipeline.doctor.probe import Probe, fresh_name, probe, remove_folders, unwritable
from pipeline.errors import (
    ConfigError,
    Conflict,
    GlobusError,
    LocalDiskError,
    PermissionDenied,
    RemotePathNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.archive.ports import RemoteEntry
    from pipeline.doctor.world import World
    from pipeline.settings import LocalRoot


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
        raise unwritable(root.local_path, "by its rights it may not be written")
    with probe(world, root):
        pass
    yield ok("can be written; manifests are put there before they are sent")


def listed(world: World, subject: Subject) -> Iterable[Finding]:
    """List the folder through Globus."""
    root: LocalRoot = subject.thing
    try:
        entries = world.store(root.endpoint).ls(root.endpoint, root.globus_path)
    except RemotePathNotFound as error:
        raise ConfigError(
            f"Globus has no folder {root.globus_path} in the collection {root.endpoint}.",
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
    with probe(world, root) as put:
        try:
            seen = _seen(world, root, root.globus_path, put)
        except RemotePathNotFound:
            seen = None
        if seen is None:
            raise ConfigError(
                f"{root.local_path} is not the folder that Globus has at {root.endpoint}:{root.globus_path}: a file "
                "that was written here is not seen there.",
                remedy=_other_path(world, root, put)
                or f"correct endpoint_subdir or endpoint_path in {_where(world)}: both must name one folder.",
            )
        if seen.size != put.size:
            raise ConfigError(
                f"Globus shows {seen.size} bytes of a file in {root.local_path} that has {put.size}.",
                remedy="wait until nothing caches that folder (a network drive?), then run `mapshell doctor` again.",
            )
        facts = {"folder": str(root.local_path), "path": root.globus_path}
        yield ok("a file written here is seen by Globus, with its size", **facts)
        if seen.mtime is not None and seen.mtime != put.mtime:
            yield warning(
                f"Globus tells another time of a file than this computer: {seen.mtime - put.mtime:+d} s.",
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
    with probe(world, root) as put:  # while it is there, nobody takes the staging folder away
        folder, name = root.local_path / put.staging, fresh_name(world)
        first, second = folder / name, folder / f"{name}-renamed"
        remote = join_remote(root.globus_path, folder.name)
        clean = world.promise(lambda: remove_folders(first, second))
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


# -- looking through Globus ------------------------------------------------------------------------------------


def _seen(world: World, root: LocalRoot, path: str, put: Probe) -> RemoteEntry | None:
    """Return the probe as Globus shows it below a path, None where it does not."""
    listing = world.store(root.endpoint).ls(root.endpoint, join_remote(path, put.staging))
    return next((entry for entry in listing if entry.name == put.name), None)


def _other_path(world: World, root: LocalRoot, put: Probe | None = None) -> str:
    """Look for the folder under other paths of its collection; return the remedy, empty when it is not found."""
    with contextlib.ExitStack() as stack:
        if put is None:
            if not world.write:
                return ""
            try:
                put = stack.enter_context(probe(world, root))
            except LocalDiskError:
                return ""
        for path in candidates(root.local_path, root.globus_path):
            try:
                if _seen(world, root, path, put) is not None:
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


def _many(entries: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'}"
