"""After a reassignment the rig still has folders of the wrong name, and the lab goes on changing its mind."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from pipeline import experiment
from tests.integration.drives.conftest import drawer
from tests.integration.publish.bench import DAY, SC038, SC048, only, write
from tests.integration.reassign.moved import add_animal_session, assert_index_is_true, files_there, reassign, states

OLD, NEW = "SC038/SC038_050120_g0", "SC048/SC048_050120_g0"


def reassigned(bench):
    """Archive a session under a wrong animal, and reassign it; return its folder on the rig."""
    folder = bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    reassign(bench, "SC038/1", "SC048/1", "--because", "cages were swapped")
    return folder


@pytest.mark.parametrize("first_is", ["here", "gone"])
@pytest.mark.parametrize("what", ["gate", "catgt"])
def test_a_further_folder_of_its_run_is_not_the_wrong_sessions(each_bench, what, first_is):
    """Its name tells the wrong animal as well: nobody but a person knows."""
    bench = each_bench
    folder = reassigned(bench)
    if first_is == "gone":
        shutil.rmtree(folder)
    name = "SC038_050120_g1" if what == "gate" else "catgt_SC038_050120_g0"
    later = bench.record("SC038_050120", DAY + timedelta(hours=3), folder=name, gate=1 if what == "gate" else 0)
    before = files_there(bench)
    document = bench.command(check=3)
    (stray,) = document["folders_without_session"]
    assert f"it is of the run of {OLD}, which was reassigned and is {NEW} at the archive now" in stray["reason"]
    right = name.replace("SC038", "SC048")
    assert f"move it here to SC048/{right}" in stray["remedy"]
    assert document["sessions"]["wrong"]["state"] == "refused"
    assert states(bench)["right"] == "archived"
    assert files_there(bench) == before
    # Ingest does not bring the wrong session back either.
    (experiment.Session & {"subject_id": SC038}).delete(prompt=False)
    assert "0 new" in bench.run("ingest-recordings", check=0)[1]

    (bench.ephys / "SC048").mkdir(exist_ok=True)
    later.rename(bench.ephys / "SC048" / right)
    assert bench.publish().whole
    assert any(name.startswith(f"SC048/{right}/") for name in files_there(bench))
    assert_index_is_true(bench)


def test_a_further_gate_of_a_run_that_rightly_has_the_name(bench):
    """The true session of the old name was recorded on another disk; its second gate follows its own run."""
    folder = reassigned(bench)
    shutil.move(folder, bench.rig.folder / "taken away")
    for gate in (0, 1):
        bench.record("SC038_050120", DAY + timedelta(hours=1 + gate), gate=gate)
    bin_ = only(bench.ephys / OLD, "*.bin")
    write(bin_, bin_.read_bytes())
    assert bench.publish().whole
    assert {name.split("/")[1] for name in files_there(bench)} == {
        "SC038_050120_g0",
        "SC038_050120_g1",
        "SC048_050120_g0",
    }
    shutil.rmtree(bench.ephys / OLD)  # and from the index alone
    bench.record("SC038_050120", DAY + timedelta(hours=4), gate=2)
    assert bench.publish().whole
    assert_index_is_true(bench)


def test_the_right_session_is_deleted(each_bench):
    """The row that told the former name went with it: the recording itself tells whose the folder is."""
    bench = each_bench
    folder = reassigned(bench)
    drive = drawer(bench.rig)
    drive.copy(folder, OLD)
    before = files_there(bench)
    (right,) = (experiment.Session & {"subject_id": SC048}).to_dicts()
    (experiment.Session & {"subject_id": SC048}).delete(prompt=False)
    del bench.keys["right"]
    document = bench.command(check=3)
    assert document["sessions"]["wrong"]["state"] == "refused"
    (stray,) = document["folders_without_session"]
    assert "it was archived as SC048 (subject 502716) session 1 of 2020-05-01" in stray["reason"]
    assert "`mapshell publication-reassign SC048/1 SC038/1`" in stray["remedy"]
    assert files_there(bench) == before
    assert not [each for each in drive.publish_drive().outcomes if each.sent_files]
    (told,) = drive.sort().folders
    assert "it was archived as SC048" in told.reason
    assert files_there(bench) == before

    experiment.Session.insert1(right)
    bench.keys["right"] = (SC048, 1)
    bench.run("publication-discover", "--type", "ephys", check=0)
    assert states(bench)["right"] == "archived"
    assert bench.publish().whole
    assert states(bench) == {"wrong": "not here", "right": "archived"}
    assert files_there(bench) == before
    assert_index_is_true(bench)
    assert set(drive.verdicts().values()) == {"identical"}


def test_the_right_session_is_entered_again_under_another_number(each_bench):
    bench = each_bench
    reassigned(bench)
    (right,) = (experiment.Session & {"subject_id": SC048}).to_dicts()
    (experiment.Session & {"subject_id": SC048}).delete(prompt=False)
    experiment.Session.insert1({**right, "session": 5})
    bench.keys |= {"right": (SC048, 5)}
    assert not bench.publish().whole
    reassign(bench, "SC048/1", "SC048/5")
    assert states(bench)["right"] == "archived"
    assert bench.publish().whole
    assert states(bench) == {"wrong": "not here", "right": "archived"}
    assert {name.split("/")[0] for name in files_there(bench)} == {"SC048"}
    assert_index_is_true(bench)
