"""Places that cannot receive files: each is told at once, by name, with the way out, and nothing is written there."""

from __future__ import annotations

import pytest

from pipeline.errors import (
    CollectionOffline,
    ConfigError,
    LocalDiskError,
    PermissionDenied,
    Refused,
    UsageError,
)
from tests.integration.rig import wait_until

from .home import ARCHIVE, BOTH, ONE, RIG, is_root


def upload_only(home, value=True):
    home.configure(lambda d: d["custom"]["globus.local_endpoints"]["raw-ephys"].update(upload_only=value))


def test_an_upload_only_root_is_no_target_however_it_is_named(home):
    upload_only(home)
    places = [None, str(home.root), str(home.root / "below"), f"{RIG}:/ephys", f"{RIG}:/ephys/below", f"{RIG}:/other"]
    for to in places:
        with pytest.raises(Refused, match="upload-only") as caught:
            home.retrieve(to=to)
        assert "--to" in caught.value.remedy
    with pytest.raises(Refused, match="upload-only"):
        home.retrieve(to=str(home.root), via="https")
    document = home.command(code=1)
    assert "upload-only" in document["error"]["message"]
    assert home.tasks() == []
    assert home.here() == {}


def test_a_root_beside_an_upload_only_one_is_no_target_either(home):
    second = home.rig.rig / "second"
    second.mkdir()
    home.bench.add_root(RIG, "/second", str(second))
    home.configure(lambda d: d["custom"]["globus.local_endpoints"]["raw-ephys"][0].update(upload_only=True))
    for to in (None, str(second), f"{RIG}:/second/x"):
        with pytest.raises(Refused, match="upload-only") as caught:
            home.retrieve(to=to)
        assert "--via https" in caught.value.remedy
    assert home.tasks() == []
    assert home.retrieve(ONE, to=str(home.rig.folder / "outside"), via="https").whole


def test_a_folder_that_globus_may_not_write_is_told_before_anything_is_submitted(home):
    home.rig.admin.set_collection(RIG, read_only=True)
    with pytest.raises(PermissionDenied, match="Globus may not write") as caught:
        home.retrieve(raises=True)
    assert "--via https" in caught.value.remedy
    assert home.tasks() == []
    assert home.here() == {}
    home.rig.admin.set_collection(RIG, read_only=False)
    assert home.retrieve().whole
    home.assert_same()


def test_places_that_are_none_are_told(home, tmp_path):
    file = tmp_path / "a file"
    file.write_bytes(b"x")
    outside = tmp_path / "outside"
    outside.mkdir()
    cases = [
        (str(outside), "globus", "not below a folder that this computer has in Globus", "--via https"),
        (str(file), "https", "is a file", "folder"),
        ("", "globus", "empty", "folder"),
        (f"{ARCHIVE}:/x", "https", "over HTTPS to a folder of this computer", "folder"),
        (f"{ARCHIVE}", "globus", "no folder in it", "UUID:/path"),
        (f"{ARCHIVE[:-1]}:/x", "globus", "neither a folder nor a collection", "UUID:/path"),
        (f"{ARCHIVE}:/raw-ephys", "globus", "is the archive raw-ephys itself", "another place"),
        (f"{ARCHIVE.upper()}:/raw-ephys/SC038", "globus", "is the archive raw-ephys itself", "another place"),
        (str(home.root / ".mapshell" / "x"), "globus", "our own staging folder", "another folder"),
        (str(outside), "ftp", "no way 'ftp'", "https"),
    ]
    for to, via, message, remedy in cases:
        with pytest.raises(UsageError, match=message) as caught:
            home.retrieve(to=to, via=via)
        assert remedy in caught.value.remedy, to
    assert list(outside.iterdir()) == []
    assert home.tasks() == []


@pytest.mark.parametrize("via", ["globus", "https"])
def test_a_folder_that_cannot_be_looked_at_is_told(home, tmp_path, via):
    with pytest.raises(LocalDiskError, match="cannot be looked at: File name too long") as caught:
        home.retrieve(to=str(tmp_path / ("x" * 300)), via=via)
    assert "another folder" in caught.value.remedy


def test_a_computer_without_a_folder_of_its_own_is_told_of_the_other_ways(home):
    home.configure(lambda document: document["custom"].pop("globus.local_endpoints"))
    with pytest.raises(UsageError, match="no folder of its own for raw-ephys") as caught:
        home.retrieve()
    assert "--via https" in caught.value.remedy


def test_a_root_that_globus_sees_elsewhere_is_told_before_anything_is_sent(home):
    home.configure(lambda d: d["custom"]["globus.local_endpoints"]["raw-ephys"].update(endpoint_subdir="/video"))
    with pytest.raises(ConfigError, match="would arrive elsewhere") as caught:
        home.retrieve()
    assert "endpoint_subdir" in caught.value.remedy
    assert home.tasks() == []
    assert home.here() == {}


def test_this_computers_own_collection_that_is_offline_is_told_at_once(home):
    home.rig.admin.set_collection(RIG, offline=True)
    with pytest.raises(CollectionOffline, match="does not answer") as caught:
        home.retrieve()
    assert "Globus Connect Personal" in caught.value.remedy
    assert home.tasks() == []


def test_what_an_earlier_run_has_brought_needs_no_room_a_second_time(home, monkeypatch):
    """All has come, nothing is named yet, and the disk is as good as full."""
    home.command("--no-wait", code=0)
    (task,) = home.tasks()
    wait_until(lambda: home.rig.admin.tasks()[-1]["status"] == "SUCCEEDED")
    import shutil

    usage = shutil.disk_usage(home.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10))
    assert home.retrieve(dry_run=True)
    assert home.retrieve().whole
    home.assert_same()
    assert [each["task_id"] for each in home.tasks()] == [task["task_id"]]


@pytest.mark.parametrize("via", ["globus", "https"])
def test_a_folder_that_cannot_be_made_is_told(home, via):
    (home.root / "a file").write_bytes(b"x")
    with pytest.raises(LocalDiskError, match="Nothing can be written in"):
        home.retrieve(to=str(home.root / "a file" / "below"), via=via)
    assert home.tasks() == []
    assert (home.root / "a file").read_bytes() == b"x"


@pytest.mark.skipif(is_root(), reason="root may write everywhere")
@pytest.mark.parametrize("via", ["globus", "https"])
def test_a_folder_that_must_not_be_written_is_told(home, via):
    home.root.chmod(0o500)
    try:
        with pytest.raises(LocalDiskError, match="permission denied"):
            home.retrieve(via=via)
    finally:
        home.root.chmod(0o700)
    assert home.tasks() == []


def test_a_target_that_refuses_writing_meanwhile_is_told_and_its_task_gathered_later(home):
    home.rig.admin.fail_tasks("hold", count=None, label="mapshell retrieve*")
    home.retrieve(wait=False)
    home.rig.admin.set_collection(RIG, read_only=True)
    with pytest.raises(PermissionDenied, match="Globus may not write"):
        home.retrieve(raises=True)
    assert home.here() == {}
    home.rig.admin.set_collection(RIG, read_only=False)
    home.bench.release()
    assert home.retrieve(BOTH).whole
    assert len(home.tasks()) == 1
    home.assert_same()
