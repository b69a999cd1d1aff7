"""Answers that do not come, or are none, while a session is published."""

from __future__ import annotations

import pytest

from mapshell.errors import FAILED, PARTLY
from tests.integration.publish.faults import (
    BOTH,
    ONE,
    TWO,
    code_of,
    command,
    converges,
    impatient,
    journal_states,
    nothing_archived,
    refused,
)

LS = "transfer/operation/endpoint/<id>/ls"
SUBMIT = "transfer/transfer"
TASKS = "transfer/task_list"


@pytest.mark.fault(11, 12)
def test_a_few_bad_answers_change_nothing(pg_rig):
    pg_rig.admin.fail_requests(LS, 429, retry_after=1)
    pg_rig.admin.fail_requests(LS, 502, count=2)
    pg_rig.admin.fail_requests("transfer/submission_id", 502)
    pg_rig.admin.fail_requests(SUBMIT, 503)
    pg_rig.admin.fail_requests(TASKS, 500)
    pg_rig.admin.fail_requests(TASKS, 504)
    converges(pg_rig, tasks=2)


@pytest.mark.fault(3, 13)
@pytest.mark.parametrize("mode", ["lost", "cut"])
def test_answers_that_are_lost_or_cut_change_nothing(pg_rig, mode):
    for path in (LS, SUBMIT, TASKS, "transfer/submission_id"):
        pg_rig.admin.fail_requests(path, mode=mode)
    converges(pg_rig, tasks=2)


@pytest.mark.fault(12)
def test_a_service_that_is_out_of_order_ends_the_round_in_bounded_time(pg_rig):
    impatient(pg_rig)
    pg_rig.admin.fail_requests("transfer/*", 503, count=None)
    document, _ = command(pg_rig, *BOTH, code=FAILED, seconds=20)
    assert "503" in document["stopped"]
    assert [session["state"] for session in document["sessions"]] == ["queued"]  # the next one was not tried
    nothing_archived(pg_rig)
    pg_rig.admin.clear_faults()
    converges(pg_rig, (3, 4), TWO)


@pytest.mark.fault(2, 12)
def test_a_service_that_takes_no_transfer(pg_rig):
    impatient(pg_rig)
    pg_rig.admin.fail_requests(SUBMIT, 503, count=None)
    refused(pg_rig, code=FAILED, says="503", seconds=15)
    assert journal_states(pg_rig) == [("publish", "planned")]
    pg_rig.admin.clear_faults()
    converges(pg_rig, tasks=2)
    assert journal_states(pg_rig) == [("publish", "done"), ("manifest", "done")]  # the very same entry went on


@pytest.mark.fault(3, 13)
def test_the_answer_to_the_submission_is_lost_for_good(pg_rig):
    impatient(pg_rig)
    pg_rig.admin.fail_requests(SUBMIT, mode="lost", count=None)
    refused(pg_rig, code=FAILED, says="Cannot submit", seconds=15)
    assert len(pg_rig.tasks()) == 1
    pg_rig.admin.clear_faults()
    converges(pg_rig, tasks=2)


@pytest.mark.fault(12)
def test_a_service_that_stops_telling_how_a_task_is(pg_rig):
    impatient(pg_rig)
    pg_rig.admin.fail_tasks("hold")
    pg_rig.admin.fail_requests(TASKS, 503, count=None, after=2)
    refused(pg_rig, code=FAILED, state="in flight", says="503", seconds=25)
    (task,) = pg_rig.tasks()
    pg_rig.admin.clear_faults()
    pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, tasks=2)


@pytest.mark.fault(14)
def test_one_answer_that_cannot_be_read_while_waiting_ends_nothing(pg_rig):
    pg_rig.admin.fail_requests(TASKS, mode="html", count=2, after=1)
    converges(pg_rig, tasks=2)


@pytest.mark.fault(14)
def test_a_web_page_instead_of_an_answer(pg_rig):
    pg_rig.admin.fail_requests(LS, mode="html", count=None)
    session = refused(pg_rig, says=("cannot be understood", "try again later"))
    assert "proxy" in session.remedy
    assert pg_rig.tasks() == []
    pg_rig.admin.clear_faults()
    converges(pg_rig, tasks=2)


@pytest.mark.fault(3, 14)
@pytest.mark.parametrize("mode", ["html", "truncated", "empty"])
def test_an_answer_to_the_submission_that_cannot_be_read(pg_rig, mode):
    impatient(pg_rig)
    taken = {} if mode == "truncated" else {"done": True}  # the service took it, whatever it says
    pg_rig.admin.fail_requests(SUBMIT, mode=mode, count=None, **taken)
    report = pg_rig.publish(ONE, types=("ephys",))
    assert code_of(report) in (FAILED, PARTLY)
    (session,) = report.outcomes
    assert "cannot be understood" in session.reason
    assert session.remedy
    assert len(pg_rig.tasks()) == 1
    nothing_archived(pg_rig)
    assert journal_states(pg_rig) == [("publish", "planned")]
    pg_rig.admin.clear_faults()
    converges(pg_rig, tasks=2)
