"""Places as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.session import Location
from pipeline.browse.place import read
from pipeline.errors import UsageError

ARCHIVE = "d3e0a001-0000-4000-8000-00000000a002"
LOCATIONS = {
    "raw-ephys": Location("raw-ephys", ARCHIVE, "/lab/raw-ephys", "ephys"),
    "home": Location("home", ARCHIVE, "/~/videos", "video"),
}
STANDING = read("raw-ephys:/SC038", LOCATIONS)


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("raw-ephys:/", "/lab/raw-ephys", "raw-ephys:/"),
        ("raw-ephys:", "/lab/raw-ephys", "raw-ephys:/"),
        ("raw-ephys:/SC038//x/./y", "/lab/raw-ephys/SC038/x/y", "raw-ephys:/SC038/x/y"),
        ("raw-ephys:SC038/../SC048", "/lab/raw-ephys/SC048", "raw-ephys:/SC048"),
        ("home:/SC038", "/~/videos/SC038", "home:/SC038"),
        (f"{ARCHIVE}:/", "/", f"{ARCHIVE}:/"),
        (f"{ARCHIVE.upper()}:/lab", "/lab", f"{ARCHIVE}:/lab"),
        (f"{ARCHIVE}:/~/x", "/~/x", f"{ARCHIVE}:/~/x"),
        (f"{ARCHIVE}:x", "/~/x", f"{ARCHIVE}:/~/x"),
        ("x", "/lab/raw-ephys/SC038/x", "raw-ephys:/SC038/x"),
        ("..", "/lab/raw-ephys", "raw-ephys:/"),
        ("/SC048", "/lab/raw-ephys/SC048", "raw-ephys:/SC048"),
        ("a/b:c", "/lab/raw-ephys/SC038/a/b:c", "raw-ephys:/SC038/a/b:c"),
        ("", "/lab/raw-ephys/SC038", "raw-ephys:/SC038"),
    ],
)
def test_a_place_is_read_and_said(text, path, said):
    place = read(text, LOCATIONS, STANDING)

    assert (place.path, str(place)) == (path, said)
    assert read(str(place), LOCATIONS) == place


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("raw-epys:/x", "did you mean raw-ephys:/?"),
        ("nothing:/x", "mapshell storage list"),
        ("x", "ALIAS:/PATH"),
        ("raw-ephys:/..", "name the collection itself"),
        ("raw-ephys:/a/../../x", "name the collection itself"),
        (f"{ARCHIVE}:/..", "name the collection itself"),
        ("raw-ephys:/a\0b", "no path has one"),
        ("raw-ephys:/a\udcff", "as it is listed"),
    ],
)
def test_what_is_no_place_is_named(text, remedy):
    with pytest.raises(UsageError) as caught:
        read(text, LOCATIONS)

    assert remedy in caught.value.remedy


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_text_leads_out_of_an_alias(text):
    try:
        place = read(f"raw-ephys:{text}", LOCATIONS)
    except UsageError:
        return
    assert place.path == "/lab/raw-ephys" or place.path.startswith("/lab/raw-ephys/")
    assert ".." not in place.parts
