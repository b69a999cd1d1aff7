"""Differences in words, and commands that mean exactly the file that they speak of."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.archive import drift
from pipeline.archive.manifest import FileEntry, Manifest, to_json
from pipeline.archive.paths import is_safe, steers, visible
from pipeline.archive.session import Location, Root, SessionRef

LOCATION = Location("raw-ephys", "c40e971d-0075-4a82-b12f-8f9717762e7b", "/lab data/ephys", "ephys")
ROOT = Root("raw-ephys", "d3e0a001-0000-4000-8000-00000000a001", "/~/rig", Path("/rig"))
SESSION = SessionRef(480133, 1, "SC038", date(2019, 11, 18))
SHA1 = "a" * 40
SUBPATHS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(is_safe)


def commands(found):
    return [shlex.split(each) for each in re.findall("`(globus .*?)`(?=[;.])", found.remedy, re.DOTALL)]


@given(SUBPATHS.filter(lambda each: "`" not in each and visible(each) == each))
def test_commands_survive_any_name(subpath):
    there = f"{LOCATION.path}/{subpath}"
    entry = FileEntry(subpath, 10, 1, "unknown", SHA1, "computed")
    source = drift.Source(ROOT)
    (send,) = commands(drift.missing(LOCATION, entry, source))
    assert send[:2] == ["globus", "transfer"]
    assert send[-2:] == [f"{ROOT.endpoint}:/~/rig/{subpath}", f"{LOCATION.endpoint}:{there}"]
    assert send[send.index("--external-checksum") + 1] == SHA1
    rename, send = commands(drift.other_bytes(LOCATION, entry, "b" * 40, source))
    assert rename[:4] == ["globus", "rename", LOCATION.endpoint, there]
    assert rename[4].startswith(f"{there}.quarantined-")
    assert send[-1] == f"{LOCATION.endpoint}:{there}"
    (remove,) = commands(drift.foreign(LOCATION, SESSION, subpath, 3))
    assert remove == ["globus", "rm", f"{LOCATION.endpoint}:{there}"]


def test_a_shell_of_windows_has_other_quotes():
    assert drift.quoted("c40e:/lab data/x", windows=True) == '"c40e:/lab data/x"'
    assert drift.quoted("c40e:/lab data/x", windows=False) == "'c40e:/lab data/x'"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no shell to paste into")
@settings(max_examples=30, deadline=None)
@given(st.lists(SUBPATHS | st.text("\n\r\t\x1b\x85\u2028\u202e'\\\"$`a1 ", min_size=1), min_size=1, max_size=20))
@example(["a\nglobus rm x", "\x1b7", "\u20281", "don't\n\\n", "it's"])
def test_any_name_can_be_pasted_and_forges_no_line(names):
    words = [drift.quoted(name, windows=False) for name in names]
    assert not any(map(steers, "".join(words)))
    command = f"printf '%s\\0' {' '.join(words)}".encode()
    told = subprocess.run(["bash"], input=command, capture_output=True, check=True).stdout
    assert told.decode().split("\0") == [*names, ""]


def test_without_a_good_copy_here_it_says_what_to_put_in():
    entry = FileEntry("SC038/x", 10, 1, "unknown")
    found = drift.other_size(LOCATION, entry, 9, None)
    assert "9 bytes at the archive, 10 in the index" in found.message
    assert drift.GOOD_COPY in found.remedy
    assert "external-checksum" not in found.remedy


FILES = tuple(FileEntry(f"SC038/{name}", 1, 1, "unknown", SHA1, "meta") for name in "ab")


def manifest(generation=2, files=FILES):
    return Manifest(SESSION, "ephys", "raw-ephys", generation, files)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (to_json(manifest()), ""),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a usable manifest"),
        (to_json(manifest(generation=1)), "generation 1"),
        (to_json(manifest(files=())), "of 2 files, such as SC038/a"),
        (to_json(manifest(files=(FileEntry("SC038/a", 1, 9, "other", SHA1, "meta"),))), "of 1 files, such as SC038/b"),
    ],
)
def test_what_a_manifest_contradicts(raw, said):
    found = drift.contradiction(raw, "m.json", manifest())
    assert (said in found) if said else (found == "")
