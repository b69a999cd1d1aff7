"""A night on a rig when the lab has thousands of sessions that lie elsewhere: their number costs no query."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipeline import database, experiment, lab
from pipeline.archive.walk import session_folders
from pipeline.board.status import status
from pipeline.database.bulk import bulk_update
from pipeline.database.lab_connection import LabConnection
from pipeline.states import LOST, TOLD_FOR


def enter(animals, days, first):
    """Enter sessions of animals that this rig has never seen."""
    subjects = range(first, first + animals)
    database.bulk_insert(lab.Subject, ({"subject_id": each} for each in subjects))
    database.bulk_insert(
        lab.WaterRestriction, ({"subject_id": each, "water_restriction_number": f"XY{each}"} for each in subjects)
    )
    day = date.fromisoformat("2015-01-01")
    database.bulk_insert(
        experiment.Session,
        (
            {"subject_id": each, "session": number + 1, "session_date": day + timedelta(days=number)}
            for each in subjects
            for number in range(days)
        ),
    )


@pytest.fixture
def asked(monkeypatch):
    """The queries that were asked, and the folders that were listed."""
    queries: list[str] = []
    folders: list[str] = []
    query, subfolders = LabConnection.query, session_folders.subfolders

    def counted(self, text, *args, **options):
        queries.append(text)
        return query(self, text, *args, **options)

    def listed(root, folder, strays, listing=None):
        folders.append(folder)
        return subfolders(root, folder, strays, listing)

    monkeypatch.setattr(LabConnection, "query", counted)
    monkeypatch.setattr(session_folders, "subfolders", listed)
    return queries, folders


def test_sessions_that_lie_elsewhere_cost_no_query_and_no_listing(each_bench, asked):
    bench, (queries, folders) = each_bench, asked
    bench.session("mine")
    assert bench.publish().whole

    def night():
        queries.clear()
        folders.clear()
        report = bench.rig.publish()
        assert report.whole
        seen = len(queries), list(folders), report.not_here
        queries.clear()
        rows = list(status(bench.rig.settings, ("ephys", "video")))
        return seen, (len(queries), len(rows))

    night()  # headings are known from here on
    (before, listed, absent), (asked_before, rows) = night()
    enter(animals=40, days=50, first=900_000)
    (after, listed_now, absent_now), (asked_after, rows_now) = night()
    assert (absent_now, rows_now) == (absent + 2000, rows + 2 * 2000)
    assert after == before
    assert asked_after == asked_before
    assert listed_now == listed
    assert not any("XY" in text for text in queries)


def test_what_a_rig_said_of_many_sessions_is_forgotten_at_once(bench, asked):
    """Sessions that were refused here, and whose folders are gone, are not asked for one by one."""
    from pipeline import publication
    from pipeline.locations import known

    bench.session("mine")
    assert bench.publish().whole
    enter(animals=5, days=50, first=900_000)
    computer = bench.rig.settings.archive.computer
    now = database.now()
    told = [
        {
            "globus_alias": known()["raw-ephys"].alias,
            "computer": computer,
            "subject_id": 900_000 + animal,
            "session": number + 1,
            "state": "refused",
            "reason": "of no use",
            "folders": "",
            "files": 1,
            "bytes": 1,
            "seen_at": now,
        }
        for animal in range(5)
        for number in range(50)
    ]
    database.bulk_insert(publication.SessionState, told)
    queries, _ = asked
    queries.clear()
    assert bench.publish().whole
    assert set(publication.SessionState().to_arrays("state")) == {LOST}
    assert sum("session_state" in text for text in queries) <= 8
    long_ago = now - TOLD_FOR - timedelta(days=1)
    lost = [{**row, "seen_at": long_ago} for row in publication.SessionState().to_dicts()]
    bulk_update(database.connection(), publication.SessionState, lost)
    queries.clear()
    assert bench.publish().whole
    assert not publication.SessionState()
    assert sum(text.startswith("DELETE") for text in queries) <= 3
