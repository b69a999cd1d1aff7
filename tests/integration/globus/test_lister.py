"""Many listings at once, over HTTP: all of them come, errors are no emptiness, and the pace holds for all together."""

from __future__ import annotations

import threading

import pytest

from pipeline.archive.lister import Lister
from pipeline.errors import MapshellError, NameRefused, PermissionDenied, RemotePathNotFound
from pipeline.globus.pace import Pace

from .conftest import LAB


@pytest.fixture
def manager(world):
    return world.logged_in()


def fill(world, number):
    for n in range(number):
        folder = world.folders[LAB] / f"f{n:03d}"
        folder.mkdir()
        (folder / f"{n}.bin").write_bytes(b"x" * n)


def listings(admin):
    return sum("/ls" in each["path"] for each in admin.requests())


def test_all_folders_come_each_listed_once_and_a_missing_one_is_said(world, manager):
    fill(world, 60)
    with Lister(manager) as lister:
        found = dict(lister.folders(LAB, (f"/f{n:03d}" for n in range(61))))
    assert isinstance(found.pop("/f060"), RemotePathNotFound)
    assert {path: [(e.name, e.size) for e in entries] for path, entries in found.items()} == {
        f"/f{n:03d}": [(f"{n}.bin", n)] for n in range(60)
    }
    assert listings(world.admin) == 61


def test_what_the_login_consents_to_is_asked_once_for_all_threads(world, manager):
    fill(world, 20)
    world.admin.reset_counts()
    with Lister(manager) as lister:
        assert len(dict(lister.folders(LAB, (f"/f{n:03d}" for n in range(20))))) == 20
    assert sum("consents" in each["path"] for each in world.admin.requests()) <= 1


def test_a_tree_is_walked_to_its_ends_and_what_is_not_wanted_is_never_listed(world, manager):
    fill(world, 3)
    deep = world.folders[LAB] / "f001" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "deep.bin").write_bytes(b"")
    (world.folders[LAB] / "f002" / "skip").mkdir()
    (world.folders[LAB] / "f002" / "skip" / "not.bin").write_bytes(b"")
    (world.folders[LAB] / "f000" / "back\\slash").write_bytes(b"")
    with Lister(manager, threads=3) as lister:
        walked = lister.trees(
            LAB, "/", ["f000", "f001", "f002", "none"], wanted=lambda subpath: not subpath.endswith("/skip")
        )
        found = dict(walked)
    refused = {name for name, each in found.items() if isinstance(each, NameRefused)}
    assert isinstance(found["none"], RemotePathNotFound)
    assert len(refused) == 1
    assert found.keys() - refused == {"f000/0.bin", "f001/1.bin", "f001/a/b/deep.bin", "f002/2.bin", "none"}
    assert listings(world.admin) == 6


def test_an_error_is_an_error_and_never_an_empty_folder(world, manager):
    fill(world, 5)
    world.admin.set_collection(LAB, denied=True)
    with Lister(manager) as lister:
        assert all(isinstance(each, PermissionDenied) for _, each in lister.folders(LAB, ["/f001", "/f002"]))
        assert [type(each) for _, each in lister.tree(LAB, "/", "f001")] == [PermissionDenied]
    world.admin.set_collection(LAB, denied=False)
    world.admin.fail_requests("*/ls", status=502, count=None)
    with Lister(manager) as lister:
        ((_, error),) = lister.folders(LAB, ["/f001"])
        assert isinstance(error, MapshellError)
        assert not isinstance(error, RemotePathNotFound)


def test_who_stops_reading_is_not_kept_and_the_threads_end(world, manager):
    fill(world, 40)
    before = threading.active_count()
    lister = Lister(manager, threads=4)
    next(lister.folders(LAB, (f"/f{n:03d}" for n in range(40))))
    lister.close()
    for thread in threading.enumerate():
        if thread.name == "lister":
            thread.join(timeout=20)
    assert threading.active_count() == before
    assert listings(world.admin) < 20


def test_all_threads_together_keep_to_one_pace(world):
    world.logged_in()
    fill(world, 30)
    slept = []

    class Time:
        now = 0.0

        def sleep(self, seconds):
            slept.append(seconds)
            self.now += seconds

    time = Time()
    manager = world.manager(pace=Pace(1, 5, clock=lambda: time.now, sleep=time.sleep))
    with Lister(manager, threads=4) as lister:
        assert len(list(lister.folders(LAB, (f"/f{n:03d}" for n in range(30))))) == 30
    assert time.now >= 25


def test_a_429_slows_all_of_them_down_and_nothing_is_lost(world):
    world.logged_in()
    fill(world, 20)
    world.admin.fail_requests("*/ls", status=429, count=3, retry_after=0)
    manager = world.manager()
    with Lister(manager, threads=4) as lister:
        found = dict(lister.folders(LAB, (f"/f{n:03d}" for n in range(20))))
    assert all(isinstance(each, list) for each in found.values())
    assert manager._pace._slow > 0
