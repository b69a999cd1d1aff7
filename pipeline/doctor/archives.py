"""Each storage location: listed, writable, over HTTPS, and whether it keeps the times of files.

Nothing at an archive is ever deleted, so the proof of writing uses one empty folder of our own: made the first time,
renamed there and back at later ones.  It stays, and every program of ours passes over it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from pipeline.archive.aside import OWN_FOLDERS
from pipeline.archive.journal import step
from pipeline.archive.session import join_remote
from pipeline.doctor.findings import Finding, Subject, failure, ok, skipped, warning
from pipeline.errors import Conflict, GlobusError, LoginNeeded, MapshellError, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pipeline.archive.ports import Store
    from pipeline.archive.session import Location
    from pipeline.doctor.world import World

OWN_FOLDER, _OTHER = OWN_FOLDERS
_ATTEMPTS = 3


def listed(world: World, subject: Subject) -> Iterable[Finding]:
    """List the folder of the archive."""
    place: Location = subject.thing
    try:
        entries = world.store(place.endpoint).ls(place.endpoint, place.path)
    except RemotePathNotFound as error:
        raise GlobusError(
            f"There is no folder {place.path} in {place.endpoint}.",
            remedy="is the archive's disk mounted? Else make the folder (the Globus web application can), or say where "
            f"the archive lies: mapshell storage set {place.alias} UUID:/PATH",
        ) from error
    others = sum(entry.name not in OWN_FOLDERS for entry in entries)
    yield ok(f"{place.endpoint}:{place.path}, {others:,} {'entry' if others == 1 else 'entries'}", entries=others)


def writable(world: World, subject: Subject) -> Iterable[Finding]:
    """Prove that a folder can be made there, or one of ours renamed."""
    place: Location = subject.thing
    if not world.write:
        yield skipped("--no-write: nothing is written")
        return
    store = world.store(place.endpoint)
    own, other = join_remote(place.path, OWN_FOLDER), join_remote(place.path, _OTHER)
    left = f"{place.endpoint}:{own}"
    world.left.append(left)
    facts = {"left": left}
    said = ""
    for _ in range(_ATTEMPTS):
        names = {entry.name for entry in store.ls(place.endpoint, place.path)}
        try:
            yield ok(_prove(store, place.endpoint, own, other, names), **facts)
        except (Conflict, RemotePathNotFound) as error:  # another doctor has just renamed it
            said = error.message
            continue
        except MapshellError:
            if not names.intersection(OWN_FOLDERS):
                world.left.remove(left)
            raise
        return
    yield warning(
        f"Not proven: {said}",
        f"look what {OWN_FOLDER} and {_OTHER} are there, which should be one empty folder, then run it again.",
        **facts,
    )


def _prove(store: Store, endpoint: str, own: str, other: str, names: Collection[str]) -> str:
    """Make or rename our folder; say what was done."""
    if OWN_FOLDER in names:
        store.rename(endpoint, own, other)
        step("doctor: renamed")
        with contextlib.suppress(MapshellError):  # else a later run does it
            store.rename(endpoint, other, own)
        return f"{OWN_FOLDER} there, which is ours and empty, was renamed and back"
    if _OTHER in names:  # a run was killed half-way
        store.rename(endpoint, other, own)
        return f"{OWN_FOLDER} there, which is ours and empty, was renamed"
    store.mkdir(endpoint, own)
    return f"an empty folder {OWN_FOLDER} was made there; it stays, for the next time"


def https(world: World, subject: Subject) -> Iterable[Finding]:
    """Look whether files can be read over HTTPS: the first byte of the smallest that the index knows."""
    place: Location = subject.thing
    store = world.store(place.endpoint)
    server = store.https_server(place.endpoint)
    if server is None:
        yield ok("none: files are read back by transfers", https=None)
        return
    if not store.may_read_https(place.endpoint):
        yield warning(
            f"{server} serves its files, but this login has no consent for it: verify and discover read by transfers.",
            "run: mapshell login --force",
            https=server,
        )
        return
    sample = _sample(world, place, by="file_size")
    if sample is None:
        yield ok(f"{server} (nothing is archived yet that could be read)", https=server)
        return
    path = join_remote(place.path, str(sample["file_subpath"]))
    try:
        with store.open_https(place.endpoint, path, length=1) as stream:
            for _ in stream:
                break
    except RemotePathNotFound as error:
        yield failure(
            GlobusError(
                f"The archive does not hold {sample['file_subpath']}, which the index has.",
                remedy="see what else is missing: mapshell publication-verify",
            ),
            cause=error.message,
        )
    except LoginNeeded:
        raise
    except MapshellError as error:
        yield warning(
            f"{server} could not be read: {error.message}",
            "files are read back by transfers until it can; ask the collection's administrator.",
            https=server,
        )
    else:
        yield ok(f"{server} was read", https=server)


def keeps_times(world: World, subject: Subject) -> Iterable[Finding]:
    """Compare the time of a file that was sent with the one that the archive lists."""
    place: Location = subject.thing
    sample = _sample(world, place, by="verified_at DESC")
    if sample is None:
        yield ok("not known yet: nothing was sent there")
        return
    subpath, sent = str(sample["file_subpath"]), int(sample["file_mtime"])
    try:
        there = world.store(place.endpoint).stat(place.endpoint, join_remote(place.path, subpath)).mtime
    except RemotePathNotFound:
        yield warning(
            f"The archive does not hold {subpath}, which the index has.",
            "see what else is missing: mapshell publication-verify",
        )
        return
    if there == sent:
        yield ok("a file has the time that it had here", keeps_times=True)
    else:
        yield warning(
            "The archive does not keep the times of files.",
            "nothing needs to be done: files are compared by size and SHA1, and retrieve sets the times of the index.",
            keeps_times=False,
        )


def _sample(world: World, place: Location, *, by: str) -> dict[str, Any] | None:
    """Return an archived file that was compared when it was sent; None without one."""
    if not world.has_tables:
        return None
    from pipeline import publication

    rows = publication.DataSet.PhysicalFile() & {"globus_alias": place.alias}
    rows &= "verified_at IS NOT NULL AND file_mtime IS NOT NULL AND file_size > 0"
    found: list[dict[str, Any]] = rows.to_dicts(order_by=by, limit=1)
    return found[0] if found else None
