"""A drive is pulled out at any moment: nothing false is recorded, and with the drive back everything goes on."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from pipeline import database, publication
from tests.integration.publish.bench import write

from .pulling import pull, put_back

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be renamed on Windows")

BEFORE_CHECKED = ("claimed", "planning", "planned", "submitting", "accepted", "submitted", "succeeded")
AFTER_CHECKED = ("checking", "checked", "staged", "manifest planned", "described", "committing", "committed", "done")


@pytest.fixture
def loaded(drawer_here):
    """A drive with one session that is nowhere else."""
    return load(drawer_here)


@pytest.fixture
def each_loaded(each_drawer):
    """The same, on each database."""
    return load(each_drawer)


def load(drawer):
    folder = drawer.session("one")
    write(folder / "notes.txt", b"hashed here")
    drawer.copy(folder, f"SC038/{folder.name}")
    shutil.rmtree(folder)
    return drawer


def publish(drawer, code, prelude="", *more):
    words = ("publication-publish", "--root", str(drawer.drive), "--type", "ephys", "--format", "json", *more)
    done = drawer.rig.run(*words, prelude=prelude, check=code)
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout), done.stderr


def nothing_recorded(drawer):
    database.bind(drawer.rig.settings)
    assert not publication.ArchivedRawEphys()
    assert not publication.DataSet.PhysicalFile()
    assert not publication.Claim()


def goes_on(drawer):
    """With the drive back, one run archives and the next has nothing to do."""
    (folder,) = (drawer.drive / "SC038").iterdir()
    document, _ = publish(drawer, 0)
    assert [row["state"] for row in document["sessions"]] == ["archived"]
    again, _ = publish(drawer, 0)
    assert [row["sent_files"] for row in again["sessions"]] == [0]
    database.bind(drawer.rig.settings)
    drawer.assert_archived_as({folder: f"SC038/{folder.name}"})
    assert len(publication.ArchivedRawEphys()) == 1
    assert not publication.Claim()
    assert set(publication.Transfer().to_arrays("state")) <= {"done", "failed"}
    assert not list((drawer.ephys / ".mapshell").glob("*"))
    assert not list(drawer.drive.rglob(".mapshell"))


@pytest.mark.parametrize("step", BEFORE_CHECKED)
def test_pulled_while_its_files_are_needed(each_loaded, step):
    document, said = publish(each_loaded, 1, pull(each_loaded.drive, "mapshell.step", step))
    (session,) = document["sessions"]
    assert session["state"] in ("in flight", "queued")
    assert str(each_loaded.drive) in document["stopped"]
    assert "was disconnected" in said
    assert "connect it again" in said
    nothing_recorded(each_loaded)
    put_back(each_loaded.drive)
    goes_on(each_loaded)


@pytest.mark.parametrize("step", AFTER_CHECKED)
def test_pulled_when_its_files_are_needed_no_more(loaded, step):
    document, _ = publish(loaded, 0, pull(loaded.drive, "mapshell.step", step))
    assert [row["state"] for row in document["sessions"]] == ["archived"]
    put_back(loaded.drive)
    goes_on(loaded)


@pytest.mark.parametrize("nth", [1, 3, 6])
def test_pulled_while_it_is_looked_at(loaded, nth):
    document, said = publish(loaded, 1, pull(loaded.drive, "os.scandir", str(loaded.drive), nth))
    assert "was disconnected" in said or "cannot be listed" in said
    assert "error" in document or document["stopped"]
    nothing_recorded(loaded)
    assert not loaded.rig.tasks()
    put_back(loaded.drive)
    goes_on(loaded)


def test_pulled_while_a_file_is_read(loaded):
    notes = next(loaded.drive.rglob("notes.txt"))
    document, said = publish(loaded, 1, pull(loaded.drive, "open", str(notes)))
    assert [row["state"] for row in document["sessions"]] == ["in flight"]
    assert "was disconnected" in said
    nothing_recorded(loaded)
    put_back(loaded.drive)
    goes_on(loaded)


@pytest.mark.parametrize("what", ["os.scandir", "open"])
@pytest.mark.parametrize("nth", [1, 4])
def test_pulled_while_it_is_sorted(loaded, what, nth):
    words = ("ingest-drive", str(loaded.drive), "--format", "json")
    done = loaded.rig.run(*words, prelude=pull(loaded.drive, what, str(loaded.drive), nth), check=1)
    assert "was disconnected" in done.stderr or "cannot be listed" in done.stderr
    assert "Traceback" not in done.stderr
    database.bind(loaded.rig.settings)
    assert not publication.Drive()
    put_back(loaded.drive)
    assert set(loaded.verdicts().values()) == {"not archived"}


def test_a_run_without_the_drive_says_that_it_waits_for_it(loaded):
    publish(loaded, 1, pull(loaded.drive, "mapshell.step", "submitted"))
    document, said = loaded.run("publication-publish", "--type", "ephys", "--format", "json", check=0)
    (session,) = json.loads(document)["sessions"]
    assert session["state"] == "in flight"
    assert "it waits for the folder" in session["reason"]
    assert str(loaded.drive) in session["reason"]
    assert "--root" in session["remedy"]
    nothing_recorded(loaded)
    assert {task["status"] for task in loaded.rig.tasks()} <= {"ACTIVE", "SUCCEEDED"}
    put_back(loaded.drive)
    goes_on(loaded)
    assert said == ""


def test_a_run_without_the_drive_ends_what_needs_it_no_more(loaded):
    from tests.integration.kills import kill_at

    (folder,) = (loaded.drive / "SC038").iterdir()
    words = ("publication-publish", "--root", str(loaded.drive), "--type", "ephys")
    loaded.rig.run(*words, prelude=kill_at("checked"))
    loaded.drive.rename(loaded.drive.with_name("away"))
    loaded.run("publication-publish", "--type", "ephys", check=0)
    put_back(loaded.drive)
    database.bind(loaded.rig.settings)
    loaded.assert_archived_as({folder: f"SC038/{folder.name}"})


def test_a_run_with_the_drive_leaves_alone_what_began_from_the_rig(each_drawer):
    drawer = each_drawer
    folder = drawer.session("one")
    drawer.copy(folder, f"SC038/{folder.name}")
    drawer.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    drawer.run("publication-publish", "--type", "ephys", "--no-wait", check=0)
    document, _ = publish(drawer, 0)
    (session,) = document["sessions"]
    assert session["state"] == "in flight"
    assert "own folders" in session["reason"]
    drawer.release()
    assert drawer.publish().whole
    drawer.assert_archived(folder)
    assert len([task for task in drawer.rig.tasks() if task["label"].startswith("mapshell publish")]) == 1


@pytest.mark.parametrize("step", ["planned", "submitted", "checked"])
def test_killed_with_the_drive_connected(loaded, step):
    from tests.integration.kills import kill_at

    words = ("publication-publish", "--root", str(loaded.drive), "--type", "ephys")
    loaded.rig.run(*words, prelude=kill_at(step))
    goes_on(loaded)
