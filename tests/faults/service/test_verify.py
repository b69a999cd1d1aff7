"""When the archive or the service does not play along, verify calls nothing missing for that."""

from __future__ import annotations

import json
import re

import pytest

from mapshell.demo.run import ARCHIVE
from pipeline import publication
from pipeline.errors import GlobusUnavailable
from tests.integration.publish.faults import impatient

ALL = {"checksum": "all"}
TOLD = {"capture_output": True, "text": True}


def rows():
    return len(publication.Verification()), len(publication.FileCheck())


def errors(report):
    return {error.message for check in report for error in check.errors}


@pytest.mark.fault(15)
def test_the_folder_of_the_whole_archive_is_gone(archive):
    archive.bench.archive.rename(archive.bench.archive.parent / "unmounted")
    report = archive.verify(**ALL)
    assert not archive.drift(report)
    assert {check.verdict for check in report} == {"not checked"}
    (said,) = errors(report)
    assert "/raw-ephys" in said
    assert "is not there" in said
    assert rows() == (0, 0)
    said = archive.tell(check=3)[1]
    assert "not mounted" in said
    assert "No session was compared with the archive. Could not be looked at: 2 sessions." in said
    assert not re.search("Present:|drift|missing|Verified now", said)
    document = json.loads(archive.tell("--format", "json", check=3)[0])
    assert {each["present"] for each in document["sessions"]} == {None}


@pytest.mark.fault(15)
def test_the_folder_of_an_animal_or_of_a_session_is_gone(archive):
    folder = archive.at("one", "*.bin").parent
    while folder.parent.name != "SC038":
        folder = folder.parent
    folder.rename(archive.bench.archive / "SC038" / "elsewhere")
    report = archive.verify()
    assert archive.drift(report) == {"one": ["missing", "missing"]}
    assert [stray.subpath for stray in report.strays] == ["SC038/elsewhere"]
    (archive.bench.archive / "SC038").rename(archive.bench.archive / "SC999")
    report = archive.verify()
    lost = ["manifest", "missing", "missing"]
    assert archive.drift(report) == {"one": lost, "two": lost}
    assert report.animals == {"raw-ephys": ["SC999"]}


@pytest.mark.fault(15, 16)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"denied": True}, "permission"),
        ({"offline": True}, "not answer"),
        ({"missing": True}, "collection"),
    ],
)
def test_a_collection_that_does_not_answer_is_not_an_empty_one(archive, change, said):
    impatient(archive.bench.rig)
    archive.admin.set_collection(ARCHIVE, **change)
    report = archive.verify(**ALL)
    assert not archive.drift(report)
    assert {check.verdict for check in report.sessions} <= {"not checked"}
    assert not report.whole
    told = errors(report) | ({report.stopped.message} if report.stopped else set())
    assert any(said in each.lower() for each in told), told
    assert rows() == (0, 0)
    archive.admin.set_collection(ARCHIVE, **dict.fromkeys(change, False))
    assert archive.verify(**ALL).whole


@pytest.mark.fault(15)
def test_one_folder_that_may_not_be_listed(archive):
    folder = archive.at("one", "*.bin").parent.relative_to(archive.bench.rig.archive).as_posix()
    archive.admin.set_collection(ARCHIVE, deny=[f"/{folder}", f"/{folder}/*"])
    report = archive.verify(**ALL)
    found = archive.by_name(report)
    assert (found["one"].verdict, found["two"].verdict) == ("not checked", "verified")
    assert not found["one"].drift
    assert len(publication.Verification() & {"dataset_name": "ephys-480133-0001"}) == 0


@pytest.mark.fault(12)
def test_a_service_that_fails_for_long_ends_the_run_with_what_was_seen(archive, monkeypatch):
    impatient(archive.bench.rig)
    monkeypatch.setenv("MAPSHELL_GLOBUS_PATIENCE_SECONDS", "1")
    archive.admin.fail_requests("*operation/endpoint*ls*", 503, count=None)
    report = archive.verify()
    assert isinstance(report.stopped, GlobusUnavailable)
    assert not report.sessions
    assert "Remedy" in archive.tell(check=1)[1]
    archive.admin.clear_faults()
    assert archive.verify().whole


@pytest.mark.fault(12, 15)
def test_reading_back_that_breaks_off_is_tried_again_and_what_cannot_be_read_does_not_pass(archive):
    archive.admin.fail_requests("*.bin", 500, count=2)
    assert archive.verify(**ALL).whole
    name = archive.at("one", "*.bin").relative_to(archive.bench.rig.archive).as_posix()
    archive.admin.set_collection(ARCHIVE, deny=[f"/{name}"])
    report = archive.verify(**ALL)
    found = archive.by_name(report)
    assert (found["one"].verdict, found["one"].verified, found["two"].verdict) == ("not checked", 1, "verified")
    assert not report.whole
