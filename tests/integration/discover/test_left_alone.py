"""What was deleted or reassigned on purpose stays so; what was merely lost comes back."""

from __future__ import annotations

import json

import pytest

from mapshell.demo.recordings import write_recording
from pipeline import experiment, publication
from pipeline.board.status import status
from pipeline.errors import UsageError
from tests.integration.publish.bench import DAY, PROBE, SC038, SC048, write

from .losing import PUBLICATION, discover, drop, rows

EPHYS = {"types": ("ephys",)}


def states(report):
    return [found.state for found in report.sessions]


@pytest.fixture
def archived(bench):
    """One archived session."""
    bench.session("one")
    assert bench.publish().whole
    return bench


@pytest.fixture
def archived_there(each_bench):
    """The same, on each database."""
    each_bench.session("one")
    assert each_bench.publish().whole
    return each_bench


@pytest.mark.parametrize("quick", [False, True])
def test_a_deleted_archived_row_is_a_withdrawal(archived_there, quick):
    lost = rows(*PUBLICATION)
    table = publication.ArchivedRawEphys & {"subject_id": SC038}
    _ = table.delete_quick() if quick else table.delete(prompt=False)
    (row,) = publication.Withdrawal.to_dicts()
    assert (row["subject_id"], row["session"], row["globus_alias"]) == (*archived_there.keys["one"], "raw-ephys")
    report = discover(archived_there.rig, **EPHYS)
    assert states(report) == ["withdrawn"]
    assert "--restore" in report.sessions[0].remedy
    assert report.whole
    assert not publication.ArchivedRawEphys()
    (told,) = status(archived_there.rig.settings, ["ephys"])
    assert told.state == "withdrawn"
    assert "its archived row was deleted on" in told.reason
    assert states(discover(archived_there.rig, restore=True, dry_run=True, **EPHYS)) == ["discovered"]
    assert not publication.ArchivedRawEphys()
    assert states(discover(archived_there.rig, restore=True, **EPHYS)) == ["discovered"]
    assert rows(*PUBLICATION) == lost
    assert not publication.Withdrawal()
    assert [told.state for told in status(archived_there.rig.settings, ["ephys"])] == ["archived"]


def test_a_deletion_that_is_rolled_back_withdraws_nothing(archived):
    from pipeline import database

    def work():
        with database.transaction():
            publication.ArchivedRawEphys.delete_quick()
            raise UsageError("enough", remedy="none")

    with pytest.raises(UsageError, match="enough"):
        work()
    assert not publication.Withdrawal()
    assert len(publication.ArchivedRawEphys()) == 1


def test_a_person_who_does_not_confirm_deletes_and_withdraws_nothing(archived, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: "no")
    assert publication.ArchivedRawEphys.delete(prompt=True) == 0
    assert not publication.Withdrawal()
    assert len(publication.ArchivedRawEphys()) == 1
    monkeypatch.setattr("builtins.input", lambda *_: "yes")
    assert publication.ArchivedRawEphys.delete(prompt=True) == 1
    assert len(publication.Withdrawal()) == 1


def test_a_dataset_deleted_on_purpose_stays_deleted(archived_there):
    lost = rows(*PUBLICATION)
    (publication.DataSet & {"dataset_type": "ephys"}).delete(prompt=False)
    assert len(publication.Withdrawal()) == 1
    assert states(discover(archived_there.rig, **EPHYS)) == ["withdrawn"]
    publication.Withdrawal.delete_quick()
    report = discover(archived_there.rig, **EPHYS)
    assert states(report) == ["deleted"]  # the journal knows
    assert not publication.DataSet()
    assert states(discover(archived_there.rig, restore=True, **EPHYS)) == ["discovered"]
    assert rows(*PUBLICATION) == lost


def test_what_was_deleted_after_the_index_was_rebuilt_is_not_made_again(archived_there):
    """There is no journal then: what the person deleted must be remembered by itself."""
    drop(archived_there.rig, "publication")
    assert discover(archived_there.rig, **EPHYS).whole
    experiment.Session.delete(prompt=False)  # takes the archived row along, and leaves the dataset
    publication.DataSet.delete(prompt=False)
    report = discover(archived_there.rig, create_sessions=True, **EPHYS)
    assert states(report) == ["withdrawn"]
    assert report.folders == []  # the withdrawal is told once, not of its folder as well
    assert not experiment.Session()
    assert states(discover(archived_there.rig, create_sessions=True, restore=True, **EPHYS)) == ["discovered"]


def test_a_session_deleted_from_the_lab_is_not_made_again(archived):
    lost = rows(*PUBLICATION, "experiment.Session")
    experiment.Session.delete(prompt=False)
    assert states(discover(archived.rig, **EPHYS)) == ["deleted"]
    assert states(discover(archived.rig, create_sessions=True, **EPHYS)) == ["deleted"]
    assert not experiment.Session()
    report = discover(archived.rig, create_sessions=True, restore=True, **EPHYS)
    assert states(report) == ["discovered"]
    assert rows(*PUBLICATION, "experiment.Session") == lost


def test_a_session_deleted_and_entered_again_gets_its_row_back(archived_there):
    lost = rows(*PUBLICATION, "experiment.Session")
    (row,) = experiment.Session.to_dicts()
    experiment.Session.delete(prompt=False)
    experiment.Session.insert1({**row, "session_time": "23:11:00"})
    refused = archived_there.publish()
    assert "publication-discover" in refused.outcomes[0].remedy or "correct the session" in refused.outcomes[0].remedy
    report = discover(archived_there.rig, **EPHYS)
    assert states(report) == ["refused"]
    assert "archived as" in report.sessions[0].reason
    experiment.Session.update1(row)
    assert "publication-discover" in archived_there.publish().outcomes[0].remedy
    assert states(discover(archived_there.rig, **EPHYS)) == ["discovered"]
    assert rows(*PUBLICATION, "experiment.Session") == lost
    assert archived_there.publish().whole


def test_an_index_that_is_older_than_the_archive_is_brought_forward(archived_there):
    first = rows(*PUBLICATION)
    write(next(archived_there.ephys.glob("SC038/*_g0")) / "notes.txt", b"later")
    assert archived_there.publish().whole
    second = rows(*PUBLICATION)
    assert second != first
    drop(archived_there.rig, "publication")
    (newest,) = [path for path in archived_there.rig.manifests().values() if "manifest-0002" in path.name]
    aside = newest.rename(archived_there.rig.folder / newest.name)
    assert states(discover(archived_there.rig, **EPHYS)) == ["discovered"]
    assert rows(*PUBLICATION) == first
    aside.rename(newest)
    report = discover(archived_there.rig, **EPHYS)
    assert states(report) == ["discovered"]
    assert report.sessions[0].generation == 2
    assert rows(*PUBLICATION) == second


def test_an_index_that_is_newer_than_the_archive_is_named_and_kept(archived):
    write(next(archived.ephys.glob("SC038/*_g0")) / "notes.txt", b"later")
    assert archived.publish().whole
    before = rows(*PUBLICATION)
    one, two = sorted(archived.rig.manifests().values())
    two.unlink()
    report = discover(archived.rig, **EPHYS)
    assert states(report) == ["refused"]
    assert "generation 2" in report.sessions[0].reason
    assert "publication-verify" in report.sessions[0].remedy
    one.unlink()
    assert "does not list its manifest" in discover(archived.rig, **EPHYS).sessions[0].reason
    assert rows(*PUBLICATION) == before


def test_an_index_that_says_something_else_is_named_and_kept(archived):
    (file, *_) = publication.DataSet.PhysicalFile.to_dicts()
    key = {name: file[name] for name in publication.DataSet.PhysicalFile.primary_key}
    publication.DataSet.PhysicalFile.update1({**key, "file_sha1": "0" * 40})
    publication.ArchivedRawEphys.delete_quick()
    before = rows(*PUBLICATION)
    report = discover(archived.rig, restore=True, **EPHYS)
    assert states(report) == ["refused"]
    assert "with other files" in report.sessions[0].reason
    assert rows(*PUBLICATION) == before


def test_sessions_that_only_a_manifest_knows_are_named_and_made_on_demand(archived):
    lost = rows(*PUBLICATION, "experiment.Session")
    drop(archived.rig, "publication", "tracking", "ephys", "experiment")
    report = discover(archived.rig, **EPHYS)
    assert states(report) == ["no session"]
    assert "--create-sessions" in report.sessions[0].remedy
    assert not experiment.Session()
    assert states(discover(archived.rig, create_sessions=True, **EPHYS)) == ["discovered"]
    assert rows(*PUBLICATION, "experiment.Session") == lost


def test_restrictions_hold_on_class_and_instance_and_for_what_was_lost(each_bench):
    for name in ("one", "two", "three"):
        each_bench.session(name)
    assert each_bench.publish().whole
    drop(each_bench.rig, "publication")
    table = publication.ArchivedRawEphys
    assert states((table & {"session": 2, "globus_alias": "raw-ephys"}).discover(dry_run=True)) == ["discovered"]
    assert not publication.GlobusStorageLocation()
    assert states((table & (experiment.Session & "session_date < '2020-05-02'")).discover()) == ["discovered"]
    assert each_bench.archived_keys() == {each_bench.keys["one"]}
    assert states(table.discover({"session": 2}, dry_run=True)) == ["discovered"]
    assert states((table() & (experiment.Session & {"session": 2})).discover()) == ["discovered"]
    assert each_bench.archived_keys() == {each_bench.keys["one"], each_bench.keys["two"]}
    assert states((table - [{"session": 3}]).discover()) == ["known", "known"]
    assert states(table().discover(subjects=["sc038"], since="2020-05-03")) == ["discovered"]
    with pytest.raises(UsageError, match="No session of the lab"):
        (table & {"subject_id": 1}).discover()
    with pytest.raises(UsageError, match="generation"):
        (table & "generation > 1").discover()
    with pytest.raises(UsageError, match=r"no subject SC083") as raised:
        table.discover(subjects=["SC083"])
    assert "SC038" in raised.value.remedy
    drop(each_bench.rig)
    assert states((table & {"session": 2}).discover(create_sessions=True)) == ["discovered"]
    assert [row["session"] for row in experiment.Session.to_dicts()] == [2]
    assert states(table.discover(subjects=[SC038], until="2020-05-01", create_sessions=True)) == ["discovered"]
    with pytest.raises(UsageError, match="neither in the lab's tables nor at the archive") as raised:
        table.discover(subjects=["SC0388"], create_sessions=True)
    assert "SC038" in raised.value.remedy


def test_one_animal_is_brought_back_by_any_of_its_names(archived):
    archived.enter("other", DAY.date(), subject=SC048)
    place = archived.ephys / "SC048" / "SC048_050120_g0"
    write_recording(place, "SC048_050120", probes=(PROBE,), start=DAY, seconds=0.01, channels=2, nidq=False)
    assert archived.publish().whole
    write(archived.archive / "XX999" / "catgt_XX999_050120_g0" / "x.bin", b"1")
    drop(archived.rig)
    for name in (SC048, str(SC048), "SC048", "sc048"):
        report = discover(archived.rig, create_sessions=True, subjects=[name], dry_run=True, **EPHYS)
        assert [(found.state, found.h2o) for found in report.sessions] == [("discovered", "SC048")], name
        assert (report.folders, report.strangers) == ([], {}), name
    for name in (SC048, "sc038"):
        assert states(discover(archived.rig, create_sessions=True, subjects=[name], **EPHYS)) == ["discovered"]
    assert len(experiment.Session()) == 2


def test_an_animal_of_another_number_is_not_taken(archived):
    from pipeline import lab

    drop(archived.rig)
    lab.Subject.insert1({"subject_id": 7})
    lab.WaterRestriction.insert1({"subject_id": 7, "water_restriction_number": "SC038"})
    report = discover(archived.rig, create_sessions=True, **EPHYS)
    assert states(report) == ["refused"]
    assert f"SC038 is subject {SC038}" in report.sessions[0].reason
    assert "subject 7" in report.sessions[0].reason
    assert not experiment.Session()


def test_a_manifest_of_a_renumbered_session_is_named(archived):
    drop(archived.rig, "publication")
    (row,) = experiment.Session.to_dicts()
    experiment.Session.delete_quick()
    experiment.Session.insert1({**row, "session": 4})
    report = discover(archived.rig, **EPHYS)
    assert states(report) == ["no session"]
    assert "the manifest of session 1 of 2020-05-01 has no rows" in report.folders[0].reason
    assert not publication.DataSet()
    document = json.loads(next(iter(archived.rig.manifests().values())).read_text())
    assert document["session"]["session_date"] == DAY.date().isoformat()
