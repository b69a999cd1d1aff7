"""What is read back next, and how much of it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.amounts import duration, size
from pipeline.archive.due import NEVER, Budget, Candidate, due, sampled
from pipeline.archive.manifest import FileEntry
from pipeline.errors import UsageError

SESSIONS = st.lists(st.lists(st.integers(NEVER, 6), max_size=6), max_size=6)


def candidates(tag, days):
    names = [f"A/{tag}/{number}" for number in range(len(days))]
    return [Candidate(day, name, FileEntry(name, 1, 1, "unknown")) for day, name in zip(days, names, strict=True)]


@given(SESSIONS, st.data())
def test_every_file_comes_once_those_longest_not_compared_first(archive, data):
    loaded = Counter()

    def load(tag):
        loaded[tag] += 1
        return data.draw(st.permutations(candidates(tag, archive[tag])))

    # The day of a session may be told too early, never too late.
    told = [max(NEVER, min(days, default=0) - data.draw(st.integers(0, 2))) for days in archive]
    found = list(due([(day, tag, len(archive[tag])) for tag, day in enumerate(told)], load))
    days = {each.subpath: each.day for tag, theirs in enumerate(archive) for each in candidates(tag, theirs)}
    assert sorted(entry.subpath for _, entry in found) == sorted(days)
    assert [days[entry.subpath] for _, entry in found] == sorted(days.values())
    assert all(entry.subpath.startswith(f"A/{tag}/") for tag, entry in found)
    assert all(count <= 8 for count in loaded.values())


@given(SESSIONS, st.data())
def test_a_share_of_each_session_is_its_longest_not_compared(archive, data):
    shares = [data.draw(st.integers(0, len(days))) for days in archive]
    sessions = [(min(days, default=0), tag, shares[tag]) for tag, days in enumerate(archive)]
    taken = Counter(tag for tag, _ in due(sessions, lambda tag: candidates(tag, archive[tag])))
    assert all(taken[tag] == share for tag, share in enumerate(shares))


def test_files_that_were_taken_before_do_not_come_again_when_a_session_is_loaded_anew():
    archive = {0: [1, 5], 1: [3]}
    done = set()

    def load(tag):  # what was read back is no candidate any more, as with an account that may write
        return [each for each in candidates(tag, archive[tag]) if each.subpath not in done]

    order = []
    for _, entry in due([(1, 0, 2), (3, 1, 1)], load):
        done.add(entry.subpath)
        order.append(entry.subpath)
    assert order == ["A/0/0", "A/1/0", "A/0/1"]


@given(st.integers(1, 10**6))
def test_ten_samples_see_every_file(files):
    assert 1 <= sampled(files) <= files
    assert 10 * sampled(files) >= files
    assert sampled(0) == 0


@given(st.lists(st.integers(0, 100)), st.integers(1, 300))
def test_a_budget_is_never_exceeded_and_says_why_it_ended(sizes, most):
    budget = Budget(most, lambda: False)
    taken = []
    for each in sizes:
        if budget.never(each):
            assert each > most
        elif budget.take(each):
            taken.append(each)
        else:
            assert budget.spent == "bytes"
    assert sum(taken) <= most


def test_a_budget_of_time():
    late = []
    budget = Budget(None, lambda: bool(late))
    assert budget.take(10**18)
    assert not budget.never(10**18)
    late.append(True)
    assert not budget.take(1)
    late.clear()
    assert (budget.over(), budget.spent) == (True, "time")  # once over, over


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90 min", 5400), ("1.5h", 5400), ("8w", 4838400), ("1 day", 86400), ("30", 30), (12.5, 12.5)],
)
def test_times_as_people_write_them(text, seconds):
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [("500GB", 500 * 10**9), ("1.5 TB", 15 * 10**11), ("20GiB", 20 * 2**30), ("7", 7), (7, 7), ("3k", 3000)],
)
def test_sizes_as_people_write_them(text, count):
    assert size(text) == count


@pytest.mark.parametrize("wrong", ["", "h", "-1h", "0", "1x", "1e3", "٣h", "1h30m", "9" * 30 + "w", 0, -3])
def test_what_is_no_time_or_size_is_refused(wrong):
    for read in (duration, size):
        with pytest.raises(UsageError):
            read(wrong)
