"""The command line client `globus` logs in as a person, consents, and brings the session that a collection demands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mapshell.sandbox.constants import DEFAULT_IDENTITY_ID, DEFAULT_USERNAME

from .browsing import visit
from .conftest import ARCHIVE

POLICY = "5ab0d0de-0000-4000-8000-0000000000dd"


@pytest.fixture
def globus(sandbox, tmp_path):
    """Run the client; where it shows the address of a login page, a person logs in and copies the code."""
    program = Path(sys.executable).with_name("globus")
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}

    def run(*arguments, fails=0, identity=None):
        with subprocess.Popen(
            [program, *arguments],
            env={**kept, **home, **sandbox.info.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            said = []
            for line in running.stdout:
                said.append(line)
                if line.startswith(sandbox.info.auth_url):
                    running.stdin.write(visit(line.strip()).press("allow", identity=identity).code + "\n")
                    running.stdin.flush()
            assert running.wait(timeout=60) == fails, "".join(said)
        return "".join(said)

    return run


def test_login_consent_session_and_logout(sandbox, globus):
    assert "successfully logged in" in globus("login", "--no-local-server")
    assert globus("whoami").strip() == DEFAULT_USERNAME
    told = globus("ls", ARCHIVE, fails=4)
    scope = re.search(r"globus session consent '(.*)'", told)[1]
    globus("session", "consent", "--no-local-server", scope)
    globus("ls", ARCHIVE)

    sandbox.admin.set_collection(ARCHIVE, fresh_session=3600)
    try:
        globus("ls", ARCHIVE)
        sandbox.admin.expire_sessions()
        told = globus("ls", ARCHIVE, fails=4)
        assert re.search(r"globus session update (\S+)", told)[1] == DEFAULT_IDENTITY_ID
        globus("session", "update", "--no-local-server", DEFAULT_IDENTITY_ID)
        globus("ls", ARCHIVE)

        lab = sandbox.admin.add_identity("rig@lab.example", linked_to=DEFAULT_USERNAME)["id"]
        requires = {"domains": ["lab.example"], "policies": [POLICY], "mfa": True}
        sandbox.admin.set_collection(ARCHIVE, session_requires=requires)
        assert f"globus session update --policy '{POLICY}'" in globus("ls", ARCHIVE, fails=4)
        globus("session", "update", "--no-local-server", "--policy", POLICY)
        globus("ls", ARCHIVE)
        shown = json.loads(globus("session", "show", "--format", "json"))["authentications"]
        assert {DEFAULT_IDENTITY_ID, lab} == set(shown)
        assert (shown[lab]["amr"], shown[DEFAULT_IDENTITY_ID]["amr"]) == (["mfa"], None)
        assert "rig@lab.example" in globus("whoami", "--linked-identities")
    finally:
        sandbox.admin.set_collection(ARCHIVE, fresh_session=None, session_requires={})
    assert "logged out" in globus("logout", "--yes")
    assert "globus login" in globus("whoami", fails=4)
