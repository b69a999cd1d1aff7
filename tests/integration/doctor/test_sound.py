"""A rig where all is well: every line is ok, and nothing is left behind but what is told."""

from __future__ import annotations

import json

from pipeline import database
from tests.integration.rig import wait_until

from .sickroom import examined, tree

OWN = ".mapshell-doctor"
SESSION = {"subject_id": 502716, "session": 1}


def test_all_is_well_and_nothing_is_left(rig):
    before, archive = tree(rig.rig), tree(rig.archive)
    seen = examined(rig)
    assert not seen.bad(), seen.told()
    assert seen.report.worst is None
    assert seen.report.count("skipped") == 0
    assert seen.levels("same folder", "raw-ephys") == seen.levels("same folder", "raw-video") == {"ok"}
    assert tree(rig.rig) == before
    made = {f"raw-{kind}/{OWN}": None for kind in ("ephys", "video")}
    assert tree(rig.archive) == archive | made
    assert len(seen.report.left) == 2
    again = examined(rig, only=("archive",))
    assert "renamed and back" in again.one("writable", "ok", "raw-ephys").message
    assert tree(rig.archive) == archive | made
    assert tree(rig.rig) == before


def test_it_connects_by_itself_and_makes_no_table(lab_database, rig):
    database.unbind()
    seen = examined(rig, only=("database", "journal"))
    assert not seen.bad(), seen.told()
    assert not database.is_bound()


def test_what_was_archived_tells_of_https_and_times_and_verify_passes_over_our_folder(pg_rig):
    report = pg_rig.publish(SESSION, types=("ephys",))
    assert [outcome.state for outcome in report.outcomes] == ["archived"], (report.outcomes, report.stopped)
    seen = examined(pg_rig)
    assert not seen.bad(), seen.told()
    assert "was read" in seen.one("HTTPS", "ok", "raw-ephys").message
    assert seen.one("times", "ok", "raw-ephys").facts == {"keeps_times": True}
    assert "not known yet" in seen.one("times", "ok", "raw-video").message
    done = pg_rig.run("publication-verify", "--type", "ephys", "--format", "json", check=0)
    assert OWN not in done.stdout
    assert OWN not in pg_rig.run("publication-discover", "--type", "ephys", check=0).stderr


def test_without_writing_nothing_is_made_anywhere(pg_rig):
    before, archive = tree(pg_rig.rig), tree(pg_rig.archive)
    seen = examined(pg_rig, write=False)
    assert not seen.bad(), seen.told()
    assert tree(pg_rig.rig) == before
    assert tree(pg_rig.archive) == archive
    assert "not proven" in seen.one("same folder", "ok", "raw-ephys").message
    assert seen.levels("writable") == {"skipped"}
    assert seen.report.left == ()


def test_offline_asks_globus_nothing(pg_rig):
    pg_rig.admin.reset_counts()
    seen = examined(pg_rig, offline=True)
    assert pg_rig.admin.counts() == {}
    assert not seen.bad(), seen.told()
    assert seen.levels("connection") == seen.levels("on disk") == {"ok"}
    assert seen.levels("Globus") == {"skipped"}
    assert not seen.of("person")


def test_one_section_shows_itself_and_what_fails_below_it(pg_rig):
    seen = examined(pg_rig, only=("archive",))
    assert {line.section for line in seen.report.lines} == {"archive"}
    pg_rig.admin.revoke_tokens()
    seen = examined(pg_rig, only=("archive",))
    assert {line.section for line in seen.report.lines} == {"archive", "login"}
    assert seen.levels("listed") == {"skipped"}


def test_the_command_tells_the_same_in_both_forms(pg_rig):
    done = pg_rig.run("doctor", "--format", "json", check=0)
    document = json.loads(done.stdout)
    assert document["counts"]["failure"] == 0
    assert {"section", "check", "about", "level", "message", "remedy", "error", "facts"} == set(document["findings"][0])
    shown = pg_rig.run("doctor", check=0)
    for each in document["findings"]:
        assert each["check"] in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "0 failures" in shown.stderr
    assert "Warning" not in shown.stderr
    quiet = pg_rig.run("doctor", "--quiet", "--only", "database", check=0)
    assert quiet.stderr == ""


def test_two_at_once_are_not_in_each_others_way(pg_rig):
    import threading

    found = []
    examined(pg_rig, only=("archive",))
    threads = [
        threading.Thread(target=lambda: found.append(examined(pg_rig, only=("archive", "folders")))) for _ in "ab"
    ]
    for each in threads:
        each.start()
    wait_until(lambda: len(found) == 2, 60)
    for each in threads:
        each.join()
    assert not [seen.told() for seen in found if seen.report.count("failure")]
    assert [path.name for path in (pg_rig.archive / "raw-ephys").glob(".mapshell*")] == [OWN]
    assert not list(pg_rig.rig.rglob("doctor-probe-*"))
