"""What ingest makes of folders: pure, so any heap of folders and sessions can be tried."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive.matching import FoundFolder, SessionFacts
from pipeline.archive.naming import parse_folder
from pipeline.archive.session import Root
from pipeline.ingest.days import Newcomer, arrange, number
from pipeline.ingest.facts import FolderFacts
from pipeline.ingest.session_plan import KnownSessions, SeenFolder, plan_sessions

DAYS = [date(2021, 1, 1), date(2022, 4, 5)]
ROOT = Root("x", "x", "/", Path("x"))
IDENTS = [None, "1", "2", "surface", "115124"]


@st.composite
def seen_folders(draw):
    """Folders of one animal, as a rig may hold them: runs with gates and outputs, videos, some without metas."""
    folders = {}
    for _ in range(draw(st.integers(0, 6))):
        day, ident = draw(st.sampled_from(DAYS)), draw(st.sampled_from(IDENTS))
        minutes = draw(st.one_of(st.none(), st.integers(0, 23 * 60)))
        start = None if minutes is None else datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001
        tail = f"{day:%m%d%y}" + (f"_{ident}" if ident else "")
        for name in draw(st.lists(st.sampled_from([f"AB1_{tail}_g0", f"catgt_AB1_{tail}_g0", f"AB1_{tail}_g1"]))):
            folders.setdefault(("ephys", f"AB1/{name}"), start)
        if draw(st.booleans()):
            folders.setdefault(("video", f"AB1/{day:%m%d%Y}" + (f"_{ident}" if ident else "")), None)
    made = []
    for (kind, subpath), start in folders.items():
        found = FoundFolder(parse_folder(subpath, kind), subpath, start)
        made.append(SeenFolder(kind, ROOT, found, 1, FolderFacts(started=start)))
    return made


@st.composite
def folders_of_a_day(draw):
    """Folders of one day, so many that they contend: near starts, past midnight, older layouts, runs without a date."""
    day, folders = DAYS[1], {}
    for _ in range(draw(st.integers(2, 6))):
        ident = draw(st.sampled_from(IDENTS))
        minutes = draw(st.sampled_from([None, -5, 0, 5, 9, 11, 15, 20, 25, 60, 711, 1439, 1445]))
        tail = f"{day:%m%d%y}" + (f"_{ident}" if ident else "")
        runs = [
            f"AB1_{tail}_g0",
            f"catgt_AB1_{tail}_g0",
            f"AB1_{tail}_g1",
            "free_g0",
            "catgt_free_g0",
            f"{day:%Y%m%d}/1",
        ]
        add(folders, "ephys", draw(st.sampled_from(runs)), minutes)
        if draw(st.booleans()):
            add(folders, "video", f"{day:%m%d%Y}" + (f"_{ident}" if ident else ""), None)
    return list(folders.values())


def add(folders, kind, name, minutes):
    """Add a folder of the second day unless it is there; it began so many minutes after midnight."""
    day = DAYS[1]
    start = None if minutes is None else datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001
    found = FoundFolder(parse_folder(f"AB1/{name}", kind), f"AB1/{name}", start)
    folders.setdefault((kind, name), SeenFolder(kind, ROOT, found, 1, FolderFacts(started=start)))


@st.composite
def known_sessions(draw):
    newcomers = draw(
        st.lists(
            st.builds(
                Newcomer,
                st.just(1),
                st.just("AB1"),
                st.sampled_from(DAYS),
                st.one_of(st.none(), st.sampled_from(["08:00:00", "12:00:00", "18:00:00"])),
                st.none(),
                st.just(False),
            ),
            max_size=3,
            unique_by=lambda new: (new.day, new.time),
        )
    )
    facts, _ = arrange([], number(newcomers, {}))
    return KnownSessions({"AB1": 1}, facts, {1: len(facts)})


def entered(known, plan):
    """What the database has after a plan was entered."""
    last = {1: max((key[1] for key in (*plan.new, *(f.key for f in known.sessions))), default=0)}
    recorded = dict(known.recorded)
    for key, folders in plan.folders.items():
        starts = [folder.facts.started for folder in folders if folder.facts.started]
        recorded[key] = [*recorded.get(key, ()), *starts]
    return replace(known, sessions=plan.facts, last=last, recorded=recorded)


CONTENDING = {
    "it began before midnight": ({"AB1_040522_g0": 0, "catgt_AB1_040522_g0": -5}, {"04052022"}),
    "a video without recording": ({"AB1_040522_1_g0": None, "AB1_040522_2_g0": 1445}, {"04052022_1", "04052022_2"}),
    "only another folder fits": ({"AB1_040522_2_g0": None, "AB1_040522_g0": 1445, "20220405/1": None}, set()),
    "two of one ident": ({"AB1_040522_g0": 0, "20220405/1": 25, "AB1_040522_1_g0": 11}, {"04052022_1"}),
    "a video of a session that is given up": (
        {"AB1_040522_1_g0": None, "AB1_040522_g0": 1445, "20220405/1": None},
        {"04052022_1", "04052022"},
    ),
}


@pytest.mark.parametrize("videos_too", [False, True])
@pytest.mark.parametrize("case", CONTENDING)
def test_folders_that_contend(case, videos_too):
    folders = {}
    for name, minutes in CONTENDING[case][0].items():
        add(folders, "ephys", name, minutes)
    for name in sorted(CONTENDING[case][1]):
        add(folders, "video", name, None)
    assert_stable(list(folders.values()), KnownSessions({"AB1": 1}), video_sessions=videos_too)


@settings(max_examples=max(150, settings.default.max_examples))
@given(seen_folders() | folders_of_a_day(), known_sessions(), st.booleans())
def test_every_folder_is_owned_or_told_and_a_second_time_nothing_is_new(seen, known, video_sessions):
    assert_stable(seen, known, video_sessions=video_sessions)


def assert_stable(seen, known, *, video_sessions):
    """Check that each folder is owned or told, and that another run finds nothing new."""
    plan = plan_sessions(seen, known, video_sessions=video_sessions)
    owned = Counter(folder.subpath for folders in plan.folders.values() for folder in folders)
    told = Counter(skip.folder for skip in plan.skipped)
    assert owned + told == Counter(folder.subpath for folder in seen)
    assert set(plan.new) <= set(plan.folders)

    again = plan_sessions(seen, entered(known, plan), video_sessions=video_sessions)
    assert not again.new
    assert not again.idents
    assert {key: [f.subpath for f in v] for key, v in again.folders.items()} == {
        key: [f.subpath for f in v] for key, v in plan.folders.items()
    }


@settings(max_examples=max(100, settings.default.max_examples))
@given(seen_folders(), known_sessions())
def test_numbers_go_on_and_known_sessions_keep_theirs_and_their_idents(seen, known):
    plan = plan_sessions(seen, known)
    assert sorted(key[1] for key in plan.new) == list(range(len(known.sessions) + 1, len(plan.facts) + 1))
    before = {facts.key: facts.ident for facts in known.sessions}
    after = {facts.key: facts.ident for facts in plan.facts}
    assert before.items() <= after.items()
    for key, new in plan.new.items():
        if new.named:
            others = {facts.ident for facts in plan.facts if facts.session_date == new.day and facts.key != key}
            assert after[key] == new.ident or new.ident in others
    in_order = sorted(plan.new.items())
    assert in_order == sorted(in_order, key=lambda item: (item[1].day, item[1].time or ""))


def test_idents_are_kept_only_where_the_order_does_not_tell_them():
    day = DAYS[0]
    new = {
        (1, 1): Newcomer(1, "AB1", day, "09:00:00", None),
        (1, 2): Newcomer(1, "AB1", day, "11:00:00", "1"),
        (1, 3): Newcomer(1, "AB1", day, "13:00:00", "surface"),
    }
    facts, idents = arrange([], new)
    assert idents == {(1, 3): "surface"}
    assert [f.ident for f in facts] == [None, "1", "surface"]
    _, shifted = arrange([replace(f) for f in facts], {(1, 4): Newcomer(1, "AB1", day, "08:00:00", "0")})
    assert shifted == {(1, 1): "", (1, 2): "1", (1, 4): "0"}


def test_a_session_without_a_time_counts_by_its_number():
    day = DAYS[0]
    known = [SessionFacts((1, 1), "AB1", day, None, None, 0)]
    facts, idents = arrange(known, {(1, 2): Newcomer(1, "AB1", day, "09:00:00", "1")})
    assert [f.key for f in facts] == [(1, 1), (1, 2)]
    assert idents == {}
