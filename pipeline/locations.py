"""Where archives lie: the database is the one truth; a configuration can only say it first, never otherwise."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.session import DatasetType, Location
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.settings import Settings


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
    known = {row["globus_alias"]: _location(row) for row in publication.GlobusStorageLocation.to_dicts()}
    for configured in settings.globus.storage_locations:
        mine = Location(configured.alias, configured.endpoint, configured.path, configured.dataset_type)
        there = known.get(mine.alias)
        if there is None:
            known[mine.alias] = mine
            if register:
                database.insert_if_absent(publication.GlobusStorageLocation, location_row(mine))
        elif there != mine:
            raise ConfigError(
                f"The storage location {mine.alias} is {mine.endpoint}:{mine.path} ({mine.dataset_type}) in "
                f"{settings.file or 'the environment'}, but {there.endpoint}:{there.path} ({there.dataset_type}) "
                "in the database, which is the truth for all computers.",
                remedy=f"correct or remove {mine.alias} under globus.storage_locations in the configuration.",
            )
    if not known:
        raise ConfigError(
            "No storage location is known: neither the database nor the configuration says where the archive lies.",
            remedy="add globus.storage_locations to dj_local_conf.json (`mapshell config init` asks for it).",
        )
    return sorted((place for place in known.values() if place.dataset_type in types), key=lambda place: place.alias)


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
