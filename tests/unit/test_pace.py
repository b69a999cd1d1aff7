"""The pace of requests: never more than the limit in any window, whatever the threads do."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.globus.pace import SLOW, Pace


class Time:
    """A clock that only sleeping and working moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


@given(st.lists(st.floats(0, 3), max_size=120), st.integers(1, 5), st.integers(2, 8))
def test_no_window_has_more_requests_than_allowed(work, rate, window):
    time = Time()
    pace = Pace(rate, window, clock=time, sleep=time.sleep)
    begun = []
    for seconds in work:
        pace.wait()
        begun.append(time.now)
        time.now += seconds
    for first, last in zip(begun, begun[rate * window :], strict=False):
        assert last - first >= window - 1e-6


def test_a_burst_is_not_held_back():
    time = Time()
    pace = Pace(18, 10, clock=time, sleep=time.sleep)
    for _ in range(180):
        pace.wait()
    assert time.now == 0
    pace.wait()
    assert time.now >= 10


def test_after_a_429_nothing_for_a_while_then_half_as_many_then_as_before():
    time = Time()
    pace = Pace(2, 10, clock=time, sleep=time.sleep)
    pace.slow_down(3)
    pace.wait()
    assert time.now >= 3
    for _ in range(10):
        pace.wait()
    assert time.now >= 13
    time.now += SLOW
    before = time.now
    for _ in range(20):
        pace.wait()
    assert time.now == before


def test_a_service_cannot_hold_us_for_hours():
    time = Time()
    pace = Pace(2, 10, clock=time, sleep=time.sleep)
    pace.slow_down(1e9)
    pace.wait()
    assert time.now <= 10


def test_without_a_limit_nobody_waits_until_the_service_asks_for_it():
    time = Time()
    pace = Pace(0, 10, clock=time, sleep=time.sleep)
    for _ in range(1000):
        pace.wait()
    assert time.now == 0
    pace.slow_down(3)
    pace.wait()
    assert time.now >= 10  # the thousand count
    began = time.now
    for _ in range(90):
        pace.wait()
    assert time.now - began >= 10
    time.now = 3 + SLOW
    for _ in range(1000):
        pace.wait()
    assert time.now == 3 + SLOW
