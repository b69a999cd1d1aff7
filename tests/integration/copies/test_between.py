"""A session that one archive has and the other lacks, and that no computer has any more, goes between the two."""

from __future__ import annotations

import json

from tests.integration.copies.conftest import FIRST, OTHER


def test_from_the_rig_every_copy_is_filled(two):
    two.name_both()
    folder = two.bench.session("one")
    stdout, _ = two.bench.run("publication-publish", "--type", "ephys", "--format", "json", check=0)
    states = {(row["alias"], row["state"], row["copied_from"]) for row in json.loads(stdout)["sessions"]}
    assert states == {(FIRST, "archived", None), (OTHER, "archived", None)}
    two.assert_same()
    assert set(two.data(two.first)) == set(two.bench.here(folder))
    assert len(two.manifests(two.other)) == 1


def test_what_is_gone_from_the_rig_goes_from_archive_to_archive(two):
    folder = two.bench.session("one")
    two.publish_at_first()
    held = two.take_away(folder)
    two.name_both()
    stdout, stderr = two.bench.run("publication-publish", "--type", "ephys", "--dry-run", check=0)
    assert "would be copied: SC038 session 1" in stderr
    assert "from raw-ephys to raw-ephys-2" in stderr
    assert not two.data(two.other)
    stdout, _ = two.bench.run("publication-publish", "--type", "ephys", "--format", "json", check=0)
    (row,) = json.loads(stdout)["sessions"]
    assert (row["alias"], row["state"], row["copied_from"]) == (OTHER, "archived", FIRST)
    assert row["sent_files"] == len(held)
    assert two.data(two.other) == held
    two.assert_same()
    (evidence,) = two.evidence(OTHER)
    assert evidence["copied_from"]["alias"] == FIRST
    assert len(two.manifests(two.other)) == 1
    stdout, _ = two.bench.run("publication-publish", "--type", "ephys", "--format", "json", check=0)
    assert json.loads(stdout)["sessions"] == []
