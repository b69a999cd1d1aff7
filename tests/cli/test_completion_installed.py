"""``mapshell completion``: written into a person's shell, renewed, taken out again."""

import json
from pathlib import Path

import pytest

START = {"bash": ".bashrc", "zsh": ".zshrc"}


@pytest.fixture
def person(workplace, monkeypatch):
    home = workplace / "person"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("ZDOTDIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_installed_renewed_and_removed(mapshell, person, shell):
    file = person / START[shell]
    file.write_text("alias ll='ls -l'  # no newline at the end")
    first = json.loads(mapshell("completion", "install", shell, "--format", "json").stdout)
    once = file.read_text()
    assert first["changed"]
    assert once.startswith("alias ll='ls -l'  # no newline at the end\n")
    assert first["script"] in once
    again = json.loads(mapshell("completion", "install", shell, "--format", "json").stdout)
    assert not again["changed"]
    assert file.read_text() == once
    assert "_MAPSHELL_COMPLETE" in Path(first["script"]).read_text(encoding="utf-8")
    assert mapshell("completion", "remove", shell).code == 0
    assert file.read_text() == "alias ll='ls -l'  # no newline at the end\n"
    assert "was not installed" in mapshell("completion", "remove", shell).stderr


def test_fish_finds_its_file_itself(mapshell, person):
    assert mapshell("completion", "install", "fish").code == 0
    assert "mapshell" in (person / ".config" / "fish" / "completions" / "mapshell.fish").read_text()


def test_the_shell_of_the_terminal(mapshell, person, monkeypatch):
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert "zsh" in mapshell("completion", "install").stderr
    assert (person / ".zshrc").exists()
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    result = mapshell("completion", "install")
    assert result.code == 2
    assert "name it: bash, zsh, fish" in result.stderr


def test_a_start_up_file_with_half_a_mark_is_left_as_it_is(mapshell, person):
    text = "# >>> mapshell completion >>>\nalias x=y\n"
    (person / ".bashrc").write_text(text)
    assert mapshell("completion", "install", "bash").code == 0
    assert (person / ".bashrc").read_text().startswith(text)
