"""Places that a collection lists under another spelling: it ignores case, composes accents, drops dots."""

import unicodedata

import pytest

from pipeline.archive.ports import RemoteEntry
from pipeline.archive.session import Location
from pipeline.browse.disguises import Folders, refuse_disguised
from pipeline.browse.place import read, shares, within
from pipeline.errors import Refused, RemotePathNotFound

ARCHIVE = "d3e0a001-0000-4000-8000-00000000a002"
LOCATIONS = {"raw-ephys": Location("raw-ephys", ARCHIVE.upper(), "/lab/raw-ephys", "ephys")}


class Careless:
    """A collection whose disk finds a name by what ``same`` makes of it, and lists it as it was written."""

    def __init__(self, same, *paths):
        self._same = same
        self._paths = paths

    def stat(self, endpoint, path):
        for each in self._paths:
            if self._same(each) == self._same(path):
                return RemoteEntry(each.rpartition("/")[2], "dir", 0, 0)
        raise RemotePathNotFound("nothing", remedy="look")

    def ls(self, endpoint, path):
        self.stat(endpoint, path)
        inner = [each for each in self._paths if self._same(each.rpartition("/")[0]) == self._same(path.rstrip("/"))]
        return [RemoteEntry(each.rpartition("/")[2], "dir", 0, 0) for each in inner]


def folders(same):
    return Folders(Careless(same, "/lab/raw-ephys", "/lab/raw-ephys/SC038", "/lab/raw-ephys/SC038/\u00e9"))


@pytest.mark.parametrize(
    ("same", "name"),
    [
        (str.casefold, "sc038"),
        (str.casefold, "sc038/\u00e9"),
        (lambda path: unicodedata.normalize("NFC", path), "SC038/e\u0301"),
        (lambda path: path.rstrip(" ."), "SC038."),
    ],
)
def test_another_spelling_is_refused(same, name):
    with pytest.raises(Refused) as caught:
        refuse_disguised(folders(same), read(f"raw-ephys:/{name}", LOCATIONS), LOCATIONS)

    assert "spells it otherwise" in caught.value.message
    assert "mapshell ls 'raw-ephys:/" in caught.value.remedy


def test_names_as_they_are_listed_pass_and_nothing_is_not_found():
    refuse_disguised(folders(str.casefold), read("raw-ephys:/SC038/\u00e9", LOCATIONS), LOCATIONS)
    with pytest.raises(RemotePathNotFound):
        refuse_disguised(folders(str.casefold), read("raw-ephys:/SC039", LOCATIONS), LOCATIONS)


def test_a_collection_is_the_same_however_its_id_is_written():
    (location,) = LOCATIONS.values()
    assert within(read(f"{ARCHIVE}:/lab/raw-ephys/SC038/", LOCATIONS), location) == "SC038"
    assert within(read("raw-ephys:/SC038", LOCATIONS), location) == "SC038"
    assert within(read(f"{ARCHIVE}:/lab", LOCATIONS), location) == ""
    assert within(read(f"{ARCHIVE}:/lab/raw-ephys2", LOCATIONS), location) is None


@pytest.mark.parametrize(
    ("one", "other", "shared"), [("/a", "/a/b", True), ("/a/b", "/a", True), ("/a", "/ab", False), ("/", "/x", True)]
)
def test_paths_that_share_files(one, other, shared):
    assert shares(one, other) is shared
