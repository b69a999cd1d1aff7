"""Where the archives of the older database lie, beside where ours say they do: ours are the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import database, publication
from pipeline.archive.session import Location
from pipeline.errors import ConfigError
from pipeline.locations import configured, known, location_row
from pipeline.oldlab.adopted import OldPlace
from pipeline.settings.globus import ALIAS, dataset_type_of
from pipeline.settings.values import as_globus_path, as_uuid
from pipeline.storage import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.archive.session import DatasetType
    from pipeline.oldlab.old_tables import OldSession
    from pipeline.settings import Settings


def compare(
    settings: Settings, old: Mapping[str, tuple[str, str]], sessions: Iterable[OldSession]
) -> tuple[list[OldPlace], dict[str, Location]]:
    """Return every storage location of the older database beside ours, and the locations to work with, by alias."""
    ours = {**configured(settings), **known()}
    kinds: dict[str, set[DatasetType]] = {}
    for session in sessions:
        kinds.setdefault(session.alias, set()).add(session.kind)
    found: list[OldPlace] = []
    usable = dict(ours)
    for alias, (endpoint, path) in old.items():
        there = f"{endpoint}:{path}"
        mine = ours.get(alias)
        try:
            location = _location(alias, endpoint, path, kinds.get(alias, set()))
        except ConfigError as error:
            if mine is None:
                found.append(OldPlace(alias, there, "", "unusable", error.message))
            else:
                found.append(OldPlace(alias, there, said(mine), "other", "ours holds"))
            continue
        if mine is None:
            usable[alias] = location
            found.append(OldPlace(alias, there, said(location), "copied"))
        elif (mine.endpoint, mine.path) == (location.endpoint, location.path):
            found.append(OldPlace(alias, there, said(mine), "same"))
        else:
            found.append(OldPlace(alias, there, said(mine), "other", "ours holds"))
    return found, usable


def _location(alias: str, endpoint: str, path: str, kinds: set[DatasetType]) -> Location:
    """Return a location of the older database as one of ours.

    Raises
    ------
    ConfigError
        It is none: an endpoint of the age of names, a path that is none, an alias of nobody knows what.
    """
    kind = dataset_type_of(alias) or (next(iter(kinds)) if len(kinds) == 1 else None)
    if not ALIAS.fullmatch(alias) or kind is None:
        raise ConfigError(
            f"What {alias!r} holds cannot be told.", remedy=f"mapshell storage add {alias} UUID:/PATH --type ..."
        )
    # Its transfers took the path from the collection's root, with or without a slash at the beginning.
    absolute = path if path.startswith(("/", "~")) else f"/{path}"
    return Location(alias, as_uuid(endpoint, alias), as_globus_path(absolute, alias), kind)


def write_down(location: Location) -> None:
    """Write a location into the database, unless it is there."""
    database.insert_if_absent(publication.GlobusStorageLocation, location_row(location))
