"""Plans carried out lead to the state that was wanted; names of relocations lead there and back."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.archive.aliases import alias, doubtful, former, local_names
from pipeline.archive.evidence import LASTING, lasting, records
from pipeline.archive.journal import Rename
from pipeline.archive.manifest import FileEntry
from pipeline.archive.plan import diff
from pipeline.archive.relocate.plan import in_folders, relocation, translation
from pipeline.archive.session import LocalFile, Root, SessionRef
from pipeline.errors import Refused

from .strategies import BELOW, JSON, SUBPATH, file_sets, manifests

ROOT = Root("raw-ephys", "e", "/", Path(os.sep))
FILES = st.lists(
    st.builds(
        lambda name, size, mtime: LocalFile(ROOT, name, size, mtime, mtime * 10**9),
        BELOW,
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    max_size=6,
    unique_by=lambda file: file.subpath,
)


def sha1_of(file):
    return f"{file.size:040x}"


def sent(file):
    return FileEntry(file.subpath, file.size, file.mtime, "unknown", sha1_of(file), "computed")


@given(FILES, FILES, st.randoms(use_true_random=False))
def test_once_carried_out_a_plan_has_nothing_to_do(local, archived, random):
    indexed = {file.subpath: sent(file) for file in archived}
    plan = diff(local, indexed)
    conflicts = {item.subpath for item in plan.only("conflict")}
    by_name = {file.subpath: file for file in local}
    indexed |= {item.subpath: sent(by_name[item.subpath]) for item in plan.only("send")}
    checksums = {item.subpath: sha1_of(by_name[item.subpath]) for item in plan.only("hash")}
    random.shuffle(local)
    again = diff(local, indexed, {name: entry.size for name, entry in indexed.items()}, checksums=checksums)
    assert {item.subpath for item in again.items if item.action != "skip"} == conflicts
    assert {item.action for item in again.items} <= {"skip", "conflict"}


@given(FILES, FILES, st.dictionaries(BELOW, st.integers(-1, 3), max_size=4), st.randoms(use_true_random=False))
def test_the_order_in_which_files_are_found_changes_nothing(local, archived, remote, random):
    indexed = {file.subpath: sent(file) for file in archived}
    plan = diff(local, indexed, remote)
    shuffled, turned = list(local), list(indexed.items())
    random.shuffle(shuffled)
    random.shuffle(turned)
    assert diff(shuffled, dict(turned), remote) == plan


@given(FILES, st.dictionaries(BELOW, st.integers(-1, 3), max_size=4), st.sets(BELOW, max_size=3))
def test_what_lies_at_the_archive_never_makes_more_be_sent(local, remote, ours):
    sending = {item.subpath for item in diff(local, {}, remote, ours=ours).only("send")}
    assert sending <= {item.subpath for item in diff(local, {}, {}).only("send")}
    assert not (sending & remote.keys()) - ours


# ---- relocations


@given(manifests(files=file_sets(BELOW)), st.data())
def test_a_relocation_and_its_reverse_lead_back(manifest, data):
    folders = sorted({entry.subpath.rpartition("/")[0] for entry in manifest.files})
    chosen = data.draw(st.lists(st.sampled_from(folders), unique=True)) if folders else []
    renames = [Rename(old, f"SC048/new{number}", folder=True) for number, old in enumerate(chosen)]
    there = relocation(manifest, renames)
    assert len(there.after.files) == len(manifest.files)
    assert {replace(entry, subpath="") for entry in there.after.files} == {
        replace(entry, subpath="") for entry in manifest.files
    }
    assert there.after.generation == manifest.generation + 1
    new_name = translation(there.renames)
    assert {new_name(entry.subpath) for entry in manifest.files} == {entry.subpath for entry in there.after.files}
    back = relocation(there.after, [Rename(rename.new, rename.old, folder=True) for rename in there.renames])
    assert back.after.files == manifest.files


@given(manifests(files=file_sets(BELOW)), st.lists(st.tuples(BELOW, BELOW), max_size=4))
def test_no_relocation_makes_two_files_one(manifest, pairs):
    try:
        planned = relocation(manifest, [Rename(old, new) for old, new in pairs])
    except Refused:
        return
    names = [entry.subpath for entry in planned.after.files]
    assert len(set(names)) == len(names) == len(manifest.files)


@given(SUBPATH, st.dictionaries(SUBPATH, SUBPATH, max_size=4))
def test_a_name_outside_of_all_renamed_folders_stays(subpath, folders):
    above = {"/".join(subpath.split("/")[:depth]) for depth in range(1, subpath.count("/") + 2)}
    new = in_folders(subpath, folders)
    assert new == subpath or above & folders.keys()
    if not above & folders.keys():
        assert new == subpath
    else:
        deepest = max(above & folders.keys(), key=len)
        assert new == folders[deepest] + subpath[len(deepest) :]


# ---- evidence


@given(st.one_of(JSON, st.dictionaries(st.sampled_from([*LASTING, "task"]), st.lists(JSON, max_size=3), max_size=4)))
def test_what_lasts_of_any_evidence_is_records_and_lasts(evidence):
    kept = lasting(evidence)
    assert lasting(kept) == kept
    assert kept.keys() <= set(LASTING)
    for name, those in kept.items():
        assert those == records(evidence, name)
        assert all(isinstance(record, dict) for record in those)
    doubtful(evidence if isinstance(evidence, dict) else {})
    local_names(evidence)
    for _, now in former(evidence):
        now("SC038/a")


def test_a_hostile_number_of_earlier_names_is_not_followed():
    day = datetime(2020, 1, 1, tzinfo=UTC)
    was = SessionRef(1, 1, "SC038", day.date())
    folders = {f"SC038/{'a/' * 200}{number}": f"SC038/{number}" for number in range(400)}
    told = [alias(was, folders, at=day, by={}, computer="rig", because="x") for _ in range(3)]
    assert doubtful({"aliases": told}) == "its earlier names are too many"
    assert len(local_names({"aliases": told})) == 400


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5))
def test_however_often_a_session_was_renamed_each_of_its_names_leads_to_the_present_one(numbers):
    assume(all(one != other for one, other in itertools.pairwise(numbers)))
    day = datetime(2020, 1, 1, tzinfo=UTC)
    was = SessionRef(1, 1, "SC038", day.date())
    told = [
        alias(was, {f"SC038/{one}": f"SC038/{other}"}, at=day, by={}, computer="rig", because="x")
        for one, other in itertools.pairwise(numbers)
    ]
    evidence = {"aliases": told}
    assert doubtful(evidence) == ""
    now = f"SC038/{numbers[-1]}"
    for (_, new_name), one in zip(former(evidence), numbers, strict=False):
        assert new_name(f"SC038/{one}/x") == f"{now}/x"
    assert set(local_names(evidence).values()) <= {now}
