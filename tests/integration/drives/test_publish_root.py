"""``publication-publish --root``: what lies on a drive is archived under the lab's names, from wherever it lies."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from datetime import datetime

import pytest

from mapshell.demo.run import RIG
from mapshell.demo.videos import write_videos
from pipeline import publication
from pipeline.errors import ConfigError, UsageError
from tests.integration.publish.bench import ARCHIVE, old, only, write


def moved_to_drive(drawer, name, to):
    """Record a session, and leave it on the drive alone."""
    folder = drawer.session(name)
    target = drawer.copy(folder, to.format(folder.name))
    shutil.rmtree(folder)
    return target, f"SC038/{folder.name}"


def test_folders_are_archived_from_wherever_they_lie(each_drawer):
    drawer = each_drawer
    folders = dict(
        moved_to_drive(drawer, name, to)
        for name, to in (("usual", "SC038/{}"), ("deep", "a/b/SC038/{}"), ("bare", "{}"), ("odd", "stuff/{}"))
    )
    at_home = drawer.session("at home")
    write(drawer.drive / "photos/a.jpg", b"a")
    before = drawer.snapshot()
    report = drawer.publish_drive()
    assert report.whole, report
    assert {name: outcome.state for name, outcome in drawer.outcomes(report).items()} == dict.fromkeys(
        ("usual", "deep", "bare", "odd"), "archived"
    )
    drawer.assert_archived_as(folders)
    drawer.assert_untouched(at_home)
    assert drawer.snapshot() == before
    assert not list(drawer.drive.rglob(".mapshell"))
    assert not list((drawer.ephys / ".mapshell").glob("*"))
    row = publication.ArchivedRawEphys().to_dicts()[0]
    assert row["evidence"]["files"] > 0
    manifest = json.loads(next(iter(drawer.rig.manifests().values())).read_text())
    assert "drive" in manifest["provenance"]["drive"]
    again = drawer.publish_drive()
    assert not any(outcome.sent_files for outcome in again.outcomes)
    assert set(drawer.verdicts().values()) == {"identical"}
    assert drawer.publish().whole
    assert drawer.sort().command == ""


def test_the_very_command_that_ingest_drive_names_archives_the_rest(drawer_here):
    drawer = drawer_here
    drawer.record("SC038_030121", datetime.fromisoformat("2021-03-01T10:00:00"), base=drawer.drive / "x")
    write_videos(drawer.drive / "x/SC038/03012021/video", "SC038", datetime.fromisoformat("2021-03-01"), trials=1)
    for path in drawer.drive.rglob("*.*"):
        old(path)
    found = drawer.ingest_drive(check=0)
    assert found["sessions_entered"] == 1
    assert found["hint"] == ""
    words = found["command"].split()[1:]
    document = json.loads(drawer.run(*words, "--format", "json", check=0)[0])
    assert "drive" in document["drive"]
    drawer.assert_archived_as({drawer.drive / "x/SC038/SC038_030121_g0": "SC038/SC038_030121_g0"})
    assert drawer.ingest_drive(check=0)["all_archived"]


def test_a_drive_that_may_only_be_read(drawer_here, ordinary):
    drawer = drawer_here
    folder, subpath = moved_to_drive(drawer, "one", "SC038/{}")
    places = [drawer.drive, *(path for path in drawer.drive.rglob("*") if path.is_dir())]
    for place in places:
        place.chmod(0o555)
    try:
        ordinary(drawer, "publication-publish", "--root", str(drawer.drive), code=0)
    finally:
        for place in places:
            place.chmod(0o755)
    drawer.assert_archived_as({folder: subpath})


def test_copies_that_agree_are_sent_once_and_copies_that_contradict_are_refused(drawer_here):
    drawer = drawer_here
    twice, subpath = moved_to_drive(drawer, "twice", "SC038/{}")
    shutil.copytree(twice, drawer.drive / "copy/SC038" / twice.name)
    torn, _ = moved_to_drive(drawer, "torn", "SC038/{}")
    shutil.copytree(torn, drawer.drive / "copy/SC038" / torn.name)
    write(torn / "notes.txt", b"these")
    write(drawer.drive / "copy/SC038" / torn.name / "notes.txt", b"other notes")
    parts, parts_subpath = moved_to_drive(drawer, "parts", "SC038/{}")
    write(drawer.drive / "copy/SC038" / parts.name / "notes.txt", b"the other half")
    report = drawer.publish_drive()
    states = {name: outcome.state for name, outcome in drawer.outcomes(report).items()}
    assert states == {"twice": "archived", "torn": "refused", "parts": "archived"}
    drawer.assert_archived_as({twice: subpath, parts: parts_subpath})
    assert f"{parts_subpath}/notes.txt" in drawer.there()
    assert any("is left alone" in note for note in report.notes)
    one = drawer.publish_drive(drawer.drive / "SC038" / torn.name)
    assert drawer.outcomes(one)["torn"].state == "archived"
    assert drawer.verdicts()[f"copy/SC038/{torn.name}"] == "different"


def test_a_folder_of_a_drive_may_be_the_animals_or_the_sessions(drawer_here):
    drawer = drawer_here
    folders = dict(moved_to_drive(drawer, name, "SC038/{}") for name in ("one", "two"))
    one, two = folders
    assert drawer.publish_drive(one).whole
    drawer.assert_archived_as({one: folders[one]})
    assert len(publication.ArchivedRawEphys()) == 1
    assert drawer.publish_drive(drawer.drive / "SC038").whole
    drawer.assert_archived_as(folders)
    assert two


def test_a_dry_run_sends_nothing(drawer_here):
    drawer = drawer_here
    folder, _ = moved_to_drive(drawer, "one", "{}")
    report = drawer.publish_drive(dry_run=True)
    (outcome,) = report.outcomes
    assert outcome.to_send_files == len(list(folder.rglob("*.*")))
    assert not drawer.rig.tasks()
    assert not list((drawer.ephys / ".mapshell").glob("*"))


def test_options_choose_sessions_on_the_drive(drawer_here):
    drawer = drawer_here
    folders = dict(moved_to_drive(drawer, name, "SC038/{}") for name in ("one", "two"))
    report = drawer.publish_drive(restrictions=[{"session": 2}])
    assert list(drawer.outcomes(report)) == ["two"]
    second = list(folders)[1]
    drawer.assert_archived_as({second: folders[second]})
    assert len(publication.ArchivedRawEphys()) == 1
    assert "holds nothing" in str(drawer.publish_drive(types=("video",)))


@pytest.mark.parametrize("wrong", ["other folder", "missing", "no place"])
def test_globus_must_see_the_very_folder(drawer_here, wrong):
    drawer = drawer_here
    moved_to_drive(drawer, "one", "SC038/{}")
    said = {"other folder": f"{RIG}:/ephys", "missing": f"{RIG}:/nowhere", "no place": "drive"}[wrong]
    if wrong == "no place":
        with pytest.raises(UsageError):
            drawer.publish_drive(root_globus=said)
    else:
        report = drawer.publish_drive(root_globus=said)
        assert isinstance(report.stopped, ConfigError)
        assert "--root-globus" in report.stopped.remedy
        assert report.outcomes[0].state == "queued"
    assert not drawer.rig.tasks()
    assert drawer.publish_drive(root_globus=f"{RIG}:/drive").whole


def test_a_path_that_does_not_follow_is_told(drawer_here, tmp_path_factory):
    drawer = drawer_here
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    roots = tuple(replace(root, globus_path="/recordings") for root in drawer.rig.settings.globus.local_roots)
    drawer.rig.settings = replace(drawer.rig.settings, globus=replace(drawer.rig.settings.globus, local_roots=roots))
    with pytest.raises(ConfigError, match="does not follow") as error:
        drawer.publish_drive(elsewhere)
    assert "--root-globus" in error.value.remedy
    assert str(elsewhere) in error.value.remedy


def test_several_archives_of_one_kind_want_a_choice(drawer_here):
    drawer = drawer_here
    folder, subpath = moved_to_drive(drawer, "one", "SC038/{}")
    (drawer.rig.archive / "rig2").mkdir()
    for alias in ("rig2-ephys", "rig3-ephys"):
        publication.GlobusStorageLocation.insert1(
            {"globus_alias": alias, "globus_endpoint": ARCHIVE, "globus_path": "/rig2", "dataset_type": "ephys"}
        )
    globus = drawer.rig.settings.globus
    own = tuple(root for root in globus.local_roots if root.alias == "raw-video")
    drawer.rig.settings = replace(drawer.rig.settings, globus=replace(globus, local_roots=own))
    with pytest.raises(UsageError, match="Several archives"):
        drawer.publish_drive()
    with pytest.raises(UsageError, match="no storage location rig9"):
        drawer.publish_drive(alias="rig9")
    assert drawer.publish_drive(alias="raw-ephys").whole
    drawer.assert_archived_as({folder: subpath})


def test_what_the_gate_refuses_on_a_drive_can_be_accepted(drawer_here):
    drawer = drawer_here
    folder, subpath = moved_to_drive(drawer, "one", "SC038/{}")
    only(folder, "*.ap.meta").unlink()
    (refused,) = drawer.publish_drive().outcomes
    assert refused.state == "refused"
    # The very command that the remedy names, which names the drive.
    words = shlex.split(refused.remedy.split("`")[1])[1:]
    assert words[words.index("--root") + 1] == str(drawer.drive)
    drawer.run(*words, check=0)
    drawer.assert_archived_as({folder: subpath})
    # And so where the recording on the drive was changed afterwards.
    note = folder / "note.txt"
    for text in ("first", "second"):
        old(write(note, text.encode()))
        (outcome,) = drawer.publish_drive().outcomes
    assert outcome.state == "archived with changes"
    drawer.run(*shlex.split(outcome.remedy.split("`")[1])[1:], check=0)
    (settled,) = drawer.publish_drive().outcomes
    assert (settled.state, settled.sent_files) == ("archived", 0)


def test_bad_options_of_the_command(drawer_here):
    drawer_here.run("publication-publish", "--root-globus", "x", check=2)
    drawer_here.run("publication-publish", "--archive", "x", check=2)
    drawer_here.run("publication-publish", "--root", str(drawer_here.drive / "nowhere"), check=2)
    _, stderr = drawer_here.run("publication-publish", "--root", str(drawer_here.drive), check=0)
    assert stderr
