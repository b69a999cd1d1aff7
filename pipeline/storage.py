"""Where archives lie, as people look at it and change it: one truth in the database for all computers."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.nesting import around
from pipeline.archive.session import Location
from pipeline.errors import (
    ConfigError,
    DatabaseReadOnly,
    GlobusUnavailable,
    LoginNeeded,
    MapshellError,
    Refused,
    RemotePathNotFound,
    UsageError,
)
from pipeline.locations import configured, known, location_row
from pipeline.settings.globus import ALIAS, dataset_type_of
from pipeline.settings.places import place_of_alias
from pipeline.settings.values import as_globus_path, as_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.archive.ports import Store
    from pipeline.archive.session import DatasetType
    from pipeline.globus import GlobusStorageManager
    from pipeline.settings import Settings

KEY = "globus.storage_locations"


@dataclass(frozen=True, slots=True)
class Stored:
    """A storage location with what the index has there, and what this computer's configuration says of it.

    ``in_database`` is False for one that only the configuration knows; the first publish writes it.  ``size`` in
    bytes.  ``agrees`` is None when the configuration does not speak of it; ``where`` is the place where it does.
    ``copy`` says that it shall hold every session of its type of data.
    """

    location: Location
    in_database: bool
    datasets: int
    files: int
    size: int
    configured: Location | None
    agrees: bool | None
    where: str
    copy: bool = False


def stored(settings: Settings) -> list[Stored]:
    """Return every storage location, by alias; asks Globus nothing, and writes nothing."""
    there, mine = known(), configured(settings)
    datasets, files = _datasets(), _files()
    copies = {row["globus_alias"] for row in publication.Copy().to_dicts()}
    return [
        Stored(
            location=there.get(alias) or mine[alias],
            in_database=alias in there,
            datasets=datasets.get(alias, 0),
            files=files.get(alias, (0, 0))[0],
            size=files.get(alias, (0, 0))[1],
            configured=mine.get(alias),
            agrees=None if alias not in mine or alias not in there else mine[alias] == there[alias],
            where=place_of_alias(settings, KEY, alias) if alias in mine else "",
            copy=alias in copies,
        )
        for alias in sorted({*there, *mine})
    ]


def names(manager: GlobusStorageManager, endpoints: Iterable[str]) -> dict[str, str]:
    """Return the names of collections, as far as Globus tells them to this login without being waited for."""
    found: dict[str, str] = {}
    for endpoint in dict.fromkeys(endpoints):
        try:
            found[endpoint] = manager.collection(endpoint).name
        except (LoginNeeded, GlobusUnavailable, ConfigError):
            break
        except MapshellError:  # unknown to Globus, say: the others may have names
            continue
    return found


def add(
    settings: Settings,
    store: Store,
    alias: str,
    place: str,
    dataset_type: DatasetType | None = None,
    *,
    nested: bool = False,
) -> Location:
    """Write down where a further archive lies.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Looks whether the folder is there.
    alias
        Its short name.
    place
        ``UUID:/PATH``.
    dataset_type
        What it holds; None: as its name says.
    nested
        It may lie inside another location, or around one.

    Raises
    ------
    UsageError
        The alias is taken or none, the place is none, or what it holds is not known.
    Refused
        There is no such folder, or it is shared with another location.
    """
    ensure_writable()
    if not ALIAS.fullmatch(alias):
        raise UsageError(
            f"{alias!r} is not usable as an alias.",
            remedy="use up to 32 letters, digits, hyphens, dots and underscores, such as raw-ephys.",
        )
    there = known()
    taken = next((name for name in there if name.casefold() == alias.casefold()), None)
    if taken is not None:
        raise UsageError(
            f"The storage location {taken} is known already, at {said(there[taken])}.",
            remedy=f"to say that it has moved: mapshell storage set {taken} UUID:/PATH; or choose another alias.",
        )
    endpoint, path = read_place(place)
    kind = dataset_type or dataset_type_of(alias)
    if kind is None:
        raise UsageError(
            f"What {alias} holds cannot be told from its name.", remedy="add --type ephys or --type video."
        )
    location = Location(alias, endpoint, path, kind)
    check_neighbours(location, settings, nested=nested)
    check_folder(store, location)
    if not database.insert_if_absent(publication.GlobusStorageLocation, location_row(location)):
        raise UsageError(
            f"Another computer has just written {alias} down.", remedy="look at it: mapshell storage list."
        )
    return location


def find(settings: Settings, alias: str) -> Location:
    """Return a storage location that the database knows.

    Raises
    ------
    UsageError
        There is none of that alias; the nearest is named.
    """
    there = known()
    if alias in there:
        return there[alias]
    if alias in configured(settings):
        raise UsageError(
            f"The storage location {alias} is in this computer's configuration alone: nothing was archived there yet.",
            remedy=f"correct it in {place_of_alias(settings, KEY, alias)}, or mapshell storage add {alias} UUID:/PATH.",
        )
    near = difflib.get_close_matches(alias.casefold(), {name.casefold(): name for name in there}, n=1, cutoff=0.5)
    meant = next((name for name in there if near and name.casefold() == near[0]), None)
    listed = ", ".join(there) or "none"
    raise UsageError(
        f"There is no storage location {alias} (known: {listed}).",
        remedy=f"did you mean {meant}?" if meant else "add it: mapshell storage add ALIAS UUID:/PATH.",
    )


def read_place(text: str) -> tuple[str, str]:
    """Return collection and path of ``UUID:/PATH``; a path without a leading slash is below ``/~/``.

    Raises
    ------
    UsageError
        It is none.
    """
    endpoint, _, path = text.strip().partition(":")
    if not path.strip():
        raise UsageError(f"{text!r} names no path in a collection.", remedy="write UUID:/PATH.")
    try:
        return as_uuid(endpoint, f"{text!r}"), as_globus_path(path, f"{text!r}")
    except ConfigError as error:
        raise UsageError(error.message, remedy=error.remedy) from None


def said(location: Location) -> str:
    """Return a location as people write it."""
    return f"{location.endpoint}:{location.path}"


def check_neighbours(place: Location, settings: Settings, *, nested: bool) -> None:
    """Refuse a place that shares folders with another location, unless that is meant.

    Raises
    ------
    Refused
        It does.
    """
    others = {**configured(settings), **known()}
    found = around(place, [other for alias, other in others.items() if alias != place.alias])
    if found is None:
        return
    other, how = found
    if how == "is" and other.dataset_type == place.dataset_type:
        raise Refused(
            f"{said(place)} is the location {other.alias}, which has {other.dataset_type} too.",
            remedy="choose a folder of its own.",
        )
    if not nested:
        raise Refused(
            f"{said(place)} {how} the location {other.alias}" + ("." if how == "is" else f", {said(other)}."),
            remedy="choose a folder of its own; if it is meant so (each then leaves the other's folder alone), "
            "add --nested.",
        )


def check_folder(store: Store, place: Location) -> None:
    """Make sure that a place can be listed.

    Raises
    ------
    Refused
        The collection has no such folder.
    GlobusError
        The collection cannot be reached, or may not be read.
    """
    try:
        store.ls(place.endpoint, place.path)
    except RemotePathNotFound as error:
        raise Refused(
            f"There is no folder {place.path} in the collection {place.endpoint}.",
            remedy="correct the path, or make the folder there first (the Globus web application can).",
        ) from error


def ensure_writable() -> None:
    """Make sure that the address of an archive can be written.

    Raises
    ------
    DatabaseReadOnly
        The account may not.
    """
    try:
        database.ensure_writable()
    except DatabaseReadOnly as error:
        raise DatabaseReadOnly(
            f"{error.message.removesuffix('; nothing was transferred.')}: where an archive lies stays as it is.",
            remedy=error.remedy,
        ) from error


def _datasets() -> dict[str, int]:
    import datajoint as dj

    query = dj.U("globus_alias").aggr(publication.DataSet(), datasets="count(*)")
    return {row["globus_alias"]: int(row["datasets"]) for row in query.to_dicts()}


def _files() -> Mapping[str, tuple[int, int]]:
    import datajoint as dj

    query = dj.U("globus_alias").aggr(publication.DataSet.PhysicalFile(), files="count(*)", size="sum(file_size)")
    rows: list[dict[str, Any]] = query.to_dicts()
    return {row["globus_alias"]: (int(row["files"]), int(row["size"] or 0)) for row in rows}
