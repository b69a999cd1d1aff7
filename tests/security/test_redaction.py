"""What is kept of what was typed and of what went wrong: without secrets, and nothing in it forges a line."""

import json
import logging
import os
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell import log
from mapshell.shell.prompt import _Kept
from pipeline.private.redaction import redact

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
    "!psql postgresql://me:hunter2@again@server/db",
    'password = "it\'s hunter2 again"',
    "password = 'say \"hunter2\" again'",
    r"""password = "say \"hunter2\" again" """,
    "DJ_PASS=x,y;hunter2}again mapshell status",
    r'log("{\"password\": \"hunter2 again\"}")',
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


ANY = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=6, max_size=40)


@given(ANY)
def test_whatever_a_password_holds_none_of_it_is_left_in_what_python_and_json_say(secret):
    """Drivers' errors and tracebacks hold settings as Python or JSON writes them."""
    marked = f"Q7Z{secret}Q7Z"
    for said in (
        repr({"host": "db", "password": marked, "port": 5}),
        json.dumps({"password": marked, "port": 5}),
        json.dumps(json.dumps({"client_secret": marked})),
        f"postgresql://me:{quote(marked, safe='')}@db/lab",
    ):
        assert "Q7Z" not in redact(said), said


@pytest.fixture
def logged(tmp_path):
    environ = {"MAPSHELL_HOME": str(tmp_path)}
    file = log.set_up(environ, debug=False)
    yield file
    log.tear_down()


def test_a_name_in_the_log_neither_steers_a_terminal_nor_begins_a_line_like_a_record(logged):
    hostile = "SC038\n2026-01-01 00:00:00,000 1 INFO mapshell: archived\r\x1b]0;owned\x07\x1b[2J\u202e.bin"
    logging.getLogger("mapshell").warning("refused: %s", hostile)
    try:
        int(hostile)
    except ValueError:
        logging.getLogger("mapshell").exception("defect")
    text = logged.read_text(encoding="utf-8")
    begun = [line for line in text.splitlines() if line[:1].isdigit()]
    assert len(begun) == 2
    assert all(character in "\n\t" or character.isprintable() for character in text)
    assert "Traceback" in text
    assert "\\x1b]0;owned" in text
