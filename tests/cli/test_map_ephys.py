"""What a lab of map-ephys has written stays in use: its configuration files, and the names in its cron lines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import pytest

from mapshell.cli import ALIASES, cli

FILES = Path(__file__).parent / "map_ephys"
TOKEN = "AgNoTokenOfAnybody48hs"
# Of the database's keys, what this program reads, too.
OURS = {"database.host", "database.user", "database.password", "database.port", "database.use_tls"}
GROUPS = ("lab", "experiment", "ephys", "tracking")
# Where its tables lie is read, too.
SCHEMAS = {f"{group}.database" for group in (*GROUPS, "publication")}


def foreign(document):
    """Return the names of all keys that are not ours, as ``config show`` names them."""
    top = {key for key in document if not key.startswith("globus.") and key not in OURS | SCHEMAS | {"custom"}}
    custom = {key for key in document.get("custom", {}) if not key.startswith("globus.") and key not in SCHEMAS}
    return sorted(top | {f"custom.{key}" for key in custom})


def lab_schemas(document):
    """Return the schemas that map-ephys would open with this file, where it names any."""
    named = {**document, **document.get("custom", {})}
    if not any(f"{group}.database" in named for group in GROUPS):
        return []
    return [{"tables": group, "schema": named.get(f"{group}.database", f"map_v2_{group}")} for group in GROUPS]


def absolute(subdir):
    """Return a path as it is shown: without a leading slash it is below the default folder."""
    return subdir if subdir.startswith("/") else f"/~/{subdir}"


@pytest.mark.parametrize("file", sorted(FILES.glob("*.json")), ids=lambda file: file.stem)
def test_a_configuration_of_map_ephys_loads_unchanged(mapshell, workplace, file):
    shutil.copy(file, workplace / "dj_local_conf.json")
    (workplace / "dj_local_conf.json").chmod(0o600)
    document = json.loads(file.read_text(encoding="utf-8"))
    result = mapshell("config", "show", "--format", "json")
    assert result.code == 0, result.stderr
    shown = result.json
    assert shown["foreign"] == foreign(document)
    assert shown["settings"]["database.host"]["value"] == document["database.host"]
    assert shown["settings"]["database.backend"]["value"] == "mysql"
    assert shown["settings"]["database.prefix"] == {"value": "mapshell_", "origin": "default"}
    assert shown["lab_schemas"] == lab_schemas(document)
    custom = document.get("custom", {})
    roots = {(root["alias"], root["globus"]) for root in shown["local_roots"]}
    if "globus.local_endpoints" in custom:
        assert roots == {
            (alias, f"{each['endpoint'].lower()}:{absolute(each['endpoint_subdir'])}")
            for alias, each in custom["globus.local_endpoints"].items()
        }
    said = document.get("globus.storage_locations", custom.get("globus.storage_locations", ()))
    assert [(each["alias"], each["globus"]) for each in shown["storage_locations"]] == [
        (alias, f"{endpoint}:{path}") for alias, endpoint, path in said
    ]
    # The token is named once, with what to do, and is nowhere else.
    has_token = TOKEN in file.read_text(encoding="utf-8")
    assert result.stderr.count("globus.token") == has_token
    assert result.stderr.count("Remove the line") == has_token
    assert TOKEN not in result.stdout + result.stderr
    table = mapshell("config", "show")
    for name in foreign(document):
        assert name in table.stderr
    assert (workplace / "dj_local_conf.json").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("name", [name for name in ALIASES if name != "publication-login"])
def test_a_name_of_map_ephys_is_the_command_with_its_kind(mapshell, name):
    command, option, kind = ALIASES[name]
    assert (command, option, kind) == (name.rpartition("-")[0], "--type", name.rpartition("-")[2])
    context = click.Context(cli)
    found, loaded, rest = cli.resolve_command(context, [name, "--dry-run", "--subject", "SC038"])
    assert loaded is cli.get_command(context, command)
    assert rest == ["--type", kind, "--dry-run", "--subject", "SC038"]
    assert found is not None
    refused = mapshell(name, "--type=ephys")
    assert refused.code == 2
    assert f"{name} means {command} --type {kind}" in refused.stderr
    assert "Remedy: leave --type out" in refused.stderr


def test_the_old_names_are_not_listed_and_near_ones_are_suggested(mapshell):
    listed = mapshell("--help").stdout
    assert not [name for name in ALIASES if name in listed.split()]
    result = mapshell("publication-publish-ephis")
    assert result.code == 2
    assert "did you mean mapshell publication-publish-ephys?" in result.stderr
