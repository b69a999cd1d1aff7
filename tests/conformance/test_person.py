"""A person and the client ``globus``: logins by code and by browser, consents, sessions, tokens that end, logout."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import webbrowser

import pytest

from mapshell.sandbox.constants import (
    CONFIDENTIAL_CLIENT_ID,
    CONFIDENTIAL_CLIENT_SECRET,
    DEFAULT_IDENTITY_ID,
    DEFAULT_USERNAME,
    SECOND_USERNAME,
)

from .conftest import ARCHIVE, GUEST, RIG
from .login import consent, login, talk
from .rows import matches
from .runner import Globus

LOGGED_IN = """\
<lines>
You have successfully logged in to the Globus CLI!

You can check your primary identity with
  globus whoami
<lines>"""


@pytest.fixture
def person(box, tmp_path):
    """Return the environment of somebody new."""
    home = dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(tmp_path))
    return {**box.environment("nobody"), **home}


@pytest.fixture
def globus(person, tmp_path):
    with Globus(person, tmp_path) as client:
        yield client
        assert client.outside == []


def test_without_a_login_nothing_is_asked(box, globus):
    box.info.admin.reset_counts()
    seen = globus("ls", f"{RIG}:/")
    assert (seen.code, seen.out) == (4, "")
    assert "MissingLoginError: Missing login for Globus Transfer." in seen.err
    assert "globus login" in seen.err
    assert box.info.admin.total("transfer/") == 0


def test_login_by_code_session_and_logout(person, globus):
    assert matches(LOGGED_IN, login(person))
    assert globus("whoami").out.strip() == DEFAULT_USERNAME
    again = globus("login")
    assert (again.code, again.out.splitlines()[0]) == (0, "You are already logged in!")
    shown = globus("session", "show")
    table = (
        f"Username<any>| ID<any>| Auth Time\n<any>\n{DEFAULT_USERNAME} | {DEFAULT_IDENTITY_ID} | <n>-<n>-<n> <any> UTC"
    )
    assert matches(table, shown.out)
    assert globus("ls", f"{RIG}:/").code == 0
    out = globus("logout", "--yes")
    assert (out.code, out.out.splitlines()[0]) == (0, f"Logging out of Globus as {DEFAULT_USERNAME}")
    assert globus("whoami").code == 4


def test_login_by_browser(person, globus, tmp_path):
    """The page opens in the browser, which a program plays; the answer comes to a server of the client's own."""
    page = tmp_path / "browser.py"
    page.write_text(
        "import sys, urllib.request\n"
        "from urllib.parse import urlencode\n"
        "form = urlencode({'decision': 'allow'}).encode()\n"
        "urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], form).read()\n"
    )
    if os.name == "nt":
        pytest.skip("NO BROWSER: Windows opens its own browser, whatever the environment says")
    assert webbrowser.GenericBrowser  # what reads BROWSER
    with Globus({**person, "BROWSER": f"{sys.executable} {page} %s"}, tmp_path) as client:
        seen = client("login")
    assert seen.code == 0, seen
    assert "You have successfully logged in" in seen.out
    assert globus("whoami").out.strip() == DEFAULT_USERNAME


def test_a_mapped_collection_needs_its_consent(person, globus):
    login(person)
    seen = globus("ls", f"{ARCHIVE}:/")
    assert seen.code == 4
    assert "grant consent for the Globus CLI to access it" in seen.out
    scope = f"urn:globus:auth:scope:transfer.api.globus.org:all[*https://auth.globus.org/scopes/{ARCHIVE}/data_access]"
    assert f"globus session consent '{scope}'" in seen.out
    refused = globus("transfer", f"{RIG}:/x", f"{ARCHIVE}:/x")
    assert refused.code == 4
    assert scope in refused.out
    consent(person, ARCHIVE)
    assert globus("ls", f"{ARCHIVE}:/").code == 0


def test_somebody_else_does_not_see_ones_tasks(box, person, globus, tmp_path):
    (box.folder / "rig" / "mine.txt").write_text("mine")
    login(person)
    sent = globus("transfer", f"{RIG}:/mine.txt", f"{GUEST}:/mine.txt", "-F", "unix", "--jmespath", "task_id")
    other = {**person, "GLOBUS_PROFILE": "colleague"}
    login(other, identity=SECOND_USERNAME)
    with Globus(other, tmp_path) as colleague:
        assert colleague("whoami").out.strip() == SECOND_USERNAME
        assert colleague("task", "show", sent.out.strip()).code == 1
        assert colleague("task", "list", "-F", "json", "--jmespath", "DATA").out.strip() == "[]"
    assert globus("task", "show", sent.out.strip()).code == 0


def test_another_account_is_not_mixed_with_the_first(person, globus):
    login(person)
    with pytest.raises(AssertionError, match=r"tried to login with an account that didn't match existing credentials"):
        login(person, "--force", identity=SECOND_USERNAME)
    assert globus("whoami").out.strip() == DEFAULT_USERNAME


def test_a_token_that_ended_is_renewed_silently(box, person, globus, tmp_path):
    login(person)
    box.info.admin.expire_tokens()
    # When a token ends, the client knows from its own notes.
    with contextlib.closing(sqlite3.connect(next(tmp_path.rglob("storage.db")))) as notes, notes:
        for server, text in notes.execute("SELECT resource_server, token_data_json FROM token_storage").fetchall():
            ended = json.dumps({**json.loads(text), "expires_at_seconds": 1})
            notes.execute("UPDATE token_storage SET token_data_json = ? WHERE resource_server = ?", (ended, server))
    seen = globus("ls", f"{RIG}:/")
    assert (seen.code, seen.err) == (0, "")


def test_revoked_tokens_need_a_login(box, person, globus):
    login(person)
    box.info.admin.revoke_tokens()
    seen = globus("ls", f"{RIG}:/")
    assert seen.code == 4
    assert "globus login" in seen.err
    login(person, "--force")
    assert globus("ls", f"{RIG}:/").code == 0


def test_a_session_that_is_too_old_is_renewed_by_the_command_that_is_named(box, person, globus):
    login(person)
    consent(person, ARCHIVE)
    box.info.admin.set_collection(GUEST, fresh_session=600, session_requires={"message": "Log in anew"})
    try:
        assert globus("ls", f"{GUEST}:/").code == 0
        box.info.admin.expire_sessions()
        seen = globus("ls", f"{GUEST}:/")
        assert seen.code == 4, seen
        assert "Log in anew" in seen.out
        assert "globus session update" in seen.out
        talk(["session", "update", "--no-local-server", DEFAULT_IDENTITY_ID], person)
        assert globus("ls", f"{GUEST}:/").code == 0
    finally:
        box.info.admin.set_collection(GUEST, fresh_session=None, session_requires={})


def test_a_wrong_secret_or_half_a_client_is_no_login(box, tmp_path):
    environment = {**box.environment("client"), "GLOBUS_CLI_CLIENT_ID": CONFIDENTIAL_CLIENT_ID}
    environment |= dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(tmp_path))
    with Globus(environment, tmp_path) as half:
        seen = half("whoami")
        assert seen.code != 0
        assert "GLOBUS_CLI_CLIENT_SECRET" in seen.err
    with Globus({**environment, "GLOBUS_CLI_CLIENT_SECRET": "wrong"}, tmp_path) as wrong:
        seen = wrong("ls", f"{RIG}:/")
        assert seen.code == 1
        assert "HTTP status:      401" in seen.err
    with Globus({**environment, "GLOBUS_CLI_CLIENT_SECRET": CONFIDENTIAL_CLIENT_SECRET}, tmp_path) as right:
        assert right("login").code == 2
        assert right("ls", f"{RIG}:/").code == 0
        assert right("session", "show", "-F", "json").code == 0
        assert right("logout", "--yes").code == 0
