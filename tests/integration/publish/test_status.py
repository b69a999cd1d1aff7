"""What ``publication-status`` says is what publish found, and what is true now."""

import os
import shutil
import sys
from datetime import date

import pytest

from pipeline import publication
from pipeline.board import status as status_module
from pipeline.board.status import status

from .bench import EPHYS, LONG_AGO, Meddler, only, write

LINKS = pytest.mark.skipif(sys.platform == "win32", reason="makes links: POSIX")


def state_of(bench, name="one"):
    (row,) = [r for r in status(bench.rig.settings, EPHYS) if (r.subject_id, r.session) == bench.keys[name]]
    return row.state, row.reason


def tell(bench, computer, state, reason, seen_at="2026-01-01", name="one"):
    """Let another computer have told something of a session."""
    subject_id, session = bench.keys[name]
    key = {"subject_id": subject_id, "session": session, "globus_alias": "raw-ephys", "computer": computer}
    facts = {"state": state, "reason": reason, "folders": "", "files": 3, "bytes": 1, "seen_at": seen_at}
    publication.SessionState.insert1({**key, **facts})


@pytest.fixture
def archived(bench):
    """A bench with one archived session, and its folder."""
    folder = bench.session("one")
    assert bench.publish().whole
    assert state_of(bench) == ("archived", "")
    return bench, folder


def test_what_is_committed_while_status_sums_up_is_told_with_its_files(archived, monkeypatch):
    """The sums are begun first, beside the rest: a session that comes after them must not have none."""
    bench, _ = archived
    bench.session("two")
    read = status_module.archived_rows

    def later(location):
        monkeypatch.setattr(status_module, "archived_rows", read)
        assert bench.publish().whole
        return read(location)

    sums = status_module.totals

    def at_once(location, beside):
        found = sums(location, beside)()
        return lambda: found

    monkeypatch.setattr(status_module, "archived_rows", later)
    monkeypatch.setattr(status_module, "totals", at_once)
    rows = list(status(bench.rig.settings, EPHYS))
    assert [(row.state, row.files > 0, row.size > 0) for row in rows] == [("archived", True, True)] * 2


def test_other_bytes_of_the_same_size_are_changes_before_and_after_publish(archived):
    bench, folder = archived
    meta = only(folder, "*.meta")
    meta.write_bytes(meta.read_bytes().replace(b"=", b"~", 1))
    os.utime(meta, (LONG_AGO + 9, LONG_AGO + 9))
    assert state_of(bench) == ("archived with changes", "1 file of another time, which the next publish compares")
    (outcome,) = bench.publish().outcomes
    assert state_of(bench) == (outcome.state, outcome.reason)
    assert "other checksum" in outcome.reason


def test_a_time_alone_is_no_change_once_publish_has_compared(archived):
    bench, folder = archived
    os.utime(only(folder, "*.meta"), (LONG_AGO + 9, LONG_AGO + 9))
    assert state_of(bench)[0] == "archived with changes"
    assert bench.publish().whole
    assert state_of(bench) == ("archived", "")


@LINKS
def test_a_link_in_an_archived_session_is_a_change(archived):
    bench, folder = archived
    (folder / "link.npy").symlink_to("/etc/hostname")
    assert "links are not followed" in state_of(bench)[1]
    (outcome,) = bench.publish().outcomes
    assert state_of(bench) == (outcome.state, outcome.reason) == ("archived with changes", outcome.reason)
    (folder / "link.npy").unlink()
    assert bench.publish().whole
    assert state_of(bench) == ("archived", "")


def test_what_another_computer_told_counts_with_and_without_the_folder_here(archived):
    bench, folder = archived
    tell(bench, "B", "archived with changes", "x.bin: changed since it was archived")
    expected = ("archived with changes", "x.bin: changed since it was archived")
    assert state_of(bench) == expected
    shutil.rmtree(folder)
    assert state_of(bench) == expected


def test_the_newest_word_counts_and_in_flight_is_never_a_memory(bench):
    folder = bench.session("one")
    tell(bench, "B", "in flight", "process 1 on A is publishing it now", "2026-01-03")
    tell(bench, "A", "recording", "still growing", "2026-01-01")
    tell(bench, "C", "refused", "damaged", "2026-01-02")
    assert state_of(bench) == ("refused", "damaged")
    shutil.rmtree(folder)
    assert state_of(bench) == ("refused", "damaged")


def test_in_flight_while_the_journal_says_so_and_no_longer(bench):
    bench.session("one")
    bench.rig.admin.fail_tasks("hold")
    assert bench.outcomes(bench.publish(wait=False))["one"].state == "in flight"
    assert state_of(bench)[0] == "in flight"
    assert list(publication.SessionState().to_arrays("state")) == ["queued"]
    (transfer,) = publication.Transfer.to_dicts()
    publication.Transfer.update1({"transfer_id": transfer["transfer_id"], "state": "failed"})
    assert state_of(bench)[0] == "queued"


def test_in_flight_while_another_computer_works_on_it(bench):
    bench.session("one")
    subject_id, session = bench.keys["one"]
    claim = {"subject_id": subject_id, "session": session, "globus_alias": "raw-ephys", "computer": "B"}
    other = {"owner": "11111111-2222-4333-8444-555555555555", "process_id": 1, "claimed_at": "2026-01-01"}
    publication.Claim.insert1({**claim, **other, "expires_at": "2999-01-01"})
    assert state_of(bench)[0] == "in flight"
    publication.Claim.update1({**claim, "expires_at": "2026-01-01"})
    assert state_of(bench)[0] == "queued"


@LINKS
def test_a_session_whose_folder_is_a_link_is_refused_on_both_screens(bench):
    folder = bench.session("one")
    bench.enter("elsewhere", date(2021, 3, 3))
    shutil.move(folder, bench.rig.folder / "away")
    folder.symlink_to(bench.rig.folder / "away")
    state, reason = state_of(bench)
    assert state == "refused"
    assert "links are not followed" in reason
    document = bench.command(check=3)
    assert document["sessions"]["one"]["state"] == "refused"
    assert document["sessions"]["one"]["failed"] is True
    assert document["not_here"] == 1
    assert state_of(bench)[0] == "refused"


def test_an_animal_whose_folder_cannot_be_read_is_not_forgotten(bench, monkeypatch):
    bench.session("one")
    tell(bench, bench.rig.settings.archive.computer, "recording", "still growing")
    real = os.scandir

    def scandir(path="."):
        if os.fspath(path) == os.fspath(bench.ephys / "SC038"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = bench.publish()
    (outcome,) = report.outcomes
    assert (outcome.state, report.not_here) == ("refused", 0)
    assert "cannot be listed" in outcome.reason
    assert len(publication.SessionState()) == 1
    publication.SessionState().delete_quick()
    assert state_of(bench) == ("refused", "SC038: it cannot be listed: Permission denied")


def test_a_file_that_comes_during_the_transfer_is_archived_in_the_same_round(bench):
    folder = bench.session("one")
    clock = Meddler(bench, lambda: write(folder / "later.npy", b"later"))
    outcome = bench.outcomes(bench.publish(clock=clock))["one"]
    assert (outcome.state, outcome.sent_files) == ("archived", 3)
    bench.assert_archived(folder)
    assert state_of(bench) == ("archived", "")


def test_a_file_that_still_grows_after_the_transfer_is_named(bench):
    folder = bench.session("one")
    clock = Meddler(bench, lambda: (folder / "growing.npy").write_bytes(b"just now"))
    report = bench.publish(clock=clock)
    (outcome,) = report.outcomes
    assert (outcome.state, outcome.sent_files, report.whole) == ("archived with changes", 2, False)
    assert "growing.npy" in outcome.reason
    assert state_of(bench) == ("archived with changes", outcome.reason)
