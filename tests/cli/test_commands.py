"""Every command of the table is there, explains itself and takes the common options."""

from __future__ import annotations

import json
import logging

import click
import pytest

from mapshell import log
from mapshell.cli import ALIASES, COMMANDS, cli
from mapshell.context import Context


def leaves(command, path):
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from leaves(each, [*path, name])
    else:
        yield path, command


@pytest.mark.parametrize("name", [*COMMANDS, *ALIASES])
def test_every_command_explains_itself(mapshell, name):
    command = cli.get_command(click.Context(cli), name)
    for path, each in leaves(command, [name]):
        result = mapshell(*path, "--help")
        assert result.code == 0
        assert each.help, path
        assert "Example" in each.help, f"{path} has no example"
        for option in ("--config", "--format", "--quiet", "--debug", "--no-input"):
            assert option in result.stdout, path
        for param in each.params:
            if isinstance(param, click.Option) and not param.hidden:
                assert param.help, f"{path} {param.opts} has no help"


def test_the_sandbox_named_by_the_settings(workplace):
    assert Context().sandbox_folder is None
    file = workplace / "dj_local_conf.json"
    file.write_text(json.dumps({"globus.sandbox": ".mapshell/sandbox"}), encoding="utf-8")
    assert Context().sandbox_folder == workplace / ".mapshell" / "sandbox"
    file.write_text(json.dumps({"globus.service_file": "of/another/state.json"}), encoding="utf-8")
    assert Context().sandbox_folder is None


def test_the_log_file_rotates_and_stays_small(workplace, monkeypatch):
    monkeypatch.setattr(log, "_LARGEST", 500)
    file = log.set_up({"MAPSHELL_HOME": str(workplace)}, debug=False)
    try:
        for number in range(100):
            logging.getLogger("mapshell").info("line %d of password=hush", number)
    finally:
        log.tear_down()
    kept = sorted(path.name for path in file.parent.iterdir())
    assert kept == ["mapshell.log", "mapshell.log.1", "mapshell.log.2", "mapshell.log.3"]
    assert "line 99" in file.read_text(encoding="utf-8")
    assert all("hush" not in path.read_text(encoding="utf-8") for path in file.parent.iterdir())
