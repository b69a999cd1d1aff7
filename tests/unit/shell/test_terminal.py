"""Completion in bash, zsh and fish: what their words mean."""

import subprocess
import sys

import pytest

from mapshell.completion.terminal import SHELLS, joined, script


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ([], []),
        (["status", "--subject", ""], ["status", "--subject", ""]),
        (["status", "--subject", "=", "SC0"], ["status", "--subject=SC0"]),
        (["status", "--subject", "="], ["status", "--subject="]),
        (["get", "raw-ephys", ":", "/SC038", "da"], ["get", "raw-ephys:/SC038", "da"]),
        (["ls", "raw-ephys", ":"], ["ls", "raw-ephys:"]),
        (["="], ["="]),
    ],
)
def test_bash_words_as_they_were_typed(words, typed):
    assert joined(words) == typed


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_names_the_program(shell):
    assert "_MAPSHELL_COMPLETE" in script(shell)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash to be counted on")
def test_bash_can_read_its_script():
    subprocess.run(["bash", "-n"], input=script("bash"), text=True, check=True)
