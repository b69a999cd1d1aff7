"""Links, second names and damaged files where a retrieval keeps its own: nothing outside of the place is written."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
from contextlib import contextmanager

import pytest

from pipeline.archive import fetchweb
from pipeline.errors import Refused

from .home import BOTH, ONE, TWO

_watching = []


def _tell(event, args):
    if event == "mapshell.step" and _watching:
        _watching[-1](args[0])


sys.addaudithook(_tell)


@contextmanager
def during(step, act):
    """Do something once, right after a step of the run."""

    def seen(name):
        if name == step and not done:
            done.append(name)
            act()

    done = []
    _watching.append(seen)
    try:
        yield
    finally:
        _watching.remove(seen)
    assert done


@pytest.fixture
def victim(tmp_path):
    """A file outside of the place to which files are fetched."""
    file = tmp_path / "victim"
    file.write_bytes(b"precious")
    return file


def begun(home, to, what):
    """Put something where a file over HTTPS will grow: the names can be told from the index."""
    parts = []
    original = fetchweb.part_of

    def spy(item, staging):
        part = original(item, staging)
        if item.size > 20 and part not in parts:
            parts.append(part)
        return part

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.archive.retrieve.part_of", spy)
        home.retrieve(ONE, to=to, via="https", dry_run=True)
    assert parts
    for part in parts:
        part.parent.mkdir(parents=True, exist_ok=True)
        what(part)
    return parts


@pytest.mark.parametrize("what", ["link", "second name", "pipe"])
def test_only_a_file_of_our_own_is_gone_on_with(home, tmp_path, victim, what):
    """A link leads elsewhere; a second name is that of a whole file, left by a kill; a pipe would never end."""
    to = tmp_path / "to"
    to.mkdir()
    make = {"link": lambda part: part.symlink_to(victim), "second name": lambda part: part.hardlink_to(victim)}
    begun(home, to, make.get(what, os.mkfifo))
    result = home.retrieve(ONE, to=to, via="https")
    assert set(home.verdicts(result).values()) == {"fetched"}
    assert victim.read_bytes() == b"precious"
    home.assert_same(to, only=lambda name: name.startswith("SC038/SC038_050120"))


def test_a_folder_that_becomes_a_link_while_files_get_their_names_is_not_followed(home, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()

    def swap():
        for folder in list((home.root / "SC038").iterdir()):
            folder.rename(tmp_path / f"was {folder.name}")
            folder.symlink_to(outside)

    home.configure(lambda document: document.update({"archive.hash_threads": 1}))
    with during("retrieve: placed", swap):
        result = home.retrieve(ONE)
    assert list(outside.iterdir()) == []
    found = home.verdicts(result)
    assert sorted(set(found.values())) == ["fetched", "refused"]
    assert all("through links" in each.reason for each in result if each.verdict == "refused")


def test_links_among_our_own_files_are_not_followed(home, tmp_path, victim):
    to = tmp_path / "to"
    (to / ".mapshell").mkdir(parents=True)
    (to / ".mapshell" / "retrieve.json").symlink_to(victim)
    home.retrieve(ONE, to=to, via="https")
    assert victim.read_bytes() == b"precious"
    shutil.rmtree(to)
    to.mkdir()
    (to / ".mapshell").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(Refused, match="is a link"):
        home.retrieve(TWO, to=to, via="https")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_damaged_journal_is_named_and_hinders_nothing(home):
    home.rig.admin.fail_tasks("hold", count=None, label="mapshell retrieve*")
    home.retrieve(wait=False)
    (file,) = home.journal()
    whole = file.read_bytes()
    document = json.loads(gzip.decompress(whole))
    flipped = [bytearray(whole) for _ in range(12, len(whole) - 8, 40)]
    for number, data in enumerate(flipped):
        data[12 + 40 * number] ^= 0xFF
    damaged = [
        b"",
        whole[: len(whole) // 2],
        gzip.compress(b"[" * 5000),
        gzip.compress(b"[]"),
        gzip.compress(json.dumps({**document, "entry_id": 5}).encode()),
        gzip.compress(json.dumps({**document, "locations": [[1, 2, 3, 4]]}).encode()),
        gzip.compress(json.dumps({**document, "items": [[0, 0, 0, 7, 8, 9, None]]}).encode()),
        *flipped,
    ]
    for data in damaged:
        file.write_bytes(bytes(data))
        result = home.retrieve(BOTH, wait=False)
        assert set(home.verdicts(result).values()) == {"in flight"}
        assert [note for note in result.notes if str(file) in note and "cannot be read" in note]
        for other in home.journal():
            if other != file:
                other.unlink()
