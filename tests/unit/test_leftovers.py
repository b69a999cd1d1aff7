"""What lies beside the session folders: none of it is passed over in silence."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell.strays import alike
from pipeline.archive.naming import compile_layout
from pipeline.archive.session import Root
from pipeline.archive.walk.leftovers import Ground, leftovers
from pipeline.archive.walk.listing import Listing
from pipeline.archive.walk.session_folders import candidates
from pipeline.archive.walk.suggesting import suggest_layout

PATTERNS = (".mapshell", "Thumbs.db", "temp_wh.dat")


def look(top, *names, kinds=("ephys",), elsewhere=(), **layouts):
    for name in names:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    root = Root("raw-ephys", "x", "/", top, frozenset(elsewhere))
    patterns = {kind: [compile_layout(each) for each in layouts.get(kind, ())] for kind in ("ephys", "video")}
    return leftovers([Ground(root, frozenset(kinds))], patterns, {"AB1", "AB2"}, PATTERNS)


def told(found):
    return {stray.folder: stray.reason for stray in found.strays}


@pytest.mark.parametrize(
    "name",
    [
        "AB1/AB1_040522_g0/x.bin",
        "AB1/catgt_AB1_040522_g0/anything.txt",
        "AB1/20220405/1/x.mat",
        "AB1/HH102S10_g0/x.meta",
        ".mapshell/x.bin",
        "AB1/Thumbs.db",
        "AB1/.phy/x.npy",
        "AB1/left/temp_wh.dat",
    ],
)
def test_what_lies_in_a_session_or_is_left_out_is_nobodys_business(tmp_path, name):
    found = look(tmp_path, name)
    assert (found.strays, found.others) == ([], [])


def test_folders_are_listed_once_in_a_round(tmp_path):
    write = [tmp_path / "AB1" / name for name in ("AB1_040522_g0/x.bin", "odd/x.bin")]
    for path in write:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    root, listing = Root("raw-ephys", "x", "/", tmp_path), Listing()
    found = [folder.subpath for _, folder in candidates([root], "ephys", {"AB1"}, listing=listing)]
    assert found == ["AB1/AB1_040522_g0"]
    (tmp_path / "AB1" / "AB1_side.txt").write_bytes(b"x")
    grounds, layouts = [Ground(root, frozenset({"ephys"}))], {"ephys": [], "video": []}
    assert told(leftovers(grounds, layouts, {"AB1"}, PATTERNS, listing)).keys() == {"AB1/odd"}
    assert told(leftovers(grounds, layouts, {"AB1"}, PATTERNS)).keys() == {"AB1/odd", "AB1/AB1_side.txt"}


def test_files_beside_session_folders(tmp_path):
    found = look(
        tmp_path,
        "AB1/AB1_030319_Imec3_bitcode.mat",
        "AB1/AB1_080819_side.txt",
        "AB1/notes.txt",
        "AB1/20220405/1/x.mat",
        "AB1/20220405/AB1_g0_t0.imec.ap.meta",
        "AAA_g0_t0.obx0.bin",
        "readme.txt",
    )
    assert told(found) == {
        "AAA_g0_t0.obx0.bin": "it lies in no session's folder",
        "AB1/AB1_030319_Imec3_bitcode.mat": "it lies in no session's folder; so does AB1_080819_side.txt",
        "AB1/20220405/AB1_g0_t0.imec.ap.meta": "it lies in no session's folder",
    }
    assert sorted(found.others) == ["AB1/notes.txt", "readme.txt"]


def test_folders_that_are_no_sessions(tmp_path):
    found = look(
        tmp_path, "AB1/analysis/deep/x.txt", "AB1/20220405/x/y/z.bin", "AB1/08082019/video/AB1_side_1-0000.avi", "QQ/x"
    )
    (tmp_path / "AB2" / "empty").mkdir(parents=True)
    assert set(told(found)) == {"AB1/analysis", "AB1/20220405", "AB1/08082019"}
    assert "no session's folder" not in told(found)["AB1/analysis"]
    assert "tracking video" in told(found)["AB1/08082019"]
    assert found.others == ["QQ"]
    both = look(tmp_path, "AB1/1", kinds=("ephys", "video"))
    assert "AB1/08082019" not in told(both)


def test_a_root_of_another_is_not_looked_into(tmp_path):
    found = look(tmp_path, "AB1/inner/x.bin", "AB1/odd/inner/x.bin", elsewhere=["AB1/inner", "AB1/odd/inner"])
    assert (found.strays, found.others) == ([], [])


def test_a_run_without_an_animals_folder_names_the_pattern_that_reads_it(tmp_path):
    name = "catgt_AB1_040522_surface_g0"
    (stray,) = look(tmp_path, f"{name}/x.bin").strays
    pattern = "[catgt_]{h2o}_{date:%m%d%y}[_{ident}]_g{gate}"
    assert stray.folder == name
    assert stray.remedy.endswith(pattern)
    assert look(tmp_path, f"{name}/x.bin", ephys=[pattern]).strays == []
    found = look(tmp_path, "Data/AB1_g0/x.bin", "Data/x.bin", ephys=[pattern, "Data/{h2o}_g{gate}"])
    assert set(told(found)) == {"Data/x.bin"} or found.others == ["Data/x.bin"]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("catgt_77.230125_2023-04-27_g0", "[catgt_]{h2o}_{date:%Y-%m-%d}[_{ident}]_g{gate}"),
        ("3-1-2021_g0", "[catgt_]{h2o=ANIMAL}{date:%-m-%-d-%Y}[_{ident}]_g{gate}"),
        ("myrun_g0", "[catgt_]{h2o=ANIMAL}myrun_g{gate}"),
        ("my{run}_g0", "{h2o=ANIMAL}{name}_g{gate}"),
        ("catgt_20210415_g0", "[catgt_]{h2o=ANIMAL}{date:%Y%m%d}[_{ident}]_g{gate}"),
    ],
)
def test_patterns_for_names_of_other_labs(name, pattern):
    assert suggest_layout(name) == pattern


@given(
    st.from_regex(r"(catgt_)?([A-Za-z0-9. é-]{1,8}_)?[0-9-]{1,10}(_[a-z0-9_.]{1,6})?_g[0-9]", fullmatch=True)
    | st.dates(date(2000, 1, 1), date(2079, 12, 31)).map(lambda day: f"x_{day:%m%d%y}_g0")
)
def test_what_is_suggested_reads_the_name(name):
    assert compile_layout(suggest_layout(name)).parse(name) is not None


def test_what_has_one_reason_is_shown_together(tmp_path):
    found = look(tmp_path, *(f"AB{number}_040522_g0/x.bin" for number in range(10, 22)), "AB1/odd/x")
    shown = list(alike(found.strays))
    assert len(shown) == 2
    title = next(title for title, _, _ in shown if "and" in title)
    assert title == (
        f"no session: {', '.join(f'AB{number}_040522_g0' for number in range(10, 18))} and 4 more "
        "(all of them: --format json) (raw-ephys)"
    )


def test_what_lies_in_a_folder_that_is_told_is_not_told_again(tmp_path):
    assert look(tmp_path, "AB1/analysis/notes.txt", "AB1/analysis/x_side.txt").others == []
