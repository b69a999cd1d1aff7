"""The lab's own tables stand in for ours: read as they are, in a notebook's words."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipeline import database

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
