"""Files of an archive brought into a scratch folder, in few tasks, whatever is wrong with some of them."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from datetime import UTC, datetime

import pytest

from pipeline.archive.courier import Courier, Wanted, _sweep
from pipeline.archive.haul import Patient
from pipeline.archive.reader import read_small
from pipeline.archive.session import Location, Root
from pipeline.errors import GlobusError, IntegrityError, LocalDiskError, NameRefused, RemotePathNotFound

from .conftest import LAB, RIG

LOCATION = Location("raw-ephys", LAB, "/", "ephys")
NAMES = [f"SC038/run g0/{n}.bin" for n in range(5)] + ["SC038/'#% é/x", "SC038/new\nline"]


class Clock:
    def now(self):
        return datetime.now(UTC).replace(tzinfo=None)

    def sleep(self, seconds):
        time.sleep(min(seconds, 0.05))


class Talk:
    def __init__(self):
        self.said = []

    def task(self, key, description, total):
        pass

    def update(self, key, completed, note=""):
        pass

    def done(self, key, note=""):
        pass

    def say(self, message):
        self.said.append(message)


PATIENT = Patient(Clock(), Talk(), 0.1, 0.5)


@pytest.fixture
def root(world):
    return Root("raw-ephys", RIG, "/", world.folders[RIG])


def put(world, names=NAMES):
    for name in names:
        file = world.folders[LAB] / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content(name))
    return [Wanted(name, len(content(name)), sha1(name)) for name in names]


def content(name):
    return name.encode() * 100


def sha1(name):
    return hashlib.sha1(content(name)).hexdigest()


def tasks(world):
    return [each for each in world.admin.tasks() if each["label"].startswith("mapshell") and is_new(world, each)]


def is_new(world, task):
    return task["task_id"] not in world.__dict__.setdefault("before", set())


@pytest.fixture(autouse=True)
def _earlier_tasks(world):
    world.__dict__["before"] = {each["task_id"] for each in world.admin.tasks()}


@pytest.mark.parametrize("checksums", [False, True])
def test_many_files_are_one_task_and_leave_nothing(world, root, checksums):
    wanted = put(world)
    with Courier(world.logged_in(), root, PATIENT, checksums=checksums) as courier:
        found = {each.subpath: each for each in courier.fetch(LOCATION, wanted)}
        assert {name: each.path.read_bytes() for name, each in found.items()} == {name: content(name) for name in NAMES}
        assert not any(each.error for each in found.values())
        folder = courier.folder
        assert folder.is_dir()
    assert len(tasks(world)) == 1
    assert not folder.exists()


def test_what_is_missing_or_changed_is_named_and_the_rest_comes(world, root):
    wanted = put(world)
    (world.folders[LAB] / NAMES[0]).unlink()
    (world.folders[LAB] / NAMES[1]).write_bytes(b"short")
    with Courier(world.logged_in(), root, PATIENT) as courier:
        found = {each.subpath: each for each in courier.fetch(LOCATION, wanted)}
        assert isinstance(found[NAMES[0]].error, RemotePathNotFound)
        assert isinstance(found[NAMES[1]].error, IntegrityError)
        assert all(found[name].path.read_bytes() == content(name) for name in NAMES[2:])


def test_a_flipped_bit_is_named_and_its_copy_handed_out(world, root):
    wanted = put(world)
    damaged = content(NAMES[2])[:-1] + b"?"
    (world.folders[LAB] / NAMES[2]).write_bytes(damaged)
    with Courier(world.logged_in(), root, PATIENT, checksums=True) as courier:
        found = {each.subpath: each for each in courier.fetch(LOCATION, wanted)}
        assert isinstance(found[NAMES[2]].error, IntegrityError)
        assert found[NAMES[2]].path.read_bytes() == damaged
        assert all(each.error is None for name, each in found.items() if name != NAMES[2])
        assert all(each.path.read_bytes() == content(name) for name, each in found.items() if name != NAMES[2])


def test_a_file_that_may_not_be_read_does_not_hold_up_the_others(world, root):
    wanted = put(world)
    world.admin.set_collection(LAB, deny=[f"/{NAMES[3]}"])
    with Courier(world.logged_in(), root, PATIENT) as courier:
        found = {each.subpath: each for each in courier.fetch(LOCATION, wanted)}
    assert isinstance(found[NAMES[3]].error, GlobusError)
    assert "was not fetched" in found[NAMES[3]].error.message
    assert all(each.error is None for name, each in found.items() if name != NAMES[3])


def test_hostile_names_are_refused_before_anything_is_sent(world, root):
    manager = world.logged_in()
    with Courier(manager, root, PATIENT) as courier, pytest.raises(NameRefused):
        list(courier.fetch(LOCATION, [Wanted("../x", 1)]))
    assert tasks(world) == []


def test_more_than_fits_on_the_disk_is_not_begun(world, root):
    with Courier(world.logged_in(), root, PATIENT) as courier, pytest.raises(LocalDiskError, match="free"):
        list(courier.fetch(LOCATION, [Wanted("SC038/huge.bin", 2**60)]))
    assert tasks(world) == []


def test_leaving_early_gives_up_the_task_and_cleans_up(world, root):
    wanted, manager = put(world), world.logged_in()
    world.admin.fail_tasks("hold", count=None)

    class Interrupting(Clock):
        def sleep(self, seconds):
            raise KeyboardInterrupt

    courier = Courier(manager, root, Patient(Interrupting(), Talk(), 0.1, 0.5))
    with pytest.raises(KeyboardInterrupt):
        list(courier.fetch(LOCATION, wanted))
    courier._patient = PATIENT
    courier.close()
    assert [each["status"] for each in tasks(world)] == ["FAILED"]
    assert not courier.folder.exists()


def test_folders_of_the_dead_are_removed_after_a_day(tmp_path):
    staging = tmp_path / ".mapshell"
    (staging / "read-1" / "0000").mkdir(parents=True)
    (staging / "other-1").mkdir()
    _sweep(staging, "read")
    assert (staging / "read-1").is_dir()
    _sweep(staging, "read", old=-1)
    assert [each.name for each in staging.iterdir()] == ["other-1"]


def test_folders_that_another_run_removes_meanwhile_hinder_nobody(tmp_path):
    stop = threading.Event()

    def other():
        while not stop.is_set():
            (tmp_path / "verify-x" / "0000").mkdir(parents=True, exist_ok=True)
            (tmp_path / "verify-x" / "0000" / "0000001").touch()
            shutil.rmtree(tmp_path / "verify-x")

    thread = threading.Thread(target=other)
    thread.start()
    try:
        for _ in range(2000):
            _sweep(tmp_path, "verify")
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("https", [True, False])
def test_small_files_are_read_over_https_or_by_one_task(world, root, https):
    names = NAMES[:5]
    wanted = [*put(world, names), Wanted("SC038/none", 3)]
    (world.folders[LAB] / names[0]).write_bytes(b"other")
    world.admin.set_collection(LAB, https=https)
    manager = world.logged_in()
    found = dict(read_small(manager, LOCATION, iter(wanted), root, PATIENT))
    assert isinstance(found.pop("SC038/none"), RemotePathNotFound)
    assert isinstance(found.pop(names[0]), IntegrityError)
    assert found == {name: content(name) for name in names[1:]}
    assert bool(tasks(world)) != https
    assert not list(root.local_path.rglob(".mapshell/*"))


def test_small_files_that_nobody_can_read_are_told(world):
    world.admin.set_collection(LAB, https=False)
    with pytest.raises(GlobusError, match="cannot be read from here"):
        list(read_small(world.logged_in(), LOCATION, put(world), None, PATIENT))
