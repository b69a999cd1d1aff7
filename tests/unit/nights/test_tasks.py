"""Transfers by the beginning of their ids."""

from __future__ import annotations

import contextlib
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.transfers.choosing import choose
from pipeline.transfers.journalled import Carried, Journalled

NOW = datetime.fromisoformat("2026-03-01T12:00")
ids = st.uuids().map(str)


ONE = (Carried(1, 2, "raw-ephys", "SC038"),)


def transfer(transfer_id, task_id=None, state="submitted", sessions=ONE):
    return Journalled(
        transfer_id, "publish", state, task_id, "a label", None, "rig", NOW, None, None, "", tuple(sessions)
    )


@given(st.lists(st.tuples(ids, ids | st.none(), st.booleans()), min_size=1, unique_by=lambda each: each[0]), st.data())
def test_a_whole_id_means_its_transfer_and_a_beginning_never_another(rows, data):
    among = [transfer(ours, task, "done" if ended else "submitted") for ours, task, ended in rows]
    one = data.draw(st.sampled_from(among))
    name = data.draw(st.sampled_from([each for each in (one.transfer_id, one.task_id) if each]))
    assert choose([name, f" {name.upper()} "], among) == [one]
    begin = name[: data.draw(st.integers(1, 36))]
    meant = [each for each in among if begin in (each.transfer_id[: len(begin)], (each.task_id or "")[: len(begin)])]
    with contextlib.suppress(UsageError):  # several
        assert choose([begin], among)[0] in meant
    if len(meant) == 1:
        assert choose([begin], among) == meant


@given(st.text(max_size=40).filter(lambda text: not set(text.lower()) <= set("0123456789abcdef- ")))
def test_what_means_nothing_is_refused_with_a_remedy(text):
    with pytest.raises(UsageError) as refused:
        choose([text], [transfer(str(UUID(int=2**120 + 5)), str(UUID(int=2**127)))])
    assert "mapshell tasks" in refused.value.remedy


def test_the_nearest_id_is_suggested_and_the_open_one_meant():
    near = "5d3f8a21-0000-4000-8000-000000000001"
    among = [transfer(str(UUID(int=1)), near), transfer(str(UUID(int=2)), "0b7c44fe-0000-4000-8000-000000000002")]
    with pytest.raises(UsageError, match="knows no task 5d3f8a12") as refused:
        choose(["5d3f8a12"], among)
    assert f"did you mean {near}?" in refused.value.remedy
    ended = transfer(str(UUID(int=3)), "5d3f0000-0000-4000-8000-000000000003", "done")
    assert choose(["5d3f"], [*among, ended]) == among[:1]


def test_what_it_carries_in_a_few_words():
    several = [Carried(1, 2, "raw-ephys", "SC038"), Carried(1, 3, "raw-ephys")]
    assert transfer("a").what == "SC038 session 2"
    assert transfer("a", sessions=several[1:]).what == "subject 1 session 3"
    assert transfer("a", sessions=several).what == "2 sessions"
    assert transfer("a", sessions=()).what == "a label"
