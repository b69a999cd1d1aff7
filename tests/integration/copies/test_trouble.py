"""What stands in the way of a copy between archives is named, costs no byte, and writes no wrong row."""

from __future__ import annotations

import json

import pytest

from mapshell.demo.run import ARCHIVE
from mapshell.sandbox import service
from mapshell.sandbox.spec import CollectionSpec
from pipeline import database, publication
from tests.integration.copies.conftest import FIRST, OTHER, SECOND
from tests.integration.publish.bench import SC038, write

DATA = "mapshell publish*"


def publish(two, *options, check=0):
    """Publish; return the outcomes at the second archive, and the whole document."""
    stdout, _ = two.bench.run("publication-publish", "--type", "ephys", "--format", "json", *options, check=check)
    document = json.loads(stdout)
    return [row for row in document["sessions"] if row["alias"] == OTHER], document


@pytest.fixture
def held(two):
    """A session that the second archive lacks and this computer has nothing of; what it held."""
    folder = two.bench.session("one")
    two.publish_at_first()
    held = two.take_away(folder)
    two.name_both()
    return held


def nothing_there(two):
    assert two.rows(OTHER) == {}
    assert not (publication.ArchivedRawEphys() & {"globus_alias": OTHER})


def test_the_very_bytes_that_are_there_already_are_read_back_and_not_sent(two, held):
    for name, data in held.items():
        write(two.other / name, data)
    (row,), _ = publish(two)
    assert (row["state"], row["adopted_files"], row["sent_files"]) == ("archived", len(held), 0)
    two.assert_same()
    assert not any("g1" in task["label"] and "publish" in task["label"] for task in two.rig.tasks()[1:-1])


def test_some_of_it_is_there_already(two, held):
    name = min(held)
    write(two.other / name, held[name])
    (row,), _ = publish(two)
    assert (row["state"], row["adopted_files"], row["sent_files"]) == ("archived", 1, len(held) - 1)
    two.assert_same()


@pytest.mark.parametrize("same_size", [True, False], ids=["same size", "other size"])
def test_other_bytes_of_the_name_are_never_overwritten(two, held, same_size):
    name = min(held)
    data = bytes([held[name][0] ^ 1]) + held[name][1:] if same_size else b"other"
    write(two.other / name, data)
    (row,), _ = publish(two, check=3)
    assert row["state"] == "refused"
    assert name in row["reason"]
    assert row["remedy"]
    assert two.data(two.other) == {name: data}
    nothing_there(two)


def test_a_file_that_the_first_has_lost_is_named(two, held):
    lost = min(held)
    (two.first / lost).unlink()
    (row,), _ = publish(two, check=3)
    assert row["state"] == "queued"
    assert lost in row["reason"]
    assert FIRST in row["reason"]
    assert two.data(two.other) == {}
    nothing_there(two)


def test_bytes_that_changed_at_the_first_are_no_copy(two, held):
    name = min(held)
    (two.first / name).write_bytes(bytes([held[name][0] ^ 1]) + held[name][1:])
    (row,), _ = publish(two, check=3)
    assert row["state"] == "queued"
    assert "failed" in row["reason"]
    nothing_there(two)
    (two.first / name).write_bytes(held[name])
    (row,), _ = publish(two)
    assert row["state"] == "archived"
    assert held.items() <= two.data(two.other).items()
    assert two.rows(OTHER) == two.rows(FIRST)


def test_what_verify_found_to_be_lost_is_copied_from_nowhere(two, held):
    lost = min(held)
    (two.first / lost).unlink()
    two.bench.run("publication-verify", "--type", "ephys", check=3)
    (row,), _ = publish(two, check=3)
    assert row["state"] == "queued"
    assert "1 missing" in row["reason"]
    assert two.data(two.other) == {}


def test_a_copy_that_is_under_way_is_gathered_by_the_next(two, held):
    two.rig.admin.fail_tasks("hold", count=None, label=DATA)
    (row,), _ = publish(two, "--no-wait")
    assert row["state"] == "in flight"
    two.bench.release()
    (row,), _ = publish(two)
    assert (row["state"], row["copied_from"]) == ("archived", FIRST)
    two.assert_same()


def test_another_computer_goes_on_with_it(two, held):
    two.rig.admin.fail_tasks("hold", count=None, label=DATA)
    publish(two, "--no-wait")
    two.bench.release()
    file = two.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "archive.computer": "another"}))
    (row,), _ = publish(two)
    assert row["state"] == "archived"
    two.assert_same()
    assert len([task for task in two.rig.tasks() if "publish" in task["label"]]) == 2


def test_what_another_rig_has_on_its_disk_is_left_to_it(two, held):
    state = {"subject_id": SC038, "session": 1, "globus_alias": OTHER, "computer": "rig2", "state": "queued"}
    now = {"reason": "", "folders": "SC038/x", "files": 3, "bytes": 3, "seen_at": database.now()}
    publication.SessionState.insert1({**state, **now})
    rows, _ = publish(two)
    assert rows == []
    publication.SessionState.update1({**state, **now, "seen_at": now["seen_at"].replace(year=2020)})
    (row,), _ = publish(two)
    assert row["state"] == "archived"


def test_a_withdrawn_session_stays_withdrawn(two):
    folder = two.bench.session("one")
    two.name_both()
    two.publish_at_first()
    two.take_away(folder)
    (publication.ArchivedRawEphys() & {"globus_alias": OTHER}).delete(prompt=False)
    rows, _ = publish(two)
    assert rows == []
    assert not (publication.ArchivedRawEphys() & {"globus_alias": OTHER})
    stdout, _ = two.bench.run("publication-status", "--type", "ephys", "--format", "json", check=0)
    states = {row["alias"]: row["state"] for row in json.loads(stdout)["sessions"]}
    assert states == {FIRST: "archived", OTHER: "withdrawn"}


def test_a_login_that_may_not_write_there_is_told_what_to_do(two, held, monkeypatch):
    monkeypatch.setenv("MAPSHELL_ARCHIVE_STALL_SECONDS", "0.5")
    folder = two.rig.folder
    service.start(folder / ".mapshell" / "sandbox", {SECOND: CollectionSpec(folder / "second", read_only=True)})
    (row,), _ = publish(two, check=3)
    assert row["state"] in ("queued", "in flight")
    assert row["remedy"]
    assert "permission" in row["reason"].lower() or "denied" in row["reason"].lower()
    nothing_there(two)


def test_the_first_archive_offline_ends_one_session_not_the_round(two, held):
    two.bench.session("two")
    away = CollectionSpec(two.rig.archive, mapped=True, offline=True)
    service.start(two.rig.folder / ".mapshell" / "sandbox", {ARCHIVE: away})
    rows, document = publish(two, check=3)
    by_session = {row["session"]: row["state"] for row in rows}
    assert by_session[1] == "queued"
    assert by_session[2] == "archived"
    assert document["stopped"] is None


def test_a_computer_without_a_local_folder_says_so(two, held):
    file = two.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    document["custom"]["globus.local_endpoints"] = {}
    file.write_text(json.dumps(document))
    rows, document = publish(two)
    assert rows == []
    assert any("1 session" in note and OTHER in note for note in document["notes"])
