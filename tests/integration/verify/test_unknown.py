"""What the index does not know of a file (SHA1, size, time) is learnt by looking; what it knows is never changed."""

from __future__ import annotations

import hashlib

import pytest

from pipeline import publication
from pipeline.board.status import status
from tests.integration.accounts import read_only

from .test_readback import ALL, no_https


@pytest.mark.parametrize("by", ["https", "transfers"])
def test_files_without_a_known_sha1_are_read_and_not_passed_then_compared(archive, by):
    if by == "transfers":
        no_https(archive)
    unknown = dict.fromkeys(("file_sha1", "sha1_source", "verified_at", "verified_how"))
    name = "ephys-480133-0001"
    for row in (publication.DataSet.PhysicalFile & {"dataset_name": name}).keys():  # noqa: SIM118  # a table
        publication.DataSet.PhysicalFile.update1({**row, **unknown})
    publication.DataSet.update1({"globus_alias": "raw-ephys", "dataset_name": name, "dataset_manifest": ""})
    for path in archive.bench.rig.manifests().values():
        if "_s1_" in path.name:
            path.unlink()  # it was found by its listing: there never was one
    report = archive.verify()
    assert report.whole
    report = archive.verify(**ALL)
    found = archive.by_name(report)
    assert (found["one"].verdict, found["one"].verified, found["one"].first) == ("present", 0, 2)
    assert found["two"].verdict == "verified"
    assert not report.whole
    assert "Read for the first time: 2 files" in str(report)
    rows = (publication.DataSet.PhysicalFile & {"dataset_name": name}).to_dicts()
    for row in rows:
        path = archive.bench.archive / row["file_subpath"]
        assert row["file_sha1"] == hashlib.sha1(path.read_bytes()).hexdigest()
        assert (row["sha1_source"], row["verified_at"], row["verified_how"]) == ("archive", None, None)
    (state,) = (row for row in status(archive.bench.rig.settings, ("ephys",)) if row.session == 1)
    assert (state.state, "never verified" in state.reason) == ("present", True)
    # From now on there is something to compare with.
    report = archive.verify(**ALL)
    assert (archive.by_name(report)["one"].verified, report.whole) == (2, True)
    spoilt = archive.bench.archive / rows[0]["file_subpath"]
    spoilt.write_bytes(bytes(spoilt.stat().st_size))
    assert archive.drift(archive.verify(**ALL)) == {"one": ["bytes"]}


def test_what_could_not_be_read_is_listed_not_passed(archive):
    unknown = dict.fromkeys(("file_sha1", "sha1_source", "verified_at", "verified_how"))
    name = "ephys-480133-0001"
    for row in (publication.DataSet.PhysicalFile & {"dataset_name": name}).keys():  # noqa: SIM118  # a table
        publication.DataSet.PhysicalFile.update1({**row, **unknown})
    stdout, stderr = archive.tell("--checksum", "all", "--max-bytes", "1", check=3)
    assert "No SHA1" in stdout
    assert "listed, not passed: SC038 (subject 480133) session 1" in stderr
    rows = (publication.DataSet.PhysicalFile & {"dataset_name": name}).to_dicts()
    assert all(row["file_subpath"] in stderr for row in rows)
    assert len(rows) == 2
    stdout, stderr = archive.tell("--checksum", "all", check=3)
    assert "read, not passed: SC038 (subject 480133) session 1" in stderr


def test_sizes_that_nobody_knew_are_filled_in_and_nothing_else_is_changed(archive):
    table = publication.DataSet.PhysicalFile
    before = {row["file_subpath"]: row for row in table.to_dicts()}
    name = "ephys-480133-0001"
    for row in (table & {"dataset_name": name}).keys():  # noqa: SIM118  # a table
        table.update1({**row, "file_size": None, "file_mtime": None})
    report = archive.verify()
    assert (archive.by_name(report)["one"].learnt, report.whole) == (2, True)
    assert "Size learnt: 2 files" in str(report)
    assert {row["file_subpath"]: row for row in table.to_dicts()} == before
    assert archive.by_name(archive.verify())["one"].learnt == 0
    # A file that the archive lacks keeps its unknown size, and is named.
    gone = next(row for row in before.values() if row["dataset_name"] == name)
    table.update1({**{key: gone[key] for key in table.primary_key}, "file_size": None, "file_mtime": None})
    (archive.bench.archive / gone["file_subpath"]).unlink()
    assert archive.drift(archive.verify()) == {"one": ["missing"]}
    assert [row["file_size"] for row in table.to_dicts() if row["file_subpath"] == gone["file_subpath"]] == [None]


def test_an_account_that_may_only_read_looks_all_the_same(archive):
    table = publication.DataSet.PhysicalFile
    for row in table.keys():  # noqa: SIM118  # a table
        table.update1({**row, "file_size": None, "file_mtime": None})
    with read_only(archive.bench.rig):
        report = archive.verify(**ALL)
    assert report.unrecorded is not None
    assert {check.learnt for check in report} == {2}
    assert all(row["file_size"] is None for row in table.to_dicts())
