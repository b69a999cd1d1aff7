"""The sandbox of the table, and the two ways to be somebody there: a client with its secret, a person who logs in."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from mapshell.sandbox.constants import (
    CONFIDENTIAL_CLIENT_ID,
    CONFIDENTIAL_CLIENT_SECRET,
    DEFAULT_IDENTITY_ID,
    DEFAULT_USERNAME,
)
from mapshell.sandbox.service import CollectionSpec, SandboxInfo, start, stop

from .runner import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

RIG, ARCHIVE, GUEST = (str(uuid.UUID(int=number)) for number in (21, 22, 23))
TRAITS = {
    "client": frozenset({"guest", "personal", "other"}),
    "person": frozenset({"mapped", "personal", "owner"}),
}
_KEPT = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LANG", "LC_ALL")


@dataclass(frozen=True)
class Box:
    """A running sandbox with three collections."""

    folder: Path
    info: SandboxInfo

    def environment(self, home: str) -> dict[str, str]:
        """Return the environment of command lines with a home of their own."""
        place = self.folder / home
        place.mkdir(exist_ok=True)
        names = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")
        return {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            **dict.fromkeys(names, str(place)),
            **self.info.environment,
            "TZ": "UTC",
            "COLUMNS": "200",
        }

    def world(self, environment: Mapping[str, str], destination: str, who: Mapping[str, str]) -> World:
        """Return the world in which the table is played."""
        for name in ("rig", destination):
            (self.folder / name / who["run"]).mkdir()
        ids = {"archive": ARCHIVE, "guest": GUEST}
        values = {
            "src_id": RIG,
            "dst_id": ids[destination],
            "src_name": "Rig",
            "dst_name": destination.title(),
            "src_base": f"/{who['run']}",
            "dst_base": f"/{who['run']}",
            **who,
        }
        folders = (self.folder / "rig" / who["run"], self.folder / destination / who["run"])
        return World(environment, values, *folders, traits=TRAITS[who["run"]])


@pytest.fixture(scope="module")
def box(tmp_path_factory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("conformance")
    for name in ("rig", "archive", "guest"):
        (folder / name).mkdir()
    collections = {
        RIG: CollectionSpec(folder / "rig", name="Rig", personal=True),
        ARCHIVE: CollectionSpec(folder / "archive", name="Archive", mapped=True),
        GUEST: CollectionSpec(folder / "guest", name="Guest"),
    }
    yield Box(folder, start(folder / "state", collections))
    stop(folder / "state")


@pytest.fixture(scope="module")
def client_world(box) -> World:
    """A confidential client, which sends to a guest collection."""
    environment = {
        **box.environment("client"),
        "GLOBUS_CLI_CLIENT_ID": CONFIDENTIAL_CLIENT_ID,
        "GLOBUS_CLI_CLIENT_SECRET": CONFIDENTIAL_CLIENT_SECRET,
    }
    username = f"{CONFIDENTIAL_CLIENT_ID}@clients.auth.globus.org"
    who = {"run": "client", "username": username, "user_id": CONFIDENTIAL_CLIENT_ID, "name": "<any>", "email": "<any>"}
    return box.world(environment, "guest", who)


@pytest.fixture(scope="module")
def person_world(box) -> World:
    """A person who logged in on the sandbox's page, which sends to a mapped collection."""
    from .login import consent, login

    environment = box.environment("person")
    login(environment)
    consent(environment, ARCHIVE)
    who = {
        "run": "person",
        "username": DEFAULT_USERNAME,
        "user_id": DEFAULT_IDENTITY_ID,
        "name": "<any>",
        "email": DEFAULT_USERNAME,
    }
    return box.world(environment, "archive", who)
