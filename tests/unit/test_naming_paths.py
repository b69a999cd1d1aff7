from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.naming import check_subpath, join_local
from pipeline.archive.paths import is_safe, printable, steers, windows_defect
from pipeline.errors import NameRefused

HOSTILE = [
    "",
    "/",
    "/etc/passwd",
    "//server/share",
    "..",
    "../x",
    "a/../b",
    "a/..",
    ".",
    "./a",
    "a/./b",
    "a//b",
    "a/",
    "a\0b",
    "a\\b",
    "..\\x",
    "C:",
    "C:/x",
    "c:x",
    "x" * 1025,
    "a/\udcff.bin",
    "\ud800",
]
AWKWARD = [
    "SC026/catgt_SC026_080619_g0",
    "a b/c:d",
    "#%&'\"",
    "-rf",
    "a\nb",
    "é",
    "e\u0301",
    "CON",
    "a/con.bin",
    "x.",
    "x ",
    " x",
    "...",
    "a/..b/b..",
    "~",
    "%2e%2e/x",
    "x" * 1024,
    "漢字/🐭",
]


@pytest.mark.parametrize("subpath", HOSTILE)
def test_hostile_subpaths_are_refused_with_a_remedy(subpath):
    with pytest.raises(NameRefused) as refused:
        check_subpath(subpath)
    assert refused.value.remedy
    refused.value.message.encode("utf-8")
    with pytest.raises(NameRefused):
        join_local(Path("root"), subpath, windows=False)


@pytest.mark.parametrize("subpath", AWKWARD)
def test_awkward_names_come_back_unchanged(subpath):
    assert check_subpath(subpath) == subpath
    assert join_local(Path("root"), subpath, windows=False) == Path("root").joinpath(*subpath.split("/"))


@pytest.mark.parametrize(
    "subpath",
    [
        "CON",
        "a/con.bin",
        "Nul",
        "LPT1.txt",
        "COM¹",
        "ab:c",
        "x.",
        "x ",
        "a/b./c",
        "a?",
        "a*b",
        'a"b',
        "a|b",
        "a\tb",
        "AUX .x",
    ],
)
def test_what_windows_would_not_keep_is_refused_there_only(subpath):
    assert check_subpath(subpath) == subpath
    with pytest.raises(NameRefused, match="cannot be written on this computer"):
        join_local(Path("root"), subpath, windows=True)


@pytest.mark.parametrize("subpath", ["CONSOLE", "a.con", "com10", "nulls/x", "SC038/catgt_SC038_111919_g0", "a b/c"])
def test_names_like_devices_are_fine(subpath):
    assert windows_defect(subpath) is None


@given(st.text(max_size=1100) | st.from_regex(r"[a./\\:C\x00~ ]{0,12}", fullmatch=True))
def test_no_accepted_subpath_leaves_its_root(subpath):
    if not is_safe(subpath):
        with pytest.raises(NameRefused):
            check_subpath(subpath)
        return
    joined = PurePosixPath("/root", check_subpath(subpath))
    assert joined.parts[:2] == ("/", "root")
    assert len(joined.parts) == 2 + len(subpath.split("/"))
    assert ".." not in joined.parts
    assert "\0" not in str(joined)
    subpath.encode("utf-8")


@given(st.text(alphabet=st.characters()))
def test_any_name_can_be_printed(name):
    shown = printable(name)
    assert len(shown.encode("utf-8")) <= 4 * 202
    assert not any(map(steers, shown))
    assert len(shown.splitlines()) <= 1


def test_what_forges_a_line_or_steers_a_terminal_is_written_out():
    assert printable("a\nb\r\t\x1b[2J\x85\u2028\u202e\x00\udc80é") == (
        "a\\x0ab\\x0d\\x09\\x1b[2J\\x85\\u2028\\u202e\\x00\\udc80é"
    )
