"""A session that the lab deletes in its own tables, where nothing of ours goes with it: listed, fetched as usual."""

from __future__ import annotations

import json

import pytest

from pipeline.board.status import status

pytestmark = pytest.mark.mariadb
ONE = ("--subject", "SC038", "--session", "1")


def test_a_session_that_the_lab_deletes_is_listed_and_can_be_fetched(reading_rig, old_lab):
    rig = reading_rig
    rig.publish()
    old_lab.query("DELETE FROM `map_v2_experiment`.`session` WHERE subject_id = 480133 AND session = 1")
    gone = [row for row in status(rig.settings, ("ephys", "video")) if row.state == "without session"]
    assert [(row.h2o, row.session, row.alias) for row in gone] == [("SC038", 1, "raw-ephys"), ("SC038", 1, "raw-video")]
    assert all(row.archived_at and row.files and "publication-reassign SC038/1 TO" in row.remedy for row in gone)

    published = json.loads(rig.run("publication-publish", "--dry-run", "--format", "json").stdout)
    assert [row["alias"] for row in published["datasets_without_session"]] == ["raw-ephys", "raw-video"]
    assert not [s for s in published["folders_without_session"] if s["folder"] in gone[0].folders + gone[1].folders]
    verified = json.loads(rig.run("publication-verify", "--format", "json").stdout)
    assert [row["alias"] for row in verified["sessions"] if row["without_session"]] == ["raw-ephys", "raw-video"]
    assert {row["verdict"] for row in verified["sessions"]} == {"present"}

    place = rig.folder / "out"
    done = rig.run("publication-retrieve", *ONE, "--type", "ephys", "--to", str(place), "--via", "https", check=0)
    fetched = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    fetched = {name for name in fetched if not name.startswith(".mapshell")}
    assert len(fetched) == gone[0].files, done.stderr
    for name in fetched:
        assert (place / name).read_bytes() == (rig.rig / "ephys" / name).read_bytes()
