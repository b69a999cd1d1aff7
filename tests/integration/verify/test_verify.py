"""Verify names what differs between archive and index, by listings and by bytes, and changes neither."""

from __future__ import annotations

import json
import os

import pytest

from pipeline import publication
from pipeline.errors import UsageError
from tests.integration.publish.bench import only, write

ARCHIVED = publication.ArchivedRawEphys


@pytest.fixture
def published(bench):
    """Two archived sessions of an animal, and their folders on the rig."""
    folders = {name: bench.session(name) for name in ("one", "two")}
    assert bench.publish().whole
    return bench, folders


def by_name(bench, report):
    names = {key: name for name, key in bench.keys.items()}
    return {names[check.session.key]: check for check in report.sessions}


def kinds(check):
    return sorted(each.kind for each in check.drift)


def at_archive(bench, folder, pattern):
    return bench.there()[only(folder, pattern).relative_to(bench.ephys).as_posix()]


def flip(path):
    """Change one bit, and nothing else."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    times = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def tell(bench, *args, check):
    return bench.run("publication-verify", *args, check=check)


def test_an_archive_that_is_whole(published):
    bench, _ = published
    before = bench.rig.files("archive")
    stamps = {name: path.stat().st_mtime_ns for name, path in before.items()}
    report = ARCHIVED.verify()
    assert report.whole
    assert {check.verdict for check in report} == {"present"}
    report = ARCHIVED.verify(checksum="all")
    assert report.whole
    assert {(check.verdict, check.verified, check.how) for check in report} == {("verified", 2, "https")}
    assert {name: path.stat().st_mtime_ns for name, path in bench.rig.files("archive").items()} == stamps
    looks = publication.Verification.to_dicts()
    assert {(row["how"], row["verdict"]) for row in looks} == {
        ("presence", "same"),
        ("presence; SHA1 of 2 files, https", "same"),
    }
    assert {row["verdict"] for row in publication.FileCheck.to_dicts()} == {"same"}
    assert len(publication.FileCheck()) == 4


def test_each_kind_of_drift_is_named_with_what_would_mend_it(published):
    bench, folders = published
    flip(at_archive(bench, folders["one"], "*.bin"))
    at_archive(bench, folders["one"], "*.meta").unlink()
    longer = at_archive(bench, folders["two"], "*.meta")
    longer.write_bytes(longer.read_bytes() + b"x")
    write(at_archive(bench, folders["two"], "*.bin").parent / "foreign.txt", b"foreign")
    write(bench.archive / "SC038" / "notes.txt", b"notes")
    report = ARCHIVED.verify()
    found = by_name(bench, report)
    assert (kinds(found["one"]), kinds(found["two"])) == (["missing"], ["extra", "size"])
    assert [stray.subpath for stray in report.strays] == ["SC038/notes.txt"]
    assert not report.whole
    found = by_name(bench, ARCHIVED.verify(checksum="all"))
    assert (kinds(found["one"]), kinds(found["two"])) == (["bytes", "missing"], ["extra", "size"])
    # A listing alone cannot tell that it was mended: what was read before still stands.
    found = by_name(bench, ARCHIVED.verify())
    assert kinds(found["one"]) == ["bytes", "missing"]
    stdout, stderr = tell(bench, "--checksum", "all", check=3)
    assert "drift" in stdout
    for word in ("foreign.txt", "notes.txt", "globus transfer", "globus rename", "globus rm", "--external-checksum"):
        assert word in stderr, word
    rows = {row["verdict"] for row in publication.FileCheck.to_dicts()}
    assert rows == {"same", "different"}
    assert {row["verdict"] for row in publication.Verification.to_dicts()} == {"drift"}


def test_restrictions_on_class_and_instance(published):
    bench, _ = published
    subject_id, session = bench.keys["two"]
    one = {"subject_id": subject_id, "session": session}
    restricted = (ARCHIVED & one, ARCHIVED() & one, ARCHIVED - {"session": 1}, ARCHIVED & publication.DataSet & [one])
    for table in restricted:
        assert [check.session.key for check in table.verify()] == [bench.keys["two"]]
    assert len(ARCHIVED().verify().sessions) == len(ARCHIVED.verify().sessions) == 2
    with pytest.raises(UsageError):
        (ARCHIVED & {"subject_id": 1}).verify()


def test_json(published):
    bench, folders = published
    at_archive(bench, folders["one"], "*.meta").unlink()
    stdout, _ = tell(bench, "--format", "json", "--checksum", "sample", check=3)
    document = json.loads(stdout)
    (wrong,) = [each for each in document["sessions"] if each["verdict"] == "drift"]
    assert [each["kind"] for each in wrong["drift"]] == ["missing"]
    assert document["stopped"] is None
