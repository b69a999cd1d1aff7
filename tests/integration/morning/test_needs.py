"""What needs a person is told, with a remedy; and no more of it once it is mended."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from datetime import datetime, timedelta

import pytest

from pipeline import database, publication
from pipeline.machine import machine_id
from tests.integration.publish.bench import DAY as DAY_ONE
from tests.integration.publish.bench import LONG_AGO
from tests.integration.publish.bench import only as only_file

from .mornings import DAY, HOUR, command, kinds, only, report, told

LONG_SINCE = "2020-01-01"


def verify(bench, check):
    bench.run("publication-verify", "--type", "ephys", check=check)


def test_a_quiet_morning(each_bench):
    each_bench.session("one")
    each_bench.session("two")
    assert each_bench.publish().whole
    made = report(each_bench)
    assert made.whole
    assert made.text.startswith("Nothing needs a person")
    assert len(made.text.splitlines()) <= 6
    (done,) = made.done
    size = sum(path.stat().st_size for path in each_bench.there().values())
    assert (done.computer, done.archived, done.archived_bytes) == (each_bench.rig.settings.archive.computer, 2, size)
    assert (made.waiting.sessions, made.waiting.size) == (0, 0)
    (sign,) = made.computers
    assert (sign.verb, sign.result, sign.late, sign.gone) == ("publish", "done", "", False)


def test_what_was_archived_before_is_not_told_again(bench):
    bench.session("one")
    assert bench.publish().whole
    later = report(bench, database.now() + timedelta(seconds=1), now=database.now() + DAY)
    assert later.done == ()
    assert "nothing was archived" in later.text


def test_a_refused_session_with_its_reason(each_bench):
    folder = each_bench.session("one")
    only_file(folder, "*.ap.bin").write_bytes(b"")
    each_bench.publish()
    made = report(each_bench)
    found = only(made, "refused")
    assert found.who == "SC038 session 1 of 2020-05-01, raw-ephys"
    assert "ap.bin" in found.what
    assert kinds(made) == [("refused", found.who)]
    assert found.remedy == "mapshell publication-why SC038 1"
    assert made.waiting.sessions == 0
    shutil.rmtree(folder)
    each_bench.publish()
    lost = report(each_bench)
    assert kinds(lost) == [("lost", found.who)]
    assert "they were not archived (refused)" in only(lost, "lost").what


def test_folders_of_nobody_are_told_by_their_computer(each_bench):
    """No session says that such a folder is refused: the round does, until somebody has looked."""
    each_bench.session("one")
    only_file(each_bench.session("two"), "*.ap.bin").write_bytes(b"")
    wrong = DAY_ONE + 40 * DAY
    stray = each_bench.record("SC038_050120", wrong, folder="catgt_SC038_050120_g0", trigger="cat")
    each_bench.rig.publish()  # all of it: a round of one type of data alone does not tell what is left
    found = only(report(each_bench), "round")
    assert stray.name in found.what
    assert "and 1 more" in found.what
    assert only(report(each_bench), "refused").who.startswith("SC038 session 2 ")


def test_a_changed_session(bench):
    folder = bench.session("one")
    assert bench.publish().whole
    (folder / "later.npy").write_bytes(b"1" * 7)
    made = report(bench)  # the next round archives it, and nobody is asked
    assert made.whole
    assert (made.waiting.states, made.waiting.size) == ({"archived with changes": 1}, 7)
    meta = only_file(folder, "*.meta")
    meta.write_bytes(meta.read_bytes() + b"x=1\n")
    found = only(report(bench), "changed")
    assert found.what.endswith("1 new file, 1 changed file")
    assert found.remedy == "mapshell publication-why SC038 1"
    for path in (meta, folder / "later.npy"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    bench.publish()
    assert "changed since it was archived" in only(report(bench), "changed").what


def test_what_the_archive_lost_is_told_first(each_bench):
    folder = each_bench.session("one")
    assert each_bench.publish().whole
    lost = each_bench.archive / only_file(folder, "*.ap.bin").relative_to(each_bench.ephys)
    there = lost.read_bytes()
    lost.unlink()
    verify(each_bench, check=3)
    told("rig-9", 20 * DAY)
    told("rig-2", 40 * HOUR)
    made = report(each_bench)
    assert [each.kind for each in made.needs] == ["archive differs", "missed"]
    found = only(made, "archive differs")
    assert "1 " in found.what
    assert found.remedy == "mapshell publication-verify --subject SC038 --session 1"
    assert (made.looked.sessions, made.looked.differing) == (1, 1)
    lost.write_bytes(there)
    each_bench.run(*found.remedy.split()[1:], check=0)
    assert "archive differs" not in dict(kinds(report(each_bench)))


def test_a_session_that_waits_for_long(bench):
    bench.session("one")
    found = only(report(bench), "waiting")
    assert found.what.startswith("queued for ")
    bench.publish()
    assert report(bench).whole


def test_a_transfer_that_is_open_for_long(each_bench):
    each_bench.session("one")
    each_bench.rig.admin.fail_tasks("hold")
    each_bench.publish(wait=False)
    assert "in flight" not in dict(kinds(report(each_bench)))
    made = report(each_bench, now=database.now() + 2 * DAY)
    found = only(made, "in flight")
    assert found.who == "SC038 session 1 of 2020-05-01"
    assert "a transfer (publish)" in found.what
    assert made.waiting.states == {"in flight": 1}


# --- computers --------------------------------------------------------------------------------------------------


def test_computers_that_missed_their_night(each_bench):
    now = database.now()
    told("rig-1", 10 * HOUR, next_at=now - 2 * HOUR)
    told("rig-2", 40 * HOUR)
    told("rig-3", 10 * HOUR, next_at=now + HOUR)
    told("rig-4", 20 * DAY)
    told("desk", 40 * HOUR, verb="verify")
    told("drive", 40 * HOUR, scope="drive")
    made = report(each_bench)
    assert kinds(made) == [("missed", "rig-1"), ("missed", "rig-2")]
    assert "was due" in made.needs[0].what
    signs = {each.computer: each for each in made.computers}
    assert [name for name, each in signs.items() if each.gone] == ["rig-4"]
    assert "rig-4: not seen since" in made.text
    assert signs["rig-3"].next_at == now + HOUR
    assert signs["rig-2"].late


def test_a_retired_computer_is_forgotten(bench):
    told("rig-4", 40 * DAY)
    made = report(bench)
    assert made.computers == ()
    assert made.whole


def test_rounds_that_did_not_end_well(each_bench):
    mine = each_bench.rig.settings.archive.computer
    told("rig-1", 3 * HOUR, verb="verify", result="failed", reason="the network is away; token=abcdef123456")
    told("rig-2", 3 * HOUR, verb="discover", result="running", ended_at=None)
    told("rig-3", 3 * HOUR, result="failed", reason="no login")
    told("rig-3", 2 * HOUR)
    told(mine, HOUR, verb="discover", result="interrupted", reason="it was interrupted; the next round goes on")
    told(mine, 30 * DAY, verb="verify", result="failed", reason="long ago")
    told("rig-5", HOUR, verb="publish", result="partly done", reason="refused: SC038/x_g0: no session of that day")
    made = report(each_bench)
    found = {each.who: each for each in made.needs if each.kind == "round"}
    assert set(found) == {"rig-1", "rig-2", "rig-5", mine}
    assert "the network is away" in found["rig-1"].what
    assert "abcdef" not in str(made.document())
    assert found["rig-1"].remedy == "on rig-1: mapshell publication-verify"
    assert "cut short" in found["rig-2"].what
    assert found[mine].remedy == "mapshell publication-discover"
    assert "SC038/x_g0" in found["rig-5"].what


def test_disks_that_fill_up_and_that_are_away(each_bench):
    for days in range(8):
        disks = [{"path": "/d", "free": days * 10**11 + 10**11, "size": 10**13, "reason": ""}]
        told("rig-1", days * DAY, disks=disks)
    told("rig-2", HOUR, disks=[{"path": "/e", "free": None, "size": None, "reason": "it is not there"}])
    told("rig-3", HOUR, disks=[{"path": "/f", "free": 10**9, "size": 10**13}, {"path": "/g", "free": 10**13}])
    made = report(each_bench)
    assert sorted(kinds(made)) == [("disk", "rig-1"), ("disk", "rig-3"), ("disk missing", "rig-2")]
    by = {each.who: each.what for each in made.needs}
    assert "/d: 100.0 GB free, full in about 1 day" in by["rig-1"]
    assert by["rig-3"].startswith("/f: 1.0 GB free")
    assert by["rig-2"] == "/e: it is not there"


def test_leases_that_a_dead_process_left(each_bench):
    each_bench.session("one")
    subject_id, session = each_bench.keys["one"]
    now = database.now()
    key = {"subject_id": subject_id, "session": session, "globus_alias": "raw-ephys"}
    own = {"owner": uuid.uuid4(), "computer": "rig-1", "machine": machine_id(), "process_id": 2**22 + 1}
    times = {"process_began": 1.0, "claimed_at": now, "expires_at": now + HOUR}
    publication.Claim.insert1({**key, **own, **times})
    found = only(report(each_bench), "lease")
    assert (found.who, "has ended and left 1 session claimed" in found.what) == ("rig-1", True)
    assert each_bench.publish().whole
    assert report(each_bench).whole


# --- this computer ----------------------------------------------------------------------------------------------


def test_nobody_is_logged_in(bench):
    assert report(bench).whole
    bench.run("logout", check=0)
    found = only(report(bench), "login")
    assert (found.who, found.remedy) == (bench.rig.settings.archive.computer, "mapshell login")
    bench.rig.settings.globus.token_file.unlink()
    assert only(report(bench), "login") == found


def test_a_login_that_others_can_read_is_told(bench):
    bench.rig.settings.globus.token_file.chmod(0o644)
    assert "chmod 600" in only(report(bench), "login").remedy


def test_a_folder_that_is_away_hides_nothing_else(bench):
    told("rig-2", 40 * HOUR)
    shutil.rmtree(bench.ephys)
    made = report(bench)
    assert ("missed", "rig-2") in kinds(made)
    document, _ = command(bench, check=3)
    assert document["needs_person"]


def test_a_clock_that_is_behind_the_times_of_files(bench):
    folder = bench.session("one")
    assert bench.publish().whole
    ahead = time.time() + 7200
    os.utime(only_file(folder, "*.meta"), (ahead, ahead))
    found = only(report(bench), "clock")
    assert found.title == f"the clock of {bench.rig.settings.archive.computer} is behind the times of its files"


def test_a_tombstone_whose_session_is_not_in_the_index(each_bench):
    folder = each_bench.session("one")
    assert each_bench.publish().whole
    each_bench.run("publication-reclaim", "--type", "ephys", "--older-than", "0d", "--yes", check=0)
    assert [path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"] == []
    made = report(each_bench)
    assert made.whole
    size = sum(path.stat().st_size for path in each_bench.there().values())
    assert [(each.reclaimed, each.reclaimed_bytes) for each in made.done] == [(1, size)]
    publication.ArchivedRawEphys.delete(prompt=False)
    publication.DataSet.delete(prompt=False)
    found = only(report(each_bench), "tombstone")
    assert "reclaimed here, and the index does not have it" in found.title
    assert "mapshell publication-discover --subject SC038" in found.remedy


# --- what was done ----------------------------------------------------------------------------------------------


def test_what_was_fetched_reclaimed_and_verified(each_bench):
    each_bench.session("one")
    assert each_bench.publish().whole
    target = each_bench.rig.folder / "home-again"
    each_bench.run("publication-retrieve", "--subject", "SC038", "--via", "https", "--to", str(target), check=0)
    each_bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=0)
    now = database.now()
    row = {"subject_id": 1, "session": 1, "dataset_type": "ephys", "computer": "rig-2", "who": "me", "state": "done"}
    facts = {"proved_at": now, "ended_at": now, "files": 3, "bytes": 10**9, "evidence": b""}
    publication.Reclaim.insert1({"reclaim_id": uuid.uuid4(), **row, **facts})
    publication.Reclaim.insert1({"reclaim_id": uuid.uuid4(), **row, **facts, "state": "planned", "ended_at": None})
    publication.Reclaim.insert1({"reclaim_id": uuid.uuid4(), **row, **facts, "state": "back"})  # deleted all the same
    made = report(each_bench)
    done = {each.computer: each for each in made.done}
    files = each_bench.there().values()
    size = sum(path.stat().st_size for path in files)
    mine = done[each_bench.rig.settings.archive.computer]
    assert (mine.retrieved_files, mine.retrieved_bytes) == (len(files), size)
    assert (done["rig-2"].reclaimed, done["rig-2"].reclaimed_bytes, done["rig-2"].back) == (2, 2 * 10**9, 1)
    assert "1 of them back by now" in " ".join(made.text.split())
    assert (made.looked.sessions, made.looked.differing, made.looked.files, made.looked.size) == (
        1,
        0,
        len(files),
        size,
    )
    assert report(each_bench, LONG_SINCE).done == made.done


def test_what_is_only_present_is_not_called_archived(bench):
    bench.session("one")
    assert bench.publish().whole
    for row in publication.DataSet.PhysicalFile.to_dicts():
        publication.DataSet.PhysicalFile.update1({**row, "file_sha1": None})
    assert report(bench).done == ()


def test_the_number_of_questions_does_not_grow(bench):
    def asked():
        bound, count = database.connection(), []
        usual = bound.query

        def counting(*args, **kwargs):
            count.append(args[0])
            return usual(*args, **kwargs)

        bound.query = counting
        try:
            report(bench, LONG_SINCE)
        finally:
            del bound.query
        return len(count)

    bench.session("one")
    bench.publish()
    one = asked()
    for name in ("two", "three", "four"):
        only_file(bench.session(name), "*.ap.bin").write_bytes(b"") if name == "four" else bench.session(name)
    bench.publish()
    for number in range(5):
        told(f"rig-{number}", 40 * HOUR)
    assert asked() == one


@pytest.mark.parametrize("since", ["tomorrow", "2999-01-01", "nonsense"])
def test_a_time_that_cannot_be_meant(bench, since):
    bench.run("publication-report", "--since", since, check=2)


def test_the_command_ends_with_3_when_something_needs_a_person(each_bench):
    each_bench.session("one")
    assert each_bench.publish().whole
    document, _ = command(each_bench, check=0)
    assert document["needs_person"] == []
    assert document["text"].startswith(document["subject"][10:].capitalize())
    told("rig-2", 40 * HOUR)
    document, _ = command(each_bench, "--since", "2d", check=3)
    assert [each["kind"] for each in document["needs_person"]] == ["missed"]
    assert datetime.fromisoformat(document["made_at"]) - datetime.fromisoformat(document["since"]) == 2 * DAY
    stdout, _ = each_bench.run("publication-report", check=3)
    assert stdout.startswith("1 thing needs a person")
    assert "rig-2: a round is missing" in stdout
    stdout, _ = each_bench.run("publication-report", "--format", "csv", check=3)
    assert stdout.splitlines()[0] == "kind,who,what,remedy"
