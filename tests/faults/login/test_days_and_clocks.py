"""Clocks that are wrong, hours that come twice or never, days of another year's weeks: the right session."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from mapshell.demo.recordings import write_recording
from pipeline import publication
from pipeline.work import SystemClock
from tests.integration.discover.losing import PUBLICATION, discover, drop, rows
from tests.integration.publish.bench import DAY, EPHYS, PROBE, SC048, only, write


class Off(SystemClock):
    """A clock that somebody set wrong."""

    def __init__(self, by):
        self._by = by

    def now(self):
        return super().now() + self._by


def owners(bench):
    """Return which session of the tables has which folder at the archive."""
    names = {key: name for name, key in bench.keys.items()}
    found = {}
    for row in publication.ArchivedRawEphys.to_dicts():
        files = publication.DataSet.PhysicalFile & {"dataset_name": row["dataset_name"]}
        found[names[row["subject_id"], row["session"]]] = {
            each["file_subpath"].split("/")[1] for each in files.to_dicts()
        }
    return found


@pytest.mark.fault(31)
@pytest.mark.parametrize("days", [-1, 1, 400])
def test_the_clock_of_the_rig_is_wrong(each_bench, monkeypatch, days):
    """Leases, and what is too new to be archived, are told by other clocks; dates of sessions by none."""
    bench = each_bench
    folders = {name: bench.session(name) for name in ("yesterday", "today", "tomorrow")}
    off, right = timedelta(days=days), time.time
    monkeypatch.setattr(time, "time", lambda: right() + off.total_seconds())
    report = bench.publish(clock=Off(off))
    assert report.whole, report
    assert owners(bench) == {name: {folder.name} for name, folder in folders.items()}
    stamps = [row["archived_at"] for row in publication.ArchivedRawEphys.to_dicts()]
    assert not publication.Claim()
    monkeypatch.undo()
    assert all(abs(stamp - SystemClock().now()) < timedelta(days=401) for stamp in stamps)
    assert not any(outcome.sent_files for outcome in bench.publish().outcomes)
    assert bench.archived_keys() == set(bench.keys.values())


@pytest.mark.fault(31)
def test_hours_that_come_twice_or_never(bench):
    """2020-11-01 had 01:00 to 02:00 twice in New York, 2021-03-14 had no 02:00 to 03:00."""
    starts = {
        "before": "2020-11-01T00:40:00",
        "first": "2020-11-01T01:30:00",
        "second": "2020-11-01T01:45:00",
        "after": "2020-11-01T03:30:00",
        "never": "2021-03-14T02:30:00",
        "spring": "2021-03-14T03:20:00",
    }
    folders = {}
    for name, text in starts.items():
        start = datetime.fromisoformat(text)
        bench.enter(name, start.date(), f"{start:%H:%M:%S}")
    for name, text in starts.items():
        start = datetime.fromisoformat(text) + timedelta(seconds=40)
        folders[name] = bench.record(f"SC038_{start:%m%d%y}_{start:%H%M%S}", start, timezone="America/New_York")
    assert bench.publish().whole
    expected = {name: {folder.name} for name, folder in folders.items()}
    assert owners(bench) == expected
    for name, folder in folders.items():
        file = only(folder, "*.bin")
        row = bench.indexed()[file.relative_to(bench.ephys).as_posix()]
        assert row["file_mtime"] == int(file.stat().st_mtime), name
    before = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    assert discover(bench.rig, types=EPHYS).whole
    assert rows(*PUBLICATION) == before


@pytest.mark.fault(31)
def test_days_whose_week_belongs_to_another_year(bench):
    """Every day of 2018 to 2025 that ``%G`` gives another year than ``%Y``, beside the day that this would name."""
    day, days = datetime(2018, 1, 1, 10), []  # noqa: DTZ001 - local time, as a rig's
    while day.year < 2026:
        if day.isocalendar().year != day.year:
            days.append(day)
        day += timedelta(days=1)
    assert len(days) > 10
    folders = {}
    wrong = {day.replace(year=day.isocalendar().year) for day in days if day.isocalendar().year < 2026} - set(days)
    for each in sorted({*days, *wrong}):
        name = f"{each:%Y-%m-%d}"
        bench.enter(name, each.date(), f"{each:%H:%M:%S}")
        folders[name] = bench.record(f"SC038_{each:%m%d%y}", each)
    assert bench.publish().whole
    assert owners(bench) == {name: {folder.name} for name, folder in folders.items()}


@pytest.mark.fault(31)
def test_the_iso_years_of_new_years_day(bench):
    new_year = DAY.replace(year=2021, month=1, day=1)
    bench.enter("new year", new_year, "10:00:00", subject=SC048)
    names = {
        "agrees": "catgt_SC048_010120_g0",  # as the predecessor wrote 2021-01-01
        "own": "catgt_SC048_010121_g0",
    }

    def record(name, start):
        place = bench.ephys / "SC048" / name
        run = name.removeprefix("catgt_").removesuffix("_g0")
        write_recording(place, run, probes=(PROBE,), start=start, seconds=0.01, channels=2, nidq=False, trigger="cat")
        return place

    own = record(names["own"], new_year)
    legacy = record(names["agrees"], new_year + timedelta(minutes=1))
    silent = write(bench.ephys / "SC048/SC048_010120_old_g0/notes.txt", b"no meta tells when").parent
    report = bench.publish()
    assert bench.outcomes(report)["new year"].state == "archived"
    bench.assert_archived(own, legacy)
    bench.assert_untouched(silent)
    (stray,) = report.strays
    assert stray.folder.endswith(silent.name)
    assert "no session of SC048 on 2020-01-01" in stray.reason
