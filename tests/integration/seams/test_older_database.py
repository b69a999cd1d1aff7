"""An older database beside ours, in which a session was reassigned since its rows were taken over."""

from __future__ import annotations

import json
from datetime import date

import pytest

from mapshell.errors import PARTLY
from pipeline import publication
from tests.integration.map_ephys.conftest import reading_rig  # noqa: F401  # a fixture
from tests.integration.map_ephys.rows import FILES, SC030
from tests.integration.map_ephys.test_adopt import index, put

pytestmark = pytest.mark.mariadb


def test_what_was_reassigned_is_not_taken_over_again(reading_rig, old_lab):  # noqa: F811
    rig = reading_rig
    there = put(rig)
    rig.run("database", "adopt", check=PARTLY)
    rig.run("publication-verify", check=0)
    (key,) = [session for alias, session in FILES if alias == "raw-ephys" and session[0] == SC030][:1]
    named = {"session_date": date(2019, 10, 9), "session_time": "10:00:00", "username": "susu", "rig": "RRig"}
    old_lab.insert("experiment.session", [{"subject_id": SC030, "session": 77, **named}])
    rig.run("publication-reassign", f"{SC030}/{key[1]}", f"{SC030}/77", "--type", "ephys", "--yes", check=0)
    assert publication.ArchivedRawEphys() & {"subject_id": SC030, "session": 77}
    kept = index()
    for options in (["--dry-run"], []):
        done = rig.run("database", "adopt", *options, "--format", "json", check=PARTLY)
        states = {
            (each["alias"], each["subject_id"], each["session"]): each["state"]
            for each in json.loads(done.stdout)["sessions"]
        }
        assert states["raw-ephys", *key] == "reassigned"
        assert set(states.values()) <= {"known", "reassigned"}
        assert index() == kept
    # A file that the older database gets since, and that was not reassigned, is taken over.
    assert len(there) == len(kept["DataSet.PhysicalFile"])
    rig.run("publication-verify", check=0)
