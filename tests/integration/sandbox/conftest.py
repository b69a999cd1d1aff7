"""A sandbox of its own for each module, used over real HTTP by the real SDK."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import globus_sdk
import pytest
from globus_sdk.scopes import GCSCollectionScopes, Scope, TransferScopes

from mapshell.sandbox.constants import CONFIDENTIAL_CLIENT_ID, CONFIDENTIAL_CLIENT_SECRET, NATIVE_CLIENT_ID
from mapshell.sandbox.service import CollectionSpec, SandboxAdmin, SandboxInfo, consent, start, stop

if TYPE_CHECKING:
    from pathlib import Path

RIG, ARCHIVE, GUEST = (str(uuid.UUID(int=number)) for number in (11, 12, 13))

POSIX = pytest.mark.skipif(os.name == "nt", reason="on Windows not everybody may make links")


@dataclass
class Sandbox:
    folder: Path
    info: SandboxInfo

    @property
    def admin(self) -> SandboxAdmin:
        return self.info.admin

    @property
    def rig(self) -> Path:
        return self.folder / "rig"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def native(self) -> globus_sdk.NativeAppAuthClient:
        return globus_sdk.NativeAppAuthClient(NATIVE_CLIENT_ID, base_url=self.info.auth_url)

    def confidential(self) -> globus_sdk.ConfidentialAppAuthClient:
        return globus_sdk.ConfidentialAppAuthClient(
            CONFIDENTIAL_CLIENT_ID, CONFIDENTIAL_CLIENT_SECRET, base_url=self.info.auth_url
        )

    def tokens(self, *scopes: str | Scope, identity: str | None = None) -> globus_sdk.OAuthTokenResponse:
        """Log in as a person."""
        client = self.native()
        client.oauth2_start_flow(requested_scopes=list(scopes), refresh_tokens=True)
        return client.oauth2_exchange_code_for_tokens(consent(client.oauth2_get_authorize_url(), identity))

    def transfer(self, *, identity: str | None = None, archive: bool = True) -> globus_sdk.TransferClient:
        """Return a Transfer client of a person, with the consent for the mapped archive."""
        scope = TransferScopes.all
        if archive:
            scope = scope.with_dependency(GCSCollectionScopes(ARCHIVE).data_access)
        token = self.tokens(scope, identity=identity).by_resource_server["transfer.api.globus.org"]["access_token"]
        return self.client(token)

    def client(self, token: str) -> globus_sdk.TransferClient:
        from globus_sdk.transport import RetryConfig

        return globus_sdk.TransferClient(
            authorizer=globus_sdk.AccessTokenAuthorizer(token),
            base_url=self.info.transfer_url,
            retry_config=RetryConfig(max_retries=0),
        )


def ended(client: globus_sdk.TransferClient, task_id: str) -> globus_sdk.GlobusHTTPResponse:
    """Wait for the end of a task."""
    return until(lambda: client.get_task(task_id), lambda task: task["status"] != "ACTIVE")


def until(look, found, seconds: float = 20.0):
    """Ask again until something is found."""
    limit = time.monotonic() + seconds
    while True:
        value = look()
        if found(value):
            return value
        assert time.monotonic() < limit, f"waited {seconds} s in vain; last: {value}"
        time.sleep(0.005)  # leaves the processor to those who are waited for


def items(data: globus_sdk.TransferData, *names: str, **options) -> globus_sdk.TransferData:
    for name in names:
        data.add_item(f"/{name}", f"/in/{name}", **options)
    return data


def found(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def delete(client, *paths, endpoint=RIG, **options):
    data = globus_sdk.DeleteData(endpoint, **options)
    for path in paths:
        data.add_item(path)
    return ended(client, client.submit_delete(data)["task_id"])


@pytest.fixture(scope="session", autouse=True)
def _no_other_globus():
    """Tests must reach the sandbox by base URL or by variables that they set themselves."""
    names = [name for name in os.environ if name.startswith("GLOBUS_SDK_")]
    kept = {name: os.environ.pop(name) for name in names}
    yield
    os.environ.update(kept)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sand box")
    for name in ("rig", "archive", "guest"):
        (folder / name).mkdir()
    collections = {
        RIG: CollectionSpec(folder / "rig", name="Rig", personal=True),
        ARCHIVE: CollectionSpec(folder / "archive", name="Archive", mapped=True),
        GUEST: folder / "guest",
    }
    yield Sandbox(folder, start(folder / "state", collections))
    stop(folder / "state")


@pytest.fixture
def sandbox(running):
    yield running
    running.admin.clear_faults()
    for collection in (RIG, ARCHIVE, GUEST):
        running.admin.set_collection(
            collection, offline=False, read_only=False, denied=False, missing=False, quota=None, deny=[]
        )


@pytest.fixture
def client(sandbox):
    return sandbox.transfer()


@pytest.fixture
def name():
    """A name of its own for each test, in the common folders."""
    return uuid.uuid4().hex


@pytest.fixture
def tree(sandbox, name):
    """A folder at the source, and the path of its copy at the destination."""
    for path in ("top.bin", "a/one.bin", "a/b/two.bin", "a/b/three.txt", "skip/four.bin"):
        (sandbox.rig / name / path).parent.mkdir(parents=True, exist_ok=True)
        (sandbox.rig / name / path).write_text(path)
    return sandbox.rig / name, sandbox.folder / "guest" / name


@pytest.fixture
def fresh(tmp_path):
    """Folders of a sandbox that the test starts itself, as often as it likes."""
    for name in ("rig", "guest"):
        (tmp_path / name).mkdir()
    yield tmp_path
    stop(tmp_path / "state")


@pytest.fixture
def files(fresh):
    """Make files at the source, with content that differs from file to file."""

    def make(*names, size=10):
        for name in names:
            (fresh / "rig" / name).parent.mkdir(parents=True, exist_ok=True)
            block = os.urandom(min(size, 1 << 20))
            (fresh / "rig" / name).write_bytes(block * (size // len(block)))
        return names

    return make
