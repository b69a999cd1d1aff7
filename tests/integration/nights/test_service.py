"""Rounds that follow each other: one service only, what fails in between, and how signals end it."""

from __future__ import annotations

import json
import signal

import pytest

from pipeline import database, publication
from pipeline.nights.only import place
from tests.integration.kills import do_at
from tests.integration.rig import wait_until

OFTEN = ("--every", "0.2")
"""Rounds as fast as they can, for a service whose shortest time was taken away."""


def test_a_day_of_rounds_on_each_database(each_bench, serving, faster):
    first = each_bench.session("first")
    service = serving(each_bench.rig, *OFTEN, prelude=faster)
    begun = service.wait_for("started")
    assert (begun["window"], begun["report_at"], begun["timezone"]) == (None, "07:00", "America/New_York")
    done = service.wait_for("round")
    assert (done["result"], done["archived_now_sessions"], done["sessions"]) == ("done", 1, {"archived": 1})
    each_bench.assert_archived(first)

    second = each_bench.session("second")  # what comes later is seen by a later round
    wait_until(lambda: any(each["archived_now_sessions"] for each in service.told("round")[1:]), 60)
    each_bench.assert_archived(second)

    # The settings are read again: broken ones are told of, mended ones hold.
    file = each_bench.rig.folder / "dj_local_conf.json"
    text = file.read_text("utf-8")
    file.write_text(text[:-10], "utf-8")
    wait_until(lambda: service.told("round")[-1]["result"] == "failed", 60)
    assert "dj_local_conf.json" in service.told("round")[-1]["error"]
    assert service.told("round")[-1]["remedy"]
    document = json.loads(text)
    document["archive.computer"] = "renamed"
    file.write_text(json.dumps(document), "utf-8")
    wait_until(lambda: service.told("round")[-1]["result"] == "done", 60)
    database.bind(each_bench.rig.settings)
    wait_until(lambda: len(publication.Round() & {"computer": "renamed", "result": "done"}) > 0)

    service.signal()
    code, said = service.end()
    assert code == 0, said
    (last,) = service.told("ended")
    assert (last["why"], last["interrupted"]) == ("SIGTERM", False)
    rounds = publication.Round().to_dicts()
    assert all(row["next_at"] is not None and row["result"] in ("done", "interrupted") for row in rounds)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=["term", "int", "hup"])
def test_a_signal_ends_a_round_at_its_next_safe_point(bench, serving, number):
    folder = bench.session("held")
    bench.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    service = serving(bench.rig, "--every", "1h")
    wait_until(lambda: any(task["status"] == "ACTIVE" for task in bench.rig.tasks()), 60)
    service.signal(number)
    code, said = service.end()
    assert code == 0, said
    (told,) = service.told("round")
    assert told["sessions"] == {"in flight": 1}
    assert "the service ends" in told["ended_early"]
    assert len(publication.Claim()) == 0
    bench.release()  # the transfer goes on at Globus; the next round records it
    assert bench.publish().outcomes[0].state == "archived"
    bench.assert_archived(folder)
    assert len(bench.rig.tasks()) == 2


def test_a_service_that_waits_ends_at_once(bench, serving):
    service = serving(bench.rig, "--every", "1h")
    service.wait_for("round")
    service.signal()
    assert service.end()[0] == 0
    assert service.told("ended")[0]["rounds"] == 1


def test_a_second_signal_does_not_wait_for_the_safe_point(bench, serving):
    """The first one comes in the middle of a step that does not end."""
    bench.session("one")
    stuck = do_at("accepted", "os.kill(os.getpid(), signal.SIGTERM); os.kill(os.getpid(), signal.SIGTERM)")
    service = serving(bench.rig, "--every", "1h", prelude=stuck)
    code, said = service.end()
    assert code == 130
    assert "interrupted" in said
    assert service.told("ended")[0]["interrupted"]
    bench.publish()
    assert len(bench.archived_keys()) == 1
    assert len(bench.rig.tasks()) == 2


def test_a_round_that_reaches_no_safe_point_is_interrupted_after_a_while(bench, serving):
    bench.session("one")
    prelude = do_at("accepted", "os.kill(os.getpid(), signal.SIGTERM); import time; time.sleep(600)")
    prelude += "\nimport mapshell.serving.signals as s\ns.Signals.__init__.__defaults__ = (0.3,)\n"
    service = serving(bench.rig, "--every", "1h", prelude=prelude)
    code, said = service.end()
    assert code == 0, said
    assert service.told("ended")[0]["interrupted"]


def test_there_is_one_service_for_a_configuration(bench, serving):
    service = serving(bench.rig, "--every", "1h")
    service.wait_for("round")
    _, said = bench.run("publication-publish", "--every", "15m", check=1)
    assert "is running already" in said
    assert f"process {service.pid} on" in said
    assert "since 20" in said
    assert f"kill {service.pid}" in said
    bench.publish()  # a round by hand is no service: leases keep them apart

    service.signal(signal.SIGKILL)  # what it leaves is no lock
    service.end()
    mine = place(bench.rig.settings, bench.rig.environ)
    assert mine.with_suffix(".lock").exists()
    assert mine.with_suffix(".json").exists()
    again = serving(bench.rig, "--every", "1h")
    again.wait_for("round")
    again.signal()
    assert again.end()[0] == 0
    assert not mine.with_suffix(".json").exists()


def test_what_comes_back_by_itself_does_not_end_the_service(bench, serving, faster):
    bench.session("one")
    bench.rig.admin.revoke_tokens()
    service = serving(bench.rig, *OFTEN, prelude=faster)
    told = service.wait_for("round", 2)
    assert told["result"] == "failed"
    assert "mapshell login" in told["remedy"]
    service.signal()
    assert service.end()[0] == 0


def test_a_configuration_that_is_wrong_ends_it_at_its_start(bench):
    file = bench.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**document, "archive.poll_seconds": "often"}), "utf-8")
    _, said = bench.run("publication-publish", "--every", "15m", check=5)
    assert "archive.poll_seconds" in said


def test_the_report_of_the_morning_is_passed_on(bench, serving, faster, tmp_path):
    """The one that was due while no service ran is made by the next one."""
    mail = tmp_path / "mail.json"
    script = tmp_path / "mail.py"
    script.write_text(f"import sys\nopen({str(mail)!r}, 'w').write(sys.stdin.read())\n", "utf-8")
    file = bench.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text("utf-8"))
    document["notify.command"] = ["python3", str(script)]
    file.write_text(json.dumps(document), "utf-8")
    mine = place(bench.rig.settings, bench.rig.environ).with_suffix(".reported")
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("2026-01-01T12:00:00\n", "utf-8")
    service = serving(bench.rig, "--every", "1h")
    told = service.wait_for("report")
    assert told["passed_on"]
    assert json.loads(mail.read_text("utf-8"))["subject"] == told["subject"]
    assert mine.read_text("utf-8") > "2026-01-02"

    script.write_text("import sys\nsys.exit('no network')\n", "utf-8")
    mine.write_text("2026-01-01T12:00:00\n", "utf-8")
    service.signal()
    service.end()
    service = serving(bench.rig, "--every", "1h")
    told = service.wait_for("report")
    assert "no network" in told["error"]
    service.wait_for("round")
    service.signal()
    assert service.end()[0] == 0
