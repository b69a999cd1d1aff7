"""Places inside each other: what belongs to another one is told exactly, and the same place is no nesting."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.nesting import around, inside, is_elsewhere, told_apart
from pipeline.archive.session import Location

ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
PARTS = st.lists(st.sampled_from(["a", "b", "ab", "SC038"]), max_size=4)


def path(parts):
    return PurePosixPath("/", *parts)


@given(PARTS, st.lists(PARTS, max_size=5), PARTS)
def test_every_folder_is_walked_from_the_innermost_place_that_holds_it(root, others, below):
    """A folder is left to another place exactly when one of these, itself below the root, is or holds it."""
    place, there = path(root), [path(each) for each in others]
    folder = place.joinpath(*below)
    theirs = [each for each in there if each != place and each.is_relative_to(place) and folder.is_relative_to(each)]
    assert is_elsewhere("/".join(below), inside(place, there)) == bool(theirs)


@given(PARTS, st.lists(PARTS, max_size=5))
def test_the_outermost_places_alone_are_named(root, others):
    found = inside(path(root), map(path, others))
    assert "." not in found
    assert not [each for each in found if is_elsewhere(each, found - {each})]


def test_on_windows_case_does_not_matter():
    assert inside(PureWindowsPath("D:/data"), [PureWindowsPath("d:/DATA/Video"), PureWindowsPath("E:/data/x")]) == {
        "Video"
    }


def at(alias, place, endpoint=ONE, kind="ephys"):
    return Location(alias, endpoint, place, kind)


def test_the_predecessors_own_locations_are_told_apart():
    video, ephys = told_apart([at("raw-video", "/", kind="video"), at("raw-ephys", "/4ElectrodeRig_Ephys")])
    assert (video.elsewhere, ephys.elsewhere) == ({"4ElectrodeRig_Ephys"}, frozenset())
    assert video == at("raw-video", "/", kind="video")


@pytest.mark.parametrize(
    ("other", "how"),
    [
        (at("b", "/lab"), "is"),
        (at("b", "/lab/", ONE.upper()), "is"),
        (at("b", "/"), "lies inside"),
        (at("b", "/lab/x/y"), "holds"),
        (at("b", "/lab", TWO), None),
        (at("b", "/laboratory"), None),
        (at("b", "/~/"), None),
    ],
)
def test_what_a_place_has_to_do_with_another(other, how):
    found = around(at("a", "/lab"), [other])
    assert found == (None if how is None else (other, how))
    assert all(not each.elsewhere for each in told_apart([at("a", "/lab"), other])) == (how in {None, "is"})
