"""Folders that a session does not get: which rule decided, which names were tried, which come near, what mends it."""

from __future__ import annotations

import shutil
import sys
from datetime import timedelta

import pytest

from pipeline import publication
from tests.integration.publish.bench import DAY, SC048, at, write

from .asking import assert_commands, decision, document, rules, run, why


def _two(bench, first=None, second=None):
    bench.enter("first", DAY, first)
    bench.enter("second", DAY, second)


def _m7(bench):
    _two(bench)
    write(bench.ephys / "SC038/SC038_050120_surface_g0/notes.txt", b"no meta tells")
    return "second"


def _m4(bench):
    _two(bench, "10:00:00", "18:00:00")
    bench.record("SC038_050120_surface", at(DAY, "14:00:00"))
    return "second"


def _m2(bench):
    _two(bench, "10:00:00", "10:04:00")
    bench.record("SC038_050120_surface", at(DAY, "10:02:00"))
    return "second"


def _m0(bench):
    _two(bench, "10:00:00", "18:00:00")
    bench.record("SC038_050120_a", at(DAY, "10:00:00"))
    bench.record("SC038_050120_a", at(DAY, "18:00:00"), gate=1)
    return "second"


def _m5(bench):
    _two(bench, "10:00:00", "18:00:00")
    write(bench.ephys / "SC038/SC038_050120_140000_g0/notes.txt", b"no meta tells")
    return "second"


def _h2(bench):
    _two(bench, "10:00:00", "18:00:00")
    bench.record("SC038_050120_surface", DAY)
    for name in ("first", "second"):  # as only the lab's own hand can: the command refuses the second
        subject_id, session = bench.keys[name]
        key = {"subject_id": subject_id, "session": session}
        publication.SessionIdent.insert1({**key, "session_ident": "surface"})
    return "second"


def _d1(bench):
    bench.enter("second", DAY, "10:00:00")
    bench.record("SC038_050120", DAY + timedelta(days=40))
    return "second"


def _a2(bench):
    bench.enter("second", DAY, "10:00:00")
    bench.enter("other animal", DAY, "10:00:00", number=1, subject=SC048)
    bench.record("SC048_050120", DAY)
    return "second"


def _l1(bench):
    bench.enter("second", DAY, "10:00:00")
    bench.set_ident("second", "deep")
    bench.record("SC038_050120_surface", at(DAY, "16:00:00"))
    return "second"


def _l3(bench):
    bench.enter("second", DAY, "10:00:00")
    bench.record("SC038_050120_surface", DAY)
    bench.record("SC038_050120_deep", at(DAY, "16:00:00"))
    return "second"


def _l4(bench):
    bench.enter("second", DAY, None)
    bench.record("SC038_050120_surface", DAY)
    bench.record("SC038_050120_deep", at(DAY, "16:00:00"))
    return "second"


def _d2(bench):
    bench.enter("second", DAY, "10:00:00")
    write(bench.ephys / "SC038/SC038S10_C04P02_g0/notes.txt", b"no date, and no meta")
    return "second"


CASES = {"M0": _m0, "M2": _m2, "M4": _m4, "M5": _m5, "M7": _m7, "H2": _h2, "D1": _d1, "A2": _a2, "L1": _l1, "L3": _l3}
CASES |= {"L4": _l4, "D2": _d2}


@pytest.mark.parametrize("rule", sorted(CASES))
def test_each_rule_of_matching_is_told_as_publish_tells_it_and_an_ident_mends_it(bench, rule):
    name = CASES[rule](bench)
    code = 0 if rule in ("L1", "L3", "L4", "D2") else 3
    told = bench.run("publication-publish", "--type", "ephys", "--dry-run", "--format", "json", check=code)[0]
    place = why(bench, name)
    said = rules(place)
    assert rule in said, said
    reason = said[rule].partition(": ")[2]
    assert reason in told
    assert_commands(place)
    if rule in ("M0", "M2", "M4", "M5", "M7", "D1"):
        assert place.state == "refused"
        assert place.reason == said[rule]
    (line,) = [each for each in decision_of(place, rule).commands if "session-ident" in each]
    assert f"session-ident SC038 {bench.keys[name][1]} " in line
    if rule == "H2":
        run(bench, f"mapshell session-ident SC038 {bench.keys['first'][1]} deep")
    else:
        run(bench, line, codes=(0,))
    after = why(bench, name)
    assert rule not in rules(after), rules(after)
    if rule != "H2":
        assert decision(after, "folder-here").verdict == "passed"


def decision_of(place, rule):
    return next(each for each in place.failed if each.rule == rule)


def test_a_folder_that_is_not_here_names_what_was_tried_and_what_comes_near(each_bench):
    bench = each_bench
    bench.enter("lost", DAY, "10:00:00")
    bench.record("SC038_050130", DAY + timedelta(days=3000), folder="SC038_05012_g0")
    shutil.copytree(bench.ephys / "SC038", bench.ephys / "SC38")
    write(bench.ephys / "SC38/SC038_050120_g0/notes.txt", b"in the wrong animal's folder")
    place = why(bench, "lost")
    assert place.state == "not here"
    said = rules(place)["folder-here"]
    for name in ("SC038/SC038_050120_g0", "SC038/catgt_SC038_050120_g0", "SC038/SC038_050120_100000_g0"):
        assert name in said
    near = said.partition("none is there. Nearest: ")[2].split(", ")
    assert set(near[:2]) == {"SC38/SC038_050120_g0", "SC038/SC038_05012_g0"}
    assert "rename it to SC038/SC038_050120_g0" in decision_of(place, "folder-here").remedy
    assert place.next[0].startswith("once it is renamed: mapshell publication-publish")
    assert_commands(place)
    shutil.move(bench.ephys / "SC38/SC038_050120_g0", bench.ephys / "SC038/SC038_050120_g0")
    place = why(bench, "lost")
    assert (place.state, place.failed) == ("queued", [])
    run(bench, place.next[0], codes=(0,))
    assert why(bench, "lost").state == "archived"


def test_an_archived_folder_of_that_day_is_named_and_is_no_fault(bench):
    bench.session("own")
    bench.enter("other", DAY, "18:00:00")
    bench.publish()
    place = why(bench, "other")
    given = decision(place, "given-elsewhere")
    assert given.verdict == "not reached"
    assert "is session 1's" in given.evidence
    assert place.state == "not here"


@pytest.mark.skipif(sys.platform == "win32", reason="makes links: POSIX")
def test_links_hostile_names_and_folders_that_cannot_be_listed(bench, monkeypatch):
    import os

    linked = bench.session("linked")
    shutil.move(linked, bench.rig.folder / "away")
    linked.symlink_to(bench.rig.folder / "away")
    place = why(bench, "linked")
    assert place.state == "refused"
    assert "links are not followed" in rules(place)["folder-link"]
    assert_commands(place)
    real = os.scandir

    def scandir(path="."):
        if os.fspath(path) == os.fspath(bench.ephys / "SC038"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    place = why(bench, "linked")
    assert "cannot be listed" in rules(place)["unlistable"]
    assert_commands(place)
    monkeypatch.undo()


def test_roots_that_are_not_there_or_not_configured(bench):
    import json

    from pipeline import settings

    bench.session("one")
    shutil.move(bench.ephys, bench.rig.folder / "unplugged")
    place = why(bench, "one")
    assert "connect the disk" in decision_of(place, "root").remedy
    assert_commands(place)
    file = bench.rig.folder / "dj_local_conf.json"
    changed = json.loads(file.read_text())
    del changed["custom"]["globus.local_endpoints"]["raw-ephys"]
    file.write_text(json.dumps(changed))
    bench.rig.settings = settings.load(file=file)
    place = why(bench, "one")
    assert place.state == "not here"
    assert "no local folder of this archive" in rules(place)["local-root"]
    assert_commands(place)


def test_a_subject_without_water_restriction(bench):
    from pipeline import experiment, lab

    lab.Subject.insert1({"subject_id": 999001})
    experiment.Session.insert1({"subject_id": 999001, "session": 1, "session_date": DAY.date()})
    told = document(bench, "999001", "1", "--type", "ephys")
    (place,) = told["locations"]
    assert place["state"] == "refused"
    (failed,) = [each for each in place["decisions"] if each["verdict"] == "failed"]
    assert failed["rule"] == "water-restriction"
    assert place["next"] == ["mapshell ingest-subjects FILE"]
    sheet = write(bench.rig.folder / "animals.csv", b"subject_id,h2o\n999001,SC999\n")
    run(bench, place["next"][0].replace("FILE", str(sheet)), codes=(0,))
    assert document(bench, "SC999", "1", "--type", "ephys")["locations"][0]["state"] == "not here"


def test_a_folder_of_a_session_that_is_gone_and_of_a_run_that_was_reassigned(bench):
    from pipeline import experiment

    folder = bench.session("gone")
    bench.enter("other", DAY, "10:03:00", number=7)
    bench.publish({"session": 1})
    bench.run("publication-reassign", "SC038/1", "SC038/7", "--yes", check=0)
    place = why(bench, "other")
    assert (place.state, place.failed) == ("archived", [])
    assert decision(place, "former name").verdict == "passed"
    bench.record("SC038_050120", DAY + timedelta(minutes=30), gate=1)
    place = why(bench, "gone")
    assert "reassigned-run" in rules(place), rules(place)
    assert_commands(place)
    (experiment.Session() & {"subject_id": 480133, "session": 7}).delete(prompt=False)
    place = why(bench, "gone")
    assert "archived-elsewhere" in rules(place), rules(place)
    assert_commands(place)
    assert folder.is_dir()
