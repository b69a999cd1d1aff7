"""Where archives lie: the database is the one truth; a configuration can only say it first, never otherwise."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.nesting import told_apart
from pipeline.archive.session import DatasetType, Location
from pipeline.errors import ConfigError, MapshellError
from pipeline.settings.places import place_of_alias
from pipeline.settings.types import StorageLocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.settings import Settings

_KEY = "globus.storage_locations"


def locations(settings: Settings, types: Sequence[DatasetType], *, register: bool = True) -> list[Location]:
    """Return the storage locations of these types of data, those of the configuration registered first.

    Parameters
    ----------
    settings
        This computer's settings.
    types
        Which types of data.
    register
        Write locations that only the configuration knows into the database.

    Raises
    ------
    ConfigError
        The configuration places an alias elsewhere than the database does, or no location is known at all.
    """
    found = known()
    for mine in configured(settings).values():
        there = found.get(mine.alias)
        if there is None:
            found[mine.alias] = mine
            if register:
                database.insert_if_absent(publication.GlobusStorageLocation, location_row(mine))
        elif there != mine:
            raise contradiction(settings, mine, there)
    if not found:
        raise ConfigError(
            "No storage location is known: neither the database nor the configuration says where the archive lies.",
            remedy="say it once for all computers, `mapshell storage add raw-ephys UUID:/PATH`, or add "
            "globus.storage_locations to dj_local_conf.json (`mapshell config init` asks for it).",
        )
    chosen = (place for place in told_apart(found.values()) if place.dataset_type in types)
    return sorted(chosen, key=lambda place: place.alias)


def known() -> dict[str, Location]:
    """Return the storage locations that the database knows, by alias."""
    rows = publication.GlobusStorageLocation.to_dicts()
    return {place.alias: place for place in told_apart(map(_location, rows))}


def configured(settings: Settings) -> dict[str, Location]:
    """Return what this computer's configuration says of storage locations, by alias."""
    return {
        each.alias: Location(each.alias, each.endpoint, each.path, each.dataset_type)
        for each in settings.globus.storage_locations
    }


def with_known(settings: Settings) -> Settings:
    """Return the settings with the storage locations that the database knows as well.

    A login made with them asks at once for the consents that these need, whatever the configuration lists.
    """
    try:
        found = known()
    except MapshellError:
        return settings
    own = settings.globus
    more = [
        StorageLocation(place.alias, place.endpoint, place.path, place.dataset_type)
        for alias, place in found.items()
        if alias not in configured(settings)
    ]
    return (
        replace(settings, globus=replace(own, storage_locations=(*own.storage_locations, *more))) if more else settings
    )


def contradiction(settings: Settings, mine: Location, there: Location) -> ConfigError:
    """Make the error of a configuration that places an alias elsewhere than the database does."""
    where = place_of_alias(settings, _KEY, mine.alias)
    return ConfigError(
        f"{where}: the storage location {mine.alias} is {mine.endpoint}:{mine.path} ({mine.dataset_type}) there, but "
        f"{there.endpoint}:{there.path} ({there.dataset_type}) in the database, which is the truth for all computers.",
        remedy=f"write {there.endpoint} and {there.path} there, or remove {mine.alias} from {_KEY}: the database "
        f"suffices. If the archive has moved: mapshell storage set {mine.alias} {mine.endpoint}:{mine.path}",
    )


def _location(row: dict[str, Any]) -> Location:
    return Location(row["globus_alias"], str(row["globus_endpoint"]), row["globus_path"], row["dataset_type"])


def location_row(location: Location) -> dict[str, Any]:
    """Return the row of ``publication.GlobusStorageLocation``."""
    return {
        "globus_alias": location.alias,
        "globus_endpoint": uuid.UUID(location.endpoint),
        "globus_path": location.path,
        "dataset_type": location.dataset_type,
    }
