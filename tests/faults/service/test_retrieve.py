"""Globus answers badly, late or not at all while files are fetched; the next run goes on."""

from __future__ import annotations

import pytest

from pipeline.errors import GlobusUnavailable
from tests.integration.retrieve.home import BOTH


@pytest.mark.fault(12, 20)
def test_a_service_that_falls_silent_leaves_the_task_to_the_next_run(home):
    home.impatient()
    home.rig.admin.fail_requests("transfer/task_list", status=503, count=None)
    result = home.retrieve()
    assert isinstance(result.stopped, GlobusUnavailable)
    assert {each.verdict for each in result} == {"in flight"}
    assert not result.whole
    assert len(home.journal()) == 1
    with pytest.raises(GlobusUnavailable):
        home.retrieve(raises=True)
    home.rig.admin.clear_faults()
    assert home.retrieve().whole
    home.assert_same()
    assert len(home.tasks()) == 1
    assert home.journal() == []


@pytest.mark.fault(3, 13)
def test_an_answer_to_the_submission_that_was_lost_makes_no_second_task(home):
    home.impatient()
    home.rig.admin.fault("lost", method="POST", request="transfer/transfer")
    assert home.retrieve().whole
    home.assert_same()
    assert len(home.tasks()) == 1


@pytest.mark.fault(11)
def test_a_crowded_service_is_waited_for(home):
    home.rig.admin.fail_requests("transfer/operation/endpoint/*/ls", status=429, count=2, retry_after=0)
    assert home.retrieve(BOTH).whole
    home.assert_same()


@pytest.mark.fault(17)
@pytest.mark.parametrize("how", ["inactive", "pause"])
def test_a_task_that_waits_for_a_person_is_left_in_flight_and_named(home, how):
    home.rig.admin.fail_tasks(how, count=1, label="mapshell retrieve*")
    result = home.retrieve()
    assert {each.verdict for each in result} == {"in flight"}
    assert not result.whole
    assert all(each.remedy for each in result)
    home.bench.release()
    assert home.retrieve().whole
    home.assert_same()
    assert len(home.tasks()) == 1


@pytest.mark.fault(17)
def test_a_task_that_was_cancelled_is_made_anew_for_what_is_missing(home):
    home.rig.admin.fail_tasks("cancel", count=1, after_files=2, label="mapshell retrieve*", partial=True)
    assert home.retrieve().whole
    home.assert_same()
    assert len(home.tasks()) == 2


@pytest.mark.fault(17)
@pytest.mark.parametrize("how", ["fail", "deadline"])
def test_a_task_that_ends_badly_is_made_anew_for_what_is_missing(home, how):
    home.rig.admin.fail_tasks(how, count=1, after_files=2, label="mapshell retrieve*")
    result = home.retrieve()
    home.no_partial()
    assert result.whole or all(each.reason and each.remedy for each in result.problems)
    assert result.whole or home.retrieve().whole
    home.assert_same()
    *later, first = home.tasks()  # newest first; a file that was left half may get a task of its own
    assert (first["status"], {task["status"] for task in later}) == ("FAILED", {"SUCCEEDED"})
    assert sum(task["files"] for task in later) < first["files"]  # what had come is not asked for again
    assert home.journal() == []


@pytest.mark.fault(18)
def test_a_file_that_the_task_skipped_is_not_taken_for_fetched(home):
    skipped = home.pick("params.py")
    home.rig.admin.fail_tasks("skip", count=None, label="mapshell retrieve*", path="*params.py")
    home.impatient()
    result = home.retrieve()
    assert home.verdicts(result)[skipped] not in ("fetched", "identical", "unchecked"), result
    assert not (home.root / skipped).exists()
    home.rig.admin.clear_faults()
    assert home.retrieve().whole
    home.assert_same()


@pytest.mark.fault(21)
def test_a_file_that_vanished_at_the_archive_is_named_soon(home):
    home.impatient()
    gone = home.pick("params.py")
    home.rig.admin.fail_tasks("hold", count=None, label="mapshell retrieve*")
    assert {each.verdict for each in home.retrieve(wait=False)} == {"in flight"}
    away = home.at_archive(gone).rename(home.rig.folder / "away")
    home.bench.release()
    result = home.retrieve()
    (problem,) = result.problems
    assert (problem.subpath, bool(problem.reason), bool(problem.remedy)) == (gone, True, True)
    home.assert_same(only=lambda name: name != gone)
    away.rename(home.at_archive(gone))
    assert home.retrieve().whole
    home.assert_same()
