"""Who may write: leases that are kept alive, and that fence off whoever has lost them."""

import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from mapshell.errors import PARTLY
from pipeline import database, leases, machine, publication
from pipeline.errors import Refused
from pipeline.journal import TableJournal
from pipeline.services import process_created
from pipeline.transitions import is_committed
from tests.integration.publish.faults import COMMAND, ONE, TWO, aged, bind, converges, journal_states, told
from tests.integration.publish.proxy import STEPS
from tests.integration.rig import wait_until

LONG_AGO = "2001-01-01"
_KILL_AT_DESCRIBED = """
import os
def watch(event, args):
    if event == "mapshell.step" and args[0] == "described":
        os._exit(9)
sys.addaudithook(watch)
"""


@pytest.fixture
def steps():
    STEPS.forget()
    yield STEPS
    STEPS.forget()


def take_over():
    """Make all leases those of a process of another machine, which has ended meanwhile."""
    for row in publication.Claim.to_dicts():
        other = {"owner": uuid.uuid4(), "machine": uuid.uuid4(), "computer": "rig-2", "expires_at": LONG_AGO}
        publication.Claim.update1({**row, **other})


# ---- lost leases


def lost(rig, steps, step):
    """Lose the lease at a step; return the journal's states right after the round."""
    steps.at(step, take_over)
    (session,), _ = told(rig, code=PARTLY)
    assert (session.state, session.failed) == ("in flight", True)
    assert "taken over by another process" in session.reason
    assert session.remedy
    assert [row["computer"] for row in publication.Claim.to_dicts()] == ["rig-2"]  # not ours to give back
    assert not publication.DataSet()
    return journal_states(rig)


@pytest.mark.fault(33)
def test_without_its_lease_a_round_plans_and_submits_nothing(pg_rig, steps):
    assert lost(pg_rig, steps, "planning") == []
    assert pg_rig.tasks() == []
    converges(pg_rig, tasks=2)


@pytest.mark.fault(33)
@pytest.mark.parametrize(
    ("step", "states"),
    [
        ("accepted", [("publish", "planned")]),
        ("checking", [("publish", "submitted")]),
        ("checked", [("publish", "checked")]),
        ("manifest planning", [("publish", "checked")]),
    ],
)
def test_without_its_lease_a_round_writes_nothing(pg_rig, steps, step, states):
    assert lost(pg_rig, steps, step) == states
    converges(pg_rig, tasks=2)


@pytest.mark.fault(33)
def test_without_its_lease_a_round_commits_nothing(rig, steps):
    assert lost(rig, steps, "described") == [("publish", "checked"), ("manifest", "submitted")]
    converges(rig, tasks=2)


@pytest.mark.fault(33)
def test_another_process_ended_what_we_began(pg_rig, steps):
    def other():
        take_over()
        pg_rig.run(*COMMAND, check=0)

    steps.at("succeeded", other)
    (session,), _ = told(pg_rig, code=PARTLY)
    assert (session.state, session.failed) == ("in flight", True)
    converges(pg_rig, tasks=2)
    assert {state for _, state in journal_states(pg_rig)} == {"done"}


@pytest.mark.fault(33)
def test_the_manifest_of_another_process_is_not_touched(pg_rig, steps):
    seen = {}

    def other():
        take_over()
        assert pg_rig.run(*COMMAND, prelude=_KILL_AT_DESCRIBED).returncode == 9
        seen.update({name: path.read_bytes() for name, path in pg_rig.manifests().items()})

    steps.at("succeeded", other)
    (session,), _ = told(pg_rig, code=PARTLY)
    assert session.state == "in flight"
    assert len(seen) == 1
    converges(pg_rig, tasks=2)
    assert {name: path.read_bytes() for name, path in pg_rig.manifests().items()} == seen


# ---- the heartbeat


@pytest.mark.fault(33)
def test_leases_are_kept_alive_whatever_the_round_is_busy_with(rig, steps, monkeypatch):
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=1))
    seen = []

    def busy():
        began = database.now()
        wait_until(lambda: database.now() - began > timedelta(seconds=2))
        seen.extend(row["expires_at"] - database.now() for row in publication.Claim.to_dicts())
        seen.append(sum(thread.name == "mapshell leases" for thread in threading.enumerate()))

    steps.at("succeeded", busy)
    told(rig)
    assert seen[0] > timedelta()
    assert seen[1] == 1
    assert not any(thread.name == "mapshell leases" for thread in threading.enumerate())


@pytest.mark.fault(33)
def test_a_heart_that_cannot_beat_harms_nobody(pg_rig, steps, monkeypatch):
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.2))
    steps.at("planned", lambda: monkeypatch.setattr("pipeline.heartbeat.Heartbeat._beat", lambda _: 1 / 0))
    told(pg_rig)
    assert not publication.Claim()


# ---- machines of one name


def claim_of(rig, **other):
    database.bind(rig.settings)
    row = {**ONE, "globus_alias": "raw-ephys", "computer": rig.settings.archive.computer, "owner": uuid.uuid4()}
    row |= {"machine": machine.machine_id(), "claimed_at": LONG_AGO, "expires_at": "2999-01-01"}
    publication.Claim.insert1(row | other)


@pytest.mark.fault(34)
def test_a_process_of_another_machine_of_this_name_is_not_taken_for_dead(pg_rig):
    claim_of(pg_rig, machine=uuid.uuid4(), process_id=2**22 + 7, process_began=1.0)
    (session,), _ = told(pg_rig)
    assert session.state == "in flight"
    assert pg_rig.tasks() == []
    assert len(publication.Claim()) == 1


@pytest.mark.fault(34)
@pytest.mark.parametrize("process", ["gone", "another with its id"])
def test_the_lease_of_a_dead_process_of_this_machine_counts_for_nothing(pg_rig, process):
    pid = os.getppid()
    began = process_created(pid)
    dead = {"process_id": 2**22 + 7, "process_began": began} if process == "gone" else {}
    claim_of(pg_rig, **({"process_id": pid, "process_began": began - 5} | dead))
    converges(pg_rig, tasks=2)


@pytest.mark.fault(34)
def test_a_machine_keeps_its_identity(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(machine._machine_id.__wrapped__, [str(tmp_path / "data")] * 8))
    assert len(set(found)) == 1
    assert machine._machine_id.__wrapped__(str(tmp_path / "other")) != found[0]
    (tmp_path / "file").write_text("")
    machine._machine_id.__wrapped__(str(tmp_path / "file" / "data"))  # cannot be kept: no error


# ---- one manifest task for several sessions


@pytest.mark.fault(33)
def test_a_commit_that_is_refused_does_not_hold_up_the_others(pg_rig, monkeypatch):
    told(pg_rig, TWO, wait=False)
    wait_until(lambda: {task["status"] for task in pg_rig.tasks()} == {"SUCCEEDED"})
    real = TableJournal.commit

    def commit(self, manifest, entry):
        if manifest.session.session == 1:
            raise Refused("not this one", remedy="wait")
        real(self, manifest, entry)

    monkeypatch.setattr(TableJournal, "commit", commit)
    for archived in ("archived", "archived"):
        outcomes, _ = told(pg_rig, TWO, code=PARTLY)
        assert [outcome.state for outcome in outcomes] == ["in flight", archived]
        assert ("manifest", "submitted") in journal_states(pg_rig)
        assert list(publication.ArchivedRawEphys().to_arrays("session")) == [2]
    monkeypatch.undo()
    converges(pg_rig, tasks=(3, 4), keys=TWO)  # one task for both manifests, or two when one landed earlier


# ---- what the index has already


@pytest.mark.fault(33)
def test_a_checked_transfer_whose_generation_the_index_has_is_ended(pg_rig):
    told(pg_rig)
    for row in publication.Transfer.to_dicts():
        state = "checked" if row["purpose"] == "publish" else "submitted"
        publication.Transfer.update1({"transfer_id": row["transfer_id"], "state": state})
    converges(pg_rig, tasks=2)


@pytest.mark.fault(33)
def test_files_of_a_superseded_transfer_are_sent_again(pg_rig):
    told(pg_rig)
    (row,) = [row for row in publication.Transfer.to_dicts() if row["purpose"] == "publish"]
    publication.Transfer.update1({"transfer_id": row["transfer_id"], "state": "checked"})
    file = publication.DataSet.PhysicalFile.to_dicts()[0]
    (publication.DataSet.PhysicalFile & {"file_id": file["file_id"]}).delete_quick()
    told(pg_rig)
    assert ("publish", "failed") in journal_states(pg_rig)
    (session,), _ = told(pg_rig)
    assert (session.state, session.sent_files) == ("archived", 1)
    (again,) = (publication.DataSet.PhysicalFile & {"file_id": file["file_id"]}).to_dicts()
    assert again["file_generation"] == 2


@pytest.mark.fault(33)
def test_a_dry_run_takes_nothing_into_the_journal(pg_rig):
    aged(pg_rig)
    pg_rig.admin.fail_tasks("hold")
    told(pg_rig, wait=False)
    pg_rig.admin.control_task(pg_rig.tasks()[0]["task_id"], "release")
    wait_until(lambda: pg_rig.tasks()[0]["status"] == "SUCCEEDED")
    publication.Transfer.Session().delete_quick()
    publication.Transfer().delete_quick()
    outcomes, _ = told(pg_rig, dry_run=True)
    assert [outcome.state for outcome in outcomes] == ["queued"]
    assert "has brought its files; nothing is sent" in outcomes[0].reason
    assert journal_states(pg_rig) == []
    converges(pg_rig, tasks=2)


@pytest.mark.fault(33)
def test_a_lost_answer_is_decided_by_what_the_rows_say_of_whom(pg_rig):
    told(pg_rig)
    (entry,) = [entry for entry in journal_of(pg_rig)._entries(publication.Transfer()) if entry.purpose == "publish"]
    manifest = entry.parts[0].manifest
    assert is_committed(manifest)
    assert not is_committed(replace(manifest, evidence={"task": str(uuid.uuid4())}))
    assert not is_committed(replace(manifest, archived_at=manifest.archived_at - timedelta(seconds=1)))
    assert not is_committed(replace(manifest, generation=2))


def journal_of(rig):
    from pipeline import sessions
    from pipeline.locations import locations

    bind(rig)
    (location,) = locations(rig.settings, ("ephys",), register=False)
    return TableJournal(location, sessions.load().refs, "rig")
