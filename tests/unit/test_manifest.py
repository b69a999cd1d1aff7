"""Manifests: exact round trips, and hostile ones refused."""

import json
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.manifest import FileEntry, Manifest, from_json, merged, to_json
from pipeline.archive.manifest_names import manifest_subpath
from pipeline.archive.session import SessionRef, dataset_name, file_id, token
from pipeline.errors import IntegrityError

WHEN = datetime.fromisoformat("2026-01-02T03:04:05")
SESSION = SessionRef(407513, 2, "SC038", date(2019, 11, 19), "11:51:24", "America/New_York", "115124")


def manifest(**changes):
    facts = {
        "session": SESSION,
        "dataset_type": "ephys",
        "alias": "raw-ephys",
        "generation": 2,
        "files": (FileEntry("SC038/run/a.bin", 4, 1000, "unknown", "a" * 40, "meta", WHEN, "x", 2),),
        "archived_at": WHEN,
        "evidence": {"task": "t"},
        "lab": {"lab.Subject": [{"subject_id": 407513}]},
        "provenance": {"program": "mapshell"},
    }
    return Manifest(**{**facts, **changes})


def test_round_trip():
    assert from_json(to_json(manifest()), name="m") == manifest()


paths = st.lists(
    st.text(
        st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\\/:"), min_size=1, max_size=12
    ).filter(lambda part: part not in (".", "..")),
    min_size=2,
    max_size=4,
).map("/".join)


@given(st.lists(paths, unique=True, max_size=6), st.integers(0, 2**62), st.integers(-(2**33), 2**33))
def test_any_name_size_and_time_round_trips(subpaths, size, mtime):
    files = tuple(FileEntry(subpath, size, mtime, "unknown") for subpath in subpaths)
    assert from_json(to_json(manifest(files=files)), name="m").files == files


def test_equal_manifests_give_equal_bytes():
    assert to_json(manifest(evidence={"a": 1, "b": 2})) == to_json(manifest(evidence={"b": 2, "a": 1}))


def test_its_place_is_beside_the_session_and_numbered():
    assert manifest_subpath(SESSION, "ephys", 3) == "SC038/SC038_20191119_s2_ephys.manifest-0003.json"


@pytest.mark.parametrize("subpath", ["../x", "/x", "a/../b", "a//b", "a\x00b", "a\\b", "C:/x", "", ".", "a/./b"])
def test_a_manifest_with_a_hostile_name_is_refused(subpath):
    document = json.loads(to_json(manifest()))
    document["files"][0]["subpath"] = subpath
    with pytest.raises(IntegrityError, match="not a usable manifest"):
        from_json(json.dumps(document).encode(), name="m")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), "other"),
        (("version",), 99),
        (("version",), "1"),
        (("dataset", "name"), "ephys-1-0001"),
        (("dataset", "type"), "imaging"),
        (("dataset", "generation"), 0),
        (("dataset", "archived_at"), "yesterday"),
        (("session", "h2o"), "../SC038"),
        (("session", "subject_id"), True),
        (("session", "session_date"), "2019-13-01"),
        (("files", 0, "size"), -1),
        (("files", 0, "size"), 2**63),
        (("files", 0, "sha1"), "A" * 40),
        (("files", 0, "sha1_source"), "guessed"),
        (("files",), None),
        (("lab",), []),
    ],
)
def test_a_manifest_that_cannot_be_true_is_refused(path, value):
    document = json.loads(to_json(manifest()))
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    with pytest.raises(IntegrityError):
        from_json(json.dumps(document).encode(), name="m")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_an_integrity_error(raw):
    with pytest.raises(IntegrityError):
        from_json(raw, name="m")


def test_deep_nesting_is_refused():
    with pytest.raises(IntegrityError):
        from_json(b"[" * 100_000, name="m")


def test_a_file_listed_twice_is_refused():
    document = json.loads(to_json(manifest()))
    document["files"] *= 2
    with pytest.raises(IntegrityError, match="twice"):
        from_json(json.dumps(document).encode(), name="m")


def test_names_and_identities_never_change():
    # These values stand in databases and archives; a change would orphan them.
    assert dataset_name("ephys", (407513, 2)) == "ephys-407513-0002"
    assert str(file_id("SC038/run/a.bin")) == "2105e725-dbf4-57e4-bdbf-224ad9a23806"
    assert token("ephys-407513-0002", "raw-ephys", 1) == "c996ef30c6e1"


def test_the_next_generation_keeps_the_earlier_files():
    old = FileEntry("b", 1, 1, "unknown", generation=1)
    new = FileEntry("a", 1, 1, "unknown", generation=2)
    assert merged([old], [new]) == (new, old)
