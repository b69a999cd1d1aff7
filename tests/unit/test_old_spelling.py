"""How a predecessor spelt paths: every spelling of a file is one file, and none leads elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.paths import is_safe
from pipeline.errors import NameRefused
from pipeline.oldlab.old_tables import _kind
from pipeline.oldlab.spelling import merged, read_spelling

PARTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0"), min_size=1, max_size=12).filter(
    lambda part: part not in (".", "..")
)
SLASHES = st.sampled_from(["/", "\\", "//", "/\\"])


@given(st.lists(PARTS, min_size=1, max_size=4), st.data())
def test_every_spelling_of_a_file_is_that_file(parts, data):
    subpath = "/".join(["SC033", *parts])
    spelling = data.draw(st.sampled_from(["", "/", "//", "\\"])) + "SC033"
    for part in parts:
        spelling += data.draw(SLASHES) + part
    assert read_spelling(spelling, "SC033") == subpath
    assert merged([spelling, subpath], "SC033") == ({subpath: sorted([spelling, subpath])} if spelling != subpath
        else {subpath: [subpath, subpath]}, {})  # fmt: skip


@given(st.text(max_size=60))
def test_whatever_stands_there_it_leads_nowhere_else(spelling):
    try:
        subpath = read_spelling(spelling, "SC033")
    except NameRefused:
        return
    assert is_safe(subpath)
    assert subpath.startswith("SC033/")


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "/",
        "SC033",
        "/SC033/",
        "SC033/a/",
        "SC033/../SC030/a.bin",
        "/SC033/./a.bin",
        "../SC033/a.bin",
        "C:\\recordings\\a.bin",
        "C:/SC033/a.bin",
        "SC030/a.bin",
        "sc033/a.bin",
        "SC033/a\0.bin",
        "SC033/" + "a" * 1024,
        "\\\\server\\share\\a.bin",
    ],
)
def test_a_spelling_of_no_file_of_the_animal_is_refused(spelling):
    with pytest.raises(NameRefused):
        read_spelling(spelling, "SC033")
    assert merged([spelling], "SC033")[0] == {}


@pytest.mark.parametrize(
    ("said", "kind"),
    [("ephys-raw", "ephys"), ("tracking-video", "video"), ("_archived_tracking_video", "video"), ("x", "ephys")],
)
def test_what_a_dataset_holds(said, kind):
    assert _kind(said) == kind
