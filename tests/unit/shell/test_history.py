"""The history that the shell keeps: its owner's alone, and without secrets."""

import os

import pytest

from mapshell.log import redact
from mapshell.shell.prompt import _Kept

SECRETS = (
    'password = "hunter2"',
    "password = 'hunter2 with spaces'",
    'dj.config["database.password"] = "hunter2"',
    "dj.config['database.password']='hunter2'",
    "!export MAPSHELL_GLOBUS_CLIENT_SECRET=hunter2",
    "!DJ_PASS=hunter2 mapshell status",
    '{"client_secret": "hunter2 again", "user": "me"}',
    "requests.get(url, headers={'Authorization': 'Bearer hunter2hunter2'})",
    "!psql postgresql://me:hunter2@server/db",
)


@pytest.mark.parametrize("line", SECRETS)
def test_a_secret_that_is_typed_is_not_kept(tmp_path, line):
    history = _Kept(str(tmp_path / "history"))

    history.store_string(line)

    kept = (tmp_path / "history").read_text(encoding="utf-8")
    assert "hunter2" not in kept
    assert "spaces" not in kept
    assert "again" not in kept
    assert kept.rstrip().splitlines()[-1].startswith("+" + line[:4])
    if os.name != "nt":
        assert (tmp_path / "history").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "line", ["status --subject SC038", "x = {'a': 1}", "publication.DataSet & 'dataset_type = \"ephys\"'"]
)
def test_what_is_no_secret_stays_as_it_was(line):
    assert redact(line) == line
