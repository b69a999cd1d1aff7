"""The settings as rows for a table and as one JSON document; the same facts in both, secrets masked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from pipeline.settings import Secret, lab
from pipeline.settings.keys import KEYS, Key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output
    from pipeline.settings import Settings

MASK = "********"

SETTING_COLUMNS = (
    Column("Setting", "setting", style="bold", wrap=False),
    Column("Value", "value"),
    Column("From", "origin", style=lambda row: "dim" if row["origin"] == "default" else ""),
)
ROOT_COLUMNS = (
    Column("Alias", "alias", style="bold"),
    Column("Folder on this computer", "local_path"),
    Column("In Globus", "globus"),
    Column("Upload only", "upload_only"),
)
REFERENCE_COLUMNS = (
    Column("Setting", "setting", style="bold", wrap=False),
    Column("Meaning", "meaning"),
    Column("Default", "default"),
)
SCHEMA_COLUMNS = (
    Column("Tables", "tables", style="bold"),
    Column("Schema", "schema"),
)
LOCATION_COLUMNS = (
    Column("Alias", "alias", style="bold"),
    Column("Holds", "dataset_type"),
    Column("Archive in Globus", "globus"),
)


def reference_rows() -> list[dict[str, Any]]:
    """Return one row per setting that there is, from the table of keys."""
    return [
        {
            "setting": key.name,
            "meaning": key.help,
            "type": key.kind,
            "default": key.shown_default or _text(plain(key.default)),
            "environment": list(key.variables),
            "in_file": key.in_file,
            "example": plain(key.example),
        }
        for key in KEYS
    ]


def reference_markdown() -> str:
    """Return the reference of the settings as a page of the manual (``docs/settings.md``)."""
    lines = [
        "# Settings",
        "",
        "Made from the program's own table of settings (`mapshell config reference`); do not edit it by hand.",
        "",
        "The file `dj_local_conf.json` is looked for from the working directory upwards, then in your configuration",
        "folder; `--config FILE` or the environment variable `MAPSHELL_CONFIG` names another. Environment variables",
        "win over the file. Relative folders in the file start at the file's own folder, `~` is your home folder.",
        "A `DJ_HOST` set for all your DataJoint work does not displace a `database.embedded` in the file (the demo's);",
        "`MAPSHELL_DATABASE_HOST` does. Nor do the variables of a sandbox that a shell was pointed at",
        "(`GLOBUS_SDK_SERVICE_URL_...`) displace a `globus.sandbox` in the file; `MAPSHELL_GLOBUS_..._URL` do.",
        "`MAPSHELL_HOME` moves configuration, data, cache and log folder of mapshell under one folder.",
        "",
        'Keys may be dotted (`"globus.client_id": ...`) or nested (`"globus": {"client_id": ...}`); those of',
        "`globus` and `archive` may also stand under `custom`. Names that begin with an underscore are remarks. Keys",
        "of DataJoint and of other programs are left alone.",
    ]
    for section in dict.fromkeys(key.section for key in KEYS):
        lines += ["", f"## {section}", "", "| setting | meaning | default | environment |", "|---|---|---|---|"]
        for row in reference_rows():
            if row["setting"].startswith(f"{section}."):
                names = ", ".join(f"`{name}`" for name in row["environment"])
                note = "" if row["in_file"] else " Environment only."
                lines.append(f"| `{row['setting']}` | {row['meaning']}{note} | {row['default']} | {names} |")
    return "\n".join(lines) + "\n"


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
        "lab_schemas": folder_rows(settings)["lab_schemas"],
        "timezone": settings.archive.timezone,
        "foreign": settings.foreign,
        "warnings": settings.warnings,
    }


def setting_rows(settings: Settings) -> list[dict[str, Any]]:
    """Return one row per setting; those of several folders are shown by ``folder_rows`` instead."""
    return [
        {
            "setting": key.name,
            "value": _shown(key, settings),
            "origin": _short(settings.origins.get(key.name, "default")),
        }
        for key in KEYS
    ]


def folder_rows(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the local roots, of the storage locations, and of the lab's own schemas."""
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
        "lab_schemas": [
            {"tables": group, "schema": schema}
            for group, schema in settings.database.lab_schemas or ()
            if group in lab.GROUPS
        ],
    }


def write_folders(output: Output, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Print those of the tables that are not empty."""
    if rows["local_roots"]:
        output.table(rows["local_roots"], ROOT_COLUMNS, title="\nFolders of this computer")
    if rows["storage_locations"]:
        output.table(rows["storage_locations"], LOCATION_COLUMNS, title="\nArchives named in the configuration")
    if rows["lab_schemas"]:
        output.table(rows["lab_schemas"], SCHEMA_COLUMNS, title="\nThe lab's own tables, which are only read")


def plain(value: Any) -> Any:
    """Return a setting's value as JSON has it, secrets masked."""
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _shown(key: Key, settings: Settings) -> str:
    value = plain(settings.values.get(key.name))
    if key.section == "database" and key.name != "database.prefix":
        of_embedded = key.name == "database.embedded"
        if of_embedded != (settings.database.embedded is not None):
            return "" if value is None else "(not used)"
    if value is None:
        return f"({key.shown_default})" if key.shown_default else ""
    if key.kind == "structure":
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}, see below"
    if isinstance(value, bool):
        return json.dumps(value)
    return _text(value)


def _short(origin: str) -> str:
    return "file" if origin.startswith("file ") else origin  # which file stands above the table


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(value) if isinstance(value, list) else str(value)
