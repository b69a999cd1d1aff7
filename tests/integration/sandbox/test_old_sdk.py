"""A program built on an older SDK works unchanged, pointed here by the two environment variables and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mapshell.sandbox.constants import (
    CONFIDENTIAL_CLIENT_ID,
    CONFIDENTIAL_CLIENT_SECRET,
    DEFAULT_IDENTITY_ID,
    DEFAULT_USERNAME,
    NATIVE_CLIENT_ID,
    TRANSFER_ALL,
    data_access_scope,
)
from pipeline.services import lock

from .conftest import ARCHIVE, RIG

FLOW = Path(__file__).with_name("old_sdk_flow.py")
# The first that today's cryptography can be used with, one from the middle, the last of the third series, and the first
# of the fourth.
VERSIONS = ("3.1.0", "3.20.0", "3.66.0", "4.0.0")


@pytest.fixture
def sdk(request) -> Path:
    """Return the folder with an SDK; installed once, kept beside the environment of the tests."""
    version: str = request.param
    folder = Path(sys.prefix) / "share" / "mapshell-test-sdks"
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder / f"{version}.lock", timeout=300):
        if not (folder / version).is_dir():
            _install(version, folder)
    return folder / version


def _install(version: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as made:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        command += ["--target", f"{made}/sdk", f"globus-sdk=={version}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            pytest.skip(f"NO SDK {version}: it cannot be installed here ({said})")
        shutil.move(f"{made}/sdk", folder / version)


@pytest.mark.parametrize("sdk", VERSIONS, indirect=True)
def test_a_program_of_an_older_sdk_works_unchanged(sandbox, sdk, tmp_path):
    (sandbox.rig / "data.bin").write_bytes(b"0123456789")
    given = {
        "native": NATIVE_CLIENT_ID,
        "client": CONFIDENTIAL_CLIENT_ID,
        "secret": CONFIDENTIAL_CLIENT_SECRET,
        "rig": RIG,
        "archive": ARCHIVE,
    }
    # The client's own consents of another test would hide that they are needed.
    sandbox.admin.withdraw_consents()
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    pointed = {
        "GLOBUS_SDK_SERVICE_URL_AUTH": sandbox.info.auth_url,
        "GLOBUS_SDK_SERVICE_URL_TRANSFER": sandbox.info.transfer_url,
    }
    environment = {**kept, "HOME": str(tmp_path), "PYTHONPATH": str(sdk), **pointed}
    done = subprocess.run(
        [sys.executable, str(FLOW), json.dumps(given)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    place = seen["moved"][0].rpartition("/")[0]
    newer = tuple(map(int, sdk.name.split("."))) >= (3, 66)
    expected = {
        "version": sdk.name,
        "servers": [ARCHIVE, "auth.globus.org", "transfer.api.globus.org"],
        "sub": DEFAULT_IDENTITY_ID,
        "username": DEFAULT_USERNAME,
        "code": "Accepted",
        "again": "Duplicate",
        "transferred": [1, 10],
        "moved": [f"{place}/data.bin"],
        "ls": [["renamed.bin", 10]],
        "https": [206, "0123"],
        "found": [ARCHIVE],
        "gone": [404, "ClientError.NotFound"],
        "listed": True,
        "client ls": True,
        "introspected": [True, [CONFIDENTIAL_CLIENT_ID]],
        "consent needed": [403, "ConsentRequired", [f"{TRANSFER_ALL}[*{data_access_scope(ARCHIVE)}]"]],
        # An application of its own, which asks for a login, is content with it, and lists the mapped collection.
        "app": [True, False, "file_list"] if newer else None,
        "client app": "file_list" if newer else None,
        "revoked": 400,
    }
    seen["client ls"] = "data.bin" in seen["client ls"]
    assert {"STARTED", "SUCCEEDED"} <= set(seen.pop("events"))
    # What some versions have no method for.
    assert (seen.pop("stat", 10), seen.pop("valid", True)) == (10, True)
    assert seen == expected
