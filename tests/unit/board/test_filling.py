"""How fast a disk fills, and when it is full."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.board.filling import SPAN, by_files, by_free

NOW = datetime.fromisoformat("2026-03-01T06:00:00")
DAY = timedelta(days=1)


def ago(days, free):
    return (NOW - days * DAY, free)


def test_what_was_written_counts_and_not_what_came_free():
    found = by_free([ago(4, 1000), ago(3, 900), ago(2, 1500), ago(1, 1300), ago(0, 1200)], NOW)
    assert found.per_day == pytest.approx((100 + 200 + 100) / 4)
    assert found.days == pytest.approx(12)
    assert found.by == "free space of the last 4 days"


def test_time_since_the_last_look_is_gone():
    found = by_free([ago(3, 1000), ago(1, 800)], NOW)
    assert found.days == pytest.approx(8 - 1)


@pytest.mark.parametrize("samples", [[], [ago(0, 5)], [ago(0.9, 10), ago(0, 5)], [ago(20, 100), ago(15, 1)]])
def test_less_than_a_day_tells_nothing(samples):
    assert by_free(samples, NOW) is None


def test_a_disk_to_which_nothing_comes():
    assert (by_free([ago(5, 10), ago(0, 10)], NOW).per_day, by_free([ago(5, 10), ago(0, 10)], NOW).days) == (0, None)
    assert by_files(0, 10).days is None
    assert by_files(1, 10**15).days is None  # not for years


def test_files_of_two_weeks():
    found = by_files(14_000, 5_000)
    assert (found.per_day, found.days, found.by) == (1000, 5, "recordings of the last 14 days")


moments = st.timedeltas(timedelta(0), 2 * SPAN)
samples = st.lists(st.tuples(moments, st.integers(0, 10**14)), max_size=40)


@given(samples)
def test_never_negative_and_the_order_does_not_matter(given_):
    every = [(NOW - when, free) for when, free in given_]
    found = by_free(every, NOW)
    assert found == by_free(reversed(every), NOW)
    if found is not None:
        assert found.per_day >= 0
        assert found.days is None or found.days >= 0


@given(samples, st.integers(1, 10**12))
def test_room_that_comes_free_makes_nothing_worse(given_, freed):
    """More free at every later look: what was written is the same, and the disk lasts longer."""
    every = sorted((NOW - when, free) for when, free in given_)
    half = len(every) // 2
    more = [*every[:half], *((when, free + freed) for when, free in every[half:])]
    before, after = by_free(every, NOW), by_free(more, NOW)
    assert (before is None) == (after is None)
    if before is not None:
        assert after.per_day <= before.per_day * (1 + 1e-9)
