"""Fetching into a collection whose files cannot be seen from here: a cluster."""

from __future__ import annotations

import pytest

from mapshell.sandbox.spec import CollectionSpec
from pipeline.errors import PermissionDenied

from .home import ARCHIVE, BOTH, ONE, first_session

CLUSTER = "c1a57e40-0000-4000-8000-00000000c1a5"


@pytest.fixture
def cluster(home, tmp_path):
    """A guest collection, and the folder behind it that only the test can see."""
    folder = tmp_path / "cluster"
    (folder / "scratch").mkdir(parents=True)
    home.rig.admin.put_collection(CLUSTER, CollectionSpec(folder, name="Cluster", https=False))
    home.impatient()
    return folder / "scratch"


TO = f"{CLUSTER}:/scratch/me"


def assert_there(home, folder, only=None):
    """The collection has these files, and nothing else but our own folder, which holds no file."""
    wanted = {name: data for name, data in home.originals.items() if only is None or only(name)}
    there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert there == wanted


def test_files_arrive_whole_and_by_few_calls(home, cluster):
    home.rig.admin.reset_counts()
    result = home.retrieve(BOTH, to=TO)
    assert set(home.verdicts(result).values()) == {"fetched"}
    assert_there(home, cluster / "me")
    assert all(each.path is None and each.place == f"{TO}/{each.subpath}" for each in result)
    assert home.rig.admin.counts()["POST transfer/operation/endpoint/<id>/rename"] == 1
    (task,) = home.tasks()
    assert task["destination_endpoint_id"] == CLUSTER
    # Again: there with the same size, which is all that can be said.
    again = home.retrieve(BOTH, to=TO)
    assert set(home.verdicts(again).values()) == {"unchecked"}
    assert again.whole
    assert home.journal() == []


def test_what_is_there_is_never_overwritten(home, cluster):
    name = home.pick("params.py")
    path = cluster / "me" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    (path.parent / "other.txt").write_bytes(b"theirs")
    result = home.retrieve(BOTH, to=TO)
    assert home.verdicts(result)[name] == "refused"
    assert len([each for each in result if each.verdict == "fetched"]) == len(home.originals) - 1
    assert path.read_bytes() == b"mine"
    result = home.retrieve(BOTH, to=TO, overwrite=True)
    assert home.verdicts(result)[name] == "fetched"
    assert path.read_bytes() == home.originals[name]
    (aside,) = path.parent.glob("params.py.replaced-*")
    assert aside.read_bytes() == b"mine"
    assert any(aside.name in note for note in result.notes)
    assert (path.parent / "other.txt").read_bytes() == b"theirs"


def test_a_flipped_bit_at_the_archive_is_found_by_the_service(home, cluster):
    name = home.pick("050120_g0_t0.imec0.ap.bin")
    data = bytearray(home.originals[name])
    data[7] ^= 1
    home.at_archive(name).write_bytes(data)
    result = home.retrieve(BOTH, to=TO)
    assert home.verdicts(result)[name] == "damaged", result
    assert [each.subpath for each in result.problems] == [name]
    # What nobody can vouch for never gets its name; it is ours to mention, not to delete.
    (left,) = (cluster / "me" / ".mapshell").rglob("*.bin")
    assert any("remove them there" in note and left.parts[-5] in note for note in result.notes), result.notes
    left.unlink()
    assert_there(home, cluster / "me", only=lambda each: each != name)


def test_a_task_that_ends_short_is_gone_on_with(home, cluster):
    home.rig.admin.fail_tasks("fail", count=1, after_files=3, label="mapshell retrieve*", partial=True)
    assert home.retrieve(BOTH, to=TO).whole
    there = cluster / "me"
    assert all((there / name).read_bytes() == data for name, data in home.originals.items())
    tops = {path.relative_to(there).parts[0] for path in there.rglob("*") if path.is_file()}
    assert tops <= {"SC038", ".mapshell"}


def test_no_wait_and_a_later_call_that_names_them(home, cluster):
    home.rig.admin.fail_tasks("hold", count=None, label="mapshell retrieve*")
    document = home.command("--session", "1", "--to", TO, "--no-wait", code=0)
    assert {each["verdict"] for each in document["files"]} == {"in flight"}
    home.bench.release()
    assert home.retrieve(ONE, to=TO).whole
    assert_there(home, cluster / "me", only=first_session)
    assert len(home.tasks()) == 1


def test_a_collection_that_may_not_be_written_or_seen_is_told(home, cluster):
    home.rig.admin.set_collection(CLUSTER, read_only=True)
    result = home.retrieve(ONE, to=TO)
    assert {each.verdict for each in result} == {"failed"}
    assert "ermission" in result.files[0].reason
    home.rig.admin.set_collection(CLUSTER, denied=True)
    with pytest.raises(PermissionDenied, match=CLUSTER):
        home.retrieve(ONE, to=TO)


def test_a_place_beside_the_archive_in_its_own_collection(home):
    to = f"{ARCHIVE}:/scratch"
    assert home.retrieve(ONE, to=to).whole
    assert_there(home, home.rig.archive / "scratch", only=first_session)
