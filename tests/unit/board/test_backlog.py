"""What waits, and for how long."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.board.backlog import WAITING, backlog, waits
from pipeline.board.board import totals
from pipeline.board.status import SessionStatus
from pipeline.forecast import Move

BEGAN = datetime.fromisoformat("2026-03-01")
STATES = ["queued", "in flight", "recording", "refused", "archived", "archived with changes", "not here", "reclaimed"]


def row(state, size=0, computer="rig1", session=1, alias="raw-ephys"):
    return SessionStatus("SC1", 1, session, "2026-03-01", alias, state, size=size, computer=computer, unarchived=size)


def move(size, hours):
    return Move(BEGAN, BEGAN + timedelta(hours=hours), size)


def test_hours_at_the_speed_of_the_computer_that_has_them():
    rows = [row("queued", 3000), row("in flight", 1000, session=2), row("queued", 600, "rig2", 3)]
    found = backlog(rows, {"rig1": [move(1000, 1)], "rig2": [move(100, 1)]}, "rig1")
    assert (found.here.sessions, found.here.size) == (2, 4000)
    assert found.here.hours == pytest.approx(4)
    assert [load.hours for load in found.computers] == pytest.approx([4, 6])
    assert (found.sessions, found.size) == (3, 4600)
    assert found.hours == pytest.approx(6)  # they send at the same time


def test_bytes_of_a_session_count_for_each_copy_and_the_places_are_told():
    rows = [row("queued", 10), row("queued", 10, alias="raw-ephys-2"), row("queued", 5, "rig2", 2)]
    found = backlog(rows, {}, "rig1")
    assert (found.sessions, found.size, found.places) == (2, 25, 2)
    assert [load.places for load in found.computers] == [2, 1]


def test_nobody_knows_where_nothing_was_timed():
    found = backlog([row("queued", 10), row("queued", 10, "rig2", 2)], {"rig1": [move(10, 1)]}, "rig1")
    assert found.here.hours == pytest.approx(1)
    assert found.hours is None


def test_a_session_of_two_locations_is_one_session():
    found = backlog([row("queued", 10), row("queued", 10, alias="raw-ephys-2")], {}, "rig1")
    assert (found.sessions, found.size, found.here.sessions) == (1, 20, 1)


def test_nothing_waits():
    found = backlog([row("archived", 10), row("refused", 10)], {}, "desk")
    assert (found.sessions, found.size, found.hours, found.computers) == (0, 0, 0.0, ())
    assert found.here.computer == "desk"


rows = st.lists(
    st.builds(row, st.sampled_from(STATES), st.integers(0, 10**13), st.sampled_from(["a", "b"]), st.integers(1, 9)),
    max_size=30,
)


@given(rows)
def test_sums_agree(given_):
    found = backlog(given_, {}, "a")
    assert sum(load.size for load in found.computers) == found.size
    assert found.size == sum(each.unarchived for each in given_ if waits(each))
    assert all(each.state in WAITING or each.state == "archived with changes" for each in given_ if waits(each))
    sums = totals(given_)
    assert sum(each.sessions for each in sums.values()) == len(given_)
    assert sum(each.size for each in sums.values()) == sum(each.size for each in given_)
