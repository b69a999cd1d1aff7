"""Something else happens while ``publication-discover`` works; no half session is ever left."""

from __future__ import annotations

import pytest

from pipeline import database, publication
from tests.integration.publish.bench import DAY

from .losing import PUBLICATION, discover, drop, rows

ONLY = ("publication-discover", "--type", "ephys")


@pytest.fixture
def during(bench, monkeypatch):
    """Let something happen at a step of discover, once."""
    from pipeline import rebuild

    waiting = {}

    def step(name):
        for happen in waiting.pop(name, ()):
            happen()

    monkeypatch.setattr(rebuild, "step", step)
    return lambda name, happen: waiting.setdefault(name, []).append(happen)


def test_what_another_process_works_on_is_left_alone(bench):
    """A lease of somebody else, or a transfer that is under way."""
    bench.session("one")
    bench.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    bench.publish(wait=False)
    report = discover(bench.rig, types=("ephys",))
    assert report.whole, repr(report)
    assert not publication.DataSet()
    assert all("flight" in folder.reason for folder in report.folders)
    bench.release()
    assert bench.publish().whole
    before = rows(*PUBLICATION)
    assert {found.state for found in discover(bench.rig, types=("ephys",)).sessions} == {"known"}
    assert rows(*PUBLICATION) == before


def test_publishing_beside_discover_makes_one_set_of_rows(bench):
    """Files of a session lie at the archive, and another computer takes its lease before we do."""
    bench.session("one")
    assert bench.publish().whole
    lost = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    now = database.now()
    publication.Claim.insert1(
        {
            "subject_id": bench.keys["one"][0],
            "session": bench.keys["one"][1],
            "globus_alias": "raw-ephys",
            "owner": "5f0e4cb1-0000-4000-8000-00000000000a",
            "computer": "rig-2",
            "process_id": 1,
            "claimed_at": now,
            "expires_at": now.replace(year=now.year + 1),
        }
    )
    report = discover(bench.rig, types=("ephys",))
    assert [found.state for found in report.sessions] == ["in flight"]
    assert "rig-2" in report.sessions[0].reason
    assert not publication.DataSet()
    publication.Claim.delete_quick()
    assert discover(bench.rig, types=("ephys",)).whole
    assert rows(*PUBLICATION) == lost


def test_two_at_once_write_each_session_once(bench, during):
    bench.session("one")
    assert bench.publish().whole
    lost = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    second = []
    during("discover: claimed", lambda: second.append(bench.rig.run(*ONLY)))
    assert discover(bench.rig, types=("ephys",)).whole
    assert second[0].returncode == 0, second[0].stderr
    assert "works on it" in second[0].stderr
    assert rows(*PUBLICATION) == lost


def test_a_session_that_the_lab_deletes_meanwhile_gets_no_rows(bench, during):
    from pipeline import experiment

    bench.enter("one", DAY.date())
    bench.record("SC038_050120", DAY, base=bench.archive)
    during("discover: claimed", experiment.Session.delete_quick)
    report = discover(bench.rig, types=("ephys",))
    assert [found.state for found in report.sessions] == ["refused"]
    assert not publication.DataSet()
    assert not publication.DataSet.PhysicalFile()
