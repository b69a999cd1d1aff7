"""Limits, turns and settings by themselves."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from mapshell.sandbox.collections import Collections
from mapshell.sandbox.database import Database
from mapshell.sandbox.meter import WINDOW_S, Meter
from mapshell.sandbox.pace import Pace
from mapshell.sandbox.realism import Realism, chosen
from mapshell.sandbox.runner import TransferPass
from mapshell.sandbox.runs import Run
from mapshell.sandbox.tasks import COUNTERS, Task, TaskStore
from mapshell.sandbox.turns import Turns


@given(st.builds(Realism, latency=st.floats(0, 10), running_tasks=st.none() | st.integers(1, 9), seed=st.integers()))
def test_settings_are_read_as_they_are_written(realism):
    assert Realism.from_json(realism.to_json()) == realism
    assert chosen(realism, {}) == realism
    assert chosen(realism, {"realistic": False}) == Realism()


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from("ab")), max_size=60), st.integers(1, 5))
def test_in_no_ten_seconds_more_requests_pass_than_allowed(steps, most):
    now = 0.0
    meter = Meter(lambda: now)
    passed = {"a": [], "b": []}
    for pause, user in steps:
        now += pause
        wait = meter.admit(user, most / WINDOW_S)
        recent = [instant for instant in passed[user] if instant > now - WINDOW_S]
        assert (wait == 0) == (len(recent) < most)
        if wait:
            # Whoever waits that long, and no less, gets through.
            assert len([instant for instant in recent if instant > now + wait - WINDOW_S + 1e-6]) < most
            assert len([instant for instant in recent if instant > now + wait - WINDOW_S - 1e-6]) >= most
        else:
            passed[user].append(now)


@st.composite
def scenes(draw):
    """Who asks for a place, and who leaves, in which order."""
    return draw(st.lists(st.tuples(st.sampled_from(["enter", "leave"]), st.integers(0, 11)), max_size=60))


@given(scenes(), st.integers(1, 3), st.integers(2, 5))
def test_places_are_given_in_order_and_never_too_many(scene, limit, most):
    turns = Turns(most)
    turns.set_limit(limit)
    inside, waiting = [], []
    for what, number in scene:
        name, group = f"task{number}", number % 3
        if what == "enter" and name not in waiting:
            (inside if turns.enter(name, group) else waiting).append(name)
            inside = list(dict.fromkeys(inside))
        elif what == "leave":
            inside, waiting = ([name_ for name_ in names if name_ != name] for names in (inside, waiting))
            for admitted in turns.leave(name):
                # The first in the queue of its group.
                group_ = int(admitted[4:]) % 3
                assert admitted == next(name_ for name_ in waiting if int(name_[4:]) % 3 == group_)
                waiting.remove(admitted)
                inside.append(admitted)
        groups = [int(name_[4:]) % 3 for name_ in inside]
        assert all(groups.count(each) <= limit for each in range(3))
        assert len(inside) <= most
        # Nobody waits while there is room for them.
        assert len(inside) == most or all(groups.count(int(name_[4:]) % 3) == limit for name_ in waiting)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40))
def test_whoever_is_due_first_comes_first(added):
    turns = Turns()
    expected = {}
    for order, (number, when) in enumerate(added):
        turns.add(f"{number}", when)
        expected[f"{number}"] = (when, order)
    seen = []
    while (task := turns.pop(100)) is not None:
        seen.append(task)
    assert seen == sorted(expected, key=expected.__getitem__)
    assert turns.next_time() is None


def test_what_is_at_work_for_hours_is_given_more_time(tmp_path):
    store = TaskStore(database := Database(tmp_path / "sandbox.db"))
    nothing = dict.fromkeys(("label", "completed", "fatal_error", "nice_status", "nice_details", "hold", "fault"))
    words = dict.fromkeys(("task_id", "owner", "submission_id", "source", "destination", "body_hash"), "x")
    times = {"requested": time.time(), "deadline": time.time() + 86_400}
    counters = dict.fromkeys(COUNTERS, 0)
    task = Task(number=0, type="TRANSFER", status="ACTIVE", options={}, counters=counters, **times, **nothing, **words)
    store.create(task, [])
    run = Run(TransferPass(task, store, Collections(database), Pace(), lambda: False))
    for hours, days in ((0, 1), (1, 3)):
        run.extend(store, time.monotonic() + hours * 3600)
        run.refresh(store)
        assert round(run.left() / 86_400, 2) == days
