"""Making folders and renaming by hand: never over anything, and never what the index knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.paths import check_subpath
from pipeline.browse.known import refuse_known
from pipeline.browse.looking import look
from pipeline.errors import Conflict, RemotePathNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.ports import Store
    from pipeline.archive.session import Location
    from pipeline.browse.looking import Seen
    from pipeline.browse.place import Place


def look_at(store: Store, place: Place) -> Seen | None:
    """Look at a place; None when nothing is there."""
    try:
        return look(store, place)
    except RemotePathNotFound:
        return None


def make_folder(store: Store, place: Place, *, parents: bool = False) -> bool:
    """Make a folder; return whether it was not there before.

    Raises
    ------
    UsageError
        The folder above it is not there, and ``parents`` are not to be made.
    Conflict
        A file has that name.
    NameRefused
        The name could not be stored.
    """
    if place.parts:
        check_subpath(place.subpath)
    there = look_at(store, place)
    if there is not None:
        if not there.folder:
            raise Conflict(f"{place} is a file.", remedy="choose another name.")
        return False
    missing = [place]
    while place.parts and look_at(store, place.parent) is None:
        place = place.parent
        missing.append(place)
    if len(missing) > 1 and not parents:
        raise UsageError(f"The folder {missing[1]} does not exist.", remedy="make it too: mapshell mkdir --parents.")
    for each in reversed(missing):
        store.mkdir(each.endpoint, each.path)
    return True


def destinations(store: Store, sources: Sequence[Place], to: Place) -> list[Place]:
    """Return where each source goes: into a folder that is there, else to that very name; nothing is there yet.

    Raises
    ------
    UsageError
        Several sources and no folder that takes them; a source without a name; or a folder into itself.
    Conflict
        Something has the name already.
    """
    there = look_at(store, to)
    if len(sources) > 1 and (there is None or not there.folder):
        raise UsageError(f"{to} is no folder.", remedy="name one that exists, or make it: mapshell mkdir.")
    found = []
    for source in sources:
        if not source.parts:
            raise UsageError(f"{source} is the root of a collection or an archive.", remedy="name something below it.")
        target = to.below(source.name) if there is not None and there.folder else to
        if target.endpoint == source.endpoint and f"{target.path}/".startswith(f"{source.path}/"):
            raise UsageError(f"{target} is {source} itself, or lies in it.", remedy="choose another place.")
        check_subpath(target.subpath)
        if look_at(store, target) is not None:
            raise Conflict(f"{target} exists already.", remedy="choose another name; nothing was changed.")
        found.append(target)
    doubled = {str(place) for place in found if found.count(place) > 1}
    if doubled:
        raise Conflict(f"Several sources would become {doubled.pop()}.", remedy="nothing was changed; move them apart.")
    return found


def move(
    store: Store, sources: Sequence[Place], to: Place, locations: Mapping[str, Location]
) -> list[tuple[Place, Place]]:
    """Rename files or folders within one collection; return what became what.

    Raises
    ------
    Refused
        The index knows files there, or a transfer brings some.
    UsageError, Conflict
        As in :func:`destinations`; or the collections are different ones.
    RemotePathNotFound
        A source is not there.
    """
    for source in sources:
        if source.endpoint != to.endpoint:
            raise UsageError(f"{source} and {to} lie in different collections.", remedy="copy it: mapshell cp.")
    refuse_known(sources, locations, "moved")
    targets = destinations(store, sources, to)
    refuse_known(targets, locations, "overwritten")
    done = []
    for source, target in zip(sources, targets, strict=True):
        look(store, source)
        store.rename(source.endpoint, source.path, target.path)
        done.append((source, target))
    return done
