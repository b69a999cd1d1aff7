"""``mapshell config``: the settings shown, explained and written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mapshell.config_view import reference_markdown
from pipeline.settings.keys import KEYS

UUID = "c40e971d-0075-4a82-b12f-8f9717762e7b"
OPTIONS = ("--client-id", UUID, "--local-endpoint", UUID.upper(), "--local-path", "rig", "--globus-path", "/D/rig")


def write(workplace, **document):
    (workplace / "dj_local_conf.json").write_text(json.dumps(document), encoding="utf-8")


def test_show_tells_value_origin_and_what_is_left_alone(mapshell, workplace, monkeypatch):
    write(workplace, **{"database.host": "db", "database.password": "hush", "history": [], "custom": {"paths": []}})
    monkeypatch.setenv("DJ_USER", "me")
    result = mapshell("config", "show")
    assert result.code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line}
    assert lines["database.host"].split()[1:3] == ["db", "file"]
    assert lines["database.user"].endswith("environment DJ_USER")
    assert "********" in lines["database.password"]
    assert "hush" not in result.stdout + result.stderr
    assert "custom.paths, history" in result.stderr

    document = mapshell("config", "show", "--format", "json").json
    assert document["settings"]["database.user"] == {"value": "me", "origin": "environment DJ_USER"}
    assert document["settings"]["database.password"]["value"] == "********"
    assert document["foreign"] == ["custom.paths", "history"]
    assert set(document["settings"]) == {key.name for key in KEYS}


def test_show_lists_folders_and_archives(mapshell, workplace):
    root = {"endpoint": UUID, "endpoint_subdir": "/D", "endpoint_path": "rig"}
    write(
        workplace,
        **{
            "globus.local_endpoints": {"raw-ephys": root},
            "globus.storage_locations": {"raw-ephys": f"{UUID}:lab"},
        },
    )
    result = mapshell("config", "show")
    assert str(workplace / "rig") in result.stdout
    assert f"{UUID}:/~/lab" in result.stdout
    # As comma-separated values the settings themselves, not the folders below them.
    lines = mapshell("config", "show", "--format", "csv").stdout.splitlines()
    assert lines[0] == "setting,value,origin"
    assert {line.split(",")[0] for line in lines[1:]} == {key.name for key in KEYS}


def test_a_broken_file_is_exit_5_with_line_and_remedy(mapshell, workplace):
    (workplace / "dj_local_conf.json").write_text('{\n  "x": 1,\n}', encoding="utf-8")
    result = mapshell("config", "show")
    assert result.code == 5
    assert "dj_local_conf.json, line 2: broken JSON" in result.stderr
    assert "Remedy:" in result.stderr


def test_a_token_in_the_file_is_named_once_and_never_shown(mapshell, workplace):
    write(workplace, custom={"globus.token": "hush"})
    result = mapshell("config", "show")
    assert result.stderr.count("globus.token") == 1
    assert "hush" not in result.stdout + result.stderr


def test_config_option_names_a_file(mapshell, workplace):
    other = workplace / "other.json"
    other.write_text('{"database.prefix": "other_"}', encoding="utf-8")
    assert mapshell("config", "show", "--config", other, "--format", "json").json["file"] == str(other)
    assert mapshell("config", "show", "--config", "none.json").code == 5


def test_the_manuals_page_of_settings_is_what_the_program_says(mapshell):
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == reference_markdown()
    assert mapshell("config", "reference").stdout.count("\n") == len(KEYS) + 1


def test_init_from_options_writes_a_file_that_works(mapshell, workplace):
    result = mapshell("config", "init", *OPTIONS, "--database-host", "db", "--database-backend", "mariadb")
    assert result.code == 0, result.stderr
    file = workplace / "dj_local_conf.json"
    assert result.stdout == f"{file}\n"
    assert "does not exist yet" in result.stderr
    shown = mapshell("config", "show", "--format", "json").json
    assert shown["settings"]["database.backend"]["value"] == "mysql"
    assert shown["local_roots"][0] == {
        "alias": "raw-ephys",
        "local_path": str(workplace / "rig"),
        "globus": f"{UUID}:/D/rig",
        "upload_only": False,
    }
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600


def test_init_writes_where_the_archives_lie(mapshell):
    archives = ("--ephys-archive", f"{UUID}:/lab/raw-ephys", "--video-archive", f"{UUID}:videos")
    assert mapshell("config", "init", *OPTIONS, *archives).code == 0
    shown = mapshell("config", "show", "--format", "json").json["storage_locations"]
    assert [(each["alias"], each["dataset_type"], each["globus"]) for each in shown] == [
        ("raw-ephys", "ephys", f"{UUID}:/lab/raw-ephys"),
        ("raw-video", "video", f"{UUID}:/~/videos"),
    ]


def test_init_does_not_replace_a_file_unasked(mapshell, workplace):
    write(workplace, history=[])
    result = mapshell("config", "init", *OPTIONS)
    assert result.code == 2
    assert "--force" in result.stderr
    assert mapshell("config", "init", *OPTIONS, "--force").code == 0
    assert json.loads((workplace / "dj_local_conf.json.old").read_text(encoding="utf-8")) == {"history": []}
    assert sorted(path.name for path in workplace.iterdir()) == ["dj_local_conf.json", "dj_local_conf.json.old"]


def test_init_without_a_terminal_names_what_is_missing(mapshell, workplace):
    result = mapshell("config", "init", "--client-id", UUID)
    assert result.code == 2
    assert "--local-path, --globus-path" in result.stderr
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "names"),
    [
        (["--client-id", "x"], "--client-id"),
        (["--globus-path", "C:\\rig"], "--globus-path"),
        (["--database-port", "3306"], "--database-host"),
        (["--ephys-archive", "/lab/raw-ephys"], "--ephys-archive"),
    ],
)
def test_init_refuses_values_that_do_not_work(mapshell, workplace, more, names):
    result = mapshell("config", "init", *OPTIONS, *more)
    assert result.code in {2, 5}
    assert names in result.stderr
    assert list(workplace.iterdir()) == []


def test_init_into_a_place_that_cannot_be_written(mapshell, workplace):
    (workplace / "file").write_text("", encoding="utf-8")
    result = mapshell("config", "init", *OPTIONS, "--file", workplace / "file" / "conf.json")
    assert result.code == 1
    assert "cannot be written" in result.stderr


def test_init_finds_globus_connect_personal(mapshell, workplace):
    installed = workplace.parent / "home" / ".globusonline" / "lta"
    if sys.platform == "win32":
        pytest.skip("on Windows the installation is looked for in a folder that a test cannot move")
    installed.mkdir(parents=True)
    (installed / "client-id.txt").write_text(f"{UUID}\n", encoding="utf-8")
    result = mapshell("config", "init", "--client-id", UUID, "--local-path", "rig", "--globus-path", "/rig")
    assert result.code == 0, result.stderr
    assert json.loads((workplace / "dj_local_conf.json").read_text(encoding="utf-8"))["globus.local_endpoint"] == UUID


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal, which Windows does not have")
def test_init_asks_on_a_terminal_until_the_answers_work(workplace):
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mapshell", "config", "init"], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = ""
    for question, answer in (
        ("Client id of your application at Globus: ", "nonsense"),
        ("is not a UUID", ""),
        ("at Globus: ", UUID),
        ("collection: ", UUID),
        ("on this computer: ", str(workplace)),
        (f"[{workplace}]: ", ""),
        ("this computer): ", ""),
        ("knows it): ", f"{UUID}:/lab"),
        ("knows it): ", ""),
    ):
        while question not in seen:
            seen += os.read(ours, 4096).decode()
        seen = seen.partition(question)[2]
        if answer or "[" in question or ")" in question:
            os.write(ours, f"{answer}\n".encode())
    assert process.wait(timeout=30) == 0
    os.close(ours)
    written = json.loads((workplace / "dj_local_conf.json").read_text(encoding="utf-8"))
    assert written["globus.local_endpoint_subdir"] == written["globus.local_endpoint_local_path"] == str(workplace)
    assert "database.host" not in written
