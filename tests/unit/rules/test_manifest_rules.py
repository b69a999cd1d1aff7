"""Manifests as a pair of inverse functions; what a generation keeps of the one before it."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import rows
from pipeline.archive.credible import doubt
from pipeline.archive.journal import Entry, Lender, Part, Rename, Source, request_from_json, request_to_json
from pipeline.archive.manifest import Manifest, from_json, merged, to_json
from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.archive.session import Location, SessionRef
from pipeline.errors import IntegrityError
from pipeline.transitions import BEFORE, BEFORE_OF_MOVES, OPEN, states_before

from .strategies import JSON, SUBPATH, TEXT, file_sets, manifests


@given(manifests())
def test_every_manifest_is_read_as_it_was_written(manifest):
    written = to_json(manifest)
    assert from_json(written, name="m") == manifest
    assert to_json(from_json(written, name="m")) == written


@given(manifests())
def test_a_manifest_is_written_as_every_other_json_document(manifest):
    written = to_json(manifest)
    document = json.loads(written)
    assert written == (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")


@given(manifests())
def test_every_row_of_the_index_says_what_its_manifest_says(manifest):
    assert tuple(map(rows.file_entry, rows.file_rows(manifest, manifest.files))) == manifest.files


@given(manifests(), JSON, st.data())
def test_one_wrong_value_anywhere_is_refused_or_makes_another_sound_manifest(manifest, value, data):
    document = json.loads(to_json(manifest))
    section = data.draw(st.sampled_from(["dataset", "session", "files"]))
    holder = document[section]
    if section == "files":
        if not holder:
            return
        holder = holder[0]
    holder[data.draw(st.sampled_from(sorted(holder)))] = value
    try:
        read = from_json(json.dumps(document).encode(), name="m")
    except IntegrityError:
        return
    assert from_json(to_json(read), name="m") == read
    doubt(read, Location(read.alias, "e", "/", read.dataset_type), read.subpath)


@pytest.mark.parametrize("said", ["2020-01-01T00:00:00", "2020-01-01", "0001-01-01T00:00:00"])
def test_an_instant_without_a_zone_is_none(said):
    """It would be read as another instant on another computer."""
    session = SessionRef(1, 1, "SC038", date(2020, 1, 1))
    document = json.loads(to_json(Manifest(session, "ephys", "raw-ephys", 1, ())))
    document["dataset"]["archived_at"] = said
    with pytest.raises(IntegrityError, match="not a usable manifest"):
        from_json(json.dumps(document).encode(), name="m")


@given(file_sets(), file_sets(), file_sets())
def test_generations_add_up_whichever_way_they_are_joined(one, two, three):
    assert merged(merged(one, two), three) == merged(one, merged(two, three))
    assert merged(one, one) == one
    assert merged(merged(one, two), two) == merged(one, two)
    both = merged(one, two)
    assert {entry.subpath for entry in both} == {entry.subpath for entry in (*one, *two)}
    assert set(two) <= set(both)
    assert list(both) == sorted(both, key=lambda entry: entry.subpath)


# ---- the journal's documents

SOURCE = st.one_of(
    st.builds(Source, SUBPATH, TEXT, st.integers(0, 2**60), st.integers(-(2**60), 2**60)),
    st.builds(
        Source, SUBPATH, TEXT, st.integers(0, 2**60), st.integers(0, 2**60), st.just(True), st.none() | st.integers()
    ),
)
RENAME = st.builds(Rename, SUBPATH, SUBPATH, st.none() | st.integers(0, 2**60), st.booleans())


@st.composite
def parts(draw):
    before = draw(st.none() | manifests())
    renames = draw(st.lists(RENAME, max_size=3)) if before is not None else []
    lender = draw(st.none() | st.builds(Lender, TEXT, TEXT))
    sources = draw(st.lists(SOURCE, max_size=3))
    return Part(draw(manifests()), tuple(sources), before, tuple(renames), draw(st.booleans()), lender)


@given(parts())
def test_the_journal_gives_back_what_it_was_given(part):
    packed = part.pack()
    assert Part.unpack(packed) == part
    assert Part.unpack(packed).pack() == packed  # the same at every attempt


@given(TEXT, st.lists(st.builds(TransferItem, TEXT, TEXT, st.none() | TEXT), max_size=4))
def test_a_request_comes_back_as_it_was(label, items):
    request = TransferRequest("s", "a", "b", label, tuple(items))
    assert request_from_json(json.loads(json.dumps(request_to_json(request)))) == request


def test_whichever_way_an_entry_goes_it_ends_and_never_comes_back():
    for table in (BEFORE, BEFORE_OF_MOVES):
        after = {
            state: {new for new, before in table.items() if state in before} for state in (*OPEN, "done", "failed")
        }

        def ends(state, behind=(), after=after):
            assert state not in behind
            if not after[state]:
                return {state}
            return set().union(*(ends(new, (*behind, state)) for new in after[state]))

        assert ends("planned") <= {"done", "failed"}
        assert after["done"] == after["failed"] == set()
        assert all("failed" in after[state] for state in OPEN)


@given(
    st.sampled_from(["publish", "manifest", "move", "copy"]),
    st.sampled_from(["submitted", "checked", "done", "failed"]),
)
def test_only_open_entries_go_on(purpose, state):
    request = TransferRequest("s", "a", "b", "l", ())
    entry = Entry(None, purpose, state, request, (), "rig", "me", None)
    assert set(states_before(entry)) <= set(OPEN)
    assert state not in states_before(entry) or state == "failed"
