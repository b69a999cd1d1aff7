"""Superseded bytes: which names they bear, what a plan makes of changed files, what a manifest may claim of them."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.aside import aside_name, is_aside, is_superseded
from pipeline.archive.credible import doubt
from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.paths import check_subpath
from pipeline.archive.plan import Plan, PlanItem
from pipeline.archive.relocate import Rename, relocation
from pipeline.archive.session import Location, SessionRef
from pipeline.archive.superseding import to_supersede

REF = SessionRef(480133, 1, "SC038", date(2020, 5, 1))
PLACE = Location("raw-ephys", "11111111-1111-4111-8111-111111111111", "/raw-ephys", "ephys")
FOLDER = "SC038/SC038_050120_g0"
OLD, NEW = f"{FOLDER}/a.npy.superseded-0123abcd", f"{FOLDER}/a.npy"


def entry(subpath, sha1="0" * 40):
    return FileEntry(subpath, 1, 1, "unknown", sha1, "computed" if sha1 else None)


def manifest(superseded):
    files = (entry(OLD), entry(NEW))
    told = {"superseded": superseded, "folders": [FOLDER]}
    return Manifest(REF, "ephys", "raw-ephys", 3, files, datetime.fromisoformat("2026-01-01"), told)


@given(
    st.text(st.characters(blacklist_characters="/\0\\", blacklist_categories=("Cs", "Cc")), min_size=1, max_size=300)
)
def test_superseded_names_are_told_from_all_others(name):
    new = aside_name(f"SC038/SC038_050120_g0/{name}", "superseded")
    last = new.rpartition("/")[2]
    assert is_superseded(new)
    assert not is_aside(last)  # those are no part of the index
    assert len(last.encode()) <= 255
    assert not is_superseded(aside_name(f"SC038/x/{name}", "unfinished"))


def test_only_what_changed_and_is_known_by_its_checksum_is_superseded():
    items = [PlanItem(action, name, 1, "why") for action, name in (("conflict", "a"), ("conflict", "b"), ("send", "c"))]
    items.append(PlanItem("conflict", "stranger", 1, "the archive holds another file of this name"))
    plan = to_supersede(Plan(tuple(items)), {"a": entry("a"), "b": entry("b", None)})
    assert [item.action for item in plan.items] == ["supersede", "conflict", "send", "conflict"]
    assert plan.items[0].reason == "why; the archived bytes are moved aside"


def test_a_manifest_that_tells_of_superseded_files_is_believed():
    true = manifest([{"file": NEW, "as": OLD}])
    assert doubt(true, PLACE, true.subpath) == ""


@pytest.mark.parametrize(
    "told",
    [
        None,
        "text",
        {"file": NEW, "as": OLD},
        [None],
        [{}],
        [{"file": NEW}],
        [{"file": 7, "as": OLD}],
        [{"file": NEW, "as": [OLD]}],
        [{"file": NEW, "as": {}}],
        [{"file": NEW, "as": NEW}],
        [{"file": "SC038/other/a.npy", "as": OLD}],
        [{"file": "../../etc/passwd", "as": OLD}],
        [{"file": NEW, "as": OLD}, {"file": NEW, "as": f"{FOLDER}/gone.superseded-0123abcd"}],
    ],
    ids=range(13),
)
def test_one_that_tells_what_cannot_be_is_not(told):
    false = manifest(told)
    assert "superseded" in doubt(false, PLACE, false.subpath)


def test_names_of_superseded_files_follow_their_folder():
    moved = relocation(
        manifest([{"file": NEW, "as": OLD, "because": "x"}]), [Rename(FOLDER, f"{FOLDER}_x", folder=True)]
    )
    (record,) = moved.after.evidence["superseded"]
    assert record == {"file": f"{FOLDER}_x/a.npy", "as": f"{FOLDER}_x/{OLD.rpartition('/')[2]}", "because": "x"}
    assert {each.subpath for each in moved.after.files} >= {record["as"], record["file"]}
    assert check_subpath(record["as"])
