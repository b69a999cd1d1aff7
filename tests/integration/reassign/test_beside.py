"""A relocation that is open: what others say of it, and who may bring it to an end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pipeline import database, publication
from tests.integration.kills import kill_at
from tests.integration.publish.bench import DAY, SC048, old, only

from .moved import add_animal_session, assert_index_is_true, reassign, states


def begun(bench, step, nth=1):
    """Archive a session under a wrong animal, and kill its reassignment at a step."""
    folder = bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    command = ("publication-reassign", "SC038/1", "SC048/1", "--yes")
    killed = bench.rig.run(*command, prelude=kill_at(step, nth))
    assert killed.returncode < 0, killed.stderr
    database.bind(bench.rig.settings)
    return folder


def test_retrieve_says_why_files_are_not_there(each_bench):
    bench = each_bench
    begun(bench, "move: renamed")
    wanted = ("publication-retrieve", "--subject", "SC038", "--session", "1", "--to", str(bench.ephys / "here"))
    stdout, _ = bench.run(*wanted, "--format", "json", check=3)
    files = json.loads(stdout)["files"]
    assert files
    assert all("becomes SC048" in each["reason"] for each in files), files
    assert bench.publish().whole
    bench.run("publication-retrieve", "--subject", "SC048", "--to", str(bench.ephys / "here"), check=0)


def test_a_dry_run_of_publish_says_so_and_ends_nothing(each_bench):
    bench = each_bench
    begun(bench, "move: all renamed")
    stdout, _ = bench.run("publication-publish", "--type", "ephys", "--dry-run", "--format", "json", check=0)
    assert {row["state"] for row in json.loads(stdout)["sessions"]} <= {"in flight"}
    assert publication.Transfer() & {"purpose": "move", "state": "planned"}
    assert states(bench)["right"] == "in flight"
    (place,) = json.loads(
        bench.run("publication-reassign", "SC038/1", "SC048/1", "--dry-run", "--format", "json", check=0)[0]
    )["places"]
    assert place["state"] == "to be ended"


def test_the_archives_address_stays_while_it_is_open(each_bench):
    bench = each_bench
    begun(bench, "move: planned")
    (row,) = [r for r in publication.GlobusStorageLocation.to_dicts() if r["globus_alias"] == "raw-ephys"]
    _, said = bench.run("storage", "set", "raw-ephys", f"{row['globus_endpoint']}:/elsewhere", check=1)
    assert "under way" in said
    assert bench.publish().whole


@pytest.mark.parametrize(
    ("step", "ends"), [("move: renamed", True), ("move: checked", True), ("manifest planned", False)]
)
def test_another_computer_ends_it(each_bench, step, ends):
    """What is at the archive anybody can bring to an end; a manifest that was staged, its own computer."""
    bench = each_bench
    begun(bench, step)
    own = bench.rig.settings
    bench.rig.settings = replace(own, archive=replace(own.archive, computer_name="another"))
    report = bench.publish()
    assert report.whole is ends, report.outcomes
    if not ends:
        (outcome,) = [each for each in report.outcomes if each.key == (SC048, 1)]
        assert own.archive.computer in outcome.reason + outcome.remedy
        bench.rig.settings = own
        assert bench.publish().whole
    assert_index_is_true(bench)
    assert states(bench)["right"] == "archived"


def test_a_file_that_somebody_puts_at_the_new_name(each_bench):
    """Neither is overwritten: it stays open, is named, and goes on when the stranger is gone."""
    bench = each_bench
    begun(bench, "move: planned")
    stranger = bench.archive / "SC048" / "SC048_050120_g0"
    stranger.mkdir(parents=True)
    report = bench.publish()
    (outcome,) = [each for each in report.outcomes if each.key == (SC048, 1)]
    assert outcome.state == "in flight"
    assert outcome.failed
    assert "both" in outcome.reason
    stranger.rmdir()
    assert bench.publish().whole
    assert_index_is_true(bench)


def test_a_file_that_gets_lost_meanwhile(each_bench):
    """It is named, no row is changed, and all goes on when it is back."""
    bench = each_bench
    begun(bench, "move: renamed")
    lost = only(bench.archive / "SC048", "*.bin")
    data = lost.read_bytes()
    lost.unlink()
    report = bench.publish()
    assert not report.whole
    assert any(lost.name in each.reason for each in report.outcomes)
    lost.write_bytes(data)
    old(lost)
    _, said = reassign(bench, "SC038/1", "SC048/1")
    assert "Reassigned" in said
    assert_index_is_true(bench)
