"""Values and names come back as they were stored, the same on every server."""

import unicodedata
import uuid
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from pipeline import database
from pipeline.errors import DatabaseError, UsageError

ENDPOINT = uuid.UUID("12345678-9abc-4def-8012-3456789abcde")
DATASET = {"globus_alias": "raw-ephys", "dataset_name": "ephys-1-0001"}
TWINS = [
    "SC026/A.bin",
    "SC026/a.bin",
    "SC026/a.bin ",
    " SC026/a.bin",
    unicodedata.normalize("NFC", "SC026/é.bin"),
    unicodedata.normalize("NFD", "SC026/é.bin"),
    "SC026/ß.bin",
    "SC026/ss.bin",
    'SC026/100%_sure\'s "x";--.bin',
    "SC026/%s {0} %(x)s.bin",
    "SC026/línea\nnueva.bin",
    "SC026/🐭.bin",
]


def file_row(subpath, **more):
    return {
        **DATASET,
        "file_id": uuid.uuid5(ENDPOINT, subpath),
        "file_subpath": subpath,
        "file_type": "some-type",
        "file_size": 76_000_000_000,
        "file_mtime": 1_574_000_000,
        "file_sha1": None,
        "sha1_source": None,
        "verified_at": None,
        "verified_how": None,
        "file_generation": 1,
        **more,
    }


@pytest.fixture
def archive(lab_database):
    from pipeline import publication

    database.bind(lab_database)
    database.insert_if_absent(
        publication.FileType, {"file_type": "some-type", "file_glob": "*", "file_type_description": ""}
    )
    publication.GlobusStorageLocation.insert1(
        {"globus_alias": "raw-ephys", "globus_endpoint": ENDPOINT, "globus_path": "/4D", "dataset_type": "ephys"}
    )
    day = {"dataset_h2o": "SC038", "dataset_date": "2019-11-19"}
    publication.DataSet.insert1(
        {**DATASET, **day, "dataset_type": "ephys", "dataset_generation": 1, "dataset_manifest": "m"}
    )
    return publication


@pytest.fixture
def session(archive):
    from pipeline import experiment, lab

    lab.Subject.insert1({"subject_id": 407513})
    experiment.Session.insert1({"subject_id": 407513, "session": 1, "session_date": date(2021, 1, 1)})
    return {"subject_id": 407513, "session": 1}


def test_names_that_differ_in_a_byte_are_different_files(archive):
    assert database.bulk_insert(archive.DataSet.PhysicalFile, [file_row(name) for name in TWINS]) == len(TWINS)
    stored = sorted(row["file_subpath"] for row in archive.DataSet.PhysicalFile.to_dicts())
    assert stored == sorted(TWINS)


def test_a_name_restricts_to_itself_alone(archive):
    database.bulk_insert(archive.DataSet.PhysicalFile, [file_row(name) for name in TWINS])
    for name in TWINS:
        found = archive.DataSet.PhysicalFile & {"file_subpath": name}
        assert [row["file_subpath"] for row in found.to_dicts()] == [name]


def test_names_as_keys_are_compared_by_byte_too(lab_database):
    from pipeline import lab

    database.bind(lab_database)
    names = ["rig1", "Rig1", "rig1 ", "ríg1"]
    lab.Rig.insert([{"rig": name} for name in names])
    assert sorted(row["rig"] for row in lab.Rig.to_dicts()) == sorted(names)
    assert len(lab.Rig & {"rig": "rig1"}) == 1


@pytest.mark.parametrize("length", [128, 129, 255, 1024])
def test_long_subpaths_are_stored_whole(archive, length):
    name = "é" * length
    database.bulk_insert(archive.DataSet.PhysicalFile, [file_row(name)])
    assert archive.DataSet.PhysicalFile.to_dicts()[0]["file_subpath"] == name


def test_a_subpath_that_is_too_long_is_refused_not_cut(archive):
    with pytest.raises(DatabaseError, match=r"file_subpath|too long"):
        database.bulk_insert(archive.DataSet.PhysicalFile, [file_row("x" * 1025)])
    assert len(archive.DataSet.PhysicalFile()) == 0


def test_all_types_come_back_as_they_went(archive, session):
    key = {**session, "globus_alias": "raw-ephys"}
    at = datetime(2021, 1, 1, 23, 59, 59, 987654, tzinfo=UTC).replace(tzinfo=None)
    evidence = {"task": str(ENDPOINT), "files": 3, "rate": 0.5, "none": None, "list": [1, "é'\"\\"], "ok": True}
    row = {**key, "dataset_name": DATASET["dataset_name"], "archived_at": at, "generation": 1, "evidence": evidence}
    archive.ArchivedRawEphys.insert1(row, allow_direct_insert=True)
    assert archive.ArchivedRawEphys.to_dicts() == [row]
    assert (archive.ArchivedRawEphys & key).fetch1() == row

    payload = bytes(range(256)) * 8
    transfer = {
        "transfer_id": ENDPOINT,
        "purpose": "publish",
        "state": "planned",
        "submission_id": None,
        "task_id": uuid.UUID(int=0),
        "label": "a label",
        "identity": None,
        "body_sha256": "a" * 64,
        "request": payload,
        "left_behind": None,
        "computer": "rig-7",
        "created_at": at,
        "submitted_at": None,
        "ended_at": None,
        "outcome": None,
    }
    archive.Transfer.insert1(transfer)
    database.bulk_insert(archive.Transfer, [{**transfer, "transfer_id": uuid.UUID(int=7)}])
    assert archive.Transfer.to_dicts(order_by="transfer_id") == [
        {**transfer, "transfer_id": uuid.UUID(int=7)},
        transfer,
    ]
    part = {**transfer_part(ENDPOINT), "payload": payload}
    archive.Transfer.Session.insert1(part)
    assert archive.Transfer.Session.to_dicts() == [part]


def transfer_part(transfer_id):
    return {
        "transfer_id": transfer_id,
        "subject_id": 2_000_000_000,
        "session": 32767,
        "globus_alias": "raw-ephys",
        "generation": 1,
    }


def test_uuids_restrict_update_and_join(archive):
    other = uuid.UUID(int=5)
    archive.GlobusStorageLocation.insert1(
        {"globus_alias": "b", "globus_endpoint": other, "globus_path": "/b", "dataset_type": "video"}
    )
    assert len(archive.GlobusStorageLocation & {"globus_endpoint": ENDPOINT}) == 1
    assert len(archive.GlobusStorageLocation & {"globus_endpoint": str(other)}) == 1
    assert len(archive.GlobusStorageLocation & [{"globus_endpoint": ENDPOINT}, {"globus_endpoint": other}]) == 2
    assert len(archive.GlobusStorageLocation - {"globus_endpoint": ENDPOINT}) == 1
    archive.GlobusStorageLocation.update1({"globus_alias": "b", "globus_endpoint": uuid.UUID(int=6)})
    assert (archive.GlobusStorageLocation & {"globus_alias": "b"}).fetch1("globus_endpoint") == uuid.UUID(int=6)
    database.bulk_insert(archive.DataSet.PhysicalFile, [file_row("x")])
    joined = archive.DataSet * archive.DataSet.PhysicalFile & {"file_id": file_row("x")["file_id"]}
    assert joined.to_dicts()[0]["file_id"] == file_row("x")["file_id"]


def test_what_is_unknown_is_none_everywhere(archive, session):
    from pipeline import ephys, experiment, lab

    lab.WaterRestriction.insert1({"subject_id": 407513, "water_restriction_number": "SC026"})
    assert lab.WaterRestriction.fetch1()["wr_start_weight"] is None
    insertion = {**session, "insertion_number": 1}
    ephys.ProbeInsertion.insert1(insertion)
    facts = {
        **insertion,
        "recording_id": ENDPOINT,
        "recording_subpath": "SC026/x.meta",
        "recording_band": "ap",
        "recording_gate": None,
        "recording_trigger": None,
        "sample_rate": 30_000.123456789,
        "n_channels": 385,
        "duration": None,
        "file_size": None,
        "recording_start": None,
    }
    database.bulk_insert(ephys.ProbeInsertion.Recording, [facts])
    assert ephys.ProbeInsertion.Recording.to_dicts() == [facts]
    assert experiment.Session.fetch1() == {
        **session,
        "session_date": date(2021, 1, 1),
        "session_time": None,
        "session_timezone": None,
        "username": None,
        "rig": None,
    }


def test_deleting_a_master_takes_its_parts_and_children_along(archive, session):
    from pipeline import lab

    archive.Transfer.insert1(
        {
            "transfer_id": ENDPOINT,
            "purpose": "p",
            "state": "s",
            "label": "",
            "computer": "c",
            "created_at": database.now(),
        }
    )
    archive.Transfer.Session.insert1({**transfer_part(ENDPOINT), "payload": b""})
    (archive.Transfer & {"transfer_id": ENDPOINT}).delete()
    assert len(archive.Transfer.Session()) == 0
    database.bulk_insert(archive.DataSet.PhysicalFile, [file_row("x")])
    key = {**session, **DATASET, "archived_at": database.now(), "generation": 1, "evidence": {}}
    archive.ArchivedRawEphys.insert1(key, allow_direct_insert=True)
    lab.Subject.delete()
    assert len(archive.ArchivedRawEphys()) == 0
    assert len(archive.DataSet.PhysicalFile()) == 1
    archive.DataSet.delete()
    assert len(archive.DataSet.PhysicalFile()) == 0


def test_the_server_clock_is_utc(lab_database):
    database.bind(lab_database)
    difference = abs(database.now() - datetime.now(UTC).replace(tzinfo=None))
    assert difference < timedelta(seconds=5)
    assert database.now().tzinfo is None


def test_instants_with_a_zone_are_stored_in_utc(archive):
    east = datetime(2021, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    database.bulk_insert(archive.DataSet.PhysicalFile, [file_row("x", verified_at=east)])
    assert archive.DataSet.PhysicalFile.fetch1("verified_at").isoformat() == "2020-12-31T22:30:00"


def test_many_rows_go_in_batches(archive):
    rows = (file_row(f"SC026/{i:06d}.bin") for i in range(3_500))
    assert database.bulk_insert(archive.DataSet.PhysicalFile, rows) == 3_500
    assert len(archive.DataSet.PhysicalFile()) == 3_500


def test_no_rows_are_no_error(archive):
    assert database.bulk_insert(archive.DataSet.PhysicalFile, []) == 0


def test_a_bulk_insert_in_a_transaction_is_whole_or_nothing(archive):
    rows = [file_row(f"{i}") for i in range(1_500)]
    with pytest.raises(Exception, match=r"(?i)duplicate"), database.transaction():
        database.bulk_insert(archive.DataSet.PhysicalFile, [*rows, rows[0]])
    assert len(archive.DataSet.PhysicalFile()) == 0


def test_unknown_and_differing_attributes_are_refused(archive):
    with pytest.raises(UsageError, match="no attribute colour"):
        database.bulk_insert(archive.DataSet.PhysicalFile, [file_row("x", colour=1)])
    short = file_row("y")
    del short["file_sha1"]
    with pytest.raises(UsageError, match="differ in their attributes"):
        database.bulk_insert(archive.DataSet.PhysicalFile, [file_row("x"), short])


def test_insert_if_absent_tells_who_was_first_and_spares_the_transaction(lab_database):
    from pipeline import lab

    database.bind(lab_database)
    with database.transaction():
        assert database.insert_if_absent(lab.Subject, {"subject_id": 1, "sex": "M"}) is True
        assert database.insert_if_absent(lab.Subject, {"subject_id": 1, "sex": "F"}) is False
        assert database.insert_if_absent(lab.Subject, {"subject_id": 2}) is True
    assert [row["sex"] for row in lab.Subject.to_dicts(order_by="subject_id")] == ["M", "U"]
    lab.WaterRestriction.insert1({"subject_id": 1, "water_restriction_number": "SC001"})
    taken = {"subject_id": 2, "water_restriction_number": "SC001"}
    assert database.insert_if_absent(lab.WaterRestriction, taken) is False


def test_insert_if_absent_does_not_hide_other_errors(lab_database):
    from pipeline import lab

    database.bind(lab_database)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        database.insert_if_absent(lab.WaterRestriction, {"subject_id": 99, "water_restriction_number": "SC099"})
    with pytest.raises(DatabaseError):
        database.insert_if_absent(lab.Rig, {"rig": "x" * 25})
