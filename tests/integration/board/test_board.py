"""The board: what is told of sessions, of what waits, of disks and of every computer, from a rig and from a desk."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pipeline import database, publication
from pipeline.board.board import board
from pipeline.database.lab_connection import LabConnection
from pipeline.settings.types import DATASET_TYPES
from tests.integration.discover.losing import drop
from tests.integration.publish.bench import EPHYS, only, write

ROUND = {"verb": "publish", "program": "1", "reason": "", "archived_sessions": 0, "archived_bytes": 0, "disks": []}


def look(bench, *restrictions, types=DATASET_TYPES, **options):
    return board(bench.rig.settings, types, restrictions, **options)


def at_a_desk(bench):
    """Return the settings of a computer that has no recordings."""
    mine = bench.rig.settings
    globus = replace(mine.globus, local_roots=(), shared_roots=())
    return replace(mine, globus=globus, archive=replace(mine.archive, computer_name="desk"))


def insert(computer, began, *, result="done", **more):
    row = {**ROUND, "round_id": uuid.uuid4(), "computer": computer, "began_at": began, "result": result, **more}
    publication.Round.insert1({"seen_at": began, **row})


def state_of(found, bench, name, alias="raw-ephys"):
    (row,) = [r for r in found.sessions if (r.subject_id, r.session) == bench.keys[name] and r.alias == alias]
    return row


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_what_is_archived_and_what_waits(each_bench):
    bench = each_bench
    first = bench.session("one")
    assert bench.publish().whole
    second, third = bench.session("two"), bench.session("three")
    only(third, "*.ap.meta").unlink()
    found = look(bench)
    one, two, three = (state_of(found, bench, name) for name in ("one", "two", "three"))
    assert (one.state, one.unarchived, one.size) == ("archived", 0, size_of(first))
    assert (two.state, two.unarchived) == ("queued", size_of(second))
    assert (three.state, three.unarchived) == ("queued", size_of(third))  # no round has judged it yet
    assert {state: each.sessions for state, each in found.totals.items() if state != "not here"} == {
        "archived": 1,
        "queued": 2,
    }
    assert found.totals["archived"].size == size_of(first)
    here = found.backlog.here
    assert (here.sessions, here.size, here.transfers) == (2, size_of(second) + size_of(third), 1)
    assert here.hours == pytest.approx(here.size / here.speed / 3600)
    assert found.backlog.hours == here.hours
    (disk,) = found.disks
    assert disk.disk.size > disk.disk.free > 0
    assert disk.filling.by == "recordings of the last 14 days"

    again = bench.publish()
    assert not again.whole
    assert state_of(look(bench), bench, "three").state == "refused"
    assert look(bench).backlog.sessions == 0  # what is refused waits for a person, not for a round


def test_files_that_came_later_wait_too(bench):
    folder = bench.session("one")
    assert bench.publish().whole
    write(folder / "sorting/spikes.npy", b"spikes")
    row = state_of(look(bench), bench, "one")
    assert (row.state, row.unarchived) == ("archived with changes", 6)
    assert (look(bench).backlog.here.sessions, look(bench).backlog.here.size) == (1, 6)


def test_a_desk_sees_every_computer(each_bench):
    bench = each_bench
    bench.session("one")
    bench.session("two")
    assert bench.rig.publish({"session": 1}).whole
    bench.session("three")
    bench.rig.publish(wait=False)
    now = database.now()
    insert("rig2", now - timedelta(hours=9), next_at=now - timedelta(hours=8), sessions_here=7, queued_sessions=2)
    insert("rig3", now - timedelta(days=3))
    insert("old-rig", now - timedelta(days=40))
    found = board(at_a_desk(bench), DATASET_TYPES)
    assert found.disks == ()
    mine = bench.rig.settings.archive.computer
    seen = {each.computer: each for each in found.computers}
    assert list(seen) == [*sorted({mine, "rig2", "rig3"}), "old-rig"]
    assert (seen[mine].result, seen[mine].sessions_here, seen[mine].late) == ("done", 3, None)
    assert seen["rig2"].late.due == now - timedelta(hours=8)
    assert (seen["rig2"].sessions_here, seen["rig2"].queued_sessions) == (7, 2)
    assert seen["rig3"].late is not None
    assert seen["rig3"].late.due is None
    assert (seen["old-rig"].gone, seen["old-rig"].late) == (True, None)
    (load,) = found.backlog.computers
    assert (load.computer, load.sessions) == (mine, 2)
    assert load.hours is not None  # at the speed of the computer that has them
    assert found.backlog.here == replace(found.backlog.here, computer="desk", sessions=0, hours=0.0)


def test_how_rounds_went_is_told_without_a_lie(bench):
    now, machine = database.now(), uuid.uuid4()
    insert("goes-on", now - timedelta(hours=3), result="running", machine=machine, seen_at=now - timedelta(minutes=2))
    insert("silent", now - timedelta(hours=3), result="running", machine=machine, seen_at=now - timedelta(minutes=20))
    from pipeline.machine import machine_id

    gone = {"machine": machine_id(), "process_id": 2**22 + 7, "process_began": 1.0}
    insert("cut", now - timedelta(minutes=1), result="running", **gone)
    insert("failed", now - timedelta(minutes=1), result="failed", reason="the disk burnt")
    found = {each.computer: each.result for each in look(bench).computers}
    assert found == {"goes-on": "running", "silent": "silent", "cut": "cut short", "failed": "failed"}


def test_a_disk_fills_as_its_rounds_found_it(each_bench):
    bench = each_bench
    bench.session("one")
    bench.rig.publish()
    (row,) = publication.Round.to_dicts()
    (disk,) = row["disks"]
    path = disk["path"]
    for day in range(5, 0, -1):
        free = disk["free"] + day * 10**9
        insert(row["computer"], row["began_at"] - timedelta(days=day), disks=[{**disk, "free": free}])
        insert("rig2", row["began_at"] - timedelta(days=day), disks=[{"path": "D:\\", "free": free, "size": 10**13}])
    found = look(bench)
    (here,) = found.disks
    assert here.disk.path == path
    assert here.filling.by == "free space of the last 5 days"
    assert here.filling.per_day == pytest.approx(1e9, rel=0.02)
    assert here.filling.days == pytest.approx(here.disk.free / 1e9, rel=0.02)
    (theirs,) = next(each for each in found.computers if each.computer == "rig2").disks
    assert theirs.filling.per_day == pytest.approx(1e9)
    shutil.rmtree(path)
    away, there = look(bench).disks
    assert there.disk.free
    assert (away.disk.free, away.filling) == (None, None)
    assert "not there" in away.disk.reason


def test_what_was_reclaimed_is_called_so_everywhere(each_bench):
    bench = each_bench
    bench.session("one")
    bench.session("two")
    assert bench.publish().whole
    bench.run("publication-reclaim", "--type", "ephys", "--session", "1", "--older-than", "0d", "--yes", check=0)
    for settings in (bench.rig.settings, at_a_desk(bench)):
        found = board(settings, EPHYS)
        one = state_of(found, bench, "one")
        assert one.state == "reclaimed"
        assert one.computer == bench.rig.settings.archive.computer
        assert "were deleted on" in one.reason
        assert one.archived_at is not None
        assert state_of(found, bench, "two").state == "archived"
        assert found.totals["reclaimed"].size == one.size > 0
        assert found.backlog.sessions == 0
    bench.run("publication-retrieve", "--subject", "SC038", "--session", "1", "--type", "ephys", check=0)
    assert state_of(look(bench), bench, "one").state == "archived"


def test_a_tombstone_of_a_session_that_the_index_does_not_have(each_bench):
    bench = each_bench
    folder = bench.session("one")
    assert bench.publish().whole
    bench.run("publication-reclaim", "--type", "ephys", "--older-than", "0d", "--yes", check=0)
    assert look(bench).troubles == ()
    drop(bench.rig, "publication")
    (trouble,) = look(bench).troubles
    assert "SC038" in trouble.what
    assert "mapshell-reclaimed-ephys.json" in trouble.reason
    assert str(folder) in trouble.reason
    stdout, told = bench.run("publication-status", check=0)
    assert "archived" not in stdout
    assert "queued" not in stdout
    command = trouble.remedy.partition("mapshell ")[2]
    assert f"mapshell {command}" in told
    bench.run(*command.split(), check=0)
    found = look(bench)
    assert found.troubles == ()
    one = state_of(found, bench, "one")
    assert one.state == "reclaimed"  # the row that told it is lost, the tombstone is here
    assert "mapshell-reclaimed-ephys.json" in one.reason


def test_a_tombstone_of_a_session_that_was_withdrawn(bench):
    bench.session("one")
    assert bench.publish().whole
    bench.run("publication-reclaim", "--type", "ephys", "--older-than", "0d", "--yes", check=0)
    publication.ArchivedRawEphys.delete_quick()
    (trouble,) = look(bench).troubles
    command = trouble.remedy.partition("mapshell ")[2]
    assert command.endswith("--restore")
    bench.run(*command.split(), check=0)
    assert (look(bench).troubles, state_of(look(bench), bench, "one").state) == ((), "reclaimed")


def test_a_clock_that_is_behind_the_files(bench):
    folder = bench.session("one")
    file = only(folder, "*.ap.bin")
    assert look(bench).troubles == ()
    later = datetime.now().timestamp() + 3 * 3600  # noqa: DTZ005 - seconds since 1970
    os.utime(file, (later, later))
    (trouble,) = look(bench).troubles
    assert str(file) in trouble.reason
    assert "clock" in trouble.what


def test_copies_are_counted_where_several_are_named(each_bench):
    bench = each_bench
    bench.session("one")
    assert bench.publish().whole
    mine = {row["globus_alias"]: row for row in publication.GlobusStorageLocation.to_dicts()}["raw-ephys"]
    publication.GlobusStorageLocation.insert1({**mine, "globus_alias": "ephys-2", "globus_path": "/elsewhere"})
    for alias in ("raw-ephys", "ephys-2"):
        publication.Copy.insert1({"globus_alias": alias, "named_at": database.now(), "computer": "rig"})
    found = look(bench)
    for alias in ("raw-ephys", "ephys-2"):
        row = state_of(found, bench, "one", alias)
        assert (row.copies, row.copies_wanted) == (1, 2)
    stdout, _ = bench.run("publication-status", check=0)
    assert "1 of 2" in stdout


def statements(monkeypatch, work):
    count = []
    attempt = LabConnection._attempt

    def counted(self, *rest):
        count.append(1)
        return attempt(self, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(LabConnection, "_attempt", counted)
        work()
    return len(count)


def test_the_number_of_queries_is_constant(each_bench, monkeypatch):
    bench = each_bench
    bench.session("one")
    bench.rig.publish()
    look(bench)
    few = statements(monkeypatch, lambda: look(bench))
    for number in range(6):
        bench.session(f"more {number}")
    bench.rig.publish()
    bench.session("waits")
    for hour in range(30):
        insert(f"rig{hour % 7}", database.now() - timedelta(hours=hour))
    assert statements(monkeypatch, lambda: look(bench)) == few


# ---- as people and programs see it


@pytest.fixture
def told(bench):
    bench.session("one")
    assert bench.rig.publish().whole
    bench.session("two")
    return bench


def test_for_programs(told):
    document = json.loads(told.run("publication-status", "--format", "json", check=0)[0])
    assert list(document)[:5] == ["sessions", "totals", "backlog", "disks", "computers"]
    assert {row["state"] for row in document["sessions"]} == {"archived", "queued", "not here"}
    assert document["totals"]["archived"]["sessions"] == 1
    assert document["backlog"]["here"]["sessions"] == document["backlog"]["sessions"] == 1
    (disk,) = document["disks"]
    assert disk["free"] > 0
    (computer,) = document["computers"]
    assert (computer["verb"], computer["result"], computer["late"]) == ("publish", "done", None)
    assert document["troubles"] == []
    chosen = told.run("publication-status", "--format", "json", "--state", "queued", "--state", "refused", check=0)[0]
    assert [row["state"] for row in json.loads(chosen)["sessions"]] == ["queued"]
    lines = told.run("publication-status", "--format", "csv", check=0)[0].splitlines()
    assert lines[0].startswith("h2o,subject_id,session,session_date,alias,state")
    assert len(lines) == 1 + len(document["sessions"])
    nothing = told.run("publication-status", "--format", "csv", "--state", "withdrawn", check=0)[0]
    assert "free" not in nothing  # no other table takes its place


def test_for_people(told):
    stdout, stderr = told.run("publication-status", check=0)
    mine = told.rig.settings.archive.computer
    assert "1 archived; 2 not here; 1 queued." in stderr
    assert f"Waits at {mine}: 1 session, " in stderr
    assert "of the last transfer." in stderr
    assert " free; " in stderr
    assert any(line.startswith(mine) and "publish done" in line for line in stdout.splitlines())
    totals, _ = told.run("publication-status", "--totals", check=0)
    assert "SC038" not in totals
    assert [line.split()[:2] for line in totals.splitlines()[1:2]] == [["archived", "1"]]
    computers, talk = told.run("publication-status", "--computers", check=0)
    assert len(computers.splitlines()) == 2
    assert talk == ""
    chosen, talk = told.run("publication-status", "--state", "queued", check=0)
    assert len(chosen.splitlines()) == 2
    assert talk.strip() == "1 queued."


def test_rounds_that_did_not_end_well(told):
    now = database.now()
    insert("rig2", now - timedelta(hours=1), result="failed", reason="Nobody is logged in.")
    insert("rig3", now - timedelta(hours=1), result="running", machine=uuid.uuid4())
    insert("rig4", now - timedelta(hours=9), next_at=now - timedelta(hours=8))
    stdout, talk = told.run("publication-status", "--computers", check=0)
    for words in ("rig2: publish of ", ": failed", "Nobody is logged in.", "on rig2: mapshell publication-publish"):
        assert words in talk
    assert ": silent" in talk
    assert "its last sign of life was 60 min ago" in talk
    assert "rig4" not in talk
    assert "missed " in next(line for line in stdout.splitlines() if line.startswith("rig4"))


def test_bad_input(told):
    _, talk = told.run("publication-status", "--state", "lost", check=2)
    assert "'archived with changes'" in talk
    _, talk = told.run("publication-status", "--session", "77", check=2)
    assert "77" in talk


def test_no_round_was_ever_made(bench):
    _, talk = bench.run("publication-status", "--computers", check=0)
    assert "No round was ever told of" in talk
