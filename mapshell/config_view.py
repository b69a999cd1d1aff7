"""The settings as rows for a table and as one JSON document; the same facts in both, secrets masked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from pipeline.settings import Secret
from pipeline.settings_keys import KEYS, Key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output
    from pipeline.settings import Settings

MASK = "********"

SETTING_COLUMNS = (
    Column("Setting", "setting", style="bold"),
    Column("Value", "value"),
    Column("From", "origin", style=lambda row: "dim" if row["origin"] == "default" else ""),
)
ROOT_COLUMNS = (
    Column("Alias", "alias", style="bold"),
    Column("Folder on this computer", "local_path"),
    Column("In Globus", "globus"),
    Column("Upload only", "upload_only"),
)
LOCATION_COLUMNS = (
    Column("Alias", "alias", style="bold"),
    Column("Holds", "dataset_type"),
    Column("Archive in Globus", "globus"),
)


def document(settings: Settings) -> dict[str, Any]:
    """Return everything as one document: file, each setting with origin, folders, foreign keys, warnings."""
    return {
        "file": settings.file,
        "settings": {
            key.name: {"value": plain(settings.values.get(key.name)), "origin": settings.origins.get(key.name)}
            for key in KEYS
        },
        "local_roots": folder_rows(settings)["local_roots"],
        "storage_locations": folder_rows(settings)["storage_locations"],
        "timezone": settings.archive.timezone,
        "foreign": settings.foreign,
        "warnings": settings.warnings,
    }


def setting_rows(settings: Settings) -> list[dict[str, Any]]:
    """Return one row per setting; those of several folders are shown by ``folder_rows`` instead."""
    return [
        {"setting": key.name, "value": _shown(key, settings), "origin": settings.origins.get(key.name, "default")}
        for key in KEYS
    ]


def folder_rows(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the local roots and of the storage locations."""
    return {
        "local_roots": [
            {
                "alias": root.alias,
                "local_path": str(root.local_path),
                "globus": f"{root.endpoint}:{root.globus_path}",
                "upload_only": root.upload_only,
            }
            for root in settings.globus.local_roots
        ],
        "storage_locations": [
            {
                "alias": place.alias,
                "dataset_type": place.dataset_type,
                "globus": f"{place.endpoint}:{place.path}",
            }
            for place in settings.globus.storage_locations
        ],
    }


def write_folders(output: Output, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Print the tables of folders that are not empty."""
    if rows["local_roots"]:
        output.table(rows["local_roots"], ROOT_COLUMNS, title="\nFolders of this computer")
    if rows["storage_locations"]:
        output.table(rows["storage_locations"], LOCATION_COLUMNS, title="\nArchives named in the configuration")


def plain(value: Any) -> Any:
    """Return a setting's value as JSON has it, secrets masked."""
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _shown(key: Key, settings: Settings) -> str:
    value = plain(settings.values.get(key.name))
    if value is None:
        return f"({key.shown_default})" if key.shown_default else ""
    if key.kind == "structure":
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}, see below"
    if isinstance(value, bool):
        return json.dumps(value)
    return ", ".join(value) if isinstance(value, list) else str(value)
