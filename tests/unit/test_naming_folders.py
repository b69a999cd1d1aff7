from __future__ import annotations

import string
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.naming import (
    default_ident,
    find_session_folder,
    format_folder,
    legacy_session_folder,
    parse_folder,
    session_folder,
    start_time,
)
from pipeline.errors import NameRefused

# Made-up names of the kinds seen in the field.
# (path, kind) -> h2o, best date, ident, gate, origin, run_h2o
FOLDERS = [
    ("AB026/catgt_AB026_080619_g0", "ephys", "AB026", date(2019, 8, 6), None, 0, "catgt", "AB026"),
    ("AB038/catgt_AB038_111919_115124_g0", "ephys", "AB038", date(2019, 11, 19), "115124", 0, "catgt", "AB038"),
    ("AB038/AB038_111919_115124_g0", "ephys", "AB038", date(2019, 11, 19), "115124", 0, "raw", "AB038"),
    ("AB038/AB038_111919_g3", "ephys", "AB038", date(2019, 11, 19), None, 3, "raw", "AB038"),
    ("AB033/catgt_AB033_111219_surface_g0", "ephys", "AB033", date(2019, 11, 12), "surface", 0, "catgt", "AB033"),
    ("AB048/catgt_AB048_122920_ex_g0", "ephys", "AB048", date(2020, 12, 29), "ex", 0, "catgt", "AB048"),
    ("AB048/catgt_AB048_122920_ex2_g0", "ephys", "AB048", date(2020, 12, 29), "ex2", 0, "catgt", "AB048"),
    ("AB048/catgt_AB048_010121_g0", "ephys", "AB048", date(2021, 1, 1), None, 0, "catgt", "AB048"),
    (
        "AB024/catgt_AB024_092319_NP1.0_Midbrain_g0",
        "ephys",
        "AB024",
        date(2019, 9, 23),
        "NP1.0_Midbrain",
        0,
        "catgt",
        "AB024",
    ),
    ("CD102/catgt_CD102S10_C04P02_g0", "ephys", "CD102", None, None, 0, "catgt", None),
    ("AB022/20190303/1", "ephys", "AB022", date(2019, 3, 3), None, None, "old", None),
    ("ab25/2018-02-25/1", "ephys", "ab25", date(2018, 2, 25), None, None, "old", None),
    ("AB022/catgt_20210415_g0", "ephys", "AB022", date(2021, 4, 15), None, 0, "catgt", None),
    ("AB022/022423_g0", "ephys", "AB022", date(2023, 2, 24), None, 0, "raw", None),
    ("77.230125/catgt_77.230125_2023-04-27_g0", "ephys", "77.230125", date(2023, 4, 27), None, 0, "catgt", "77.230125"),
    ("CNPIX8/3-1-2021_g0", "ephys", "CNPIX8", date(2021, 3, 1), None, 0, "raw", None),
    ("AB_7/AB_7_120119_1_g0", "ephys", "AB_7", date(2019, 12, 1), "1", 0, "raw", "AB_7"),
    ("AB026/supercat_AB026_080619_g0", "ephys", "AB026", date(2019, 8, 6), None, 0, "supercat", "AB026"),
    ("AB026/AB026_080619_zweiter Lauf ä_g12", "ephys", "AB026", date(2019, 8, 6), "zweiter Lauf ä", 12, "raw", "AB026"),
    ("AB026/AB026_probe test_080619_g0", "ephys", "AB026", date(2019, 8, 6), "probe test", 0, "raw", "AB026"),
    ("AB026/ab026_080619_g0", "ephys", "AB026", date(2019, 8, 6), None, 0, "raw", "ab026"),
    ("AB026/catgt_AB038_080619_g0", "ephys", "AB026", date(2019, 8, 6), None, 0, "catgt", "AB038"),
    ("AB026/catgt_AB026_080619", "ephys", "AB026", date(2019, 8, 6), None, None, "catgt", "AB026"),
    ("AB026/AB026_080619_g1_g0", "ephys", "AB026", date(2019, 8, 6), "g1", 0, "raw", "AB026"),
    ("AB026/AB026_g0", "ephys", "AB026", None, None, 0, "raw", "AB026"),
    ("AB026/08082019", "video", "AB026", date(2019, 8, 8), None, None, "video", None),
    ("AB026/08082019_2", "video", "AB026", date(2019, 8, 8), "2", None, "video", None),
    ("AB026/08082019_115124", "video", "AB026", date(2019, 8, 8), "115124", None, "video", None),
    ("ab59/2018-12-07", "video", "ab59", date(2018, 12, 7), None, None, "video", None),
    ("ab59/20181207_ex", "video", "ab59", date(2018, 12, 7), "ex", None, "video", None),
    ("AB027/2021_07_01", "video", "AB027", date(2021, 7, 1), None, None, "video", None),
    ("AB027/2021_07_01_1", "video", "AB027", date(2021, 7, 1), "1", None, "video", None),
]

NO_FOLDERS = [
    ("AB026", "ephys"),
    ("AB026/notes", "ephys"),
    ("AB026/AB026_080619", "ephys"),
    ("AB026/20190303", "ephys"),
    ("AB026/20190303/x", "ephys"),
    ("AB026/20190303/001", "ephys"),
    ("AB026/20191303/1", "ephys"),
    ("AB026/_g0", "ephys"),
    ("AB026/catgt__g0/x", "ephys"),
    ("AB026/catgt_", "ephys"),
    (".mapshell/catgt_x_080619_g0", "ephys"),
    ("AB026/catgt_AB026_080619_g0/AB026_080619_g0_imec0", "ephys"),
    ("../catgt_AB026_080619_g0", "ephys"),
    ("AB026/..", "video"),
    ("/AB026/08082019", "video"),
    ("AB026/08082019_", "video"),
    ("AB026/13132019", "video"),
    ("AB026/080819", "video"),
    ("AB026/08082019/video", "video"),
    ("AB026/catgt_AB026_080619_g0", "video"),
    ("AB026/08082019", "ephys"),
    ("", "ephys"),
]

# What run names may hold: all but the characters that the acquisition software forbids.
run_text = st.text(alphabet=string.ascii_letters + string.digits + "_-. äé", min_size=1, max_size=16)
days = st.dates(date(2001, 1, 1), date(2078, 12, 30))


@pytest.mark.parametrize("row", FOLDERS, ids=lambda row: row[0])
def test_folders_of_the_field(row):
    path, kind, h2o, day, ident, gate, origin, run_h2o = row
    name = parse_folder(path, kind)
    assert name is not None
    assert (name.h2o, name.ident, name.gate, name.origin, name.run_h2o) == (h2o, ident, gate, origin, run_h2o)
    assert (name.dates[0] if name.dates else None) == day
    assert name.kind == kind
    assert format_folder(name) == path


@pytest.mark.parametrize(("path", "kind"), NO_FOLDERS)
def test_what_is_no_session_folder(path, kind):
    assert parse_folder(path, kind) is None


def test_a_run_named_for_another_animal_is_exposed():
    other = parse_folder("AB026/catgt_AB038_080619_g0", "ephys")
    same = parse_folder("AB026/ab026_080619_g0", "ephys")
    unnamed = parse_folder("AB026/catgt_20210415_g0", "ephys")
    assert other.names_other_animal
    assert (other.h2o, other.run_h2o) == ("AB026", "AB038")
    assert not same.names_other_animal
    assert not unnamed.names_other_animal


def test_the_number_of_the_older_layout_is_no_ident():
    name = parse_folder("ab25/2018-02-25/2", "ephys")
    assert (name.number, name.ident) == ("2", None)


@pytest.mark.parametrize(
    ("ident", "start"),
    [
        ("115124", time(11, 51, 24)),
        ("000000", time(0)),
        ("240000", None),
        ("116124", None),
        ("1", None),
        ("surface", None),
        (None, None),
        ("١١٥١٢٤", None),
        ("115124_ex", None),
    ],
)
def test_idents_that_look_like_a_start_time(ident, start):
    assert start_time(ident) == start


def test_default_idents():
    assert [default_ident(index) for index in range(4)] == [None, "1", "2", "3"]


@given(run_text, days, run_text | st.none(), st.sampled_from(["raw", "catgt", "supercat"]), st.integers(0, 99999))
def test_a_recording_folder_reads_back(h2o, day, ident, origin, gate):
    try:
        folder = session_folder(h2o, day, ident, "ephys", origin=origin, gate=gate)
    except NameRefused:
        like_catgt = origin == "raw" and f"{h2o}_".startswith(("catgt_", "supercat_"))
        assert h2o.startswith(".") or like_catgt
        return
    name = parse_folder(folder, "ephys")
    assert (name.h2o, name.dates[0], name.ident, name.origin, name.gate) == (h2o, day, ident, origin, gate)
    assert day not in name.legacy_dates
    assert name.run_h2o == h2o
    assert format_folder(name) == folder


@given(run_text, days, run_text | st.none())
def test_a_video_folder_reads_back(h2o, day, ident):
    try:
        folder = session_folder(h2o, day, ident, "video")
    except NameRefused:
        assert h2o.startswith(".")
        return
    name = parse_folder(folder, "video")
    assert (name.h2o, name.dates, name.ident) == (h2o, (day,), ident)
    assert format_folder(name) == folder


@pytest.mark.parametrize("gate", [-1, 100_000])
def test_gates_that_are_none(gate):
    with pytest.raises(NameRefused):
        session_folder("AB026", date(2019, 8, 6), None, "ephys", gate=gate)


@given(st.sampled_from(["AB026", "AB_7", "77.230125"]), days, st.sampled_from([None, "1", "115124", "NP1.0_Midbrain"]))
def test_ordinary_animals_and_idents_are_never_refused(h2o, day, ident):
    for kind in ("ephys", "video"):
        assert parse_folder(session_folder(h2o, day, ident, kind), kind) is not None


@given(days)
def test_the_legacy_name_is_another_one_and_unsure(day):
    legacy = legacy_session_folder("AB048", day, None)
    assert (legacy is None) == (day.isocalendar().year == day.year)
    if legacy is not None:
        assert legacy != session_folder("AB048", day, None, "ephys")
        assert day in parse_folder(legacy, "ephys").legacy_dates


def test_new_years_days():
    assert session_folder("AB048", date(2021, 1, 1), None, "ephys") == "AB048/catgt_AB048_010121_g0"
    assert legacy_session_folder("AB048", date(2021, 1, 1), None) == "AB048/catgt_AB048_010120_g0"
    assert legacy_session_folder("AB048", date(2018, 12, 31), "1") == "AB048/catgt_AB048_123119_1_g0"


@pytest.mark.parametrize(
    ("h2o", "ident"),
    [
        ("", None),
        ("..", None),
        ("a/b", None),
        ("a\\b", None),
        (".x", None),
        ("AB026", ""),
        ("AB026", "a/b"),
        ("AB026", "a:b"),
        ("AB026", "a\nb"),
        ("AB026", "\udcff"),
        ("AB026", "x" * 65),
        ("x" * 1024, None),
        ("AB?", None),
    ],
)
def test_no_folder_is_named_that_would_not_read_back(h2o, ident):
    with pytest.raises(NameRefused) as refused:
        session_folder(h2o, date(2019, 8, 6), ident, "ephys")
    assert "session-ident" in refused.value.remedy


@pytest.mark.parametrize(
    ("subpath", "kind", "folder"),
    [
        ("AB026/catgt_AB026_080619_g0/AB026_080619_g0_imec2/x.bin", "ephys", "AB026/catgt_AB026_080619_g0"),
        ("ab25/2018-02-25/1/x.bin", "ephys", "ab25/2018-02-25/1"),
        ("AB026/08082019/video/AB026_side_735-0000.avi", "video", "AB026/08082019"),
        ("AB026/08082019", "video", "AB026/08082019"),
        ("AB026/notes/x.txt", "ephys", None),
        ("x", "ephys", None),
    ],
)
def test_the_session_folder_of_a_file(subpath, kind, folder):
    found = find_session_folder(subpath, kind)
    assert (found[0] if found else None) == folder


@given(
    st.text(alphabet=string.ascii_letters + string.digits + "_-./ \\\0é", max_size=80)
    | st.from_regex(
        r"S?C?[0-9]{0,3}/(catgt_|supercat_)?(SC)?[0-9_\-]{0,14}(_[a-z.]{0,5})?(_g[0-9]{0,6})?", fullmatch=True
    ),
    st.sampled_from(["ephys", "video"]),
)
def test_whatever_is_read_is_written_back(path, kind):
    name = parse_folder(path, kind)
    if name is not None:
        assert format_folder(name) == path
        assert set(name.legacy_dates) < set(name.dates) or not name.legacy_dates
        assert parse_folder(format_folder(name), kind) == name
