"""A session known from a listing alone is *present*: no screen calls it archived, and nothing of it is sent again."""

from __future__ import annotations

import os

import pytest

from pipeline import publication
from pipeline.board.status import status

from .bench import EPHYS, LONG_AGO, only, write


@pytest.fixture
def listed(bench):
    """A session whose rows say what they would say after it was found by its listing."""
    folder = bench.session("one")
    assert bench.publish().whole
    unknown = dict.fromkeys(("file_sha1", "sha1_source", "verified_at", "verified_how"))
    for row in publication.DataSet.PhysicalFile.keys():  # noqa: SIM118  # a table
        publication.DataSet.PhysicalFile.update1({**row, **unknown})
    publication.DataSet.update1({**publication.DataSet.fetch1("KEY"), "dataset_manifest": ""})
    return bench, folder


def state(bench):
    (row,) = status(bench.rig.settings, EPHYS)
    return row


def test_it_is_present_on_every_screen_whatever_its_times(listed):
    bench, folder = listed
    tasks = len(bench.rig.tasks())
    os.utime(only(folder, "*.meta"), (LONG_AGO + 9, LONG_AGO + 9))
    for _ in range(2):
        row = state(bench)
        assert (row.state, row.archived_at, row.files) == ("present", None, 2)
        assert "without a manifest; never verified" in row.reason
        document = bench.command(check=0)
        assert document["sessions"]["one"]["state"] == "present"
        assert document["sessions"]["one"]["reason"] == row.reason
    told = bench.tell(check=0)
    assert "present" in told
    assert "never verified" in told
    assert "rchived before" not in told
    assert len(bench.rig.tasks()) == tasks
    assert not publication.SessionState()


def test_what_differs_is_named_and_it_is_still_no_more_than_present(listed):
    bench, folder = listed
    changed = only(folder, "*.meta")
    write(changed, changed.read_bytes() + b"more=1\n")
    assert (state(bench).state, "1 changed file" in state(bench).reason) == ("present", True)
    document = bench.command(check=3)
    assert document["sessions"]["one"]["state"] == "present"
    assert "archived" not in document["sessions"]["one"]["reason"]
    assert state(bench).state == "present"


def test_new_files_of_it_are_archived_and_the_old_ones_stay_what_they_are(listed):
    bench, folder = listed
    write(folder / "later.npy", b"later")
    outcome = bench.outcomes(bench.publish())["one"]
    assert (outcome.state, outcome.sent_files) == ("present", 1)
    assert outcome.reason.startswith("2 of 3 files were only listed")
    assert state(bench).reason == outcome.reason
    rows = bench.indexed()
    assert [row["file_sha1"] is None for row in rows.values()].count(True) == 2
