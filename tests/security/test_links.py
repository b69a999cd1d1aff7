"""Somebody else who may write to a folder of the lab puts links there: nothing outside of the root is touched."""

from __future__ import annotations

import os
import shutil

import pytest

from pipeline.archive.courier import OLD_SECONDS
from tests.integration.discover.losing import discover, drop
from tests.integration.publish.bench import ARCHIVE, DAY

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows makes links for administrators only")


@pytest.fixture
def outside(tmp_path):
    """A folder that is nobody's business, with what a clean-up of ours would take for its own."""
    folder = tmp_path / "outside"
    for name in ("read-0123", "verify-0123", "look-0123"):
        (folder / name).mkdir(parents=True)
        (folder / name / "precious").write_bytes(b"precious")
        os.utime(folder / name, (1, 1))
    (folder / "precious").write_bytes(b"precious")
    return folder


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def test_manifests_are_not_staged_through_a_link(bench, outside):
    """Our own folder in the root is a link: the round says so, archives nothing, and goes on once it is gone."""
    bench.session("one")
    before = contents(outside)
    own = bench.ephys / ".mapshell"
    own.symlink_to(outside)
    report = bench.publish()
    assert contents(outside) == before
    assert not report.whole
    assert "is a link; nothing is written through links" in repr(report)
    assert bench.archived_keys() == set()
    own.unlink()
    assert bench.publish().whole
    assert bench.archived_keys() == set(bench.keys.values())


def test_a_link_under_the_name_of_a_file_that_is_being_staged_is_not_followed(bench, outside):
    """Its name can be foretold: session, generation, process."""
    bench.session("one")
    own = bench.ephys / ".mapshell"
    own.mkdir()
    day = f"{DAY:%Y%m%d}"
    for name in (
        f"SC038_{day}_s1_ephys.manifest-0001.json",
        f"SC038_{day}_s1_ephys.manifest-0001.json.{os.getpid()}.part",
    ):
        (own / name).symlink_to(outside / "precious")
    before = contents(outside)
    assert bench.publish().whole
    assert contents(outside) == before


@pytest.mark.parametrize("verb", ["discover", "verify"])
def test_nothing_is_fetched_or_tidied_through_a_link(bench, outside, monkeypatch, verb):
    """Scratch folders of the dead are removed after a day: never those of a folder elsewhere."""
    monkeypatch.setattr("pipeline.archive.courier._last_change", lambda folder: -2 * OLD_SECONDS)
    bench.session("one")
    assert bench.publish().whole
    shutil.rmtree(bench.ephys / ".mapshell", ignore_errors=True)
    (bench.ephys / ".mapshell").symlink_to(outside)
    bench.rig.admin.set_collection(ARCHIVE, https=False)
    before = contents(outside)
    if verb == "discover":
        drop(bench.rig, "publication")
        report = discover(bench.rig, types=("ephys",))
        assert not report.whole
        assert "is a link" in repr(report)
        assert bench.archived_keys() == set()
    else:
        out, err = bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=3)
        assert "is a link" in out + err
    assert contents(outside) == before
