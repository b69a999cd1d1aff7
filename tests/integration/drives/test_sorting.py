"""``ingest-drive``: each kind of folder gets its verdict, nothing is written to the drive, and the record is kept."""

from __future__ import annotations

import os
import shutil
from datetime import datetime

import pytest

from mapshell.demo.videos import write_videos
from pipeline import database
from pipeline.errors import DatabaseReadOnly, LocalDiskError, UsageError
from tests.integration.accounts import read_only
from tests.integration.publish.bench import edit, old, only, write

AGAIN = datetime.fromisoformat("2021-03-01T10:00:00")


def spoil(path, at=0):
    """Change one byte, and keep size and time."""
    stamp = path.stat().st_mtime_ns
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(stamp, stamp))


@pytest.fixture
def full(each_drawer):
    """A drive with a folder of every kind; of the rig's sessions, all but *new* are archived."""
    drawer = each_drawer
    folders = {name: drawer.session(name) for name in ("same", "other", "short", "partly", "broken")}
    side = write(folders["other"] / "notes.txt", b"as archived")
    assert drawer.publish().whole
    folders["new"] = drawer.session("new")
    drawer.copy(folders["same"], f"SC038/{folders['same'].name}")
    drawer.copy(folders["same"], f"deep/down/SC038/{folders['same'].name}")
    drawer.copy(folders["same"], f"loose ends/{folders['same'].name}")
    other = drawer.copy(folders["other"], f"SC038/{folders['other'].name}")
    spoil(other / side.name)
    short = drawer.copy(folders["short"], f"SC038/{folders['short'].name}")
    with only(short, "*.bin").open("r+b") as stream:
        stream.truncate(100)
    partly = drawer.copy(folders["partly"], f"SC038/{folders['partly'].name}")
    write(partly / "kilosort/params.py", b"later")
    broken = drawer.copy(folders["broken"], f"SC038/{folders['broken'].name}")
    spoil(only(broken, "*.bin"))
    drawer.copy(folders["new"], f"SC038/{folders['new'].name}")
    shutil.rmtree(folders["new"])
    drawer.record("SC038_030121", AGAIN, base=drawer.drive)
    drawer.record("SC099_030121", AGAIN, "x", base=drawer.drive)
    shutil.move(drawer.drive / "SC038/x", drawer.drive / "SC099_030121_g0")
    write(drawer.drive / "$RECYCLE.BIN/SC038_111919_g0_t0.nidq.bin", b"thrown away")
    write(drawer.drive / "photos/2019-05-01/beach.jpg", b"sun")
    write(drawer.drive / "bits/SC038_111919_g0_t0.nidq.bin", b"loose")
    return drawer


def names(drawer):
    """Return the names of the folders on the drive by what they are."""
    session = {name: f"SC038/SC038_{day}_g0" for name, day in zip(drawer.keys, DAYS, strict=True)}
    return {**session, "entered": "SC038/SC038_030121_g0", "unknown": "SC099_030121_g0"}


DAYS = ("050120", "050220", "050320", "050420", "050520", "050620")


def test_each_folder_gets_its_verdict(full):
    before = full.snapshot()
    found = full.sort(dry_run=True)
    is_ = names(full)
    same = is_["same"].split("/")[1]
    verdicts = {folder.folder: folder.verdict for folder in found.folders}
    assert verdicts == {
        is_["same"]: "identical",
        f"deep/down/SC038/{same}": "identical",
        f"loose ends/{same}": "identical",
        is_["other"]: "different",
        is_["short"]: "damaged",
        is_["partly"]: "not archived",
        is_["broken"]: "damaged",
        is_["new"]: "not archived",
        is_["entered"]: "not archived",
        is_["unknown"]: "unknown subject",
    }
    by_name = {folder.folder: folder for folder in found.folders}
    assert by_name[is_["same"]].session == full.keys["same"][1]
    assert by_name[is_["same"]].unkept == (0, 0)
    assert "same size, other checksum" in by_name[is_["other"]].reason
    assert by_name[is_["other"]].amounts["identical"][0] >= 2
    assert "100 bytes" in by_name[is_["short"]].reason
    assert "its meta says" in by_name[is_["broken"]].reason
    assert by_name[is_["partly"]].amounts["new"] == (1, 5)
    assert "1 of" in by_name[is_["partly"]].reason
    assert by_name[is_["entered"]].entered
    assert by_name[is_["entered"]].session is not None
    assert "SC099" in by_name[is_["unknown"]].reason
    assert all(folder.remedy for folder in found.folders if folder.verdict in ("damaged", "different"))
    assert (found.other_files, found.other_size) == (3, 11 + 3 + 5)
    assert [loose.folder for loose in found.loose] == ["bits"]
    assert sum(folder.files for folder in found.folders) + found.other_files == len(before)
    assert (found.whole, found.kept, found.recorded) == (False, False, False)
    assert found.command == f"mapshell publication-publish --root {full.drive}"
    assert full.snapshot() == before


def test_a_dry_run_writes_nothing_and_a_run_writes_down_what_it_found(full):
    from pipeline import experiment, publication

    tables = (publication.Drive, publication.Drive.Session, experiment.Session, publication.SessionIdent)
    before = [len(table()) for table in tables]
    planned = full.sort(dry_run=True)
    assert [len(table()) for table in tables] == before
    found = full.sort()
    assert found.recorded
    assert (planned.entered, found.entered) == (1, 1)
    assert [f.verdict for f in found.folders] == [f.verdict for f in planned.folders]
    assert [f.session for f in found.folders] == [f.session for f in planned.folders]
    assert [len(table()) for table in tables[:3]] == [1, len(found.folders), before[2] + 1]
    again = full.sort()
    assert again.entered == 0
    assert [len(table()) for table in tables[:3]] == [1, len(found.folders), before[2] + 1]
    rows = {row["folder"]: row for row in publication.Drive.Session.to_dicts()}
    assert rows[names(full)["new"]]["verdict"] == "not archived"
    assert rows[names(full)["new"]]["unkept_files"] == rows[names(full)["new"]]["files"] > 0
    assert rows[names(full)["unknown"]]["subject_id"] is None


def test_a_quick_look_reads_nothing_and_calls_nothing_identical(full):
    found = full.sort(dry_run=True, quick=True)
    assert not found.kept
    assert "identical" not in {folder.verdict for folder in found.folders}
    is_ = names(full)
    verdicts = {folder.folder: folder.verdict for folder in found.folders}
    assert verdicts[is_["same"]] == "not read"
    assert verdicts[is_["short"]] == "damaged"
    assert verdicts[is_["new"]] == "not archived"


def test_what_is_only_present_is_not_called_identical(each_drawer):
    from pipeline import publication

    folder = each_drawer.session("present")
    assert each_drawer.publish().whole
    each_drawer.copy(folder, f"SC038/{folder.name}")
    for row in publication.DataSet.PhysicalFile.proj().to_dicts():
        publication.DataSet.PhysicalFile.update1({**row, "file_sha1": None, "sha1_source": None})
    found = each_drawer.sort()
    assert [each.verdict for each in found.folders] == ["present"]
    assert not found.kept
    assert found.command.endswith("--adopt")
    assert found.whole


def test_the_list_tells_which_drive_holds_something_that_is_not_archived(each_drawer):
    from pipeline import publication

    drawer = each_drawer
    folders = [drawer.session("one"), drawer.session("two")]
    drawer.copy(folders[0], f"A/SC038/{folders[0].name}")
    drawer.copy(folders[1], f"B/SC038/{folders[1].name}")
    drawer.publish({"session": 1})
    assert drawer.ingest_drive("--list", check=0) == []
    for name, all_archived in (("A", True), ("B", False)):
        assert drawer.ingest_drive(str(drawer.drive / name), check=0)["all_archived"] is all_archived
    first, second = drawer.ingest_drive("--list", check=0)
    assert (first["path"], first["all_archived"], first["unkept_folders"]) == (str(drawer.drive / "B"), False, 1)
    assert (second["path"], second["all_archived"]) == (str(drawer.drive / "A"), True)
    said, _ = drawer.run("ingest-drive", "--list", check=0)
    assert "1 folder" in said
    (publication.ArchivedRawEphys & {"session": 1}).delete(prompt=False)
    (publication.DataSet & {"dataset_name": "ephys-480133-0001"}).delete(prompt=False)
    listed = {row["path"]: row for row in drawer.ingest_drive("--list", check=0)}
    assert (listed[str(drawer.drive / "A")]["all_archived"], listed[str(drawer.drive / "A")]["lost_from_index"]) == (
        False,
        1,
    )


def test_videos_are_sorted_too(each_drawer):
    drawer = each_drawer
    drawer.enter("film", datetime.fromisoformat("2020-05-01").date())
    write_videos(drawer.rig.rig / "video/SC038/05012020/video", "SC038", datetime.fromisoformat("2020-05-01"), trials=1)
    for path in (drawer.rig.rig / "video").rglob("*.*"):
        old(path)
    shutil.copytree(drawer.rig.rig / "video/SC038", drawer.drive / "films/SC038")
    assert drawer.verdicts() == {"films/SC038/05012020": "not archived"}
    assert drawer.rig.publish(types=("video",)).whole
    assert drawer.verdicts() == {"films/SC038/05012020": "identical"}


def test_an_account_that_may_only_read_can_look(each_drawer):
    folder = each_drawer.session("one")
    each_drawer.copy(folder, f"SC038/{folder.name}")
    with read_only(each_drawer.rig):
        database.bind(each_drawer.rig.settings)
        assert set(each_drawer.verdicts(dry_run=True).values()) == {"not archived"}
        with pytest.raises(DatabaseReadOnly):
            each_drawer.sort()


def test_what_is_no_drive_is_told(drawer_here):
    database.bind(drawer_here.rig.settings)
    with pytest.raises(UsageError, match="does not exist"):
        drawer_here.sort(drawer_here.drive / "nowhere")
    with pytest.raises(UsageError, match="is a file"):
        drawer_here.sort(write(drawer_here.drive / "a.txt", b"a"))
    for words in (["--list", str(drawer_here.drive)], [], ["--list", "--quick"]):
        drawer_here.run("ingest-drive", *words, check=2)


def test_an_empty_drive_holds_nothing(drawer_here):
    stdout, stderr = drawer_here.run("ingest-drive", str(drawer_here.drive), check=0)
    assert "No recording was found" in stderr
    assert not stdout


def test_a_recording_that_crashed_is_damaged(drawer_here):
    folder = drawer_here.session("crashed")
    copy = drawer_here.copy(folder, f"SC038/{folder.name}")
    edit(only(copy, "*.ap.meta"), fileSizeBytes=None, fileSHA1=None, fileTimeSecs=None)
    (found,) = drawer_here.sort(dry_run=True).folders
    assert found.verdict == "damaged"
    assert "has not ended" in found.reason


def test_files_that_cannot_be_read_are_damaged_and_folders_that_cannot_be_listed_are_told(drawer_here, ordinary):
    drawer = drawer_here
    one, two = drawer.session("one"), drawer.session("two")
    closed = [only(drawer.copy(one, f"SC038/{one.name}"), "*.bin"), drawer.copy(two, f"SC038/{two.name}")]
    for path in closed:
        path.chmod(0)
    try:
        found = ordinary(drawer, "ingest-drive", str(drawer.drive), "--dry-run", code=3)
    finally:
        for path in closed:
            path.chmod(0o755)
    (folder,) = found["folders"]
    assert folder["verdict"] == "damaged"
    assert "cannot be read" in folder["reason"]
    assert [each["place"] for each in found["not_read"]] == [f"SC038/{two.name}"]
    assert not found["all_archived"]


def test_a_meta_that_cannot_be_read_is_named(drawer_here, ordinary):
    """Of a folder that makes a session, too: what its meta says of the probe stays unknown."""
    drawer = drawer_here
    (drawer.drive / "SC038").mkdir()
    folder = drawer.record("SC038_030121", AGAIN, base=drawer.drive)
    meta = only(folder, "*.ap.meta")
    meta.chmod(0)
    try:
        found = ordinary(drawer, "ingest-drive", str(drawer.drive), "--dry-run", code=3)
    finally:
        meta.chmod(0o644)
    assert [note for note in found["notes"] if meta.name in note and "cannot be read" in note]


def test_a_drive_that_may_not_be_listed_is_an_error(drawer_here, ordinary):
    drawer_here.drive.chmod(0)
    try:
        found = ordinary(drawer_here, "ingest-drive", str(drawer_here.drive), "--dry-run", code=1)
    finally:
        drawer_here.drive.chmod(0o755)
    assert found["error"]["type"] == LocalDiskError.__name__
    assert "cannot be listed" in found["error"]["message"]
