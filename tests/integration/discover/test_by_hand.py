"""Sessions that were archived by hand, without manifests, in every layout that the field has used."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta

from pipeline import experiment, publication
from tests.integration.publish.bench import DAY, SC038, at, only, write

from .losing import discover, drop, listings, rows

FILES = ("DataSet", "DataSet.PhysicalFile", "ArchivedRawEphys", "ArchivedTrackingVideo")


def by_hand(bench, folder, day=DAY, run="SC038_050120", **options):
    """Put a tiny recording at the archive as a person would: copied, nothing else."""
    there = bench.record(run, day, base=bench.archive, folder=folder, **options)
    return {path.relative_to(bench.archive).as_posix(): path for path in there.rglob("*") if path.is_file()}


def taken(subject=SC038, table=publication.DataSet.PhysicalFile):
    """Return the files in the index, with their sizes."""
    return {row["file_subpath"]: row["file_size"] for row in table.to_dicts()}


LAYOUTS = (
    "catgt_SC038_{:%m%d%y}_g0",
    "SC038_{:%m%d%y}_g0",
    "catgt_SC038_{:%m%d%y}_surface_g0",
    "{:%Y-%m-%d}/1",
    "{:%Y%m%d}/1",
    "{:%m%d%Y}/2",
    "catgt_{:%Y%m%d}_g0",
)


def test_sessions_without_manifest_are_present_in_each_layout(bench):
    there = {}
    for number, layout in enumerate(LAYOUTS):
        day = DAY + timedelta(days=number)
        bench.enter(layout, day.date())
        there |= by_hand(bench, layout.format(day), day, run=f"SC038_{day:%m%d%y}")
    report = discover(bench.rig)
    assert [(found.state, found.subject_id) for found in report.sessions] == [("present", SC038)] * len(LAYOUTS)
    assert sum(found.files for found in report.sessions) == len(there)
    assert report.whole
    assert taken() == {name: path.stat().st_size for name, path in there.items()}
    assert {(row["dataset_manifest"], row["dataset_generation"]) for row in publication.DataSet.to_dicts()} == {("", 1)}
    assert {row["evidence"]["source"] for row in publication.ArchivedRawEphys.to_dicts()} == {"listing"}
    for row in publication.DataSet.PhysicalFile.to_dicts():
        assert (row["file_sha1"], row["verified_at"], row["verified_how"]) == (None, None, None)
        assert row["file_mtime"] == int(there[row["file_subpath"]].stat().st_mtime)
    before = rows(*FILES)
    again = discover(bench.rig)
    assert [found.state for found in again.sessions] == ["known"] * len(LAYOUTS)
    assert f"{len(LAYOUTS)} sessions in raw-ephys" in str(again)
    assert rows(*FILES) == before


def test_sessions_are_chosen_by_sessions_and_one_animal_needs_no_list(bench):
    for number in range(2):
        day = DAY + timedelta(days=number)
        bench.enter(str(number), day.date())
        by_hand(bench, f"{day:%Y-%m-%d}/1", day, run=f"SC038_{day:%m%d%y}")
    for name in ("SC038", SC038):
        assert len(discover(bench.rig, types=("ephys",), subjects=name, dry_run=True).sessions) == 2
    second = experiment.Session & f"session_date = '{DAY.date() + timedelta(days=1)}'"
    (found,) = discover(bench.rig, second, types=("ephys",)).sessions
    assert found.session_date == (DAY + timedelta(days=1)).date().isoformat()


def test_videos_by_hand_in_each_layout(bench):
    for number, folder in enumerate(["05012020", "2020-05-02", "20200503", "2020_05_04"], 1):
        bench.enter(folder, date(2020, 5, number))
        place = bench.rig.archive / "raw-video" / "SC038" / folder / "video"
        write(place / f"SC038_side_{number}-0000.avi", b"video")
    report = discover(bench.rig, types=("video",))
    assert [found.state for found in report.sessions] == ["present"] * 4
    assert len(publication.ArchivedTrackingVideo()) == 4


def test_the_name_of_the_iso_year_counts_only_when_the_recording_began_then(bench):
    """2021-01-01 was named 010120 by an older program; the same name is that of 2020-01-01."""
    bench.enter("new year", date(2021, 1, 1), "10:00:00")
    bench.enter("year before", date(2020, 1, 1), "10:00:00")
    by_hand(bench, "catgt_SC038_010120_g0", datetime.fromisoformat("2021-01-01T10:00:00"), run="SC038_010120")
    report = discover(bench.rig)
    assert [(found.state, found.session_date) for found in report.sessions] == [("present", "2021-01-01")]
    assert report.whole, repr(report)


def test_the_name_of_the_iso_year_does_not_count_against_the_recordings_own_start(bench):
    bench.enter("new year", date(2021, 1, 1), "10:00:00")
    by_hand(bench, "catgt_SC038_010120_g0", datetime.fromisoformat("2020-01-01T10:00:00"), run="SC038_010120")
    report = discover(bench.rig)
    assert report.sessions == []
    assert not taken()
    assert "2020-01-01" in report.folders[0].seems["date"]
    assert "no meta" not in report.folders[0].reason


def test_a_recording_that_began_on_a_third_day_is_told_as_such(bench):
    bench.enter("new year", date(2021, 1, 1), "10:00:00")
    by_hand(bench, "catgt_SC038_010120_g0", datetime.fromisoformat("2020-03-04T10:00:00"), run="SC038_010120")
    (folder,) = discover(bench.rig, types=("ephys",)).folders
    assert "no session of SC038 on 2020-01-01, and its recording began on 2020-03-04" in folder.reason
    assert not taken()


def test_start_times_tell_the_sessions_of_a_day_apart_and_are_read_only_then(bench):
    bench.enter("morning", DAY.date(), "10:00:00")
    bench.enter("noon", DAY.date(), "12:00:00")
    by_hand(bench, "catgt_SC038_050120_a_g0", DAY)
    by_hand(bench, "catgt_SC038_050120_b_g0", DAY.replace(hour=12))
    report = discover(bench.rig)
    assert report.whole, repr(report)
    owners = {
        row["file_subpath"].split("/")[1]: row["dataset_name"] for row in publication.DataSet.PhysicalFile.to_dicts()
    }
    assert owners == {
        "catgt_SC038_050120_a_g0": f"ephys-{SC038}-0001",
        "catgt_SC038_050120_b_g0": f"ephys-{SC038}-0002",
    }


def test_what_fits_no_session_is_reported_with_what_it_seems_to_be(bench):
    bench.enter("one", DAY.date())
    there = by_hand(bench, "catgt_SC038_060120_surface_g0", DAY.replace(month=6))
    write(bench.archive / "SC038" / "notes" / "readme.txt", b"hello")
    write(bench.archive / "XX999" / "catgt_XX999_050120_g0" / "x.bin", b"1")
    bench.rig.admin.reset_counts()
    report = discover(bench.rig, types=("ephys",))
    assert report.sessions == []
    (folder,) = report.folders
    assert folder.seems == {"animal": "SC038", "date": "2020-06-01", "ident": "surface", "kind": "CatGT output"}
    assert (folder.files, folder.size) == (len(there), sum(path.stat().st_size for path in there.values()))
    assert "no session of SC038 on 2020-06-01" in folder.reason
    assert report.strangers == {"raw-ephys": ["XX999"]}
    assert not taken()
    listed = listings()
    assert not [path for path in listed if "notes" in path or "XX999" in path]
    said = bench.run("publication-discover", "--type", "ephys", "--dry-run", check=0)[1]
    assert "or let manifests do so: --create-sessions" in said
    said = bench.run("publication-discover", "--type", "ephys", "--dry-run", "--create-sessions", check=0)[1]
    assert "XX999" in said
    assert "no manifest there could make it" in said
    assert "--create-sessions" not in said


def test_what_a_manifest_does_not_list_is_not_slipped_in(bench):
    bench.session("one")
    bench.publish()
    extra = bench.archive / "SC038" / "SC038_050120_g1"
    extra.mkdir()
    write(extra / "SC038_050120_g1_t0.nidq.bin", b"12")
    before = rows(*FILES)
    report = discover(bench.rig, types=("ephys",))
    assert rows(*FILES) == before
    assert "has a manifest, which does not list it" in " ".join(folder.reason for folder in report.folders)


def test_a_manifest_that_comes_later_replaces_what_was_only_listed(bench):
    bench.session("one")
    bench.publish()
    exact = rows(*FILES)
    (manifest,) = bench.rig.manifests().values()
    aside = bench.rig.folder / manifest.name
    shutil.move(manifest, aside)
    publication.ArchivedRawEphys.delete_quick()
    publication.DataSet.PhysicalFile.delete_quick()
    publication.DataSet.delete_quick()
    publication.Withdrawal.delete_quick()
    publication.Transfer.Session.delete_quick()
    publication.Transfer.delete_quick()
    assert [found.state for found in discover(bench.rig, types=("ephys",)).sessions] == ["present"]
    shutil.move(aside, manifest)
    assert [found.state for found in discover(bench.rig, types=("ephys",)).sessions] == ["discovered"]
    assert rows(*FILES) == exact


def test_nothing_is_guessed_of_a_day_whose_manifests_have_not_become_rows(bench):
    """Two sessions of a day with data of both kinds; the lab's tables are lost, and only one session is asked for."""
    for number, clock in ((1, "10:00:00"), (2, "12:00:00")):
        start = at(DAY, clock)
        bench.enter(clock, start.date(), clock)
        ident = "" if number == 1 else "_1"
        bench.record(f"SC038_050120{ident}", start)
        write(bench.rig.rig / f"video/SC038/05012020{ident}/video/SC038_side_{number}-0000.avi", b"video")
    assert bench.rig.publish().whole
    lost = rows(*FILES)
    drop(bench.rig)
    for manifest in (bench.rig.archive / "raw-video").rglob("*.manifest-*"):
        manifest.unlink()
    report = discover(bench.rig, create_sessions=True, numbers=[1])
    assert [(found.state, found.alias) for found in report.sessions] == [("discovered", "raw-ephys")]
    report = discover(bench.rig, create_sessions=True)
    assert {(found.state, found.alias, found.session) for found in report.sessions} == {
        ("known", "raw-ephys", 1),
        ("discovered", "raw-ephys", 2),
        ("present", "raw-video", 1),
        ("present", "raw-video", 2),
    }
    whose = {row["dataset_name"]: row["file_subpath"] for row in rows(*FILES)["DataSet.PhysicalFile"]}
    assert whose == {row["dataset_name"]: row["file_subpath"] for row in lost["DataSet.PhysicalFile"]}


def test_a_meta_that_cannot_be_read_leaves_the_folder_to_a_person(bench):
    bench.enter("morning", DAY.date(), "10:00:00")
    bench.enter("noon", DAY.date(), "12:00:00")
    by_hand(bench, "catgt_SC038_050120_a_g0", DAY)
    meta = only(bench.archive, "*.ap.meta")
    write(meta, b"\xff\x00 this is no meta")
    report = discover(bench.rig, types=("ephys",))
    assert not report.whole
    assert not taken()
    assert [folder.refused for folder in report.folders] == [True]
