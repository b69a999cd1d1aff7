"""The lab's tables change while a session is under way, or after it was archived; so does the configuration."""

import json
import logging
import os
from datetime import datetime, timedelta

import pytest

from mapshell.errors import PARTLY
from pipeline import experiment, publication, settings
from tests.integration.rig import wait_until

from .faults import ONE, TWO, bind, converges, journal_states, told
from .proxy import STEPS

SAME_DAY = {"subject_id": 480133}


@pytest.fixture
def steps():
    STEPS.forget()
    yield STEPS
    STEPS.forget()


def row_of(subject_id, session):
    (row,) = (experiment.Session & {"subject_id": subject_id, "session": session}).to_dicts()
    return row


def swap(subject_id, first, second):
    """Give each of two sessions the other's number, as an entry that is corrected in the wrong place does."""
    rows = {number: row_of(subject_id, number) for number in (first, second)}
    for number, other in ((first, second), (second, first)):
        taken = {name: rows[other][name] for name in ("session_date", "session_time")}
        experiment.Session.update1({"subject_id": subject_id, "session": number, **taken})


def add_files(rig, *folders):
    for folder in folders:
        file = rig.rig / "ephys" / folder / "later.npy"
        file.write_bytes(b"later")
        os.utime(file, (1e9, 1e9))


def assert_untouched(keys):
    assert set(publication.DataSet().to_arrays("dataset_generation")) == {1}
    assert len(publication.DataSet()) == len(publication.ArchivedRawEphys()) == keys


# ---- renumbered


@pytest.mark.parametrize("numbers", [(1, 2), (2, 3)], ids=["days", "starts of one day"])
def test_sessions_that_were_renumbered_after_they_were_archived_are_not_mixed(pg_rig, numbers):
    told(pg_rig, SAME_DAY)
    swap(480133, *numbers)
    add_files(pg_rig, *(f"SC038/{path.name}" for path in (pg_rig.rig / "ephys/SC038").iterdir() if path.is_dir()))
    outcomes, _ = told(pg_rig, [{**SAME_DAY, "session": number} for number in numbers], code=PARTLY)
    assert [outcome.state for outcome in outcomes] == ["archived with changes"] * 2
    assert all("it was archived as SC038 session" in outcome.reason for outcome in outcomes)
    assert all("lab's tables" in outcome.remedy for outcome in outcomes)
    assert_untouched(3)
    swap(480133, *numbers)
    outcomes, _ = told(pg_rig, SAME_DAY)
    assert [outcome.state for outcome in outcomes] == ["archived"] * 3
    assert all(outcome.sent_files for outcome in outcomes)


def test_a_start_that_was_corrected_by_minutes_is_the_same_session(pg_rig):
    told(pg_rig)
    row = row_of(*ONE.values())
    later = datetime.strptime(row["session_time"], "%H:%M:%S") + timedelta(minutes=5)  # noqa: DTZ007
    experiment.Session.update1({**ONE, "session_time": f"{later:%H:%M:%S}"})
    (session,), _ = told(pg_rig)
    assert session.state == "archived"


def test_sessions_that_are_renumbered_while_they_are_under_way(pg_rig):
    pg_rig.admin.fail_tasks("hold")
    told(pg_rig, TWO, wait=False)
    before = journal_states(pg_rig)
    swap(502716, 1, 2)
    outcomes, _ = told(pg_rig, TWO, code=PARTLY)
    assert [(o.state, o.failed) for o in outcomes] == [("in flight", True)] * 2
    assert all("it was submitted as SC048 session" in o.reason for o in outcomes)
    assert journal_states(pg_rig) == before
    swap(502716, 1, 2)
    pg_rig.admin.clear_faults()
    for task in pg_rig.tasks():
        pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, tasks=(3, 4), keys=TWO)  # the manifests travel together when both land at once


def test_sessions_that_are_renumbered_right_before_the_commit(rig, steps):
    steps.at("described", lambda: swap(502716, 1, 2))
    (session,), _ = told(rig, code=PARTLY)
    assert (session.state, session.failed) == ("in flight", True)
    assert "it was submitted as SC048 session 1 of 2020-12-29" in session.reason
    assert not publication.DataSet()
    assert journal_states(rig) == [("publish", "checked"), ("manifest", "submitted")]
    swap(502716, 1, 2)
    converges(rig, tasks=2)


# ---- deleted


def test_a_session_that_is_deleted_while_it_is_under_way(rig, steps):
    bind(rig)
    row = row_of(*ONE.values())
    steps.at("described", (experiment.Session & ONE).delete_quick)
    outcomes, _ = told(rig, TWO, code=PARTLY)
    assert [(o.state, o.failed) for o in outcomes] == [("in flight", True), ("archived", False)]
    assert "no longer have SC048 (subject 502716) session 1 of 2020-12-29" in outcomes[0].reason
    report = rig.publish(types=("ephys",))
    (named,) = [outcome for outcome in report.outcomes if outcome.key == (502716, 1)]
    assert (named.state, named.failed) == ("in flight", True)
    assert "enter the session again" in named.remedy
    experiment.Session.insert1(row)
    outcomes, _ = told(rig, TWO)
    assert {outcome.state for outcome in outcomes} == {"archived"}
    assert {state for _, state in journal_states(rig)} == {"done"}


def test_a_session_that_was_deleted_and_entered_again(pg_rig):
    told(pg_rig)
    row = row_of(*ONE.values())
    (experiment.Session & ONE).delete(prompt=False)
    assert not publication.ArchivedRawEphys()
    assert len(publication.DataSet()) == 1
    experiment.Session.insert1(row)
    (session,), _ = told(pg_rig, code=PARTLY)
    assert (session.state, session.failed) == ("refused", True)
    assert "in the index without an archived row" in session.reason
    assert session.remedy
    assert not publication.Claim()


# ---- the configuration, and what nobody expects


def test_the_root_was_taken_out_of_the_configuration_before_the_end(pg_rig, steps):
    pg_rig.admin.fail_tasks("hold")
    told(pg_rig, wait=False)
    (task,) = pg_rig.tasks()
    pg_rig.admin.control_task(task["task_id"], "release")
    wait_until(lambda: pg_rig.tasks()[0]["status"] == "SUCCEEDED")
    file = pg_rig.settings.file
    whole = file.read_text()
    document = json.loads(whole)
    del document["custom"]["globus.local_endpoints"]["raw-ephys"]
    file.write_text(json.dumps(document))
    pg_rig.settings = settings.load(file=file)
    (session,), _ = told(pg_rig, code=PARTLY)
    assert (session.state, session.failed) == ("in flight", True)
    assert "put the root back" in session.remedy
    file.write_text(whole)
    pg_rig.settings = settings.load(file=file)
    pg_rig.admin.clear_faults()
    converges(pg_rig, tasks=2)


@pytest.mark.parametrize("step", ["planning", "checking", "described"])
def test_an_error_that_nobody_expected_ends_one_session_only(pg_rig, steps, caplog, step):
    def fail():
        raise RuntimeError("nobody expected this")

    steps.at(step, fail)
    with caplog.at_level(logging.ERROR):
        outcomes, _ = told(pg_rig, TWO, code=PARTLY)
    failed = [outcome for outcome in outcomes if outcome.failed]
    assert failed
    assert all("RuntimeError: nobody expected this" in outcome.reason for outcome in failed)
    assert all(outcome.remedy for outcome in failed)
    assert "unexpected error" in caplog.text
    if step != "described":  # whose manifests travel together
        assert [outcome.state for outcome in outcomes if not outcome.failed] == ["archived"]
    assert not publication.Claim()
    outcomes, _ = told(pg_rig, TWO)
    assert {outcome.state for outcome in outcomes} == {"archived"}
