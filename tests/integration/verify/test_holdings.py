"""What the index holds by any restriction, and what is said when it holds nothing of what was asked for."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline import database, experiment, holdings, publication
from pipeline.absent import absent, nothing_matches
from pipeline.holdings import by_names, keys, tables

ARCHIVED = publication.ArchivedRawEphys
SUBJECT = 480133


def rows(alias, number, *, files=3, h2o="SC038", day=1, manifest="m"):
    """Enter an archived session of some files."""
    name = f"ephys-{SUBJECT}-{number:04d}"
    key = {"globus_alias": alias, "dataset_name": name}
    facts = {"dataset_type": "ephys", "dataset_generation": 1, "dataset_manifest": manifest, "dataset_h2o": h2o}
    publication.DataSet.insert1({**key, **facts, "dataset_date": date(2020, 1, day)})
    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import SessionRef
    from pipeline.rows import file_rows

    session = SessionRef(SUBJECT, number, h2o, date(2020, 1, day))
    entries = [FileEntry(f"{h2o}/{number}/{n:03d}.bin", n, n, "unknown") for n in range(files)]
    made = Manifest(session, "ephys", alias, 1, tuple(entries))
    database.bulk_insert(publication.DataSet.PhysicalFile, file_rows(made, made.files))
    when = {"archived_at": "2020-02-01", "generation": 1, "evidence": {"task": str(number)}}
    experiment_key = {"subject_id": SUBJECT, "session": number}
    table = publication.ArchivedRawEphys
    table.insert1({**experiment_key, **key, **when}, allow_direct_insert=True)
    return made


@pytest.fixture
def index(lab_database):
    """Three archived sessions at two locations, and two that are not archived."""
    from pipeline import lab

    database.bind(lab_database)
    lab.Subject.insert1({"subject_id": SUBJECT})
    lab.WaterRestriction.insert1({"subject_id": SUBJECT, "water_restriction_number": "SC038"})
    for number in range(1, 6):
        experiment.Session.insert1({"subject_id": SUBJECT, "session": number, "session_date": date(2020, 1, number)})
    for alias in ("raw-ephys", "older"):
        endpoint = "d3e0a001-0000-4000-8000-00000000a002"
        publication.GlobusStorageLocation.insert1(
            {"globus_alias": alias, "globus_endpoint": endpoint, "globus_path": f"/{alias}", "dataset_type": "ephys"}
        )
    return [rows("raw-ephys", 2, day=2), rows("raw-ephys", 1, files=0), rows("older", 3, day=3, manifest="")]


def test_holdings_of_any_restriction_in_order_and_in_small_bites(index, monkeypatch):
    two, one, three = index
    for files, datasets in ((20_000, 100), (1, 1)):
        monkeypatch.setattr(holdings, "_FILES", files)
        monkeypatch.setattr(holdings, "_DATASETS", datasets)
        found = list(holdings.holdings(ARCHIVED()))
        assert [each.manifest.session for each in found] == [three.session, one.session, two.session]
        assert [each.manifest.files for each in found] == [three.files, one.files, two.files]
        assert [each.present_only for each in found] == [True, False, False]
        assert [each.manifest.evidence["task"] for each in found] == ["3", "1", "2"]
        assert found[0].location.path == "/older"
    late = experiment.Session & "session_date >= '2020-01-02'"
    for table in (
        ARCHIVED & {"session": 2},
        ARCHIVED & late & {"globus_alias": "raw-ephys"},
        ARCHIVED - [{"session": 1}, {"session": 3}],
        ARCHIVED & (publication.DataSet.PhysicalFile & "file_size > 0") & "globus_alias = 'raw-ephys'",
        *tables(("ephys",), [late], "raw-ephys"),
        *by_names(("ephys",), ["sc038"], since=date(2020, 1, 2), until=date(2020, 1, 2)),
    ):
        assert [each.key for each in holdings.holdings(table)] == [two.session.key]
        assert keys(table) == [(two.session.key, "raw-ephys")]
    assert not list(holdings.holdings(ARCHIVED & {"session": 9}))


def test_what_was_asked_for_and_is_not_archived(index):
    day = {"session": 4}
    (missing, _) = absent([ARCHIVED & day])
    assert str(missing) == "SC038 (subject 480133) session 4 of 2020-01-04 is not archived at older"
    said = nothing_matches([ARCHIVED & day])
    assert "session 4" in said.message
    assert "publication-discover" in said.remedy
    state = {"computer": "rig-2", "folders": "", "files": 1, "bytes": 1, "seen_at": "2026-01-01"}
    here = {"subject_id": SUBJECT, "session": 4, "globus_alias": "raw-ephys"}
    publication.SessionState.insert1({**here, **state, "state": "refused", "reason": "damaged"})
    assert "refused at raw-ephys (says rig-2, damaged)" in nothing_matches([ARCHIVED & day]).message
    gone = {"dataset_name": "x", "generation": 1, "withdrawn_at": "2026-01-02", "computer": "desk"}
    publication.Withdrawal.insert1({**here, **gone})
    withdrawn = nothing_matches([ARCHIVED & day])
    assert "no longer in the index" in withdrawn.message
    assert "withdrawn at raw-ephys" in withdrawn.message
    assert "publication-discover --restore" in withdrawn.remedy
    assert "No session of the lab" in nothing_matches([ARCHIVED & {"session": 99}]).message
    # What only archived rows have cannot be asked of the lab's sessions.
    assert "No archived session" in nothing_matches([ARCHIVED & "generation = 7"]).message
    assert "1 of ephys" not in nothing_matches([ARCHIVED & {"session": 99}]).remedy
    assert "3 of ephys" in nothing_matches([ARCHIVED & {"session": 99}]).remedy
    late = experiment.Session & "session_date >= '2020-01-05'"
    assert "session 5" in nothing_matches([ARCHIVED & late]).message
    for table in tables(("video",), [late]):
        assert "Nothing is archived yet" in nothing_matches([table]).message
