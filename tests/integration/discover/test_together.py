"""Sessions that are written together get the rows, and the words, that they get one after the other."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from pipeline import database, from_manifests, lab, publication
from pipeline.archive.filetypes import classify
from pipeline.archive.manifest import FileEntry, Manifest, to_json
from pipeline.archive.session import SessionRef
from pipeline.discovery import pages
from tests.integration.publish.bench import SC038

from .losing import LAB, PUBLICATION, discover, drop, rows, store_everything

EPHYS = {"types": ("ephys",)}


@pytest.fixture
def together(monkeypatch):
    """Choose how many sessions are written together; return how many were."""
    many = []
    write = pages._write

    def counted(items, held, *, lab):
        done = write(items, held, lab=lab)
        many.append(len(items))
        return done

    monkeypatch.setattr(pages, "_write", counted)

    def choose(sessions):
        many.clear()
        monkeypatch.setattr(from_manifests, "_SESSIONS", sessions)
        return many

    return choose


def describe(rig, number, *, said=None, subject=SC038, h2o="SC038", folder="", session=0):
    """Put a session and its manifest at the archive, later ones archived earlier."""
    day = date(2020, 1, 1) + timedelta(days=number)
    folder = folder or f"catgt_{h2o}_{day:%m%d%y}_g0"
    archive = rig.archive / "raw-ephys"
    entries = []
    for index in range(3):
        name = f"{h2o}/{folder}/{h2o}_{day:%m%d%y}_g0_tcat.imec0.part{index}.txt"
        (archive / name).parent.mkdir(parents=True, exist_ok=True)
        (archive / name).touch()
        entries.append(FileEntry(name, 0, 1_600_000_000, classify(name), "0" * 40, "computed"))
    ref = SessionRef(subject, session or number + 1, h2o, day, "12:00:00")
    at = datetime.fromisoformat("2020-06-01") - timedelta(hours=number)
    evidence = {"folders": sorted({entry.subpath.rpartition("/")[0] for entry in entries})}
    manifest = Manifest(ref, "ephys", "raw-ephys", 1, tuple(entries), at, evidence, said or {})
    (archive / manifest.subpath).write_bytes(to_json(manifest))


def test_all_that_manifests_carry_is_the_same(rig, together):
    store_everything(rig)
    rig.publish()
    drop(rig)
    together(1)
    alone = discover(rig, create_sessions=True)
    lost = rows(*PUBLICATION, *LAB)
    drop(rig)
    many = together(100)
    report = discover(rig, create_sessions=True)
    assert many == [len(report.sessions)]
    assert rows(*PUBLICATION, *LAB) == lost
    assert [repr(found) for found in report.sessions] == [repr(found) for found in alone.sessions]
    drop(rig, "publication")
    together(100)
    assert discover(rig).whole
    assert many == [len(report.sessions)]
    assert rows(*PUBLICATION, *LAB) == lost


def test_manifests_that_contradict_each_other_or_lie_are_told_as_ever(rig, together):
    animal = {"subject_id": SC038, "sex": "F", "subject_description": "one"}
    describe(rig, 0, said={"lab.Subject": [animal], "lab.Rig": [{"rig": "r1", "room": "a"}]})
    describe(rig, 1, said={"lab.Subject": [animal | {"sex": "M"}], "lab.Rig": [{"rig": "r1", "room": "b"}]})
    describe(rig, 2, said={"lab.Subject": [animal | {"colour": "white"}], "lab.Cage": [{"cage": 1}]})
    describe(rig, 3, said={"lab.Subject": [animal | {"sex": 7}]})
    describe(rig, 4, said={"lab.Person": [{"username": "u" * 99}]})
    row = {"subject_id": SC038, "session": 6, "session_date": "2020-01-06", "username": "kim", "rig": "r2"}
    describe(rig, 5, said={"experiment.Session": [row]})
    describe(rig, 6, said={"lab.Person": [{"username": "kim", "fullname": "Kim"}]})
    describe(rig, 7, subject=SC038 + 1, h2o="SC999")
    describe(rig, 8, subject=SC038 + 1, h2o="SC998", session=9)
    describe(rig, 9, folder="catgt_SC038_010120_g0")  # the folder of the first, other files
    describe(rig, 10)
    lab_only = {"subject_id": 7, "water_restriction_number": "SC997"}
    for number in (11, 12):
        describe(rig, number, subject=8, h2o="SC997")
    found = []
    for sessions in (1, 100):
        drop(rig)
        lab.Subject.insert1({"subject_id": 7})
        lab.WaterRestriction.insert1(lab_only)
        together(sessions)
        report = discover(rig, create_sessions=True, **EPHYS)
        found.append((sorted(map(repr, report.sessions)), rows(*PUBLICATION, *LAB)))
    assert found[0] == found[1]
    states = [each.state for each in report.sessions]
    assert states.count("refused") == 5
    assert any("sex 'F', the manifest says 'M'" in note for each in report.sessions for note in each.notes)


def test_a_session_that_somebody_works_on_is_left_and_the_others_are_written(rig, together, monkeypatch):
    drop(rig)
    for number in range(6):
        describe(rig, number)
    now = database.now()
    claim = {"subject_id": SC038, "session": 3, "globus_alias": "raw-ephys", "computer": "rig-2", "process_id": 1}
    owner = "5f0e4cb1-0000-4000-8000-00000000000a"
    later = now.replace(year=now.year + 1)
    write = pages.write

    def taken_before(items, *, lab):
        publication.Claim.insert1({**claim, "owner": owner, "claimed_at": now, "expires_at": later})
        return write(items, lab=lab)

    monkeypatch.setattr(pages, "write", taken_before)
    many = together(100)
    report = discover(rig, create_sessions=True, **EPHYS)
    assert [found.session for found in report.having("in flight")] == [3]
    assert "rig-2" in report.having("in flight")[0].reason
    assert len(publication.DataSet()) == len(report.having("discovered")) == 5
    assert many == [2, 3]  # the newest first, before it and after it
    assert len(publication.Claim()) == 1


def test_when_they_cannot_be_written_together_each_is_written_by_itself(rig, together, monkeypatch):
    """A lease is lost in the middle; somebody else makes a row of the same animal."""
    drop(rig)
    for number in range(4):
        describe(rig, number)
    happened = []

    def step(name):
        if not happened:
            (publication.Claim() & {"session": 2}).delete_quick()
            lab.Subject.insert1({"subject_id": SC038, "sex": "F"}, skip_duplicates=True)
        happened.append(name)

    monkeypatch.setattr(pages, "step", step)
    many = together(100)
    report = discover(rig, create_sessions=True, **EPHYS)
    assert report.whole
    assert len(report.having("discovered")) == 4
    assert many == []
    assert set(happened) == {"discover: claimed"}
    assert len(publication.ArchivedRawEphys()) == 4
    assert not publication.Claim()


def test_what_is_at_the_archive_no_more_gets_no_row_and_hinders_nobody(rig, together):
    drop(rig)
    for number in range(5):
        describe(rig, number)
    next((rig.archive / "raw-ephys/SC038").glob("catgt_*010320*/*part1*")).unlink()
    many = together(100)
    report = discover(rig, create_sessions=True, **EPHYS)
    assert [found.session for found in report.having("refused")] == [3]
    assert len(publication.DataSet.PhysicalFile()) == 4 * 3
    assert many == [2, 2]
