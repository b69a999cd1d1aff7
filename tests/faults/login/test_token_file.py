"""The file of the tokens, when others can read it or when it is damaged."""

from __future__ import annotations

import json
import os

import pytest

from mapshell.errors import CONFIGURATION
from pipeline.errors import ConfigError
from pipeline.globus.tokens import open_store
from tests.unit.test_globus_tokens import read, write

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "made for it" / "tokens.db"


@pytest.mark.fault(32)
@posix
def test_a_file_that_others_can_read_is_refused_with_the_remedy(file):
    write(file)
    file.chmod(0o640)
    with pytest.raises(ConfigError, match=r"0640.*\n.*chmod 600"):
        open_store(file, "a")
    file.chmod(0o600)
    assert read(file)


@pytest.mark.fault(32)
@pytest.mark.parametrize("content", [b"", b"no database at all " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_file_is_refused_with_the_remedy(file, content):
    write(file)
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"damaged.*\n.*delete .*mapshell login"):
        open_store(file, "a")


@pytest.mark.fault(32)
def test_a_damaged_token_is_refused(file):
    import sqlite3

    write(file)
    connection = sqlite3.connect(file)
    connection.execute("UPDATE token_storage SET token_data_json = '{\"torn\"'")
    connection.commit()
    connection.close()
    with pytest.raises(ConfigError, match="damaged"):
        open_store(file, "a")


@pytest.mark.fault(32)
def test_each_command_says_so(bench):
    """A login is needed by none of them then: the file must be looked at by a person."""
    file = bench.rig.settings.globus.token_file
    whole = file.read_bytes()
    for spoil in ("torn", "open"):
        if spoil == "open" and os.name == "nt":
            continue
        file.write_bytes(whole[: len(whole) // 3] if spoil == "torn" else whole)
        file.chmod(0o644 if spoil == "open" else 0o600)
        for command in ("publication-discover", "publication-publish", "whoami"):
            if command == "publication-publish":
                bench.session(f"{spoil} {command}")
            stdout, stderr = bench.run(command, "--format", "json", check=CONFIGURATION)
            assert str(file) in stderr, command
            assert "chmod 600" in stderr if spoil == "open" else "mapshell login" in stderr
            json.loads(stdout)
    assert file.read_bytes() == whole
    assert bench.rig.tasks() == []
