"""When tasks are asked for, and which files share one: for any speed, any sizes."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.ports import TaskStatus
from pipeline.archive.tasks.ending import LEAST, Look, pause, remaining
from pipeline.archive.tasks.poller import Poller
from pipeline.archive.tasks.shares import ENOUGH, SIDE_BY_SIDE, shares, side_by_side, work

SECONDS = st.floats(0.01, 1e5)
NUMBERS = st.integers(0, 10**12)
MOST = 10.0


# --- when a task ends ------------------------------------------------------------------------------------------------


@given(SECONDS, st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_at_a_steady_speed_the_end_is_foretold(spent, before, moved, left):
    found = remaining(Look(0.0, before, 0), Look(spent, before + moved, 0), before + moved + left, 0)
    assert found == pytest.approx(spent * left / moved)


@given(SECONDS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_whatever_the_service_counts_a_time_to_come_is_never_negative(at, files, more_files, size, more, total, whole):
    first = Look(1.0, files, size)
    found = remaining(first, Look(1.0 + at, files + more_files, size + more), total, whole)
    assert found is None or found >= 0


@given(SECONDS, st.integers(1, 10**6), st.integers(1, 10**12))
def test_the_slower_of_files_and_bytes_counts(spent, files, size):
    """The last file may be the largest: nearly all files are there, and hardly any byte."""
    found = remaining(Look(0.0, 0, 0), Look(spent, files, size), files + 1, 3 * size)
    assert found == pytest.approx(2 * spent)


@given(SECONDS, NUMBERS, NUMBERS)
def test_of_what_does_not_move_nobody_can_tell(spent, files, size):
    assert remaining(Look(0.0, files, size), Look(spent, files, size), files + 1, 0) is None
    assert remaining(Look(spent, 0, 0), Look(spent, files, size), files + 1, size) is None


@given(st.floats(0.01, 20), st.none() | st.floats(0, 1e6), st.integers(0, 10**6), st.floats(0.1, 60))
def test_no_pause_is_longer_than_the_longest_nor_hasty(usual, expected, misses, most):
    found = pause(usual, expected, misses, most)
    assert 0 < found <= most
    if expected is None:
        assert found == min(usual, most)
    else:
        assert found >= min(LEAST, most)
        assert found <= max(usual, pause(usual, expected, misses + 1, most))


# --- the questions asked of a task, from its submission to its end ----------------------------------------------------


class Service:
    """A service with one task, and the clock of whoever waits for it."""

    def __init__(self, delay, seconds, files, size, jump=1.0):
        self.time, self.delay, self.seconds = 0.0, delay, seconds
        self.files, self.size, self.jump = files, size, jump

    def now(self):
        return datetime.fromisoformat("2020-05-01") + timedelta(seconds=self.time)

    def tasks(self, task_ids):
        done = min(1.0, max(0.0, (self.time - self.delay) / self.seconds)) ** self.jump
        state = "SUCCEEDED" if self.time >= self.delay + self.seconds else "ACTIVE"
        moved = {"files": self.files, "files_transferred": int(done * self.files)}
        return {
            each: TaskStatus(each, state, "", bytes_transferred=int(done * self.size), **moved) for each in task_ids
        }


def watched(service):
    """Ask until the task has ended; return when it was asked for (s)."""
    poller, asked = Poller(service, SimpleNamespace(now=service.now), most=MOST), []
    while True:
        asked.append(service.time)
        (status,) = poller.poll(["task"], {"task": service.size}).values()
        if status.state == "SUCCEEDED":
            return asked
        service.time += poller.interval


@given(st.floats(0, 5), st.floats(1, 200), st.integers(10**3, 10**5), st.integers(0, 10**12))
def test_a_task_at_a_steady_speed_is_asked_for_soon_after_its_end_and_seldom_before(delay, seconds, files, size):
    service = Service(delay, seconds, files, size)
    asked = watched(service)
    assert len(asked) <= 20 + (delay + seconds) / MOST
    assert asked[-1] - (delay + seconds) <= 2.0  # with the growing pause alone: a third of the task, up to 10 s


@given(st.floats(0, 5), st.floats(1, 3600), st.integers(1, 10**5), st.integers(0, 10**12), st.floats(0.05, 20))
def test_whatever_course_a_task_takes_the_questions_are_few_and_the_end_is_seen(delay, seconds, files, size, jump):
    service = Service(delay, seconds, files, size, jump)
    asked = watched(service)
    assert len(asked) <= 30 + (delay + seconds) / MOST
    assert asked[-1] - (delay + seconds) <= MOST


# --- which files share a task ----------------------------------------------------------------------------------------


@given(st.integers(0, 10**7))
def test_few_files_are_one_task_and_many_no_more_than_run_at_once(files):
    number = side_by_side(files)
    assert 1 <= number <= SIDE_BY_SIDE
    assert number == 1 or files / number >= ENOUGH


@given(st.lists(st.integers(0, 10**11), max_size=60), st.integers(1, 5))
def test_shares_lose_nothing_keep_the_order_and_are_about_equal(sizes, most):
    works = [work([size]) for size in sizes]
    units = list(enumerate(sizes))
    found = shares(units, works, most)
    assert [unit for share in found for unit in share] == units
    assert all(found)
    assert len(found) <= most
    for share in found:
        own = sum(works[number] for number, _ in share)
        assert own <= (sum(works) / most + max(works)) * 1.000001
