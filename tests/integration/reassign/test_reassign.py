"""A session that was archived under a wrong animal, number or date becomes the right one's, on both databases."""

from __future__ import annotations

import json
from datetime import timedelta

from pipeline import experiment, lab, publication
from tests.integration.discover.losing import PUBLICATION, discover, drop, rows
from tests.integration.publish.bench import DAY, SC038, SC048, write

from .moved import (
    add_animal_session,
    assert_index_is_true,
    files_there,
    indexed_sessions,
    manifests_there,
    reassign,
    states,
)

OLD, NEW = "SC038/SC038_050120_g0", "SC048/SC048_050120_g0"


def test_a_wrong_animal(each_bench):
    bench = each_bench
    folder = bench.session("wrong")
    assert bench.publish().whole
    before = files_there(bench)
    add_animal_session(bench, "right", DAY.date())
    tasks = len(bench.rig.tasks())
    reassign(bench, "SC038/1", "SC048/1", "--because", "cages were swapped")

    assert files_there(bench) == {name.replace(OLD, NEW): data for name, data in before.items()}
    assert not (bench.archive / OLD).exists()
    assert manifests_there(bench) == ["SC048/SC048_20200501_s1_ephys.manifest-0002.json"]
    assert len(list((bench.archive / "SC038").glob("*.manifest-0001.json.reassigned-????????"))) == 1
    assert len(bench.rig.tasks()) == tasks + 1  # the manifest alone
    (row,) = indexed_sessions().values()
    assert (row["subject_id"], row["session"], row["generation"]) == (SC048, 1, 2)
    (record,) = row["evidence"]["aliases"]
    assert record["folders"] == {OLD: NEW}
    assert (record["subject_id"], record["session"], record["because"]) == (SC038, 1, "cages were swapped")
    assert record["by"]["username"]
    assert_index_is_true(bench)

    # The folder on the rig keeps its name, and is the right session's.
    assert states(bench) == {"wrong": "not here", "right": "archived"}
    again = bench.publish()
    assert again.whole
    assert {name: each.state for name, each in bench.outcomes(again).items()} == {"right": "archived"}
    assert files_there(bench) == {name.replace(OLD, NEW): data for name, data in before.items()}

    # What comes later into it goes to the new place.
    write(folder / "kilosort" / "params.py", b"x = 1\n")
    assert states(bench)["right"] == "archived with changes"
    assert bench.publish().whole
    assert f"{NEW}/kilosort/params.py" in files_there(bench)
    assert manifests_there(bench)[-1] == "SC048/SC048_20200501_s1_ephys.manifest-0003.json"
    assert indexed_sessions()[SC048, 1]["evidence"]["aliases"] == [record]
    assert_index_is_true(bench)


def test_discover_does_not_undo_it(each_bench):
    bench = each_bench
    bench.session("wrong")
    bench.publish()
    add_animal_session(bench, "right", DAY.date())
    reassign(bench, "SC038/1", "SC048/1")
    kept = rows(*PUBLICATION)
    report = discover(bench.rig, types=("ephys",))
    assert report.whole, repr(report)
    assert [(found.who, found.state) for found in report.sessions] == [(report.sessions[0].who, "known")]
    assert rows(*PUBLICATION) == kept
    drop(bench.rig, "publication")
    report = discover(bench.rig, types=("ephys",))
    assert report.whole, repr(report)
    assert rows(*PUBLICATION[1:]) == {name: kept[name] for name in PUBLICATION[1:]}
    assert states(bench) == {"wrong": "not here", "right": "archived"}
    assert bench.publish().whole
    assert rows(*PUBLICATION[1:]) == {name: kept[name] for name in PUBLICATION[1:]}


def test_the_date_was_corrected_in_the_labs_row(each_bench):
    bench = each_bench
    bench.session("one")
    bench.publish()
    experiment.Session.update1({"subject_id": SC038, "session": 1, "session_date": DAY.date() + timedelta(days=1)})
    reassign(bench, "SC038/2020-05-01", "SC038/1")
    new = "SC038/SC038_050220_g0"
    assert all(name.startswith(f"{new}/") for name in files_there(bench))
    assert manifests_there(bench) == ["SC038/SC038_20200502_s1_ephys.manifest-0002.json"]
    assert_index_is_true(bench)
    assert states(bench) == {"one": "archived"}
    assert bench.publish().whole
    assert_index_is_true(bench)
    reassign(bench, "SC038/2020-05-01", "SC038/1")  # done already


def test_the_labs_row_has_gone(each_bench):
    """The wrong session was deleted, which took its archived row along; its dataset is what is left of it."""
    bench = each_bench
    bench.session("wrong")
    bench.publish()
    evidence = next(iter(indexed_sessions().values()))["evidence"]
    (experiment.Session() & {"subject_id": SC038}).delete(prompt=False)
    assert not indexed_sessions()
    add_animal_session(bench, "right", DAY.date())
    reassign(bench, "SC038/1", "SC048/1")
    row = indexed_sessions()[SC048, 1]
    assert {name: row["evidence"][name] for name in evidence if name != "folders"} == {
        name: value for name, value in evidence.items() if name != "folders"
    }
    assert_index_is_true(bench)
    assert states(bench)["right"] == "archived"
    # The folder on the rig says otherwise; that does not bring the wrong session back.
    assert "0 new" in bench.run("ingest-recordings", check=0)[1]
    assert (SC038, 1) not in {(row["subject_id"], row["session"]) for row in experiment.Session.to_dicts()}


def test_a_dry_run_changes_nothing(each_bench):
    bench = each_bench
    bench.session("wrong")
    bench.publish()
    add_animal_session(bench, "right", DAY.date())
    kept, there = rows(*PUBLICATION), bench.rig.files("archive")
    stdout, _ = bench.run("publication-reassign", "SC038/1", "SC048/1", "--dry-run", "--format", "json", check=0)
    (place,) = json.loads(stdout)["places"]
    assert place["state"] == "to be reassigned"
    assert {"from": OLD, "to": NEW, "folder": True} in place["renames"]
    assert rows(*PUBLICATION) == kept
    assert bench.rig.files("archive") == there
    assert not publication.Claim()
    _, said = bench.run("publication-reassign", "SC038/1", "SC048/1", "--dry-run", check=0)
    assert NEW in said
    assert lab.Subject()
