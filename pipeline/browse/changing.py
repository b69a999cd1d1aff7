"""Making folders and renaming by hand: never over anything, and never what the index knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.journal import step
from pipeline.archive.paths import check_subpath
from pipeline.browse.disguises import Folders, refuse_disguised, roots_there
from pipeline.browse.known import refuse_known, rows_of
from pipeline.browse.looking import look
from pipeline.browse.place import within
from pipeline.browse.reserved import refuse_described, refuse_own, refuse_reserved
from pipeline.browse.under_way import at_work, touched, touching
from pipeline.errors import Conflict, MapshellError, NameRefused, Refused, RemotePathNotFound, UsageError

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


def make_folder(store: Store, place: Place, locations: Mapping[str, Location], *, parents: bool = False) -> bool:
    """Make a folder; return whether it was not there before.

    Raises
    ------
    UsageError
        The folder above it is not there, and ``parents`` are not to be made; or the root itself is not there.
    Conflict
        A file has that name.
    NameRefused
        The name could not be stored.
    Refused
        The index knows a file of that name, a transfer brings one, or the name is one of ours.
    """
    _check_name(place)
    missing: list[Place] = []
    there = look_at(store, place)
    while there is None:
        if not place.parts:
            raise _no_root(place)
        missing.append(place)
        place = place.parent
        there = look_at(store, place)
    if not there.folder:
        raise Conflict(f"{place} is a file.", remedy="choose another name.")
    if len(missing) > 1 and not parents:
        raise UsageError(f"The folder {missing[1]} does not exist.", remedy="make it too: mapshell mkdir --parents.")
    _refuse_files(missing, locations)
    for each in reversed(missing):
        store.mkdir(each.endpoint, each.path)
    return bool(missing)


def _check_name(place: Place) -> None:
    try:
        if place.parts:
            check_subpath(place.subpath)
    except NameRefused as error:
        raise NameRefused(error.message, remedy="choose another name; nothing was changed.") from error


def _no_root(root: Place) -> UsageError:
    return UsageError(
        f"The folder {root} itself is not there.",
        remedy="see whether its disk is mounted; the root of an archive is not made by hand.",
    )


def _refuse_files(folders: Sequence[Place], locations: Mapping[str, Location]) -> None:
    """Refuse folders under names that files of the index have, or are about to have."""
    known = rows_of(folders, locations, manifests=True) if folders else {}
    open_ = [each for each in touched(locations) if each.written] if folders else []
    for place in folders:
        refuse_reserved(place, locations)
        if place.path in known:
            raise Refused(
                f"{place} is not made: the index knows a file of that name, which the archive has lost.",
                remedy="choose another name; what is lost is told by `mapshell publication-verify`.",
            )
        busy = touching(place, [each for each in open_ if each.path == place.path], written=True)
        if busy is not None:
            raise Refused(f"{place} is not made: {busy.said} brings a file of that name.", remedy=busy.remedy)


def destinations(
    store: Store, sources: Sequence[Place], to: Place, locations: Mapping[str, Location], *, into: bool = False
) -> list[Place]:
    """Return where each source goes: into a folder that is there, else to that very name; nothing is there yet.

    ``into``: the destination was written as a folder, with a slash at its end.

    Raises
    ------
    UsageError
        Several sources, or ``into``, and no folder that takes them; a source without a name; or a folder into itself.
    Conflict
        Something has the name already.
    Refused
        The index knows files there, a transfer brings some, or the name is one of ours.
    """
    there = look_at(store, to)
    if (into or len(sources) > 1) and (there is None or not there.folder):
        raise UsageError(f"{to} is no folder.", remedy="name one that exists, or make it: mapshell mkdir.")
    if there is None and to.alias is not None and look_at(store, to.above(len(to.parts))) is None:
        raise _no_root(to.above(len(to.parts)))
    found = []
    for source in sources:
        if not source.parts:
            raise UsageError(f"{source} is the root of a collection or an archive.", remedy="name something below it.")
        target = to.below(source.name) if there is not None and there.folder else to
        if target.endpoint == source.endpoint and f"{target.path}/".startswith(f"{source.path}/"):
            raise UsageError(f"{target} is {source} itself, or lies in it.", remedy="choose another place.")
        _check_name(target)
        if look_at(store, target) is not None:
            raise Conflict(f"{target} exists already.", remedy="choose another name; nothing was changed.")
        refuse_reserved(target, locations)
        found.append(target)
    doubled = next((str(place) for place in found if found.count(place) > 1), None)
    if doubled is not None:
        raise Conflict(f"Several sources would become {doubled}.", remedy="nothing was changed; move them apart.")
    refuse_known(found, locations, "made")
    return found


@dataclass(slots=True)
class Moved:
    """What became what, and the error that ended it early."""

    done: list[tuple[Place, Place]] = field(default_factory=list)
    stopped: MapshellError | None = None
    whole: bool = True


def move(
    store: Store, sources: Sequence[Place], to: Place, locations: Mapping[str, Location], *, into: bool = False
) -> Moved:
    """Rename files or folders within one collection; return what became what.

    Raises
    ------
    Refused
        The index knows files there, by this name or another one; a manifest does; somebody works on them; or they are
        our own.
    UsageError, Conflict
        As in :func:`destinations`; or the collections are different ones.
    RemotePathNotFound
        A source is not there.
    """
    for source in sources:
        if source.endpoint != to.endpoint:
            raise UsageError(f"{source} and {to} lie in different collections.", remedy="copy it: mapshell cp.")
        if any(one is not source and source.path.startswith(f"{one.path}/") for one in sources):
            raise UsageError(f"{source} lies in another one of the sources.", remedy="name each thing once.")
    folders = Folders(store)
    for source in sources:
        refuse_own(source)
        refuse_known([source], locations, "moved")
        if source.parts:
            refuse_disguised(folders, source, locations)
        refuse_described(folders, source, locations)
        busy = at_work(source, locations)
        if busy is not None:
            raise Refused(f"{source} is not moved: {busy}.", remedy="wait until that has ended.")
    targets = destinations(store, sources, to, locations, into=into)
    result = Moved()
    for source, target in zip(sources, targets, strict=True):
        try:
            _rename(store, source, target, locations)
        except MapshellError as error:
            if not result.done:
                raise
            result.stopped = error
            break
        result.done.append((source, target))
    return result


def _rename(store: Store, source: Place, target: Place, locations: Mapping[str, Location]) -> None:
    """Rename, then look again: what somebody has taken for a session's meanwhile, or an archive, is put back."""
    outside = [each for each in locations.values() if within(source, each) is None]
    there = roots_there(store, outside) if look(store, source).folder else []
    step("mv: renaming")
    store.rename(source.endpoint, source.path, target.path)
    step("mv: renamed")
    try:
        refuse_known([source], locations, "moved")
        busy = at_work(source, locations)
        still = roots_there(store, there)
        lost = [each for each in there if each not in still]
        if busy is not None or lost:
            why = busy or f"the storage location {lost[0].alias} lies there, by another name"
            raise Refused(f"{source} is not moved: {why}.", remedy="wait until that has ended, or move something else.")
    except MapshellError as error:
        try:
            store.rename(source.endpoint, target.path, source.path)
        except MapshellError as second:
            raise Conflict(
                f"{source} was renamed to {target}, which must not stay: {error.message} It could not be put back: "
                f"{second.message}",
                remedy=f"put it back: mapshell mv '{target}' '{source}'.",
            ) from error
        raise
