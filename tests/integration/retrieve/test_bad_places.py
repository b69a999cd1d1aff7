"""Places that cannot receive files: each is told at once, by name, with the way out, and nothing is written there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline import publication
from pipeline.archive.onlyone import only_one
from pipeline.errors import (
    CollectionOffline,
    ConfigError,
    Conflict,
    LocalDiskError,
    PermissionDenied,
    Refused,
    UsageError,
)
from tests.integration.rig import wait_until

from .home import ARCHIVE, BOTH, ONE, RIG, is_root

if TYPE_CHECKING:
    from pathlib import Path


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


def test_two_retrievals_into_one_folder_do_not_meet(home):
    """One that lives is named; one that died has left the folder free."""
    code = (
        "import sys, datetime, pathlib\n"
        "from pipeline.archive.onlyone import only_one\n"
        "with only_one('x', pathlib.Path(sys.argv[1]), '.mapshell', 'rig3', datetime.datetime(2020, 5, 1)):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Conflict, match=rf"Another retrieval .*process {other.pid} on rig3") as caught:
            home.retrieve()
        assert "another folder" in caught.value.remedy
        assert home.here() == {".mapshell/retrieve.lock": home.root / ".mapshell/retrieve.lock"} | {
            ".mapshell/retrieve.json": home.root / ".mapshell/retrieve.json"
        }
        assert home.retrieve(dry_run=True).whole  # asks nobody
        other.kill()
    assert home.retrieve().whole
    home.assert_same()


def test_a_lock_that_was_removed_under_us_is_not_held_twice(tmp_path):
    """Who opened the lock file before its holder removed it must not take the orphan for the lock."""
    from datetime import datetime

    now = datetime(2020, 5, 1)  # noqa: DTZ001  # naive UTC, as everywhere here
    with only_one("a", tmp_path, ".mapshell", "rig", now):
        assert (tmp_path / ".mapshell" / "retrieve.lock").exists()
        with pytest.raises(Conflict), only_one("a", tmp_path, ".mapshell", "rig", now):
            pass
        assert (tmp_path / ".mapshell" / "retrieve.lock").exists()
    assert list(tmp_path.iterdir()) == []


def test_more_than_the_disk_holds_is_not_begun(home):
    table = publication.DataSet.PhysicalFile
    key = next(iter(table().keys()))  # a DataJoint query
    name = (table & key).fetch1("file_subpath")
    path = home.at_archive(name)
    if not _sparse(path):
        pytest.skip("this disk holds no sparse files of this size")
    table.update1({**key, "file_size": 2**43})
    for via in ("globus", "https"):
        with pytest.raises(LocalDiskError, match=r"8\.8 TB are to be fetched.*nothing was fetched") as caught:
            home.retrieve(via=via)
        assert "fetch less at a time" in caught.value.remedy
    assert home.tasks() == []
    assert home.here() == {}


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


def _sparse(path: Path) -> bool:
    try:
        os.truncate(path, 2**43)
    except OSError:
        return False
    return True


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


def test_a_disk_that_fills_up_in_the_middle_is_told_and_the_rest_comes_later(home):
    home.impatient()
    biggest = max(map(len, home.originals.values()))
    home.rig.admin.set_collection(RIG, quota=biggest + 10)
    result = home.retrieve()
    assert not result.whole
    home.no_partial()
    assert {each.verdict for each in result} <= {"fetched", "failed"}
    failed = [each for each in result if each.verdict == "failed"]
    assert failed
    assert all("quota" in each.reason.lower() or "space" in each.reason.lower() for each in failed), failed[0].reason
    home.rig.admin.set_collection(RIG, quota=None)
    assert home.retrieve().whole
    home.assert_same()
    assert home.journal() == []


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
