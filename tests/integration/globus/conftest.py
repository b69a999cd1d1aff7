"""A sandbox for all tests here, cleaned before each, and managers that talk to it over HTTP through the real SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from mapshell.sandbox import constants
from mapshell.sandbox import service as sandboxes
from pipeline.globus import GlobusStorageManager
from pipeline.globus.transport import Patience
from pipeline.settings import GlobusSettings, LocalRoot, Secret, Settings, StorageLocation

from .answering import manager, service, settings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["manager", "sandbox", "service", "settings", "world"]

LAB = "5f0e4cb1-0000-4000-8000-00000000000a"  # mapped: needs consent
RIG = "5f0e4cb1-0000-4000-8000-00000000000b"  # Globus Connect Personal
SHARE = "5f0e4cb1-0000-4000-8000-00000000000c"  # guest
OTHER = "5f0e4cb1-0000-4000-8000-00000000000d"  # mapped, not configured
PATIENCE = Patience(retries=3, pause=0.01, total=20)
SCOPE = "https://auth.globus.org/scopes/{}/data_access"


@dataclass
class World:
    """The sandbox, its folders, and managers with logins of their own."""

    info: sandboxes.SandboxInfo
    folders: dict[str, Path]
    home: Path
    made: list[GlobusStorageManager] = field(default_factory=list)

    @property
    def admin(self):
        return self.info.admin

    @property
    def settings(self) -> Settings:
        return Settings(
            globus=GlobusSettings(
                client_id=constants.NATIVE_CLIENT_ID,
                service_file=self.info.folder / "state.json",
                token_file=self.home / "tokens.db",
                local_roots=(LocalRoot("raw-ephys", RIG, "/", self.folders[RIG]),),
                storage_locations=(
                    StorageLocation("raw-ephys", LAB, "/", "ephys"),
                    StorageLocation("raw-video", SHARE, "/", "video"),
                ),
            )
        )

    @property
    def unattended(self) -> Settings:
        from dataclasses import replace

        own = self.settings
        secret = Secret(constants.CONFIDENTIAL_CLIENT_SECRET)
        client = constants.CONFIDENTIAL_CLIENT_ID
        return replace(own, globus=replace(own.globus, client_id=client, client_secret=secret))

    def manager(self, settings: Settings | None = None, **options) -> GlobusStorageManager:
        """Return a manager that asks nobody, as in an unattended process."""
        given = {"interactive": False, "environ": {}, "patience": PATIENCE, **options}
        manager = GlobusStorageManager(settings or self.settings, **given)
        self.made.append(manager)
        return manager

    def logged_in(self) -> GlobusStorageManager:
        manager = self.manager()
        assert manager.login_with_code(sandboxes.consent)
        self.admin.reset_counts()
        return manager


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    try:
        yield sandboxes.start(folder / "service")
    finally:
        sandboxes.stop(folder / "service")


@pytest.fixture
def world(sandbox, tmp_path):
    admin = sandbox.admin
    admin.clear_faults()
    admin.revoke_tokens()
    admin.withdraw_consents()
    folders = {}
    for endpoint, name, kind in (
        (LAB, "Petrel", {"mapped": True}),
        (RIG, "Rig 3", {"personal": True}),
        (SHARE, "Videos", {}),
        (OTHER, "Elsewhere", {"mapped": True}),
    ):
        folders[endpoint] = tmp_path / name
        folders[endpoint].mkdir()
        admin.put_collection(endpoint, sandboxes.CollectionSpec(path=folders[endpoint], name=name, **kind))
    admin.reset_counts()
    made = World(sandbox, folders, tmp_path / "home")
    yield made
    for each in made.made:
        each.close()
