"""Fetching into a folder of this computer by transfers: what comes, is skipped, is refused, and is recorded."""

from __future__ import annotations

import os
import shutil

import pytest

from pipeline import database, publication
from pipeline.errors import UsageError

from .home import BOTH, ONE, TWO, first_session


def test_an_empty_folder_gets_the_very_tree_and_it_is_recorded(each_home):
    home = each_home
    result = home.retrieve()
    assert result.whole
    assert set(home.verdicts(result).values()) == {"fetched"}
    assert result.bytes == sum(map(len, home.originals.values()))
    assert sorted(result.paths) == sorted(home.here().values())
    home.assert_same()
    (task,) = home.tasks()
    assert result.tasks == [task["task_id"]]
    assert home.journal() == []
    (row,) = publication.Retrieval.to_dicts()
    assert (row["via"], row["target"]) == ("globus", str(home.root))
    parts = publication.Retrieval.Session.to_dicts()
    assert sum(part["files"] for part in parts) == len(home.originals)
    assert sum(part["bytes"] for part in parts) == result.bytes
    assert {(part["subject_id"], part["session"]) for part in parts} == {tuple(k.values()) for k in (ONE, TWO)}
    # Again: nothing moves, and nothing is recorded.
    again = home.retrieve()
    assert set(home.verdicts(again).values()) == {"identical"}
    assert again.tasks == []
    assert len(home.tasks()) == 1
    assert len(publication.Retrieval()) == 1
    # And to publishing it is the folder that it was.
    (one, two) = home.bench.publish().outcomes
    assert (one.state, two.state) == ("archived", "archived")
    assert not one.sent_files
    assert not two.sent_files


def test_the_method_heeds_every_restriction_on_class_and_instance(home):
    database.bind(home.rig.settings)
    table = publication.ArchivedRawEphys
    with pytest.raises(UsageError, match="the whole archive"):
        table.retrieve()
    with pytest.raises(UsageError, match="the whole archive"):
        table().retrieve(probes="imec0")
    assert {each.key for each in (table & ONE).retrieve()} == {tuple(ONE.values())}
    home.assert_same(only=first_session)
    assert {each.key for each in (table - ONE).retrieve(dry_run=True)} == {tuple(TWO.values())}
    assert {each.key for each in (table & [ONE, TWO]).retrieve(dry_run=True)} == {tuple(k.values()) for k in (ONE, TWO)}
    ap = (table() & ONE).retrieve(file_types="*-ap-*", probes=1, dry_run=True)
    assert {each.subpath.split(".", 1)[1] for each in ap} == {"imec0.ap.bin", "imec0.ap.meta"}
    assert len(table.retrieve(everything=True)) == len(home.originals)
    home.assert_same()
    shown = (table & ONE).retrieve()
    assert "here already" in str(shown)
    assert "<table>" in shown._repr_html_()
    assert "identical" in repr(shown)


def test_one_probe_of_one_type_by_the_command(home):
    document = home.command("--session", "1", "--probe", "imec0", "--file-type", "ephys-raw-neuropixels-ap-*", code=0)
    assert sorted(each["subpath"].rsplit(".", 1)[1] for each in document["files"]) == ["bin", "meta"]
    assert {each["verdict"] for each in document["files"]} == {"fetched"}
    home.assert_same(only=lambda name: first_session(name) and ".ap." in name)
    # The whole probe: its sorting too, but not what belongs to the session alone.
    home.command("--session", "1", "--probe", "1", code=0)
    home.assert_same(only=lambda name: first_session(name) and "_imec0/" in name)


def test_a_dry_run_says_it_all_and_writes_nothing(home):
    rig_before = sorted(home.rig.folder.rglob("*"))
    home.rig.admin.reset_counts()
    document = home.command("--dry-run", code=0)
    assert {each["verdict"] for each in document["files"]} == {"to fetch"}
    assert home.tasks() == []
    assert not any(name.startswith("POST transfer") for name in home.rig.admin.counts())
    new = [path for path in sorted(home.rig.folder.rglob("*")) if path not in rig_before]
    assert [path for path in new if "home" not in path.parts and ".mapshell" not in path.parts] == []
    assert document["targets"] == [str(home.root)]


def test_submitted_now_and_gathered_by_the_same_command_later(home):
    home.rig.admin.fail_tasks("hold", count=None, label="mapshell retrieve*")
    document = home.command("--no-wait", code=0)
    assert {each["verdict"] for each in document["files"]} == {"in flight"}
    assert home.here() == {}
    assert len(home.journal()) == 1
    planned = home.command("--dry-run", code=0)
    assert {each["verdict"] for each in planned["files"]} == {"in flight"}
    assert planned["tasks"] == document["tasks"]
    home.bench.release()
    document = home.command(code=0)
    assert {each["verdict"] for each in document["files"]} == {"fetched"}
    assert any("earlier retrieval" in note for note in document["notes"])
    assert len(home.tasks()) == 1
    home.assert_same()
    assert home.journal() == []


def test_a_smaller_question_goes_on_with_a_larger_one_that_was_broken_off(home):
    home.rig.admin.fail_tasks("hold", count=None, label="mapshell retrieve*")
    home.command("--no-wait", code=0)
    home.bench.release()
    result = home.retrieve(ONE)
    assert len(home.tasks()) == 1
    assert len(result) == len(home.originals)  # the other session came as well, and is told
    home.assert_same()


def test_files_of_an_unfinished_retrieval_that_came_otherwise_close_it(home):
    home.rig.admin.fail_tasks("hold", count=None, label="mapshell retrieve*")
    home.command("--session", "1", "--no-wait", code=0)
    result = home.retrieve(TWO, wait=False)  # another question: the first is only mentioned
    assert any("unfinished" in note for note in result.notes)
    assert len(home.journal()) == 2
    for name, data in home.originals.items():
        (home.root / name).parent.mkdir(parents=True, exist_ok=True)
        (home.root / name).write_bytes(data)
        os.utime(home.root / name, (home.times[name], home.times[name]))
    assert set(home.verdicts(home.retrieve()).values()) == {"identical"}
    assert home.journal() == []
    assert {task["status"] for task in home.tasks()} == {"FAILED"}


def test_a_folder_below_the_root_and_several_roots(home, tmp_path):
    below = home.root / "for me"
    assert home.retrieve(ONE, to=str(below)).whole
    home.assert_same(below, only=first_session)
    shutil.rmtree(below)
    second = home.rig.rig / "second"
    second.mkdir()
    (second / "SC038" / "SC038_050220_g0").mkdir(parents=True)
    home.bench.add_root("d3e0a001-0000-4000-8000-00000000a001", "/second", str(second))
    assert home.retrieve(BOTH).whole
    home.assert_same(only=first_session)
    home.assert_same(second, only=lambda name: not first_session(name))
    assert len(home.tasks()) == 2  # one for the first call, one for both roots in the second


def test_a_session_without_a_known_checksum_is_fetched_and_said_to_be_unchecked(home):
    table = publication.DataSet.PhysicalFile
    for key in table().keys():  # noqa: SIM118  # a DataJoint query
        table.update1({**key, "file_sha1": None, "sha1_source": None})
    first = home.retrieve(ONE)
    assert set(home.verdicts(first).values()) == {"unchecked"}
    home.assert_same(only=first_session)
    again = home.retrieve(ONE)
    assert set(home.verdicts(again).values()) == {"unchecked"}
    assert again.tasks == []
    name = home.pick("050120_g0_t0.imec0.ap.meta")
    os.utime(home.root / name, (1, 1))
    assert home.verdicts(home.retrieve(ONE))[name] == "refused"
