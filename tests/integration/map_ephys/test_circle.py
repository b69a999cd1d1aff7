"""Published, discovered, fetched and verified on a map-ephys database, which stays as it was to the last byte."""

from __future__ import annotations

import json
import shutil

import pytest

from pipeline import database

pytestmark = pytest.mark.mariadb

INDEX = ("data_set", "data_set__physical_file", "_archived_raw_ephys", "_archived_tracking_video", "session_ident")


def index(old_lab):
    """Return the rows of our index, whatever account may read them; what is JSON as data."""
    own = old_lab.own_prefix + "publication"
    return {table: sorted(map(_plain, old_lab.query(f"SELECT * FROM `{own}`.`{table}`")), key=repr) for table in INDEX}


def _plain(row):
    return tuple(
        json.dumps(json.loads(value), sort_keys=True) if isinstance(value, str) and value.startswith("{") else value
        for value in row
    )


def test_the_whole_circle_leaves_the_labs_schemas_as_they_are(old_rig, old_lab):
    rig = old_rig
    before = old_lab.snapshot()
    good = len(rig.lab.good)
    assert json.loads(rig.run("publication-status", "--format", "json", check=0).stdout)
    # One session records still: the night is done in part.
    published = json.loads(rig.run("publication-publish", "--format", "json", check=3).stdout)
    states = [row["state"] for row in published["sessions"]]
    assert states.count("archived") == 2 * good - sum(not session.of_kind("video") for session in rig.lab.good)
    there = {name: path.read_bytes() for name, path in rig.archived().items()}
    wanted = {name: path.read_bytes() for name, path in rig.files().items() if name in there}
    assert there == wanted
    assert there
    # One animal has no water restriction: what enters it is the lab's.
    told = rig.run("publication-publish", check=3).stderr
    assert "mapshell ingest-" not in told
    assert "enter it with the lab's own pipeline" in told
    rig.run("publication-verify", "--checksum", "all", check=0)
    rows = index(old_lab)
    database.unbind()
    old_lab.query(f"DROP DATABASE `{old_lab.own_prefix}publication`")
    rig.run("publication-discover", check=0)
    found = index(old_lab)
    assert found == rows
    for kind in ("ephys", "video"):
        shutil.rmtree(rig.rig / kind)
        (rig.rig / kind).mkdir()
    rig.run("publication-retrieve", "--everything", check=0)
    back = {name: path.read_bytes() for name, path in rig.files().items() if "/" in name}
    assert back == there
    rig.run("publication-status", check=0)
    schemas = {
        name
        for (name,) in old_lab.query(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE %s",
            old_lab.own_prefix.replace("_", r"\_") + "%",
        )
    }
    assert schemas == {f"{old_lab.own_prefix}publication"}
    assert old_lab.snapshot() == before
