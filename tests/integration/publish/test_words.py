"""The sum of a round, its tables and documents: every number is what it says it is."""

import os
from datetime import date, timedelta

import pytest

from pipeline import publication
from pipeline.archive import watch
from pipeline.archive.journal import Outcome
from pipeline.errors import GlobusUnavailable
from pipeline.globus import GlobusStorageManager
from pipeline.report import Report
from pipeline.work import SystemClock

from .bench import LONG_AGO, only, write
from .faults import impatient


def outcome(alias="raw-ephys", state="archived", number=1, **more):
    return Outcome((480133, number), "SC038", "2019-11-19", alias, ("SC038/SC038_111919_g0",), state, **more)


def test_the_sum_counts_per_location():
    sent = {"sent_files": 2, "sent_bytes": 1_000_000}
    outcomes = [outcome(number=n, **sent) for n in range(5)]
    outcomes += [outcome("raw-video", number=n, **sent) for n in range(4)]
    outcomes.append(outcome(state="recording", number=9, failed=True, reason="it grows"))
    report = Report(outcomes, chosen=12, not_here=2)
    assert str(report) == (
        "Archived now: 5 sessions in raw-ephys, 4 in raw-video (18 files, 9.0 MB), each file checked at the archive. "
        "Recording: 1 in raw-ephys. Not here: 2."
    )
    shown = repr(report)
    assert "recording: SC038 (subject 480133) session 9 of 2019-11-19, raw-ephys: SC038/SC038_111919_g0" in shown
    assert "    it grows" in shown
    assert shown.endswith(str(report))


def test_the_sum_of_nothing_new_and_of_a_dry_run():
    before = [outcome(number=n) for n in range(3)] + [outcome("raw-video")]
    expected = "Nothing new to archive. Archived before: 3 sessions in raw-ephys, 1 in raw-video."
    assert str(Report(before, chosen=3)) == expected
    planned = outcome(state="queued", number=7, to_send_files=1, to_send_bytes=5)
    assert str(Report([planned], chosen=1, dry_run=True)) == "Would send: 1 session in raw-ephys (1 file, 5 B)."
    assert str(Report([before[0]], chosen=1, dry_run=True)).startswith(
        "Would send: nothing. Archived before: 1 session"
    )


def test_a_dry_run_sends_nothing_and_says_so_in_every_number(bench):
    bench.session("one")
    row = bench.command("--dry-run", check=0)["sessions"]["one"]
    assert (row["sent_files"], row["sent_bytes"], row["to_send_files"], row["failed"]) == (0, 0, 2, False)
    assert row["to_send_bytes"] == row["bytes"]
    table, told = bench.run("publication-publish", "--type", "ephys", "--dry-run", check=0)
    assert "Files to send" in table
    assert "New files" not in table
    assert "Would send: 1 session in raw-ephys (2 files" in told


def test_empty_cells_and_a_folder_that_is_said_once(bench):
    folder = bench.session("one")
    bench.enter("missing", date(2021, 3, 3))
    bench.publish()
    meta = only(folder, "*.meta")
    meta.write_bytes(meta.read_bytes() + b"more=1\n")
    os.utime(meta, (LONG_AGO, LONG_AGO))
    table, told = bench.run("publication-publish", "--type", "ephys", check=3)
    assert "0 B" not in table
    (problem,) = [line for line in told.splitlines() if "changed since" in line]
    assert problem.strip().startswith(meta.relative_to(folder).as_posix())
    assert told.count("SC038/SC038_050120_g0") == 1
    status, _ = bench.run("publication-status", "--type", "ephys", check=0)
    assert "0 B" not in status


def test_a_round_that_ends_early_does_not_count_what_it_has_not_looked_at(bench):
    bench.session("one")
    bench.session("two")
    write(bench.rig.rig / "video/SC038/05022020/video/SC038_side_1-0000.avi", b"film")
    bench.rig.admin.fail_requests("transfer/*", 503, count=None)
    impatient(bench.rig)
    (bench.ephys / "SC038" / "SC038_050220_g0").rename(bench.rig.folder / "away")
    report = bench.rig.publish()
    assert isinstance(report.stopped, GlobusUnavailable)
    assert report.not_here == 0


class Hurrying(SystemClock):
    """A clock on which every wait takes a minute, and which really waits a moment."""

    def __init__(self):
        self.ahead = timedelta()

    def now(self):
        return super().now() + self.ahead

    def sleep(self, seconds):
        self.ahead += timedelta(minutes=1)
        super().sleep(min(seconds, 0.05))


@pytest.mark.parametrize("direct", [True, False], ids=["known when asked directly", "really gone"])
def test_a_task_is_forgotten_only_after_minutes_and_a_direct_look(bench, monkeypatch, direct):
    """The list of tasks may lag; giving up a task that runs would send its files twice."""
    bench.session("one")
    bench.rig.admin.fail_tasks("hold", label="mapshell publish*")
    clock, looks, real = Hurrying(), [], GlobusStorageManager.task

    def task(self, task_id):
        looks.append(clock.ahead)
        if not direct:
            return None
        bench.release()
        return real(self, task_id)

    monkeypatch.setattr(GlobusStorageManager, "tasks", lambda *_: {})
    monkeypatch.setattr(GlobusStorageManager, "task", task)
    named = bench.outcomes(bench.publish(clock=clock))["one"]
    assert looks[0] >= watch.FORGOTTEN_AFTER
    if direct:
        assert named.state == "archived"
        assert len(bench.rig.tasks()) == 2
    else:
        assert (named.state, named.reason) == ("queued", "Globus does not know its task any more")


def test_a_look_at_one_task(bench):
    bench.session("one")
    bench.publish()
    store = bench.rig.globus()
    (first, *_) = bench.rig.tasks()
    assert store.task(first["task_id"]).state == "SUCCEEDED"
    assert store.task("11111111-2222-4333-8444-555555555555") is None


def test_a_cancelled_transfer_is_over_only_when_the_service_says_so(bench, monkeypatch):
    folder = bench.session("one")
    bench.rig.admin.fail_tasks("hold", label="mapshell publish*")
    bench.publish(wait=False)
    only(folder, "*.meta").rename(bench.rig.folder / "kept.meta")
    bench.release()
    cancelled = []
    monkeypatch.setattr(GlobusStorageManager, "cancel", lambda _, task_id: cancelled.append(task_id))
    (named,) = bench.publish(clock=Hurrying()).outcomes
    assert (named.state, named.failed, len(cancelled)) == ("in flight", True, 1)
    assert "cancelled and has not ended yet" in named.reason
    assert "vanished" in named.reason
    (transfer,) = publication.Transfer.to_dicts()
    assert transfer["state"] == "submitted"
    monkeypatch.undo()
    (named,) = bench.publish().outcomes
    assert "vanished" in named.reason
    assert list(publication.Transfer().to_arrays("state")) == ["failed"]
    assert {task["status"] for task in bench.rig.tasks()} == {"FAILED"}
