"""While something is recorded on a disk, its other sessions wait; and what else is told about recordings."""

import os
import sys
import time
from dataclasses import replace

import pytest

from mapshell.demo.recordings import write_recording
from mapshell.errors import PARTLY
from pipeline import ephys, lab, publication
from pipeline.board.status import status
from pipeline.work import SystemClock

from .bench import DAY, PROBE, edit, old, only, write
from .faults import code_of


class Hurrying(SystemClock):
    """A clock that only waiting moves, and on which things happen at their times; hands itself in as the epoch too."""

    def __init__(self):
        self.began = time.time()
        self.ahead = 0.0
        self.events = []

    def epoch(self):
        return self.began + self.ahead

    def sleep(self, seconds):
        self.ahead += seconds
        for event in [event for event in self.events if event[0] <= self.ahead]:
            self.events.remove(event)
            event[1]()
        super().sleep(min(seconds, 0.01))


class Said:
    """Whoever wants to know how it goes."""

    def __init__(self):
        self.lines = []

    def task(self, *_):
        pass

    update = done = task

    def say(self, message):
        self.lines.append(message)


@pytest.fixture
def heeding(each_bench):
    """A rig that heeds recordings on its disk, as every rig does unless it is told otherwise."""
    return heed(each_bench)


def heed(bench, **options):
    archive = replace(bench.rig.settings.archive, pause_while_recording=True, **options)
    bench.rig.settings = replace(bench.rig.settings, archive=archive)
    return bench


def grow(path, clock, until):
    """Let a file be written to again and again, until an instant of the clock."""
    with path.open("ab") as stream:
        stream.write(b"more")
    os.utime(path, (clock.epoch(), clock.epoch()))
    if clock.ahead + 5 < until:
        clock.events.append((clock.ahead + 5, lambda: grow(path, clock, until)))


def test_a_round_pauses_while_something_is_recorded_and_goes_on_when_it_is_quiet(heeding):
    bench, clock, said = heeding, Hurrying(), Said()
    first, second = bench.session("first"), bench.session("second")
    running = bench.session("running")
    edit(only(running, "*.meta"), fileSizeBytes=None, fileTimeSecs=None, fileSHA1=None)
    grow(only(running, "*.bin"), clock, until=90)
    report = bench.publish(clock=clock, epoch=clock.epoch, progress=said)
    outcomes = bench.outcomes(report)
    assert {name: outcome.state for name, outcome in outcomes.items()} == {
        "first": "archived",
        "second": "archived",
        "running": "recording",
    }
    bench.assert_archived(first, second)
    bench.assert_untouched(running)
    assert clock.ahead >= 90 + 50  # until it had rested
    assert [line.split(":")[0] for line in said.lines] == ["Paused", "Going on"]
    assert only(running, "*.bin").name in said.lines[0]
    assert not publication.Claim()


def test_a_pause_is_bounded_and_leaves_sessions_queued(heeding):
    bench, clock = heed(heeding, wait_for_quiet=30), Hurrying()
    held = bench.session("held")
    busy = write(bench.rig.rig / "video/elsewhere.avi", b"frames")  # a root of another alias, on the same disk
    grow(busy, clock, until=10_000)
    report = bench.publish(clock=clock, epoch=clock.epoch)
    outcome = bench.outcomes(report)["held"]
    assert (outcome.state, outcome.failed, code_of(report)) == ("queued", True, PARTLY)
    assert "elsewhere.avi" in outcome.reason
    assert "archive.wait_for_quiet" in outcome.remedy
    assert 30 <= clock.ahead < 40
    assert bench.rig.tasks() == []
    assert not publication.Claim()
    assert not publication.Transfer()
    (row,) = [row for row in status(bench.rig.settings, ("ephys",)) if row.state == "queued"]
    assert "elsewhere.avi" in row.reason
    bench.assert_untouched(held)

    old(busy)
    assert bench.outcomes(bench.publish())["held"].state == "archived"
    bench.assert_archived(held)


def test_what_came_during_the_pause_is_archived_too(heeding):
    bench, clock = heeding, Hurrying()
    folder = bench.session("one")
    busy = write(bench.ephys / "SC038/notes/today.txt", b"x")
    grow(busy, clock, until=60)
    clock.events.append((40, lambda: write(folder / "sorting/spike_times.npy", b"spikes")))
    (outcome,) = bench.publish(clock=clock, epoch=clock.epoch).outcomes
    assert (outcome.state, outcome.sent_files) == ("archived", 3)
    assert len(bench.rig.manifests()) == 1
    bench.assert_archived(folder)


def test_checksums_wait_too_and_the_transfer_is_gathered_later(bench):
    """A recording begins when the transfer is under way: Globus goes on, nothing more is read here."""
    heed(bench, wait_for_quiet=0, hash_threads=1)
    folder = bench.session("one")
    edit(only(folder, "*.meta"), fileSHA1="0")
    busy = bench.ephys / "SC048/new/now.bin"

    clock, watching = Hurrying(), [True]

    def begin(event, args):
        if watching and event == "mapshell.step" and args[0] == "planned":
            watching.clear()
            clock.ahead += 20  # the round looked a while ago, and looks again
            write(busy, b"first samples")
            os.utime(busy, (clock.epoch(), clock.epoch()))

    sys.addaudithook(begin)
    (outcome,) = bench.publish(clock=clock, epoch=clock.epoch).outcomes
    assert (outcome.state, outcome.failed) == ("in flight", True)
    assert "now.bin" in outcome.reason
    assert not bench.archived_keys()
    assert set(publication.Transfer().to_arrays("state")) == {"submitted"}

    old(busy)
    assert bench.outcomes(bench.publish())["one"].state == "archived"
    assert len([t for t in bench.rig.tasks() if t["label"].startswith("mapshell publish")]) == 1
    bench.assert_archived(folder)


def test_the_switch_and_the_limit_are_settings(bench):
    bench.session("one")
    write(bench.rig.rig / "video/now.avi", b"x")
    os.utime(bench.rig.rig / "video/now.avi")
    bench.rig.environ |= {
        "MAPSHELL_ARCHIVE_PAUSE_WHILE_RECORDING": "true",
        "MAPSHELL_ARCHIVE_WAIT_FOR_QUIET": "0",
        "MAPSHELL_ARCHIVE_HASH_MB_PER_SECOND": "50",
    }
    told = bench.rig.run("publication-publish", "--type", "ephys", check=3).stderr
    assert "now.avi was written" in told
    assert "Remedy: publish again when the acquisition or copy has ended" in told
    bench.rig.environ["MAPSHELL_ARCHIVE_PAUSE_WHILE_RECORDING"] = "false"
    bench.rig.run("publication-publish", "--type", "ephys", check=0)
    assert bench.archived_keys() == {bench.keys["one"]}


def test_a_dry_run_foretells_bytes_and_time(each_bench):
    bench = each_bench
    folder = bench.session("one")
    other = bench.session("two")
    edit(only(folder, "*.meta"), fileSHA1="0")
    document = bench.command("--dry-run", check=0)
    files = {**bench.here(folder), **bench.here(other)}
    claimed = only(other, "*.bin")
    total = sum(path.stat().st_size for path in files.values())
    assert document["forecast"] == {
        "bytes_to_send": total,
        "bytes_to_read": total - claimed.stat().st_size,
        "bytes_to_read_back": 0,
        "seconds": None,
        "bytes_per_second": None,
        "transfers": 0,
    }
    told = bench.tell("--dry-run", check=0)
    assert "Would send: 2 sessions in raw-ephys (4 files" in told
    assert "To read here for checksums:" in told
    assert "is not known" in told

    # Once something was sent, its speed is known, and what was read need not be read again.
    key = {"subject_id": bench.keys["one"][0], "session": bench.keys["one"][1]}
    bench.publish(key)
    (row,) = publication.ArchivedRawEphys.to_dicts()
    assert row["evidence"]["requested"] <= row["evidence"]["completed"]
    forecast = bench.command("--dry-run", check=0)["forecast"]
    assert (forecast["transfers"], forecast["bytes_to_send"]) == (
        1,
        sum(p.stat().st_size for p in bench.here(other).values()),
    )
    assert forecast["bytes_per_second"] > 0
    assert forecast["seconds"] > 0
    assert "Expected time: less than a minute, at the" in bench.tell("--dry-run", check=0)
    bench.publish()
    assert bench.command("--dry-run", check=0)["forecast"] is None


def test_probes_without_files_and_files_without_insertion_are_told_and_hold_nothing_up(each_bench):
    bench = each_bench
    bench.enter("three", DAY.date(), f"{DAY:%H:%M:%S}")
    probes = tuple(replace(PROBE, number=number) for number in (0, 2))
    folder = bench.ephys / "SC038/SC038_050120_g0"
    write_recording(folder, "SC038_050120", probes=probes, start=DAY, seconds=0.01, channels=2, nidq=False)
    good = bench.session("good")
    lab.Probe.insert1({"probe": PROBE.serial, "probe_type": "NP2.0"})
    for name, numbers in (("three", (1, 2)), ("good", (1,))):
        key = {"subject_id": bench.keys[name][0], "session": bench.keys[name][1]}
        ephys.ProbeInsertion.insert({**key, "insertion_number": n, "probe": PROBE.serial} for n in numbers)
    told = bench.tell("--dry-run", check=0)
    (line,) = [line for line in told.splitlines() if line.startswith("probes:")]
    expected = "imec1 has an insertion, but no files; imec2 has files, but no insertion in the database"
    assert line == f"probes: SC038 (subject 480133) session 1 of 2020-05-01: {expected}"
    document = bench.command(check=0)
    assert {row["state"] for row in document["sessions"].values()} == {"archived"}
    assert document["probes"] == [
        {
            "subject_id": bench.keys["three"][0],
            "session": 1,
            "alias": "raw-ephys",
            "insertions_without_files": [2],
            "files_without_insertion": [3],
        }
    ]
    bench.assert_archived(folder, good)
    # Not every night again; but whoever asks for the session is told.
    assert bench.command(check=0)["probes"] == []
    assert len(bench.command("--session", "1", check=0)["probes"]) == 1
    # Files that are at the archive and no longer here count.
    for path in folder.rglob("*imec2*/*"):
        path.unlink()
    assert bench.command("--session", "1", check=0)["probes"][0]["files_without_insertion"] == [3]
