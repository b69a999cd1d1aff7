"""The service, by a clock that jumps when somebody sleeps: rounds, reports, what fails, and how it ends."""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import ConfigError, DatabaseUnavailable, LoginNeeded, UsageError
from pipeline.nights.ready import notify
from pipeline.nights.rhythm import read_rhythm
from pipeline.nights.service import serve
from pipeline.nights.stopping import ServiceClock, Stop

BEGAN = datetime.fromisoformat("2026-03-01T12:00")


@dataclass
class Time:
    """A clock on which nobody waits; it asks for the end when its time is over."""

    stop: Stop
    until: datetime
    at: datetime = BEGAN

    def now(self):
        if self.at >= self.until:
            self.stop.ask("the test")
        return self.at

    def sleep(self, seconds):
        assert 0 < seconds <= 60
        self.at += timedelta(seconds=seconds, milliseconds=3)  # nobody wakes in time


@dataclass
class Day:
    """What happened; a round takes ten minutes, unless it is to end before."""

    clock: Time
    errors: dict = field(default_factory=dict)
    takes: timedelta = timedelta(minutes=10)
    rounds: list = field(default_factory=list)
    early: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    reports: list = field(default_factory=list)
    report_errors: list = field(default_factory=list)
    last_report: datetime | None = None
    report_fails: Exception | None = None

    def round(self, turn):
        self.rounds.append(turn.began)
        error = self.errors.get(turn.number)
        if error is not None:
            raise error
        end = self.clock.now() + self.takes
        while self.clock.now() < end and not turn.ending():
            self.clock.sleep(60)
        if turn.ending():
            self.early.append(turn.ending())
        return True

    def failed(self, turn, error):
        self.failures.append((turn.number, error))

    def report(self, since, now):
        self.reports.append((since, now))
        if self.report_fails:
            raise self.report_fails

    def report_failed(self, error):
        self.report_errors.append(error)

    def waiting(self, until):
        del until

    def reported_at(self):
        return self.last_report


def minutes(instants):
    return [each.replace(second=0, microsecond=0) for each in instants]


def days(number, every="15m", at="", report_at="", **more):
    stop = Stop()
    clock = Time(stop, BEGAN + timedelta(days=number))
    day = Day(clock, **more)
    tally = serve(read_rhythm(every, at, report_at, UTC), day, clock, stop)
    return day, tally


def test_rounds_are_begun_in_the_window_alone_and_the_report_follows_it():
    day, tally = days(3, at="22:00-06:00")
    assert tally.rounds == len(day.rounds) == 3 * 32
    assert {each.hour for each in day.rounds} == {22, 23, 0, 1, 2, 3, 4, 5}
    assert minutes(day.rounds)[0] == datetime.fromisoformat("2026-03-01T22:00")
    assert set(minutes(now for _, now in day.reports)) == {BEGAN + timedelta(hours=18, days=each) for each in (0, 1, 2)}
    assert day.reports[1][0] == day.reports[0][1]
    assert tally.why == "the test"


def test_a_long_round_ends_with_its_window_and_the_report_comes_after_it():
    day, _ = days(1, every="1h", at="22:00-06:00", takes=timedelta(hours=11))
    assert minutes(day.rounds) == [datetime.fromisoformat("2026-03-01T22:00")]
    assert day.early == ["the window 22:00-06:00 is over"]
    assert minutes(now for _, now in day.reports) == [datetime.fromisoformat("2026-03-02T06:00")]


def test_a_round_that_takes_longer_than_its_beat_skips_beats():
    day, _ = days(1, every="1h", takes=timedelta(minutes=130))
    begun = minutes(day.rounds)
    assert [each - begun[0] for each in begun] == [timedelta(hours=3 * number) for number in range(8)]


def test_what_fails_is_told_and_tried_again():
    errors = {
        2: DatabaseUnavailable("The server is away.", remedy="wait."),
        3: LoginNeeded("The login has ended.", remedy="mapshell login"),
        4: ConfigError("The file is broken.", remedy="mend it."),
        5: ZeroDivisionError("a defect"),
    }
    day, tally = days(1, every="1h", errors=errors)
    assert [number for number, _ in day.failures] == [2, 3, 4, 5]
    assert (tally.rounds, tally.unwell) == (24, 4)


@pytest.mark.parametrize("error", [ConfigError("wrong", remedy="mend it."), UsageError("wrong", remedy="mend it.")])
def test_what_never_mends_by_itself_ends_a_service_that_has_just_begun(error):
    with pytest.raises(type(error)):
        days(1, errors={1: error})
    day, _ = days(1, at="22:00-06:00", errors={1: error})  # by then nobody looks
    assert [number for number, _ in day.failures] == [1]


def test_an_interrupted_round_is_the_last_one():
    _, tally = days(1, errors={3: KeyboardInterrupt()})
    assert (tally.rounds, tally.interrupted) == (3, True)


def test_a_report_that_fails_costs_no_round():
    day, tally = days(2, report_fails=OSError("no mail"))
    assert tally.rounds == 2 * 96
    assert [str(error) for error in day.report_errors] == ["no mail", "no mail"]


def test_a_report_that_an_earlier_service_missed_is_made():
    day, _ = days(0.2, last_report=BEGAN - timedelta(days=1))
    assert day.reports == [(BEGAN - timedelta(days=1), BEGAN)]
    day, _ = days(0.2)
    assert day.reports == []
    assert days(1, report_at="never")[0].reports == []


def test_a_report_from_the_future_keeps_none_back():
    day, _ = days(2, last_report=BEGAN + timedelta(days=400))
    assert [now.date() for _, now in day.reports] == [(BEGAN + timedelta(days=each)).date() for each in (1, 2)]
    assert all(since < now for since, now in day.reports)


def test_five_hundred_rounds_leave_nothing_behind():
    class Lean(Day):
        def round(self, turn):
            self.clock.at += timedelta(seconds=1)
            return bool(turn.number)

    def rounds(count):
        stop = Stop()
        clock = Time(stop, BEGAN + timedelta(minutes=count))
        assert serve(read_rhythm("1m", "", "never", UTC), Lean(clock), clock, stop).rounds == count
        gc.collect()
        return len(gc.get_objects())

    rounds(10)
    assert abs(rounds(510) - rounds(10)) < 100


def test_a_sleep_ends_when_the_service_is_to_end():
    stop = Stop()
    stop.ask("SIGTERM")
    ServiceClock(stop).sleep(3600)
    other = threading.Thread(target=stop.sleep, args=(3600,))
    other.start()
    other.join(30)
    assert not other.is_alive()
    assert stop.why == "SIGTERM"


@pytest.mark.skipif(sys.platform == "win32", reason="signals wake a sleep on POSIX")
def test_a_signal_wakes_the_sleep_of_the_main_thread():
    import signal

    stop = Stop()
    before = signal.signal(signal.SIGALRM, lambda *_: stop.ask("SIGALRM"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        ServiceClock(stop).sleep(3600)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert stop.why == "SIGALRM"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd's socket is POSIX")
def test_systemd_is_told(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(os.fspath(tmp_path / "n"))
        notify({"NOTIFY_SOCKET": os.fspath(tmp_path / "n")}, "READY=1", "STATUS=round 1")
        assert manager.recv(100) == b"READY=1\nSTATUS=round 1"
    notify({"NOTIFY_SOCKET": os.fspath(tmp_path / "gone")}, "READY=1")  # nobody listens: nothing happens
    notify({}, "READY=1")
