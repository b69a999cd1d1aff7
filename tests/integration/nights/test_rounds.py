"""Rounds in this process: ended early by their window, and hundreds of them one after the other."""

from __future__ import annotations

import gc
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from mapshell.commands.choosing import Choice
from mapshell.context import Context, Options
from mapshell.serving.nights import Nights
from pipeline import publication
from pipeline.nights.rhythm import read_rhythm
from pipeline.nights.service import serve
from pipeline.nights.stopping import Stop
from pipeline.work import SystemClock

OVER = "the window 22:00-06:00 is over"


class Closing(SystemClock):
    """A clock by which the window closes while somebody waits."""

    closed = False

    def sleep(self, seconds):
        super().sleep(min(seconds, 0.05))
        self.closed = True

    def ending(self):
        return OVER if self.closed else ""


def test_nothing_is_begun_once_the_window_is_over(each_bench):
    known, new = each_bench.session("known"), None
    assert each_bench.publish().whole
    new = each_bench.session("new")
    report = each_bench.publish(ending=lambda: OVER)
    assert {name: outcome.state for name, outcome in each_bench.outcomes(report).items()} == {"new": "queued"}
    assert report.outcomes[0].reason == OVER
    assert report.whole  # nobody has to do anything
    assert len(each_bench.rig.tasks()) == 2
    assert len(publication.Claim()) == 0
    states = {row["session"]: row["state"] for row in publication.SessionState().to_dicts()}
    assert states == {2: "queued"}
    assert each_bench.publish().whole
    each_bench.assert_archived(known, new)


def test_transfers_are_left_to_the_next_round_when_the_window_closes(bench):
    folders = [bench.session("one"), bench.session("two")]
    bench.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    clock = Closing()
    report = bench.publish(clock=clock, ending=clock.ending)
    assert {outcome.state for outcome in report.outcomes} == {"in flight"}
    assert len(publication.Claim()) == 0
    bench.release()
    assert bench.publish().whole
    bench.assert_archived(*folders)


def test_a_wait_for_a_quiet_disk_ends_with_the_window(bench):
    archive = replace(bench.rig.settings.archive, pause_while_recording=True, quiet_seconds=3600)
    bench.rig.settings = replace(bench.rig.settings, archive=archive)
    folder = bench.session("here")
    other = bench.ephys / "SC048" / "SC048_050120_g0" / "growing.bin"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"now")
    clock = Closing()
    report = bench.publish(clock=clock, ending=clock.ending)
    assert bench.outcomes(report)["here"].state == "queued"
    assert bench.rig.tasks() == []
    bench.assert_untouched(folder)


def test_a_flight_of_an_earlier_round_is_not_called_queued(bench):
    bench.session("one")
    bench.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    bench.publish(wait=False)
    bench.session("two")
    report = bench.publish(ending=lambda: OVER)
    assert {name: outcome.state for name, outcome in bench.outcomes(report).items()} == {"two": "queued"}
    bench.release()
    assert bench.publish().whole


class Fast:
    """A clock on which nobody waits, until so many minutes have passed."""

    def __init__(self, stop, minutes):
        self._stop = stop
        self.at = datetime.now(UTC).replace(tzinfo=None)
        self._until = self.at + timedelta(minutes=minutes)

    def now(self):
        if self.at >= self._until:
            self._stop.ask("the test")
        return self.at

    def sleep(self, seconds):
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def nights(bench, tmp_path, capsys):
    """Make so many rounds of the service in this process; return what it left open."""
    context = Context(Options(config=bench.rig.folder / "dj_local_conf.json", format="json", no_input=True))
    choice = Choice(None, (), (), None, None)
    rhythm = read_rhythm("1m", "", "never", UTC)

    def run(rounds):
        stop = Stop()
        clock = Fast(stop, rounds)
        duties = Nights(context, choice, rhythm, clock, tmp_path / "mine", wait=True, adopt=False)
        tally = serve(rhythm, duties, clock, stop)
        assert (tally.rounds, tally.unwell) == (rounds, 0), capsys.readouterr().out
        capsys.readouterr()
        gc.collect()
        me = psutil.Process()
        return me.num_fds() if hasattr(me, "num_fds") else 0, threading.active_count(), len(gc.get_objects())

    return run


def test_two_hundred_rounds_leave_nothing_open(nights, bench):
    folder = bench.session("one")
    nights(20)
    bench.assert_archived(folder)
    before = nights(5)
    after = nights(200)
    assert after[0] <= before[0] + 2, "open files"
    assert after[1] <= before[1], "threads"
    assert after[2] <= before[2] + 2000, "objects"
