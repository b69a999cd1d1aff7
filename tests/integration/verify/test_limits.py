"""Short runs check a whole archive in time: what is due comes first, and what was done stays done."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline import publication
from pipeline.work import SystemClock

ALL = {"checksum": "all"}


class Hurry(SystemClock):
    """A clock on which every look takes an hour."""

    def __init__(self):
        self._looks = 0

    def now(self):
        self._looks += 1
        return super().now() + timedelta(hours=self._looks)


def sizes(archive):
    return sorted(path.stat().st_size for path in archive.bench.there().values())


def read_back():
    return {row["file_id"]: row["checked_at"] for row in publication.FileCheck.to_dicts()}


def age_all(days):
    """Let everything have been compared so long ago."""
    for row in publication.DataSet.PhysicalFile.to_dicts():
        when = row["verified_at"] - timedelta(days=days)
        key = {name: row[name] for name in publication.DataSet.PhysicalFile.primary_key}
        publication.DataSet.PhysicalFile.update1({**key, "verified_at": when})
    for row in publication.FileCheck.to_dicts():
        publication.FileCheck.update1({**row, "checked_at": row["checked_at"] - timedelta(days=days)})


def test_runs_with_a_limit_of_bytes_see_every_file_in_turn(archive):
    age_all(30)
    meta, _, largest = sizes(archive)[0], *sizes(archive)[-2:]
    seen = set()
    for expected in (1, 1, 1, 1):
        report = archive.verify(**ALL, max_bytes=largest)
        new = set(read_back()) - seen
        assert len(new) >= expected
        seen |= new
        if len(seen) == 4:
            break
    assert len(seen) == 4
    assert meta < largest
    report = archive.verify(**ALL, max_bytes=1)
    assert len(report.too_large) == 4
    assert not report.whole
    assert "Larger than the limit" in str(report)


def test_the_sum_tells_what_a_limit_left(archive):
    largest = sizes(archive)[-1]
    report = archive.verify(**ALL, max_bytes=largest)
    assert report.whole
    assert report.limit == "bytes"
    verified = sum(check.verified for check in report)
    assert verified + report.left_files == 4
    assert verified
    assert "Not read back within the limits" in str(report)
    assert {check.verdict for check in report} <= {"verified", "present"}


def test_what_was_read_back_lately_is_left_alone(archive):
    archive.verify(**ALL)
    first = read_back()
    report = archive.verify(**ALL, unchecked_for="8w")
    assert report.whole
    assert sum(check.verified for check in report) == 0
    assert read_back() == first
    age_all(60)
    report = archive.verify(**ALL, unchecked_for="8w")
    assert sum(check.verified for check in report) == 4


def test_a_time_to_come_hides_no_file(archive):
    """A manifest, or a clock that was wrong, may tell any time: nothing is known of it then."""
    age_all(10)
    for row in sorted(publication.DataSet.PhysicalFile.to_dicts(), key=lambda row: row["file_subpath"])[:2]:
        key = {name: row[name] for name in publication.DataSet.PhysicalFile.primary_key}
        publication.DataSet.PhysicalFile.update1({**key, "verified_at": datetime.fromisoformat("2999-01-01")})
    report = archive.verify(**ALL, unchecked_for="8w")
    assert sum(check.verified for check in report) == 2
    assert {check.verified for check in report} == {0, 2}


def test_a_sample_moves_on(archive):
    age_all(10)
    assert sum(check.verified for check in archive.verify(checksum="sample")) == 2
    first = set(read_back())
    assert sum(check.verified for check in archive.verify(checksum="sample")) == 2
    assert set(read_back()) > first
    assert len(read_back()) == 4


def test_when_the_time_is_over_the_next_run_begins_with_what_is_left(archive):
    report = archive.verify(**ALL, max_time="30min", clock=Hurry())
    assert (report.not_reached, len(report.sessions), report.limit) == (2, 0, "time")
    assert report.whole
    assert "Not reached within the limits: 2 sessions" in str(report)
    assert not publication.Verification()
    report = archive.verify(**ALL, max_time="90min", clock=Hurry())
    assert (report.not_reached, sum(check.verified for check in report), report.left_files) == (0, 0, 4)
    assert archive.verify(**ALL, max_time="1h").whole
    assert len(read_back()) == 4
