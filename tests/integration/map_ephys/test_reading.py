"""The lab's own tables stand in for ours: read as they are, in a notebook's words."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from pipeline import database
from pipeline.errors import DatabaseError

from .rows import SC030, SC033

pytestmark = pytest.mark.mariadb


@pytest.fixture
def bound(old_lab):
    database.bind(old_lab.settings())
    yield database.connection()
    database.unbind()


def test_tables_are_the_labs_whatever_their_tier(bound, old_lab):
    from pipeline import ephys, experiment, lab, tracking

    assert lab.Probe.full_table_name == f"`{old_lab.prefix}lab`.`#probe`"
    assert len(lab.Probe()) == 2
    assert len(experiment.Session & {"subject_id": SC030}) == 2
    assert (lab.Subject & {"subject_id": SC033}).fetch1("sex") == "Unknown"
    first = (experiment.Session & {"subject_id": SC030, "session": 1}).to_dicts()[0]
    assert (first["session_date"], first["session_time"]) == (date(2019, 10, 2), timedelta(hours=9, seconds=944))
    assert len(ephys.ProbeInsertion()) == 3
    assert len(tracking.TrackingDevice()) == 3
    assert len(experiment.Session * lab.Subject.proj() * lab.WaterRestriction.proj("water_restriction_number")) == 5


def test_tables_that_the_lab_does_not_have(bound, old_lab):
    from pipeline import ephys, tracking
    from pipeline.database.binding import is_there

    for table, name in (
        (tracking.CameraPosition, "tracking.CameraPosition"),
        (ephys.ProbeInsertion.Recording, "ephys.ProbeInsertion.Recording"),
    ):
        assert not is_there(table)
        with pytest.raises(DatabaseError, match=f"has no table for {name}"):
            table().to_dicts()


def test_parts_of_another_tier_are_found(bound, old_lab):
    from pipeline.database.binding import get_current

    lab = get_current().lab
    assert lab.table_name("lab", "probe_type__electrode") == "#probe_type__electrode"
    assert lab.table_name("experiment", "session_trial") == "_session_trial"
    assert lab.table_name("lab", "nothing_of_the_kind") == "nothing_of_the_kind"


def test_where_attributes_come_from_is_told_by_foreign_keys(bound, old_lab):
    from pipeline import ephys, experiment, lab, publication

    theirs = old_lab.prefix
    assert experiment.Session.heading["subject_id"].lineage == f"{theirs}lab.subject.subject_id"
    assert experiment.Session.heading["rig"].lineage == f"{theirs}lab.rig.rig"
    assert experiment.Session.heading["session_date"].lineage is None
    assert ephys.ProbeInsertion.heading["session"].lineage == f"{theirs}experiment.session.session"
    assert ephys.ProbeInsertion.heading["probe_type"].lineage == f"{theirs}lab.#probe_type.probe_type"
    assert lab.Probe.heading["probe_type"].lineage == f"{theirs}lab.#probe_type.probe_type"
    for table in (publication.ArchivedRawEphys, publication.SessionIdent):
        assert table.heading["subject_id"].lineage == f"{theirs}lab.subject.subject_id"
        assert table.heading["session"].lineage == f"{theirs}experiment.session.session"


def archive(key, alias="raw-ephys"):
    """Enter an archived session without files, as its rows stand in the index."""
    from pipeline import publication

    place = {"globus_alias": alias, "globus_endpoint": uuid.uuid4(), "globus_path": "/a", "dataset_type": "ephys"}
    publication.GlobusStorageLocation.insert1(place, skip_duplicates=True)
    dataset = {"globus_alias": alias, "dataset_name": f"ephys-{key['subject_id']}-{key['session']:04}"}
    rest = {"dataset_generation": 1, "dataset_manifest": "m", "dataset_h2o": "SC030", "dataset_date": "2019-10-02"}
    publication.DataSet.insert1({**dataset, "dataset_type": "ephys", **rest})
    row = {**key, **dataset, "archived_at": "2020-01-01", "generation": 1, "evidence": {}}
    publication.ArchivedRawEphys.insert1(row, allow_direct_insert=True)


def test_sessions_of_the_lab_and_our_index_in_one_query(bound, old_lab, caplog):
    from pipeline import experiment, lab, publication

    one, two = {"subject_id": SC030, "session": 1}, {"subject_id": SC033, "session": 6}
    archive(one)
    archive(two)
    archived, sessions = publication.ArchivedRawEphys, experiment.Session

    def keys(query):
        return sorted((row["subject_id"], row["session"]) for row in query.keys())  # noqa: SIM118 - a DataJoint query

    assert keys(archived & (sessions & 'session_date > "2019-11-01"')) == [(SC033, 6)]
    assert keys(archived & (sessions & {"subject_id": SC030})) == [(SC030, 1)]
    assert keys(archived & (lab.WaterRestriction & 'water_restriction_number = "SC033"')) == [(SC033, 6)]
    assert len(sessions - archived) == 4
    assert keys(sessions & archived) == [(SC030, 1), (SC033, 6)]
    joined = (sessions * archived.proj("generation")).to_dicts()
    assert {row["session_date"] for row in joined} == {date(2019, 10, 2), date(2019, 12, 30)}
    assert len(lab.Subject.aggr(sessions, n="count(*)")) == 3
    assert len(archived - (sessions & {"rig": "RRig"})) == 0
    # A session that the lab deletes takes nothing of ours along.
    old_lab.query("DELETE FROM `map_v2_publication`.`_archived_raw_ephys` WHERE subject_id = %s", SC033)
    old_lab.query("DELETE FROM `map_v2_experiment`.`session` WHERE subject_id = %s AND session = 6", SC033)
    assert keys(archived - sessions) == [(SC033, 6)]
    assert len(archived()) == 2
    # Rows of ours can be chosen for deletion by the lab's tables.
    (archived & (sessions & {"session": 1})).delete_quick()
    assert keys(archived()) == [(SC033, 6)]
    assert not [record for record in caplog.records if "lineage" in record.getMessage().lower()]


def test_binding_again_and_the_tables_own_words(bound, old_lab):
    from pipeline import experiment, publication

    before = old_lab.snapshot()
    for _ in range(2):
        database.unbind()
        database.bind(old_lab.settings(old_lab.writer))
        assert "session_date" in repr(experiment.Session())
        assert len(experiment.Session.heading.indexes) >= 2
        assert str(publication.ArchivedRawEphys.describe())
    assert database.describe()["prefix"] == old_lab.own_prefix
    assert old_lab.snapshot() == before
