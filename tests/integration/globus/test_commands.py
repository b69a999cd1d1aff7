"""``mapshell login``, ``whoami`` and ``logout`` as programs and people run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mapshell.sandbox import constants
from mapshell.sandbox.service import consent

from .conftest import LAB, RIG, SCOPE


@pytest.fixture
def folder(world):
    """A folder whose settings name the sandbox."""
    place = world.home.parent / "work"
    place.mkdir()
    settings = {
        "globus.client_id": constants.NATIVE_CLIENT_ID,
        "globus.sandbox": str(world.info.folder),
        "globus.token_file": str(world.home / "tokens.db"),
        "custom": {
            "globus.local_endpoints": {
                "raw-ephys": {"endpoint": RIG, "endpoint_subdir": "/", "endpoint_path": str(world.folders[RIG])}
            },
            "globus.storage_locations": {"raw-ephys": {"endpoint": LAB, "path": "/"}},
        },
    }
    (place / "dj_local_conf.json").write_text(json.dumps(settings))
    return place


def mapshell(folder, *args, **options):
    command = [sys.executable, "-m", "mapshell", *args]
    given = {"cwd": folder, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=dict(os.environ), **{**given, **options})


def run(folder, *args):
    process = mapshell(folder, *args)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_login_by_a_program_then_whoami_then_logout(world, folder):
    process = mapshell(folder, "login", "--no-browser", "--format", "json", stdin=subprocess.PIPE)
    err = ""
    while process.poll() is None:
        line = process.stderr.readline()
        err += line
        if line.strip().startswith("http"):
            process.stdin.write(consent(line.strip()) + "\n")
            process.stdin.flush()
        if "Logged in" in line:
            break
    out, rest = process.communicate(timeout=60)
    assert process.returncode == 0, err + rest
    assert json.loads(out)["username"] == constants.DEFAULT_USERNAME

    code, out, err = run(folder, "whoami")
    assert code == 0, err
    for word in (constants.DEFAULT_USERNAME, constants.DEFAULT_IDENTITY_ID, "raw-ephys (Petrel", "consent given"):
        assert word in out

    world.admin.withdraw_consents(SCOPE.format(LAB))
    assert "consent missing: run mapshell login" in run(folder, "whoami")[1]

    code, out, err = run(folder, "logout", "--format", "json")
    assert (code, json.loads(out)) == (0, {"logged_out": True}), err
    assert run(folder, "whoami")[0] == 4


@pytest.mark.parametrize("args", [(), ("--no-browser",), ("--no-browser", "--no-input")])
def test_without_anybody_to_ask_login_ends_at_once_with_exit_4(world, folder, args):
    code, out, err = run(folder, "publication-login", *args)
    assert code == 4, err
    assert out == ""
    assert "Remedy: " in err
    assert "Traceback" not in err


def test_whoami_without_a_login_is_exit_4_and_names_the_remedy(world, folder):
    code, out, _ = run(folder, "whoami", "--format", "json")
    assert code == 4
    assert json.loads(out)["error"]["remedy"] == "run: mapshell login"


def test_no_client_id_is_exit_5(world, folder):
    (folder / "dj_local_conf.json").write_text("{}")
    code, _, err = run(folder, "whoami")
    assert code == 5
    assert "globus.client_id" in err
    assert "MAPSHELL_GLOBUS_CLIENT_ID" in err
