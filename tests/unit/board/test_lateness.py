"""Who missed a night, and which rounds ended badly."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.board.heartbeat import SILENCE
from pipeline.board.lateness import GRACE, Turn, bad, by_computer, late, retired
from pipeline.board.tidying import CUT_SHORT

NOW = datetime.fromisoformat("2026-11-22T07:00")
AFTER = timedelta(hours=30)
HOUR = timedelta(hours=1)


def turn(ago, **facts):
    began = NOW - ago
    known = {"computer": "rig-1", "verb": "publish", "scope": "all", "began": began, "seen": began, "result": "done"}
    return Turn(**{**known, **facts})


AGES = st.timedeltas(timedelta(0), timedelta(days=40))
RESULTS = st.sampled_from(["running", "done", "partly done", "failed", "interrupted"])
TURNS = st.builds(
    turn,
    AGES,
    verb=st.sampled_from(["publish", "verify", "discover", "reclaim"]),
    scope=st.sampled_from(["all", "chosen", "drive"]),
    result=RESULTS,
    reason=st.sampled_from(["", CUT_SHORT, "the network is away"]),
    next_at=st.none() | AGES.map(lambda ago: NOW + timedelta(days=2) - ago),
    gone=st.booleans(),
)
ROUNDS = st.lists(TURNS, min_size=1, max_size=8).map(lambda turns: by_computer(turns)["rig-1"])


def test_a_night_that_was_announced_is_missed_after_an_hour():
    on_time = turn(12 * HOUR, next_at=NOW - GRACE)
    assert late([on_time], NOW, AFTER) is None
    assert late([on_time], NOW + timedelta(seconds=1), AFTER).due == on_time.next_at


def test_without_announcement_the_setting_counts():
    assert late([turn(29 * HOUR)], NOW, AFTER) is None
    assert late([turn(31 * HOUR)], NOW, AFTER).due is None
    assert late([turn(31 * HOUR)], NOW, timedelta(hours=48)) is None


@pytest.mark.parametrize("wrong", [timedelta(days=365), timedelta(days=-365)])
def test_what_a_wrong_clock_announced_is_not_waited_for(wrong):
    last = turn(29 * HOUR, next_at=NOW + wrong)
    assert late([last], NOW, AFTER) is None
    missed = late([replace(last, began=NOW - 31 * HOUR, seen=NOW - 31 * HOUR)], NOW, AFTER)
    assert missed is not None
    assert missed.due is None


def test_a_round_that_goes_on_is_no_missed_night_until_it_falls_silent():
    going = turn(40 * HOUR, result="running", seen=NOW - SILENCE)
    assert late([going], NOW, AFTER) is None
    assert not going.cut_short(NOW)
    assert late([replace(going, seen=NOW - AFTER - HOUR)], NOW, AFTER) is not None
    assert replace(going, seen=NOW - SILENCE - HOUR).cut_short(NOW)
    assert replace(going, gone=True).cut_short(NOW)


@pytest.mark.parametrize(
    "facts",
    [{"verb": "verify"}, {"scope": "drive"}, {"scope": "chosen"}],
    ids=lambda facts: " ".join(facts.values()),
)
def test_what_a_person_does_by_hand_makes_no_nights(facts):
    assert late([turn(40 * HOUR, **facts)], NOW, AFTER) is None


@given(ROUNDS)
def test_a_retired_computer_is_not_told_for_ever(turns):
    if retired(turns, NOW):
        assert late(turns, NOW, AFTER) is None
        assert bad(turns, NOW, NOW) == []


@given(ROUNDS, st.timedeltas(timedelta(0), timedelta(days=10)))
def test_a_night_that_is_missed_stays_missed_until_it_is_made_good_or_forgotten(turns, later):
    found = late(turns, NOW, AFTER)
    if found is not None and not retired(turns, NOW + later):
        assert late(turns, NOW + later, AFTER) == found
    fresh = turn(-later, result="done")
    assert late([fresh, *turns], NOW + later, AFTER) is None


@given(ROUNDS)
def test_the_newest_round_of_a_verb_makes_earlier_ones_good(turns):
    for verb in {each.verb for each in turns}:
        assert all(each.verb != verb for each in bad([turn(timedelta(0), verb=verb), *turns], NOW, NOW))


@given(ROUNDS, st.timedeltas(timedelta(0), timedelta(days=30)))
def test_failures_are_told_whenever_they_were_and_interruptions_while_they_are_news(turns, ago):
    recent, ever = bad(turns, NOW, NOW - ago), bad(turns, NOW, datetime.min)  # noqa: DTZ901
    assert set(recent) <= set(ever)
    for each in set(ever) - set(recent):
        assert each.result in {"interrupted", "partly done"}
        assert each.seen < NOW - ago


@pytest.mark.parametrize("scope", ["chosen", "drive"])
def test_what_a_person_does_by_hand_hides_no_night_that_failed(scope):
    night = turn(5 * HOUR, result="failed", reason="nobody is logged in")
    by_hand = turn(HOUR, scope=scope)
    assert bad([by_hand, night], NOW, NOW - AFTER) == [night]
    assert bad([replace(by_hand, result="failed"), night], NOW, NOW - AFTER) == [
        replace(by_hand, result="failed"),
        night,
    ]
    assert bad([turn(timedelta(0)), replace(by_hand, result="failed"), night], NOW, NOW - AFTER) == []


def test_a_service_of_some_data_alone_is_told_when_it_sends_nothing():
    nothing = turn(HOUR, scope="chosen", result="partly done", reason="the archive is away", next_at=NOW + HOUR)
    assert bad([nothing], NOW, NOW - AFTER) == [nothing]


def test_refused_sessions_are_told_as_sessions():
    of_a_session = "refused: SC038 session 3 of 2026-11-20, raw-ephys: x.bin: empty (and 2 more)"
    of_a_folder = "refused: SC038/SC038_x_g0: no session of that day"
    assert bad([turn(HOUR, result="partly done", reason=of_a_session)], NOW, NOW - AFTER) == []
    for state in ("queued", "in flight"):  # nobody else says that it could not be sent
        not_sent = of_a_session.replace("refused", state)
        assert len(bad([turn(HOUR, result="partly done", reason=not_sent)], NOW, NOW - AFTER)) == 1
    assert len(bad([turn(HOUR, result="partly done", reason=of_a_folder)], NOW, NOW - AFTER)) == 1
