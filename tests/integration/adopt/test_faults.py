"""What goes wrong while files are compared: nothing unproved is adopted, and nothing of others is touched."""

from __future__ import annotations

import json
import os

import pytest

from mapshell.demo.run import ARCHIVE
from mapshell.errors import PARTLY
from pipeline import publication, settings
from pipeline.errors import LoginNeeded
from tests.integration.adopt.conftest import data_tasks, flip, no_https, plant, read_backs
from tests.integration.publish.bench import only, write
from tests.integration.publish.faults import impatient, journal_states

COMPARED = "adopt: compared"


def subpath(bench, folder, pattern):
    return only(folder, pattern).relative_to(bench.ephys).as_posix()


def nothing(bench, name="one"):
    """Nothing of the session is recorded, and nobody holds it."""
    assert bench.keys[name] not in bench.archived_keys()
    assert not publication.DataSet()
    assert not publication.Claim()


def test_one_file_cannot_be_read_and_the_next_run_reads_that_one_alone(bench):
    folder = bench.session("one")
    write(folder / "notes.txt", b"notes")
    plant(bench, folder)
    impatient(bench.rig)
    bench.rig.admin.set_collection(ARCHIVE, deny=["/raw-ephys/*.bin"])
    row = bench.command(check=PARTLY)["sessions"]["one"]
    assert row["state"] == "refused"
    assert "could not be read back to compare it" in row["reason"]
    assert ".bin" in row["reason"]
    assert "ermission" in row["reason"]
    assert row["remedy"]
    nothing(bench)
    assert data_tasks(bench) == []
    bench.rig.admin.set_collection(ARCHIVE, deny=[])
    before = len(read_backs(bench))
    assert bench.command(check=0)["sessions"]["one"]["adopted_files"] == 3
    assert [path.rsplit(".", 1)[1] for path in read_backs(bench)[before:]] == ["bin"]
    bench.assert_archived(folder)


def test_the_https_server_breaks_down_in_the_middle_and_other_sessions_go_on(bench):
    folders = {name: bench.session(name) for name in ("one", "two", "good")}
    for name in ("one", "two"):
        plant(bench, folders[name])
    impatient(bench.rig)
    bench.rig.admin.reset_counts()
    bench.rig.admin.fail_requests("https/*", status=502, count=None, after=1)
    report = bench.publish()
    outcomes = bench.outcomes(report)
    assert report.stopped is None
    assert outcomes["good"].state == "archived"
    for name in ("one", "two"):
        assert (outcomes[name].state, outcomes[name].failed) == ("queued", True)
        assert "could not be compared" in outcomes[name].reason
        assert "502" in outcomes[name].reason
        assert outcomes[name].remedy
    assert all("SC038_050220" not in path for path in read_backs(bench))  # the second is not tried
    assert not publication.Claim()
    bench.rig.admin.clear_faults()
    assert bench.publish().whole
    bench.assert_archived(*folders.values())


def test_an_answer_that_breaks_off_is_gone_on_with(bench):
    folder = bench.session("one")
    plant(bench, folder)
    bench.rig.admin.fail_requests("https/*", mode="cut")
    assert bench.outcomes(bench.publish())["one"].adopted_files == 2


def test_transfers_to_scratch_that_fail(bench):
    one, two, three = (bench.session(name) for name in ("one", "two", "three"))
    plant(bench, one)
    plant(bench, two)
    impatient(bench.rig)
    no_https(bench)
    bench.rig.admin.fail_tasks("fail", count=None, label="mapshell adopt*")
    document = bench.command(check=PARTLY)["sessions"]
    assert document["three"]["state"] == "archived"
    assert {document[name]["state"] for name in ("one", "two")} == {"refused"}
    assert all("could not be read back" in document[name]["reason"] for name in ("one", "two"))
    assert not publication.Claim()
    bench.rig.admin.clear_faults()
    assert bench.publish().whole
    bench.assert_archived(one, two, three)


def test_without_any_way_to_read_it_says_so_and_what_would_help(bench):
    folder = bench.session("one")
    plant(bench, folder)
    no_https(bench)
    file = bench.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    roots = document["custom"]["globus.local_endpoints"]
    for alias, root in roots.items():
        roots[alias] = [{**each, "upload_only": True} for each in (root if isinstance(root, list) else [root])]
    file.write_text(json.dumps(document))
    bench.rig.settings = settings.load(file=file)
    row = bench.command(check=PARTLY)["sessions"]["one"]
    assert row["state"] == "refused"
    assert "serves no HTTPS" in row["reason"]
    assert "switch HTTPS on" in row["remedy"]
    nothing(bench)


def test_a_login_that_ends_meanwhile_ends_the_round(bench, steps):
    folder = bench.session("one")
    plant(bench, folder)
    steps.at("claimed", bench.rig.admin.revoke_tokens)
    report = bench.publish()
    assert isinstance(report.stopped, LoginNeeded)
    assert report.stopped.remedy
    nothing(bench)


@pytest.mark.parametrize("size", ["same size", "other size", "gone"])
def test_the_file_at_the_archive_changes_after_it_was_compared(each_bench, steps, size):
    bench = each_bench
    folder = bench.session("one")
    write(folder / "notes.txt", b"notes")
    there = plant(bench, folder, "*.bin")
    (path,) = there.values()
    good = path.read_bytes()

    def change():
        if size == "gone":
            path.unlink()
            return
        path.write_bytes(good + b"!" if size == "other size" else b"\1" + good[1:])

    steps.at("planned", change)
    (outcome,) = bench.publish().outcomes
    assert (outcome.state, outcome.failed) == ("refused", True)
    assert "changed after it had been compared" in outcome.reason
    nothing(bench)
    assert journal_states(bench.rig) == [("publish", "failed")]
    # What the task had sent is ours, and sent again; the other file is not ours and stays where it is.
    changed = None if size == "gone" else path.read_bytes()
    report = bench.publish()
    if size == "gone":
        assert report.whole
        bench.assert_archived(folder)
        return
    assert report.outcomes[0].state == "refused"
    assert path.read_bytes() == changed
    path.write_bytes(good)
    assert bench.publish().whole
    bench.assert_archived(folder)
    assert [name for name in bench.rig.files("archive") if ".unfinished-" in name and ".bin" in name] == []


def test_a_file_at_the_archive_that_is_touched_alone_is_compared_anew(bench, steps):
    folder = bench.session("one")
    (path,) = plant(bench, folder, "*.bin").values()
    steps.at("planned", lambda: os.utime(path, (1, 1)))
    assert not bench.publish().whole
    nothing(bench)
    assert bench.publish().whole
    bench.assert_archived(folder)


@pytest.mark.parametrize("step", [COMPARED, "planned"])
def test_a_file_here_changes_meanwhile(bench, steps, step):
    folder = bench.session("one")
    write(folder / "notes.txt", b"notes")
    plant(bench, folder, "notes.txt")
    notes = folder / "notes.txt"
    if step == COMPARED:
        steps.at("claimed", lambda: write(notes, b"other"))
    else:
        steps.at(step, lambda: write(notes, b"other"))
    (outcome,) = bench.publish().outcomes
    assert outcome.failed
    assert "notes.txt" in outcome.reason
    nothing(bench)
    (outcome,) = bench.publish().outcomes
    assert outcome.state == "refused"
    assert "other bytes of this name and size" in outcome.reason
    write(notes, b"notes")
    assert bench.publish().whole
    bench.assert_archived(folder)


def test_a_transfer_that_fails_leaves_the_adopted_file_where_it_is(bench):
    folder = bench.session("one")
    write(folder / "notes.txt", b"notes")
    there = plant(bench, folder, "*.bin")
    (path,) = there.values()
    stamp = path.stat().st_mtime_ns
    bench.rig.admin.fail_tasks("fail", label="mapshell publish*", partial=True)
    assert not bench.publish().whole
    assert path.stat().st_mtime_ns == stamp
    bench.rig.admin.clear_faults()
    before = len(read_backs(bench))
    assert bench.outcomes(bench.publish())["one"].adopted_files == 1
    assert len(read_backs(bench)) == before  # it had been read
    assert path.stat().st_mtime_ns == stamp
    bench.assert_archived(folder)


def test_a_flipped_bit_is_found_by_transfers_too(bench):
    folder = bench.session("one")
    there = plant(bench, folder)
    flip(there[subpath(bench, folder, "*.bin")])
    no_https(bench)
    row = bench.command(check=PARTLY)["sessions"]["one"]
    assert "other bytes of this name and size" in row["reason"]
    nothing(bench)
    assert not [path for path in bench.rig.rig.rglob("*") if ".mapshell" in path.parts and path.is_file()]


def test_what_our_own_failed_transfer_left_is_set_aside_and_sent_again(bench):
    folder = bench.session("one")
    bench.rig.admin.fail_tasks("fail", label="mapshell publish*", after_files=1)
    assert not bench.publish().whole
    bench.rig.admin.clear_faults()
    (outcome,) = bench.publish().outcomes
    assert (outcome.state, outcome.adopted_files) == ("archived", 0)
    assert [name for name in bench.rig.files("archive") if ".unfinished-" in name]
    bench.assert_archived(folder)


def test_a_disk_without_room_for_the_copies(bench, monkeypatch):
    from pipeline.archive import readback

    folder = bench.session("one")
    plant(bench, folder)
    no_https(bench)
    monkeypatch.setattr(readback.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10, "total": 20})())
    row = bench.command(check=PARTLY)["sessions"]["one"]
    assert "free" in row["reason"]
    assert "make room" in row["remedy"]
    nothing(bench)


def test_of_what_was_written_a_moment_ago_nothing_is_remembered(bench):
    folder = bench.session("one")
    there = plant(bench, folder)
    for path in there.values():
        os.utime(path)
    flip(there[subpath(bench, folder, "*.meta")])
    for turn in (1, 2):
        assert bench.command(check=PARTLY)["sessions"]["one"]["state"] == "refused"
        assert len(read_backs(bench)) == 2 * turn


def test_a_file_that_was_put_right_with_its_old_time_is_read_again_when_asked(bench):
    folder = bench.session("one")
    there = plant(bench, folder)
    wrong = there[subpath(bench, folder, "*.bin")]
    flip(wrong)
    assert "--adopt" in bench.command(check=PARTLY)["sessions"]["one"]["remedy"]
    flip(wrong)
    assert bench.command(check=PARTLY)["sessions"]["one"]["state"] == "refused"
    assert bench.command("--adopt", check=0)["sessions"]["one"]["adopted_files"] == 2
    bench.assert_archived(folder)
