"""Disks that are full: at the archive, where files are fetched to, where mapshell keeps its own."""

from __future__ import annotations

import os
import subprocess

import pytest

from mapshell.demo.run import RIG
from mapshell.errors import DONE, PARTLY
from pipeline import publication
from pipeline.errors import LocalDiskError
from tests.integration.publish.faults import converges, journal_states, refused
from tests.integration.publish.proxy import STEPS

from .disks import fill, small_disk


@pytest.fixture
def steps():
    STEPS.forget()
    yield STEPS
    STEPS.forget()


# ---- at the archive


@pytest.mark.fault(27)
def test_the_disk_of_the_archive_is_full(bench):
    good = bench.session("good")
    large = bench.session("large")
    (large / "large.npy").write_bytes(bytes(300_000))
    os.utime(large / "large.npy", (1e9, 1e9))
    with small_disk(bench.archive, 200):
        assert bench.publish({"session": bench.keys["good"][1]}).whole
        outcome = bench.outcomes(bench.publish())["large"]
        assert outcome.failed
        assert outcome.remedy
        assert "space" in outcome.reason.lower() or "quota" in outcome.reason.lower()
        assert bench.archived_keys() == {bench.keys["good"]}
        assert set(bench.indexed()) == set(bench.here(good))
        subprocess.run(["mount", "-o", "remount,size=2m", bench.archive], check=True)
        assert bench.publish().whole
        bench.assert_archived(good, large)


# ---- where files are fetched to


@pytest.mark.fault(27)
@pytest.mark.parametrize("via", ["globus", "https"])
def test_the_disk_fills_up_while_files_are_fetched(home, steps, via):
    """There was room for all when it began; somebody else wrote there meanwhile."""
    home.impatient()
    room = sum(map(len, home.originals.values())) // 1024 + 200
    full = []
    with small_disk(home.root, room):
        steps.at(
            "retrieve: planned" if via == "globus" else "retrieve: part written", lambda: full.append(fill(home.root))
        )
        result = home.retrieve(via=via)
        assert full, steps.reached
        assert not result.whole
        told = [each for each in result if each.verdict == "failed"] or [result.stopped]
        said = result.stopped.message if result.stopped else told[0].reason
        assert "full" in said.lower() or "space" in said.lower() or "quota" in said.lower(), said
        for name, path in home.here().items():
            if ".mapshell/" not in name and path != full[0]:
                assert path.read_bytes() == home.originals[name], name
        full[0].unlink()
        assert home.retrieve(via=via).whole
        home.assert_same()
    assert home.journal() == []


@pytest.mark.fault(27)
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


def _sparse(path):
    try:
        os.truncate(path, 2**43)
    except OSError:
        return False
    return True


@pytest.mark.fault(27)
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


# ---- where mapshell keeps its own


@pytest.mark.fault(27)
def test_no_room_for_the_staged_manifest(pg_rig):
    staging = pg_rig.rig / "ephys/.mapshell"
    staging.mkdir()
    with small_disk(staging, 4):
        fill(staging)
        refused(pg_rig, code=PARTLY, state="in flight", says=(str(staging), "No space left"))
        assert journal_states(pg_rig) == [("publish", "checked")]
        assert [path.name for path in staging.iterdir()] == ["full"]  # nothing torn is left
    converges(pg_rig, tasks=2)


@pytest.mark.fault(27)
def test_no_room_for_the_journal_of_retrievals(home):
    data = home.rig.folder / "home" / "data"
    data.mkdir(parents=True, exist_ok=True)
    with small_disk(data, 64):
        full = fill(data)
        before = home.here(data)
        with pytest.raises(LocalDiskError, match="No space left") as caught:
            home.retrieve(raises=True)
        assert str(data) in caught.value.message
        assert caught.value.remedy
        assert home.tasks() == []
        assert home.here() == {}
        assert {name: p.stat().st_size for name, p in home.here(data).items() if p.suffix in (".gz", ".part")} == {}
        assert set(before) <= set(home.here(data))
        full.unlink()
        assert home.retrieve().whole
    home.assert_same()
    assert len(home.tasks()) == 1


@pytest.mark.fault(27)
def test_no_room_where_checksums_are_remembered(bench):
    """Remembering saves time, and nothing else depends on it."""
    folder = bench.session("one")
    cache = bench.rig.folder / "home" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    with small_disk(cache, 16):
        fill(cache)
        document = bench.command(check=DONE)
        assert document["sessions"]["one"]["state"] == "archived"
    bench.assert_archived(folder)


@pytest.mark.fault(27, 30)
def test_no_room_for_a_renewed_token(bench):
    """What cannot be kept is said; the login that is there stays good."""
    folder = bench.session("one")
    place = bench.rig.settings.globus.token_file.parent
    with small_disk(place, 256):
        full = fill(place)
        bench.rig.admin.expire_tokens("access")
        done = bench.rig.run("publication-publish", "--type", "ephys", check=PARTLY)
        assert "Traceback" not in done.stderr
        file = bench.rig.settings.globus.token_file
        assert f"the Globus tokens, {file}: database or disk is full" in done.stdout + done.stderr
        assert "check the free space" in done.stdout + done.stderr
        assert not publication.DataSet()
        full.unlink()
        bench.rig.run("publication-publish", "--type", "ephys", check=DONE)
        bench.assert_archived(folder)
    assert bench.archived_keys() == set(bench.keys.values())
