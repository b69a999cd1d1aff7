"""Which rounds are kept."""

import uuid
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.board.thinning import BUSY, IN_FULL, TROUBLED, Past, surplus

NOW = datetime.fromisoformat("2026-03-01T06:00:00")

pasts = st.lists(
    st.builds(
        Past,
        st.uuids(),
        st.sampled_from(["publish", "verify"]),
        st.timedeltas(timedelta(0), timedelta(days=200)).map(lambda each: NOW - each),
        st.sampled_from(["done", "failed", "running", "partly done"]),
        st.integers(0, 2),
    ),
    max_size=60,
    unique_by=lambda each: each.round_id,
)


@given(pasts)
def test_the_last_of_each_day_and_verb_stays_and_all_that_is_young(every):
    gone = set(surplus(every, NOW))
    kept = [each for each in every if each.round_id not in gone]
    for each in every:
        same = [e for e in every if (e.verb, e.began.date()) == (each.verb, each.began.date())]
        assert max(same, key=lambda e: (e.began, e.round_id)) in kept
        if NOW - each.began <= IN_FULL:
            assert each in kept
    assert surplus(kept, NOW) == []


@given(pasts)
def test_more_is_kept_of_rounds_that_did_something_or_were_in_trouble(every):
    gone = set(surplus(every, NOW))
    for each in every:
        age = NOW - each.began
        if (each.archived and age <= BUSY) or (each.result != "done" and age <= TROUBLED):
            assert each.round_id not in gone


def test_a_service_of_years_leaves_few():
    every = [Past(uuid.uuid4(), "publish", NOW - n * timedelta(minutes=15), "done") for n in range(96 * 60)]
    assert len(every) - len(surplus(every, NOW)) <= 3 * 96 + 60
