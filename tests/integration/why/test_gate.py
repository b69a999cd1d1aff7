"""What the gate refuses: why names the same rules as publish, with the same evidence, and commands that work."""

from __future__ import annotations

import shutil
import sys
import time

import pytest

from pipeline.archive.acceptance_rules import RULES
from tests.integration.publish.bench import old, only, write
from tests.integration.publish.test_accept import CASES

from .asking import assert_commands, decision, rules, run, why

NOTED = {"meta-without-bin"}


def test_every_acceptable_rule_is_named_as_publish_names_it_and_its_command_accepts_it(each_bench):
    bench = each_bench
    for name, (spoil, _) in CASES.items():
        spoil(bench.session(name))
    bench.session("good")
    told = bench.command(check=3)["sessions"]
    for name, (_, broken) in CASES.items():
        place = why(bench, name)
        if broken <= NOTED:
            assert place.state == "archived"
            assert not place.next
            continue
        assert place.state == told[name]["state"]
        assert place.reason == told[name]["reason"]
        said = rules(place)
        for detail in told[name]["details"]:
            assert detail["reason"] in said[detail["rule"]], name
            assert detail["file"] in said[detail["rule"]]
        # A file that was changed before it was sent comes to light while its bytes move: that transfer failed.
        assert said.keys() - {"failed-transfer"} == {detail["rule"] for detail in told[name]["details"]}
        assert_commands(place)
        accepting = [line for line in place.next if "--accept" in line]
        assert len(accepting) == 1
        assert all(decision(place, rule).accept for rule in said if rule != "failed-transfer")
        run(bench, accepting[0], "--dry-run", codes=(0,))
        passed = {each.rule for each in place.decisions if each.verdict == "passed"}
        assert {"link", "twin", "water-restriction", "compared"} <= passed
        assert not passed & set(said)
    crashed = why(bench, "crashed")
    assert crashed.state == "recording"
    assert crashed.next[0].startswith("mapshell publication-publish")  # it ends by itself, as a rule
    assert all(line.startswith("if the recording crashed: ") for line in crashed.next if "--accept" in line)
    run(bench, next(line for line in crashed.next if "--accept" in line), codes=(0,))
    place = why(bench, "crashed")
    assert (place.state, place.next) == ("archived", ())
    assert not place.failed
    good = why(bench, "good")
    assert (good.state, good.next, good.failed) == ("archived", (), [])


def _written_now(folder):
    path = only(folder, "*.bin")
    path.touch()


@pytest.mark.skipif(sys.platform == "win32", reason="makes links and a pipe: POSIX")
def test_what_can_never_be_accepted_says_so_and_the_mend_makes_it_go(bench):
    import os

    made = {}
    for name in ("still-written", "link", "special-file", "name"):
        made[name] = bench.session(name)
    _written_now(made["still-written"])
    (made["link"] / "notes.txt").symlink_to("/etc/hostname")
    os.mkfifo(made["special-file"] / "pipe")
    bad = made["name"] / ("n" * 200 + "/" + "m" * 200 + "/" + "x" * 200 + "/" + "y" * 200 + "/" + "z" * 240)
    write(bad / "notes.txt", b"too long a path")
    told = bench.command("--dry-run", check=3)["sessions"]
    for name in ("still-written", "link", "special-file", "name"):
        place = why(bench, name)
        said = rules(place)
        assert set(said) == {name}, (name, said)
        assert told[name]["details"][0]["rule"] == name
        assert not decision(place, name).accept
        assert place.state == ("recording" if name == "still-written" else "refused")
        assert_commands(place)
        assert not any("--accept" in line for line in place.next)
    old(only(made["still-written"], "*.bin"))
    (made["link"] / "notes.txt").unlink()
    (made["special-file"] / "pipe").unlink()
    shutil.rmtree(made["name"] / ("n" * 200))
    for name in ("still-written", "link", "special-file", "name"):
        place = why(bench, name)
        assert (place.state, place.failed) == ("queued", []), name
        assert place.next == (
            f"mapshell publication-publish --type ephys --subject SC038 --session {bench.keys[name][1]}",
        )
        run(bench, place.next[0], codes=(0,))
        assert why(bench, name).state == "archived"


def test_twins_a_file_without_a_reader_and_an_empty_folder(bench, monkeypatch):
    import os

    twin, silent, empty = bench.session("twin"), bench.session("silent"), bench.session("empty")
    second = bench.rig.folder / "rig/second"
    shutil.copytree(twin, second / "SC038" / twin.name)
    bench.add_root("d3e0a001-0000-4000-8000-00000000a001", "/second", "rig/second")
    shutil.rmtree(empty)
    empty.mkdir()
    real = os.scandir

    def scandir(path="."):
        if os.fspath(path).startswith(os.fspath(silent / "SC038_050220_g0_imec0")):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    for name, rule in (("twin", "twin"), ("silent", "unreadable"), ("empty", "no-files")):
        place = why(bench, name)
        assert rule in rules(place), (name, rules(place))
        assert place.state == "refused"
        assert_commands(place)
    told = {name: row["rule"] for name, row in bench.command("--dry-run", check=3)["sessions"].items()}
    assert told == {"twin": "twin", "silent": "unreadable", "empty": "no-files"}


def test_a_clock_behind_the_files_is_told(bench):
    bench.session("one")
    place = why(bench, "one", epoch=lambda: 1_000_000_000.0)
    assert "in the future: is this computer's clock right?" in rules(place)["still-written"]
    assert place.state == "recording"
    assert why(bench, "one", epoch=time.time).state == "queued"


def test_every_rule_of_the_gate_is_brought_about_here_or_told_after_the_transfer():
    here = set().union(*(broken for _, broken in CASES.values()))
    here |= {"still-written", "link", "special-file", "name", "twin", "unreadable"}
    elsewhere = {"renamed", "conflict", "described", "identity", "folder"}  # test_index.py, test_folders.py
    after = {"changing", "vanished", "missing", "size-at-archive", "skipped", "source"}  # test_work.py, as what failed
    assert here | elsewhere | after == {rule.name for rule in RULES}
