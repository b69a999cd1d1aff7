"""Nothing is read or sent while something is recorded on the disk; and reading keeps to its pace."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive import quiet as module
from pipeline.archive.checksums import ChecksumCache, Hasher, Stopped, sha1_of
from pipeline.archive.pace import Pace
from pipeline.archive.priority import step_back
from pipeline.archive.quiet import Quiet
from pipeline.archive.scan import scan_folder
from pipeline.archive.session import Root
from pipeline.errors import DiskBusy

START = 1_600_000_000.0


class Time:
    """A clock that only sleeping moves; on the way, things happen at their times."""

    def __init__(self):
        self.now_s = START
        self.events = []
        self.slept = 0.0

    def epoch(self):
        return self.now_s

    def sleep(self, seconds):
        assert seconds > 0
        self.now_s += seconds
        self.slept += seconds
        for event in [event for event in self.events if event[0] <= self.now_s - START]:
            self.events.remove(event)
            event[1]()

    def at(self, seconds, event):
        self.events.append((seconds, event))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "rig"
    folder.mkdir()
    return Root("raw-ephys", "e", "/rig", folder)


@pytest.fixture
def time():
    return Time()


def write(root, subpath, data=b"abc", age=3600.0):
    path = root.local_path / subpath
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (START - age, START - age))
    return path


def make(time, *roots, said=None, patience=600.0):
    words = [] if said is None else said
    return Quiet(
        [root.local_path for root in roots],
        time,
        time.epoch,
        words.append,
        quiet_seconds=60,
        patience=patience,
        staging=".mapshell",
    )


def test_a_disk_at_rest_costs_no_waiting(root, time):
    write(root, "SC038/run_g0/a.bin")
    write(root, ".mapshell/manifest.json", age=1)  # our own
    write(root, "SC038/run_g0/tomorrow.bin", age=-86_400)  # a wrong clock is no acquisition
    (root.local_path / "link").symlink_to("nowhere")
    assert make(time, root).wait([root]) is False
    assert time.slept == 0


def test_a_young_file_is_waited_for_until_it_rests(root, time):
    said = []
    path = write(root, "somebody/else.dat", age=5)  # of no session at all
    time.at(30, lambda: os.utime(path, (START + 30, START + 30)))
    assert make(time, root, said=said).wait([root]) is True
    assert 90 <= time.slept <= 90 + 2 * module.LOOK_EVERY_S
    assert len(said) == 2
    assert "Paused:" in said[0]
    assert str(path) in said[0]
    assert "Going on" in said[1]


def test_a_size_that_changes_between_two_looks_grows_whatever_its_time_says(root, time):
    path = write(root, "SC038/run_g0/a.bin")
    quiet = make(time, root)
    quiet.seen(scan_folder(root, "SC038", ()).files)
    write(root, "SC038/run_g0/a.bin", b"abcd")
    assert quiet.wait([root]) is True
    assert 60 <= time.slept <= 60 + 2 * module.LOOK_EVERY_S
    assert path.read_bytes() == b"abcd"
    # Without an earlier look there is nothing to compare with, until the next one.
    other = make(time, root)
    assert other.wait([root]) is False
    write(root, "SC038/run_g0/a.bin", b"abcde")
    assert other.wait([root]) is False  # looked a moment ago
    time.sleep(module.LOOK_EVERY_S)
    assert other.wait([root]) is True


def test_the_wait_is_bounded_and_the_next_one_too(root, time):
    def grow():
        os.utime(path, (time.now_s, time.now_s))
        time.at(time.now_s - START + 5, grow)

    path = write(root, "SC038/run_g0/a.bin", age=1)
    time.at(5, grow)
    quiet = make(time, root, patience=120)
    with pytest.raises(DiskBusy) as error:
        quiet.wait([root])
    assert path.name in error.value.message
    assert "archive.wait_for_quiet" in error.value.remedy
    assert 120 <= time.slept <= 122
    with pytest.raises(DiskBusy):  # the next session does not wait as long again
        quiet.wait([root])
    assert time.slept <= 122
    time.events.clear()
    time.sleep(60 + module.LOOK_EVERY_S)
    assert quiet.wait([root]) is False


def test_without_patience_nothing_is_waited_for(root, time):
    write(root, "SC038/run_g0/a.bin", age=1)
    with pytest.raises(DiskBusy):
        make(time, root, patience=0).wait([root])
    assert time.slept == 0


def test_another_disk_does_not_matter(root, time, tmp_path, monkeypatch):
    other = Root("raw-ephys", "e", "/other", tmp_path / "other")
    write(other, "SC038/run_g0/a.bin", age=1)
    real = os.stat

    class Elsewhere:
        st_dev = -7

    def stat(path, **options):
        return Elsewhere if path == other.local_path else real(path, **options)

    monkeypatch.setattr(module.os, "stat", stat)  # the tests have one disk only
    quiet = make(time, root, other, patience=30)
    assert quiet.wait([root]) is False
    with pytest.raises(DiskBusy):
        quiet.wait([other])
    with pytest.raises(DiskBusy):
        quiet.wait([root, other])


def test_nested_roots_are_looked_at_once_and_absent_ones_not_at_all(root, time, tmp_path):
    inner = Root("raw-video", "e", "/rig/video", root.local_path / "video")
    write(inner, "SC038/a.avi", age=1)
    gone = Root("raw-video", "e", "/gone", tmp_path / "gone")
    quiet = make(time, inner, root, gone, patience=0)
    assert quiet.wait([gone]) is False
    for each in (root, inner):
        with pytest.raises(DiskBusy):
            quiet.wait([each])


def test_reading_pauses_in_the_middle_of_a_file(root, time, monkeypatch):
    monkeypatch.setattr("pipeline.archive.checksums._BLOCK", 10)
    write(root, "SC038/run_g0/a.bin", b"x" * 100)
    (file,) = scan_folder(root, "SC038", ()).files
    said = []
    quiet = make(time, root, said=said)
    pace = Pace(time, time.epoch, quiet, mb_per_second=1e-6)  # a byte a second
    time.at(35, lambda: write(root, "SC048/new_g0/b.bin", age=-35))
    assert sha1_of(file, pace=pace) == "50e483690ec481f4af7f6fb524b2b99eb1716565"
    assert len(said) == 2
    assert time.slept > 90 + 40  # nine blocks of ten seconds each before the last, and most of the pause


def test_reading_gives_up_after_the_longest_pause_and_can_be_asked_again(root, time, tmp_path):
    write(root, "SC038/run_g0/a.bin")
    (file,) = scan_folder(root, "SC038/run_g0", ()).files
    busy = write(root, "SC038/run_g0/now.bin", age=1)
    quiet = make(time, root, patience=20)
    with Hasher(ChecksumCache(tmp_path / "sha1"), threads=1, pace=Pace(time, time.epoch, quiet)) as hasher:
        with pytest.raises(DiskBusy):
            hasher.finish(file)
        busy.unlink()
        time.sleep(module.LOOK_EVERY_S)
        assert hasher.finish(file) == "a9993e364706816aba3e25717850c26c9cd0d89d"


def test_whoever_leaves_is_not_kept_by_a_pause(root, time):
    write(root, "SC038/run_g0/a.bin", age=1)
    (file,) = scan_folder(root, "SC038", ()).files
    stop = threading.Event()
    time.at(3, stop.set)
    with pytest.raises(Stopped):
        sha1_of(file, stop, Pace(time, time.epoch, make(time, root)))
    assert time.slept <= 4


@given(st.lists(st.integers(1, 5_000_000), min_size=1, max_size=30), st.integers(1, 50))
def test_never_more_is_read_than_the_limit_allows(sizes, limit):
    time = Time()
    pace = Pace(time, time.epoch, None, limit)
    for count, size in enumerate(sizes):
        pace.before(None, size, lambda: False)
        assert sum(sizes[:count]) <= limit * 1e6 * (time.now_s - START) + 2 * limit  # s since 1970 know no less
    assert time.slept <= sum(sizes) / (limit * 1e6) + 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the priority of a thread: Linux")
def test_reading_threads_step_back_and_nobody_else():
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with ThreadPoolExecutor(1, initializer=step_back) as pool:
        inside = pool.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).result()
    assert inside == 19
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
