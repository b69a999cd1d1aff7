"""Which folders get which names, and whose a folder on the rig is afterwards, whatever it is called."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

from pipeline import experiment, publication
from pipeline.archive.session import file_id
from tests.integration.discover.losing import discover, drop
from tests.integration.publish.bench import DAY, SC038, SC048, only, write

from .moved import (
    add_animal_session,
    assert_index_is_true,
    document,
    files_there,
    indexed_sessions,
    manifests_there,
    reassign,
    states,
)

OLD, NEW = "SC038/SC038_050120_g0", "SC048/SC048_050120_g0"


def test_another_number_of_the_same_day(each_bench):
    """Only the ident changes: the first of a day has none, the second is 1."""
    bench = each_bench
    bench.enter("first", DAY.date(), "08:00:00", number=1)
    bench.record("SC038_050120", DAY)
    assert bench.publish().whole
    bench.enter("second", DAY.date(), f"{DAY:%H:%M:%S}", number=2)
    reassign(bench, "SC038/1", "SC038/2")
    assert all(name.startswith("SC038/SC038_050120_1_g0/") for name in files_there(bench))
    assert manifests_there(bench) == ["SC038/SC038_20200501_s2_ephys.manifest-0002.json"]
    assert_index_is_true(bench)
    assert states(bench) == {"first": "not here", "second": "archived"}


def test_the_true_session_of_that_name_comes_later(each_bench):
    """The right owner of the old name is recorded under it, on another disk: it is archived as what it is."""
    bench = each_bench
    wrong = bench.session("wrong")
    assert bench.publish().whole
    kept = files_there(bench)
    add_animal_session(bench, "right", DAY.date())
    reassign(bench, "SC038/1", "SC048/1")
    shutil.move(wrong, bench.rig.folder / "taken away")
    folder = bench.record("SC038_050120", DAY + timedelta(hours=1))
    write(only(folder, "*.bin"), only(folder, "*.bin").read_bytes())
    assert bench.publish().whole
    there = files_there(bench)
    assert {name: there[name] for name in there if name.startswith(NEW)} == {
        name.replace(OLD, NEW): data for name, data in kept.items()
    }
    assert any(name.startswith(OLD) for name in there)
    assert set(indexed_sessions()) == {(SC038, 1), (SC048, 1)}
    assert_index_is_true(bench)


def test_there_and_back_again(each_bench):
    bench = each_bench
    bench.session("one")
    assert bench.publish().whole
    before = files_there(bench)
    add_animal_session(bench, "other", DAY.date())
    reassign(bench, "SC038/1", "SC048/1")
    reassign(bench, "SC048/1", "SC038/1")
    assert files_there(bench) == before
    assert set(indexed_sessions()) == {(SC038, 1)}
    assert len(indexed_sessions()[SC038, 1]["evidence"]["aliases"]) == 2
    assert_index_is_true(bench)
    assert states(bench) == {"one": "archived", "other": "not here"}
    assert bench.publish().whole
    assert files_there(bench) == before
    drop(bench.rig, "publication")
    assert discover(bench.rig, types=("ephys",)).whole
    assert set(indexed_sessions()) == {(SC038, 1)}
    assert_index_is_true(bench)


def test_two_that_were_exchanged(each_bench):
    """By way of a third session; the folders on the rig keep the names that they were given by mistake."""
    bench = each_bench
    bench.session("a")
    bench.session("b")
    assert bench.publish().whole
    a, b = "SC038/SC038_050120_g0/", "SC038/SC038_050220_g0/"
    before = files_there(bench)
    add_animal_session(bench, "spare", DAY.date(), number=9)
    reassign(bench, "SC038/1", "SC048/9")
    reassign(bench, "SC038/2", "SC038/1")
    reassign(bench, "SC048/9", "SC038/2")
    now = files_there(bench)
    assert {name.replace(a, "?").replace(b, a).replace("?", b): data for name, data in before.items()} == now
    assert_index_is_true(bench)
    assert states(bench) == {"a": "archived", "b": "archived", "spare": "not here"}
    assert bench.publish().whole
    assert files_there(bench) == now


def test_fetched_back_beside_the_old_name(each_bench):
    bench = each_bench
    bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    reassign(bench, "SC038/1", "SC048/1")
    bench.run("publication-retrieve", "--subject", "SC048", "--type", "ephys", check=0)
    assert (bench.ephys / NEW).is_dir()
    assert states(bench) == {"wrong": "not here", "right": "archived"}
    assert bench.publish().whole


def test_a_folder_that_two_sessions_share(each_bench):
    """Files of another session stay where they are; what is moved is moved one by one."""
    bench = each_bench
    folder = bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    _share(bench, f"{OLD}/shared.txt")
    assert "shared.txt" in {path.name for path in (bench.archive / OLD).iterdir()}
    (place,) = document(bench, "SC038/1", "SC048/1")["places"]
    assert not any(rename["folder"] for rename in place["renames"])
    there = files_there(bench)
    assert f"{OLD}/shared.txt" in there
    assert {name for name in there if name.startswith(NEW)} == {
        f"{NEW}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()
    }


def _share(bench, subpath):
    """Let the index give a file in a session's folder to another session."""
    write(bench.archive / subpath, b"of another session")
    row = publication.DataSet.to_dicts()[0]
    name = "ephys-999-0001"
    publication.DataSet.insert1({**row, "dataset_name": name, "dataset_manifest": "", "dataset_h2o": "SC999"})
    publication.DataSet.PhysicalFile.insert1(
        {
            "globus_alias": row["globus_alias"],
            "dataset_name": name,
            "file_id": file_id(subpath),
            "file_subpath": subpath,
            "file_type": "unknown",
            "file_size": 18,
            "file_mtime": 0,
            "file_generation": 1,
        }
    )


def test_thousands_of_files_and_what_was_read_of_them(each_bench):
    """One renaming for all, and every result of reading them back is kept."""
    bench = each_bench
    folder = bench.session("wrong")
    for number in range(1500):
        write(folder / "kilosort" / f"{number:04d}.npy", f"{number}".encode())
    assert bench.publish().whole
    bench.run("publication-verify", "--type", "ephys", "--checksum", "sample", check=0)
    checks = {row["seen_sha1"]: row["checked_at"] for row in publication.FileCheck.to_dicts()}
    assert checks
    looks = len(publication.Verification())
    add_animal_session(bench, "right", DAY.date())
    (place,) = document(bench, "SC038/1", "SC048/1")["places"]
    assert len(place["renames"]) == 2  # the folder, and the manifest
    assert {row["seen_sha1"]: row["checked_at"] for row in publication.FileCheck.to_dicts()} == checks
    assert {row["dataset_name"] for row in publication.FileCheck.to_dicts()} == {f"ephys-{SC048}-0001"}
    assert len(publication.Verification() & {"dataset_name": f"ephys-{SC048}-0001"}) == looks
    assert_index_is_true(bench)
    bench.run("publication-verify", "--type", "ephys", check=0)


def test_ephys_and_video(rig):
    """Both kinds of data at once, or the one that is named."""
    rig.publish()
    session = publication.ArchivedTrackingVideo.to_dicts()[0]
    key = {"subject_id": session["subject_id"], "session": session["session"]}
    (row,) = (experiment.Session() & key).to_dicts()
    experiment.Session.insert1({**row, "session": 77, "session_date": row["session_date"] - timedelta(days=400)})
    source, target = f"{key['subject_id']}/{key['session']}", f"{key['subject_id']}/77"
    done = rig.run("publication-reassign", source, target, "--type", "video", "--yes", "--format", "json", check=0)
    assert [place["alias"] for place in json.loads(done.stdout)["places"]] == ["raw-video"]
    done = rig.run("publication-reassign", source, target, "--yes", "--format", "json", check=0)
    states = {place["alias"]: place["state"] for place in json.loads(done.stdout)["places"]}
    assert states["raw-video"] == "already"
    assert set(states.values()) <= {"already", "reassigned"}
    assert publication.ArchivedTrackingVideo() & {"session": 77}
    report = rig.publish()
    assert not [o for o in report.outcomes if o.key == (key["subject_id"], 77) and o.state != "archived"]
    assert rig.run("publication-verify", check=0)
