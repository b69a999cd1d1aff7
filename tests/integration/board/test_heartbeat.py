"""Every round leaves a row, whatever its end; nothing of that hinders the round."""

import signal
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline import database, publication
from pipeline.board import heartbeat
from pipeline.board.heartbeat import sign_of_life
from pipeline.board.tidying import CUT_SHORT
from pipeline.database import lab_connection
from pipeline.errors import MapshellError, RoundOver, UsageError
from tests.integration.accounts import read_only
from tests.integration.kills import kill_at, needs_sigkill
from tests.integration.publish.proxy import Proxy


def rows():
    return sorted(publication.Round.to_dicts(), key=lambda row: row["began_at"])


def only_row():
    (row,) = rows()
    return row


def test_a_round_tells_what_it_did(each_bench):
    bench = each_bench
    folder = bench.session("one")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    before = database.now()
    assert bench.rig.publish().whole
    row = only_row()
    assert (row["verb"], row["scope"], row["result"], row["reason"]) == ("publish", "all", "done", "")
    assert (row["sessions_here"], row["queued_sessions"], row["queued_bytes"]) == (1, 0, 0)
    assert (row["archived_sessions"], row["archived_bytes"]) == (1, size)
    assert before <= row["began_at"] <= row["ended_at"] == row["seen_at"] <= database.now()
    assert row["computer"] == bench.rig.settings.archive.computer
    (disk,) = row["disks"]
    assert disk["size"] > disk["free"] > 0
    assert disk["path"].startswith(str(bench.rig.rig))


def test_what_is_not_archived_is_told_with_its_bytes_and_the_reason(each_bench):
    bench = each_bench
    good, bad = bench.session("one"), bench.session("two")
    for meta in bad.rglob("*.meta"):
        meta.unlink()
    report = bench.rig.publish()
    assert not report.whole
    row = only_row()
    left = sum(file.stat().st_size for file in bad.rglob("*") if file.is_file())
    assert (row["result"], row["sessions_here"], row["queued_sessions"], row["queued_bytes"]) == (
        "partly done",
        2,
        1,
        left,
    )
    assert row["reason"].startswith("refused: SC038 session 2 of 2020-05-02, raw-ephys: ")
    assert row["archived_sessions"] == 1
    assert good.exists()


def test_of_chosen_sessions_nobody_can_tell_what_waits_here(bench):
    bench.session("one")
    assert bench.rig.publish({"subject_id": 480133}).whole
    row = only_row()
    assert (row["scope"], row["sessions_here"], row["queued_sessions"], row["queued_bytes"]) == ("chosen", *[None] * 3)
    assert row["archived_sessions"] == 1


def test_dry_runs_leave_no_row(bench):
    bench.session("one")
    bench.rig.publish(dry_run=True)
    bench.run("publication-discover", "--dry-run", check=0)
    assert rows() == []


def test_wrong_use_leaves_no_row(bench):
    bench.session("one")
    with pytest.raises(UsageError):
        bench.rig.publish(accept=["no-such-rule"], because="x")
    assert rows() == []


def test_discover_and_verify_leave_a_row(each_bench):
    bench = each_bench
    bench.session("one")
    bench.rig.publish()
    bench.run("publication-discover", check=0)
    bench.run("publication-verify", check=0)
    assert [(row["verb"], row["result"], row["scope"]) for row in rows()] == [
        ("publish", "done", "all"),
        ("discover", "done", "all"),
        ("verify", "done", "all"),
    ]
    assert [row["sessions_here"] for row in rows()] == [1, None, None]


def test_a_round_without_login_failed(bench):
    bench.session("one")
    bench.rig.settings.globus.token_file.unlink(missing_ok=True)
    bench.run("logout", check=0)
    bench.run("publication-publish", check=4)
    row = only_row()
    assert row["result"] == "failed"
    assert "logged in" in row["reason"]


@needs_sigkill
def test_a_killed_round_runs_until_this_machine_looks_again(each_bench):
    bench = each_bench
    bench.session("one")
    killed = bench.rig.run("publication-publish", prelude=kill_at("planned"))
    assert killed.returncode == -signal.SIGKILL
    row = only_row()
    assert (row["result"], row["ended_at"]) == ("running", None)
    bench.rig.publish()
    first, second = rows()
    assert (first["result"], first["reason"], first["ended_at"]) == ("interrupted", CUT_SHORT, None)
    assert second["result"] == "done"


def test_a_running_round_of_another_machine_is_left_alone(bench):
    bench.session("one")
    theirs = insert(began=database.now() - timedelta(hours=5), result="running", machine=uuid.uuid4())
    bench.rig.publish()
    assert (publication.Round & {"round_id": theirs}).fetch1("result") == "running"


def insert(began, result="done", verb="publish", computer=None, **more):

    row = {
        "round_id": uuid.uuid4(),
        "computer": computer or database.bound_settings().archive.computer,
        "verb": verb,
        "program": "1",
        "began_at": began,
        "result": result,
        "reason": "",
        "archived_sessions": 0,
        "archived_bytes": 0,
        "disks": [],
        **more,
    }
    publication.Round.insert1(row)
    return row["round_id"]


@pytest.mark.parametrize(
    ("error", "result", "said"),
    [
        (MapshellError("the disk burnt", remedy="x"), "failed", "the disk burnt"),
        (RoundOver("the night is over.", remedy="x"), "interrupted", "the night is over."),
        (KeyboardInterrupt(), "interrupted", "it was interrupted"),
        (SystemExit(1), "interrupted", "it was interrupted"),
        (ZeroDivisionError("token=abcdef"), "failed", "token=********"),
    ],
    ids=["error", "over", "ctrl-c", "exit", "defect"],
)
def test_every_end_is_written_down(bench, error, result, said):
    def round_():
        with sign_of_life(bench.rig.settings, "publish"):
            assert only_row()["result"] == "running"
            raise error

    with pytest.raises(type(error)):
        round_()
    row = only_row()
    assert row["result"] == result
    assert said in row["reason"]
    assert row["ended_at"] is not None


def test_the_next_round_is_announced(bench):
    at = database.now() + timedelta(minutes=15)
    with sign_of_life(bench.rig.settings, "publish", next_at=at) as life:
        assert only_row()["next_at"] == at
        life.next_at = at + timedelta(hours=1)
    assert only_row()["next_at"] == at + timedelta(hours=1)


def test_a_round_that_goes_on_gives_signs_of_life(each_bench, monkeypatch):
    from tests.integration.rig import wait_until

    monkeypatch.setattr(heartbeat, "EVERY", timedelta(milliseconds=5))
    with sign_of_life(each_bench.rig.settings, "publish"):
        began = only_row()["began_at"]
        wait_until(lambda: only_row()["seen_at"] > began)


def test_an_account_that_only_reads_works_without_a_row(each_bench):
    bench = each_bench
    bench.session("one")
    assert bench.rig.publish().whole
    with read_only(bench.rig):
        assert bench.rig.publish().whole
    assert len(rows()) == 1


def test_a_database_that_is_lost_does_not_take_the_round_along(each_bench, monkeypatch):
    monkeypatch.setattr(lab_connection, "RECONNECT_FOR_S", 0.1)
    direct = each_bench.rig.settings
    proxy = Proxy(direct.database.port)
    try:
        settings = replace(direct, database=replace(direct.database, port=proxy.port))
        database.bind(settings)
        with sign_of_life(settings, "publish"):
            proxy.go_down()
        with sign_of_life(settings, "publish"):
            pass
    finally:
        database.unbind()
        proxy.close()
    database.bind(direct)
    assert only_row()["result"] == "running"


def test_idle_rounds_are_thinned_out(each_bench):
    now = database.now()
    day = now - timedelta(days=8)
    for hour in range(5):
        insert(began=day.replace(hour=hour))
    busy = insert(began=day.replace(hour=1, minute=30), archived_sessions=2, archived_bytes=5)
    other = insert(began=day.replace(hour=1), computer="another")
    young = [insert(began=now - timedelta(hours=each)) for each in (1, 2, 3)]
    with sign_of_life(each_bench.rig.settings, "publish"):
        pass
    kept = {row["round_id"]: row for row in rows()}
    assert {busy, other, *young} <= kept.keys()
    assert [row["began_at"].hour for row in rows() if row["began_at"].date() == day.date()] == [1, 1, 4]


@pytest.mark.parametrize("said", ["refused: SC038/\udcff: no name", "a zero: \0", "\U0001f400 " * 2000], ids=ascii)
def test_words_that_no_table_can_hold_hinder_no_round(each_bench, said):
    database.bind(each_bench.rig.settings)
    with sign_of_life(each_bench.rig.settings, "publish") as life:
        life.result, life.reason = "partly done", said
    row = only_row()
    assert row["result"] == "partly done"
    assert row["reason"][:5] == said[:5]
    assert row["ended_at"] is not None
