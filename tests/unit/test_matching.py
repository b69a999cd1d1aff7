from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.matching import FoundFolder, SessionFacts, match
from pipeline.archive.matching_types import MATCHING
from pipeline.archive.naming import compile_layout, parse_folder

DAY = date(2019, 11, 19)


def folder(path, started=None, kind="ephys", layouts=()):
    """A folder; ``started`` is a time on DAY (``"11:51:24"``) or a whole instant."""
    name = parse_folder(path, kind, layouts)
    assert name is not None, path
    if started is not None:
        started = datetime.fromisoformat(started if "T" in started else f"{DAY}T{started}")
    return FoundFolder(name, path, started)


def session(number, time=None, day=DAY, h2o="AB038", by_hand=None, index=0, subject=38):
    return SessionFacts((subject, number), h2o, day, time, by_hand, index)


def verdicts(folders, sessions, **options):
    """Outcome by folder: the session's number, ``"refused"`` or ``"unmatched"``."""
    matching = match(folders, sessions, **options)
    said = {id(found): key[1] for key, owned in matching.owned.items() for found in owned}
    said |= {id(unowned.folder): "refused" for unowned in matching.refused}
    said |= {id(unowned.folder): "unmatched" for unowned in matching.unmatched}
    for unowned in (*matching.refused, *matching.unmatched):
        assert unowned.reason
        assert unowned.remedy
        unowned.reason.encode()
    assert len(said) == len(folders)
    assert sum(map(len, (*matching.owned.values(), matching.refused, matching.unmatched))) == len(folders)
    return [said[id(found)] for found in folders]


RAW = "AB038/AB038_111919_g0"
GATE = "AB038/AB038_111919_g1"
CATGT = "AB038/catgt_AB038_111919_g0"
TIMED = "AB038/catgt_AB038_111919_115124_g0"
SURFACE = "AB038/catgt_AB038_111919_surface_g0"
NAMELESS = "AB038/catgt_AB038S10_C04P02_g0"
OLD = "AB038/20191119/1"

ONE = [session(1, "11:51:20")]
ONE_UNTIMED = [session(1)]
TWO = [session(1, "09:00:00"), session(2, "14:00:00", index=1)]
TWO_UNTIMED = [session(1), session(2, index=1)]
NEW_YEAR = [session(7, day=date(2021, 1, 1)), session(3, day=date(2020, 1, 1))]
OTHER_DAY = [session(1, day=date(2019, 11, 20))]

# Each row: the rule, the folders with their starts, the sessions, and what must come of the folders.
TABLE = [
    ("A1", [("ZZ1/ZZ1_111919_g0", None)], ONE, ["unmatched"]),
    ("A2", [("AB038/catgt_AB026_111919_g0", "11:51:24")], [*ONE, session(1, h2o="AB026", subject=26)], ["refused"]),
    ("A2", [("AB038/catgt_AB026_surface_g0", "11:51:24")], [*ONE, session(1, h2o="AB026", subject=26)], ["refused"]),
    (
        "A2",
        [("AB038/catgt_AB026_111919_g0", "11:51:24"), ("AB038/AB026_112019_g0", None)],
        [session(1, by_hand="AB026_111919"), session(1, h2o="AB026", subject=26)],
        [1, "refused"],
    ),
    ("A3", [("AB038/myrun_111919_g0", "11:51:24")], ONE, [1]),
    ("A3", [("AB038/myrun_111919_g0", None)], ONE, ["unmatched"]),
    ("A3", [("AB038/myrun_111919_g0", "2020-01-05T11:00:00")], ONE, ["unmatched"]),
    ("H1", [(SURFACE, None)], [session(1), session(2, by_hand="surface", index=1)], [2]),
    ("H1", [(SURFACE, "09:00:05")], [session(1, "09:00:00"), session(2, "14:00:00", by_hand="surface", index=1)], [2]),
    ("H1", [(SURFACE, "2019-11-18T11:00:00")], [session(1, by_hand="surface")], [1]),
    ("H1", [(CATGT, None)], [session(1, by_hand="x"), session(2, by_hand="", index=1)], [2]),
    ("H1", [(OLD, None)], [session(1, by_hand="1"), session(2, by_hand="2", index=1)], [1]),
    ("H2", [(SURFACE, None)], [session(1, by_hand="surface"), session(2, by_hand="surface", index=1)], ["refused"]),
    ("D1", [(CATGT, "2019-11-20T10:00:00")], ONE, ["refused"]),
    ("D1", [(CATGT, "2019-11-20T00:03:00")], [session(1, "23:58:00")], [1]),
    ("D1", [(CATGT, "2019-11-20T00:13:00")], [session(1, "23:58:00")], ["refused"]),
    ("D1", [(CATGT, "2019-11-20T10:00:00")], OTHER_DAY, ["unmatched"]),
    ("D2", [(NAMELESS, None)], ONE, ["unmatched"]),
    ("D2", [(NAMELESS, None)], [session(1), session(2, by_hand="AB038S10_C04P02", index=1)], [2]),
    ("D3", [(NAMELESS, "18:00:00")], ONE, [1]),
    ("D3", [(NAMELESS, "14:02:00")], TWO, [2]),
    ("D3", [(NAMELESS, "2019-11-21T14:02:00")], TWO, ["unmatched"]),
    ("D4", [("AB038/catgt_AB038_010120_g0", None)], NEW_YEAR, [3]),
    ("D4", [("AB038/catgt_AB038_010120_g0", "2021-01-01T10:00:00")], NEW_YEAR, [7]),
    ("D4", [("AB038/catgt_AB038_010120_g0", None)], NEW_YEAR[:1], ["unmatched"]),
    ("D4", [("AB038/catgt_AB038_010121_g0", None)], NEW_YEAR, [7]),
    ("D5", [(CATGT, None)], OTHER_DAY, ["unmatched"]),
    ("M0", [(RAW, "09:04:00"), (GATE, "13:55:00")], TWO, [1, "refused"]),
    ("M0", [(RAW, "09:04:00"), (GATE, "13:55:00")], [session(1, "09:00:00", by_hand=""), TWO[1]], [1, 1]),
    ("M1", [(RAW, "09:04:00"), (GATE, "12:00:00")], TWO, [1, 1]),
    ("M1", [(CATGT, "09:04:00"), (SURFACE, "13:55:00")], TWO, [1, 2]),
    ("M1", [(CATGT, "13:55:00"), (SURFACE, "09:04:00")], TWO, [2, 1]),
    ("M1", [(OLD, "13:55:00"), ("AB038/20191119/2", "13:55:01")], TWO, [2, 2]),
    ("M2", [(CATGT, "09:02:00")], [session(1, "09:00:00"), session(2, "09:04:00", index=1)], ["refused"]),
    ("M3", [(CATGT, "18:00:00")], [session(1), session(2, "14:00:00", index=1)], [1]),
    ("M4", [(CATGT, "18:00:00")], TWO, ["refused"]),
    ("M4", [(SURFACE, "18:00:00")], [session(1), session(2, "14:00:00", index=1)], ["refused"]),
    ("M5", [(TIMED, None)], [session(1, "09:00:00"), session(2, "11:50:00", index=1)], [2]),
    ("M5", [(TIMED, None)], TWO, ["refused"]),
    ("M6", [(CATGT, None), ("AB038/AB038_111919_1_g0", None)], TWO_UNTIMED, [1, 2]),
    ("M6", [(CATGT, None), ("AB038/AB038_111919_1_g0", None)], TWO, [1, 2]),
    ("M7", [(CATGT, None), (SURFACE, None)], TWO_UNTIMED, [1, "refused"]),
    ("M7", [(TIMED, None)], TWO_UNTIMED, ["refused"]),
    ("M7", [(OLD, None)], TWO, ["refused"]),
    ("L1", [(CATGT, "11:52:00")], [session(1, "11:51:20", by_hand="surface")], [1]),
    ("L1", [(CATGT, None)], [session(1, "11:51:20", by_hand="surface")], ["unmatched"]),
    ("L1", [(CATGT, "16:00:00"), (SURFACE, None)], [session(1, "11:51:20", by_hand="surface")], ["unmatched", 1]),
    ("L2", [(CATGT, None)], ONE_UNTIMED, [1]),
    ("L2", [(SURFACE, None)], ONE_UNTIMED, [1]),
    ("L2", [(TIMED, "16:00:00")], [session(1, "09:00:00")], [1]),
    ("L2", [(RAW, "11:51:24"), (CATGT, None), ("AB038/AB038_111919_g1", "13:00:00")], ONE, [1, 1, 1]),
    ("L2", [(OLD, None), ("AB038/20191119/2", None)], ONE_UNTIMED, [1, 1]),
    ("L3", [(CATGT, "09:00:00"), (SURFACE, "11:51:30")], ONE, ["unmatched", 1]),
    ("L3", [(CATGT, None), (SURFACE, "11:51:30")], ONE, [1, 1]),
    ("L3", [(CATGT, "09:00:00"), (TIMED, None)], ONE, ["unmatched", 1]),
    ("L3", [(CATGT, "11:51:24"), (SURFACE, None)], ONE, [1, "unmatched"]),
    ("L4", [(CATGT, None), (SURFACE, None)], ONE, [1, "unmatched"]),
    ("L4", [(CATGT, "09:00:00"), (SURFACE, "16:00:00")], ONE_UNTIMED, [1, "unmatched"]),
    ("L4", [("AB038/AB038_111919_ex_g0", None), ("AB038/AB038_111919_ex2_g0", None)], ONE, ["unmatched", "unmatched"]),
]


@pytest.mark.parametrize(("rule", "folders", "sessions", "expected"), TABLE)
def test_every_row_of_the_table(rule, folders, sessions, expected):
    found = [folder(path, started) for path, started in folders]
    assert verdicts(found, sessions) == expected, rule
    assert verdicts(found[::-1], sessions[::-1]) == expected[::-1], "the order matters"


_GO_ON = {"A3", "D1", "D2", "D3", "D4", "M0"}
"""Rules that, in some of their rows, only say how to go on: another one decides then."""


@pytest.mark.parametrize(("rule", "folders", "sessions", "expected"), TABLE)
def test_every_row_names_its_rule(rule, folders, sessions, expected):
    found = [folder(path, started) for path, started in folders]
    matching = match(found, sessions)
    named = {unowned.rule for unowned in (*matching.refused, *matching.unmatched)} | set(matching.rules.values())
    assert len(matching.rules) == sum(isinstance(each, int) for each in expected)
    assert named <= MATCHING.keys()
    if rule not in _GO_ON:
        assert rule in named


def test_animals_whose_sessions_are_left_out_count_by_their_names():
    other = folder("AB038/catgt_AB026_111919_g0", "11:51:24")
    assert [each.rule for each in match([other], ONE).refused] == []
    assert [each.rule for each in match([other], ONE, animals=["AB026"]).refused] == ["A2"]


def test_the_table_is_tested_whole():
    from pipeline.archive import matching

    rows = {line[:2] for line in matching.__doc__.splitlines() if line[:2].isalnum() and line[2:4] == "  "}
    assert rows == {row[0] for row in TABLE}
    assert len(rows) == 22


def test_further_gates_follow_their_first_one():
    found = [
        folder("AB038/AB038_111919_g0", "09:01:00"),
        folder("AB038/AB038_111919_g1", "10:30:00"),
        folder("AB038/AB038_111919_g2", "2019-11-20T00:30:00"),
        folder("AB038/catgt_AB038_111919_g1", "10:30:00"),
        folder("AB038/catgt_AB038_111919_g0"),
        folder("AB038/supercat_AB038_111919_g0"),
    ]
    assert verdicts(found, TWO) == [1, 1, 1, 1, 1, 1]
    assert verdicts(found[1:2], TWO) == ["refused"]


def test_the_same_run_on_two_drives_is_judged_each_by_its_own_start():
    found = [folder(RAW, "09:01:00"), folder(RAW, "2019-11-21T09:00:00"), folder(RAW, "14:01:00"), folder(RAW)]
    assert verdicts(found, TWO) == [1, "refused", 2, 1]


def test_a_contradiction_names_its_session():
    matching = match([folder(CATGT, "2019-11-20T10:00:00")], ONE)
    refused = matching.refused[0]
    assert refused.session == (38, 1)
    assert "2019-11-19" in refused.reason
    assert "2019-11-20" in refused.reason
    assert "session-ident" in refused.remedy


def test_two_that_fit_are_both_named():
    matching = match([folder(SURFACE)], TWO_UNTIMED)
    refused = matching.refused[0]
    assert refused.session is None
    assert set(refused.candidates) == {(38, 1), (38, 2)}
    assert "start time" in refused.remedy
    assert "session-ident" in refused.remedy


def test_an_older_name_without_a_start_says_what_it_may_be():
    matching = match([folder("AB038/catgt_AB038_010120_g0")], NEW_YEAR[:1])
    assert "2021-01-01" in matching.unmatched[0].reason


def test_the_tolerance_is_data():
    found = [folder(CATGT, "09:20:00")]
    assert verdicts(found, TWO) == ["refused"]
    assert verdicts(found, TWO, tolerance=timedelta(minutes=30)) == [1]


def test_videos_have_no_start():
    found = [folder("AB038/11192019", kind="video"), folder("AB038/11192019_1", kind="video")]
    assert verdicts(found, TWO) == [1, 2]
    assert verdicts(found, ONE) == [1, "unmatched"]
    assert verdicts(found[:1], ONE) == [1]


def test_folders_of_a_labs_own_layout():
    layout = compile_layout("{h2o}/{date:%Y%m%d}/{ident}")
    found = [folder("AB038/20191119/1", layouts=[layout]), folder("AB038/20191119/2", layouts=[layout])]
    assert verdicts(found, [*TWO_UNTIMED, session(3, index=2)]) == [2, 3]


def test_a_session_time_that_makes_no_sense_is_unknown():
    assert session(1, "25:00:00").started is None
    assert session(1, "").started is None
    assert verdicts([folder(CATGT, "09:00:00")], [session(1, "soon"), session(2, "14:00:00", index=1)]) == [1]


def test_no_folders_and_no_sessions():
    assert match([], []).owned == {}
    assert verdicts([folder(CATGT)], []) == ["unmatched"]


idents = st.sampled_from(["", "_1", "_115124", "_surface", "_NP1.0_x"])
prefixes = st.sampled_from(["", "catgt_", "supercat_"])
runs = st.sampled_from(
    ["AB038_111919", "AB038_112019", "AB038_010120", "AB038S10", "20191119", "AB026_111919", "x_111919"]
)
paths = st.builds(
    lambda h2o, prefix, run, ident, gate: f"{h2o}/{prefix}{run}{ident}_g{gate}",
    st.sampled_from(["AB038", "AB026"]),
    prefixes,
    runs,
    idents,
    st.integers(0, 2),
) | st.sampled_from([OLD, "AB038/20191119/2"])
starts = st.none() | st.sampled_from(
    ["09:00:00", "09:05:00", "11:51:24", "14:00:00", "23:59:00", "2019-11-20T00:05:00", "2021-01-01T09:00:00"]
)
days = st.sampled_from([DAY, date(2019, 11, 20), date(2021, 1, 1), date(2020, 1, 1)])
facts = st.lists(
    st.tuples(
        days,
        st.sampled_from([None, "09:00:00", "11:50:00", "14:00:00", "23:58:00"]),
        st.sampled_from([None, None, "", "1", "surface", "AB038S10"]),
        st.sampled_from(["AB038", "AB026"]),
    ),
    max_size=5,
)


@given(st.lists(st.tuples(paths, starts), max_size=6), facts, st.randoms(use_true_random=False))
def test_every_folder_has_one_outcome_and_the_order_never_matters(folders, rows, random):
    found = [folder(path, started) for path, started in folders]
    seen = {}
    sessions = []
    for number, (day, time, by_hand, h2o) in enumerate(rows):
        index = seen[day, h2o] = seen.get((day, h2o), -1) + 1
        sessions.append(session(number, time, day, h2o, by_hand, index, subject=38 if h2o == "AB038" else 26))
    said = dict(zip(map(id, found), verdicts(found, sessions), strict=True))
    shuffled = found[:]
    random.shuffle(shuffled)
    random.shuffle(sessions)
    assert dict(zip(map(id, shuffled), verdicts(shuffled, sessions), strict=True)) == said
    owners = {item.key: item for item in sessions}
    for key, owned in match(found, sessions).owned.items():
        for item in owned:
            name, owner = item.name, owners[key]
            assert name.h2o == owner.h2o
            if name.dates and not name.names_other_animal:
                assert owner.session_date in name.dates
            if owner.session_date in name.legacy_dates:
                assert any(other.started for other in found if other.name.run == name.run)
