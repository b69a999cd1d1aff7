"""The lab of names on a rig, each database in turn; nothing is entered, nothing is published."""

from __future__ import annotations

import json

import pytest

from mapshell.demo.lab import Lab
from mapshell.demo.run import RIG
from pipeline import database
from tests.integration.rig import make_rig

from .lab import NamesLab
from .rounds import Computer

KINDS = ("ephys", "drive", "video")


@pytest.fixture(scope="session")
def nobody(tmp_path_factory):
    """A lab without animals and sessions."""
    root = tmp_path_factory.mktemp("nobody")
    for kind in KINDS:
        (root / kind).mkdir()
    return Lab(root, (), (), "America/New_York")


def roots(top, endpoint=RIG):
    """Return the local roots of a computer: two for recordings, one of them without animals' folders."""

    def root(kind):
        return {"endpoint": endpoint, "endpoint_subdir": f"/{kind}", "endpoint_path": str(top / kind)}

    return {"raw-ephys": [root("ephys"), root("drive")], "raw-video": root("video")}


@pytest.fixture
def computer(lab_database, nobody, tmp_path, monkeypatch):
    for rig in make_rig(lab_database, nobody, tmp_path, monkeypatch):
        document = json.loads((rig.folder / "dj_local_conf.json").read_text())
        document["custom"]["globus.local_endpoints"] = roots(rig.rig)
        (rig.folder / "dj_local_conf.json").write_text(json.dumps(document))
        lab = NamesLab(*(rig.rig / kind for kind in KINDS)).make()
        made = Computer(rig.folder, lab, rig.archive)
        made.rig = rig
        database.bind(made.configure())
        yield made
