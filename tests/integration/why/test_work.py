"""What is under way, who works on it, and what keeps Globus or the database from being used."""

from __future__ import annotations

from pipeline import publication
from tests.integration.accounts import read_only
from tests.integration.publish.bench import ARCHIVE
from tests.integration.publish.test_status import tell

from .asking import assert_commands, decision, rules, run, why


def test_a_transfer_under_way_then_failed_then_archived(each_bench):
    bench = each_bench
    bench.session("one")
    bench.rig.admin.fail_tasks("hold", count=None)
    bench.publish(wait=False)
    place = why(bench, "one")
    assert place.state == "in flight"
    assert "Globus says ACTIVE" in rules(place)["under-way"]
    assert decision(place, "size").verdict == "not reached"
    assert_commands(place)
    offline = why(bench, "one", offline=True)
    assert "Globus says" not in rules(offline)["under-way"]
    for task in bench.rig.tasks():
        bench.rig.admin.control_task(task["task_id"], "cancel")
    bench.rig.admin.clear_faults()
    bench.publish()
    place = why(bench, "one")
    if place.state != "archived":
        assert "failed-transfer" in rules(place)
        assert_commands(place)
        run(bench, place.next[0], codes=(0,))
        place = why(bench, "one")
    assert (place.state, place.failed) == ("archived", [])


def test_a_failed_transfer_is_told_with_its_words_until_it_is_archived(bench):
    bench.session("one")
    bench.rig.admin.fail_tasks("fail", count=1)
    bench.publish()
    place = why(bench, "one")
    assert "the transfer failed" in rules(place)["failed-transfer"]
    assert place.state == "queued"
    assert_commands(place)
    run(bench, place.next[0], codes=(0,))
    assert why(bench, "one").failed == []


def test_another_computers_transfer_and_a_drive(bench):
    bench.session("one")
    bench.rig.admin.fail_tasks("hold", count=None)
    bench.publish(wait=False)
    (row,) = publication.Transfer.to_dicts()
    publication.Transfer.update1({"transfer_id": row["transfer_id"], "computer": "B"})
    place = why(bench, "one")
    assert place.state == "in flight"
    other = decision(place, "other-computer")
    assert other.computer == "B"
    assert_commands(place)
    bench.release()


def test_a_lease_of_the_living_and_of_the_dead(bench):
    bench.session("one")
    subject_id, session = bench.keys["one"]
    claim = {"subject_id": subject_id, "session": session, "globus_alias": "raw-ephys", "computer": "B"}
    owner = {"owner": "11111111-2222-4333-8444-555555555555", "process_id": 1, "claimed_at": "2026-01-01"}
    publication.Claim.insert1({**claim, **owner, "expires_at": "2999-01-01"})
    place = why(bench, "one")
    assert place.state == "in flight"
    assert "process 1 on B works on it" in rules(place)["lease"]
    assert decision(place, "lease").computer == "B"
    assert_commands(place)
    publication.Claim.update1({**claim, "expires_at": "2026-01-01"})
    place = why(bench, "one")
    assert place.state == "queued"
    assert "expired" in decision(place, "lease").evidence
    assert publication.Claim(), "why takes and drops no lease"


def test_a_login_that_is_gone_and_a_collection_that_is_offline(bench):
    bench.session("one")
    for change, rule in (("offline", "collection-offline"), ("missing", "collection-not-found")):
        bench.rig.admin.set_collection(ARCHIVE, **{change: True})
        place = why(bench, "one")
        assert rule in rules(place)
        assert place.state == "queued"
        assert_commands(place)
        bench.rig.admin.set_collection(ARCHIVE, **{change: False})
    bench.rig.admin.set_collection(ARCHIVE, denied=True)
    place = why(bench, "one")
    assert "permission-denied" in rules(place)
    assert "mapshell whoami" in place.next
    bench.rig.admin.set_collection(ARCHIVE, denied=False)
    bench.rig.admin.revoke_tokens()
    place = why(bench, "one")
    assert "login-needed" in rules(place)
    assert place.state == "queued"
    assert "mapshell login" in place.next
    assert_commands(place)
    assert why(bench, "one", offline=True).failed == []


def test_nothing_is_changed_or_sent(bench):
    bench.session("one")
    tell(bench, "B", "refused", "damaged")
    before = {
        table.__name__: len(table())
        for table in (publication.Transfer, publication.Claim, publication.SessionState, publication.DataSet)
    }
    files = {path: path.stat().st_mtime_ns for path in bench.rig.folder.joinpath("rig").rglob("*")}
    why(bench, "one")
    after = {
        table.__name__: len(table())
        for table in (publication.Transfer, publication.Claim, publication.SessionState, publication.DataSet)
    }
    assert before == after
    assert files == {path: path.stat().st_mtime_ns for path in bench.rig.folder.joinpath("rig").rglob("*")}
    assert bench.rig.tasks() == []
    assert not publication.GlobusStorageLocation()


def test_a_database_that_may_not_be_written(each_bench):
    bench = each_bench
    bench.session("one")
    with read_only(bench.rig):
        place = why(bench, "one", offline=True)
        assert "may not write" in rules(place)["database-read-only"]
        assert_commands(place)
    assert why(bench, "one", offline=True).failed == []


def test_what_ended_the_last_round_here_is_told_though_nothing_is_wrong_now(bench):
    bench.session("one")
    tell(bench, bench.rig.settings.archive.computer, "queued", "Something is being written to this disk: x.bin.")
    place = why(bench, "one")
    last = decision(place, "last-round")
    assert last.verdict == "unknown"
    assert "Something is being written to this disk" in last.evidence
    assert place.state == "queued"
    run(bench, place.next[0], codes=(0,))
    assert why(bench, "one").state == "archived"
