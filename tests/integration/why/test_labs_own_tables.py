"""Where a lab's own tables stand in, the same is told, and its own pipeline is named instead of our commands."""

from __future__ import annotations

import json

import pytest

from tests.integration.map_ephys.conftest import old_rig, reading_rig

__all__ = ["old_rig", "reading_rig"]

pytestmark = pytest.mark.mariadb


def test_a_session_of_a_labs_own_tables(old_rig, old_lab):
    before = old_lab.snapshot()
    rows = json.loads(old_rig.run("publication-status", "--type", "ephys", "--format", "json", check=0).stdout)
    row = next(row for row in rows["sessions"] if row["state"] == "queued")
    args = (row["h2o"], str(row["session"]), "--type", "ephys", "--format", "json")
    (place,) = json.loads(old_rig.run("publication-why", *args, check=0).stdout)["locations"]
    assert place["state"] == "queued"
    assert [each for each in place["decisions"] if each["verdict"] == "failed"] == []
    assert old_lab.snapshot() == before
