"""Two copies that are filled from the same folder: what is said of the folder is said once."""

from __future__ import annotations

import json

from tests.integration.copies.conftest import BOTH
from tests.integration.publish.bench import write


def test_folders_of_no_session_are_told_once(pg_two):
    pg_two.name_both()
    pg_two.bench.session("one")
    write(pg_two.bench.ephys / "SC038" / "SC038_010119_g0" / "a.txt", b"nobody's")
    stdout, _ = pg_two.bench.run("publication-publish", "--type", "ephys", "--format", "json", check=0)
    document = json.loads(stdout)
    assert [each["folder"] for each in document["folders_without_session"]] == ["SC038/SC038_010119_g0"]
    assert {row["alias"] for row in document["sessions"]} == set(BOTH)
    stdout, _ = pg_two.bench.run("publication-status", "--type", "ephys", "--format", "json", check=0)
    assert {row["state"] for row in json.loads(stdout)["sessions"]} == {"archived"}


def test_a_loose_drive_fills_every_copy(pg_two, tmp_path):
    pg_two.name_both()
    folder = pg_two.bench.session("one")
    drive = pg_two.rig.rig / "drive"
    (drive / "SC038").mkdir(parents=True)
    folder.rename(drive / "SC038" / folder.name)
    stdout, _ = pg_two.bench.run("publication-publish", "--root", str(drive), "--format", "json", check=0)
    assert {(row["alias"], row["state"]) for row in json.loads(stdout)["sessions"]} == {
        (alias, "archived") for alias in BOTH
    }
    pg_two.assert_same()
