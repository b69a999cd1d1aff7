"""File operations and tasks, over HTTP, with the real SDK."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.errors import (
    CollectionNotFound,
    CollectionOffline,
    Conflict,
    GlobusError,
    LoginNeeded,
    PermissionDenied,
    RemotePathNotFound,
    ServiceError,
)

from .conftest import LAB, RIG, SHARE

ODD = ["plain.bin", "two words.bin", "colon:hash#percent%25&'.bin", "ünïcode.bin", "-lead", "a+b=c,d;e@f"]


@pytest.fixture
def manager(world):
    return world.logged_in()


def fill(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def request(manager, items, **more):
    given = {
        "submission_id": manager.new_submission_id(),
        "source_endpoint": RIG,
        "destination_endpoint": LAB,
        "label": "mapshell test",
        "items": tuple(items),
    }
    return TransferRequest(**{**given, **more})


def wait(manager, task_id, *states):
    ticks = threading.Event()
    for _ in range(400):
        status = manager.tasks([task_id])[task_id]
        if status.state in (states or ("SUCCEEDED", "FAILED")):
            return status
        ticks.wait(0.02)
    raise AssertionError(status)


# --- files ------------------------------------------------------------------------------------------------------------


def test_ls_and_stat_tell_names_sizes_and_times(world, manager):
    fill(world.folders[LAB], {f"run/{name}": b"x" * n for n, name in enumerate(ODD)})
    (world.folders[LAB] / "run" / "sub").mkdir()
    listed = {each.name: each for each in manager.ls(LAB, "/run/")}
    assert sorted(listed) == sorted([*ODD, "sub"])
    assert [listed[name].size for name in ODD] == list(range(len(ODD)))
    assert listed["sub"].kind == "dir"
    for name in ODD:
        path = world.folders[LAB] / "run" / name
        assert listed[name].mtime == int(path.stat().st_mtime)
        looked = manager.stat(LAB, f"/run/{name}")
        assert (looked.name, looked.kind, looked.size, looked.mtime) == (
            name,
            "file",
            listed[name].size,
            listed[name].mtime,
        )
    assert manager.stat(LAB, "/run").kind == "dir"


def test_a_missing_folder_is_not_a_missing_collection(world, manager):
    with pytest.raises(RemotePathNotFound, match=r"no /nowhere in raw-ephys \(Petrel"):
        manager.ls(LAB, "/nowhere")
    with pytest.raises(RemotePathNotFound):
        manager.stat(LAB, "/nowhere/a")
    fill(world.folders[LAB], {"file": b""})
    with pytest.raises(GlobusError, match="not a folder"):
        manager.ls(LAB, "/file")
    unknown = "5f0e4cb1-0000-4000-8000-0000000000ff"
    with pytest.raises(CollectionNotFound, match=unknown):
        manager.ls(unknown, "/")
    with pytest.raises(CollectionNotFound, match=unknown):
        manager.collection(unknown)


def test_denied_and_offline_are_told_apart_from_missing(world, manager):
    world.admin.set_collection(LAB, denied=True)
    with pytest.raises(PermissionDenied, match=rf"/run in raw-ephys .*as {manager.identity}"):
        manager.ls(LAB, "/run")
    world.admin.set_collection(LAB, denied=False, offline=True)
    with pytest.raises(CollectionOffline, match="Petrel"):
        manager.ls(LAB, "/run")
    world.admin.set_collection(RIG, offline=True)
    with pytest.raises(CollectionOffline, match="Rig 3"):
        manager.ls(RIG, "/")
    assert manager.collection(RIG, refresh=True).online is False
    world.admin.set_collection(LAB, offline=False, read_only=True)
    with pytest.raises(PermissionDenied):
        manager.mkdir(LAB, "/new")


def test_mkdir_may_be_repeated_but_never_hides_a_file(world, manager):
    manager.mkdir(LAB, "/new")
    manager.mkdir(LAB, "/new")
    assert (world.folders[LAB] / "new").is_dir()
    fill(world.folders[LAB], {"taken": b"data"})
    with pytest.raises(Conflict, match="/taken"):
        manager.mkdir(LAB, "/taken")
    with pytest.raises(RemotePathNotFound):
        manager.mkdir(LAB, "/a/b/c")


def test_rename_never_replaces(world, manager):
    fill(world.folders[LAB], {"old": b"old", "kept": b"kept"})
    with pytest.raises(Conflict, match="/kept exists"):
        manager.rename(LAB, "/old", "/kept")
    manager.rename(LAB, "/old", "/new")
    assert {each.name for each in manager.ls(LAB, "/")} == {"new", "kept"}
    with pytest.raises(RemotePathNotFound):
        manager.rename(LAB, "/old", "/newer")


def test_a_rename_whose_answer_was_lost_is_done(world, manager):
    fill(world.folders[LAB], {"old": b"old"})
    world.admin.fail_requests("*rename", mode="lost")
    manager.rename(LAB, "/old", "/new")
    assert [each.name for each in manager.ls(LAB, "/")] == ["new"]


def test_collections_are_asked_about_once(world, manager):
    found = manager.collection(SHARE)
    assert (found.name, found.needs_consent) == ("Videos", False)
    assert found.https_server
    world.admin.reset_counts()
    manager.collection(SHARE.upper())
    assert world.admin.total() == 0
    assert manager.endpoint("raw-video") == SHARE


# --- tasks ------------------------------------------------------------------------------------------------------------


def test_a_transfer_arrives_and_is_told_file_by_file(world, manager):
    files = {f"SC038/{name}": name.encode() * 10 for name in ODD}
    fill(world.folders[RIG], files)
    items = [
        TransferItem(f"/{name}", f"/{name}", hashlib.sha1(content).hexdigest() if n % 2 else None)
        for n, (name, content) in enumerate(files.items())
    ]
    made = request(manager, items)
    task_id = manager.submit(made)
    status = wait(manager, task_id)
    assert (status.state, status.label, status.files_transferred) == ("SUCCEEDED", "mapshell test", len(files))
    assert status.owner_id == manager.identity
    assert abs(status.request_time - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=5)
    assert sorted(manager.transferred(task_id)) == sorted(item.destination for item in items)
    assert list(manager.skipped(task_id)) == []
    for name, content in files.items():
        copy, original = world.folders[LAB] / name, world.folders[RIG] / name
        assert copy.read_bytes() == content
        assert int(copy.stat().st_mtime) == int(original.stat().st_mtime)
    assert any(event.code for event in manager.events(task_id))
    document = next(each for each in world.admin.tasks() if each["task_id"] == task_id)
    assert document["verify_checksum"] is True
    assert document["encrypt_data"] is True


def test_the_same_submission_is_the_same_task(world, manager):
    fill(world.folders[RIG], {"a": b"a"})
    made = request(manager, [TransferItem("/a", "/a")])
    assert manager.submit(made) == manager.submit(replace(made))
    world.admin.fail_requests("transfer/transfer", mode="lost")
    other = replace(made, submission_id=manager.new_submission_id(), label="other")
    assert manager.submit(other) == manager.submit(other)
    assert len(manager.find_tasks("other")) == 1
    assert manager.body_hash(made) == manager.body_hash(replace(made)) != manager.body_hash(other)


def test_a_checksum_that_does_not_fit_fails_the_task_with_its_reason(world, manager):
    fill(world.folders[RIG], {"a": b"a"})
    wrong = hashlib.sha1(b"b").hexdigest()
    status = wait(manager, manager.submit(request(manager, [TransferItem("/a", "/a", wrong)])))
    assert status.state == "FAILED"
    assert status.fatal_error
    assert any(event.is_error for event in manager.events(status.task_id))


def test_many_tasks_are_asked_for_in_few_calls(world, manager):
    fill(world.folders[RIG], {"a": b"a"})
    ids = [manager.submit(request(manager, [TransferItem("/a", f"/{n}")], label=f"n{n}")) for n in range(3)]
    unknown = [f"5f0e4cb1-0000-4000-9000-{n:012d}" for n in range(110)]
    world.admin.reset_counts()
    found = manager.tasks([*unknown, *ids, ids[0]])
    assert list(found) == ids
    assert world.admin.total() == 3
    assert manager.tasks([]) == {}


def test_tasks_are_found_by_their_exact_label(world, manager):
    fill(world.folders[RIG], {"a": b"a"})
    labels = ["label", "LABEL", "label 2", "with/slash, comma", "with: colon", "with ~ and = and !"]
    before = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=2)
    ids = {
        label: manager.submit(request(manager, [TransferItem("/a", f"/{n}")], label=label))
        for n, label in enumerate(labels)
    }
    for label, task_id in ids.items():
        assert [each.task_id for each in manager.find_tasks(label)][:1] == [task_id], label
        assert task_id in [each.task_id for each in manager.find_tasks(label, since=before)]
        assert manager.find_tasks(label, since=before + timedelta(days=1)) == []


def test_tasks_of_several_labels_are_found_in_one_call(world, manager):
    fill(world.folders[RIG], {"a": b"a"})
    labels = ["publish SC022 s1 g1 ab12 x", "publish SC022 s2 g1 cd34 y", "publish SC023 s1 g1 ab12 z", "other ab12 x"]
    for n, label in enumerate(labels):
        manager.submit(request(manager, [TransferItem("/a", f"/{n}")], label=label))
    world.admin.reset_counts()
    found = manager.find_tasks("publish * cd34 *", "publish * ab12 *")
    assert sorted(each.label for each in found) == sorted(labels[:3])
    assert [each.label for each in manager.find_tasks("publish * ef56 *", labels[3])] == [labels[3]]
    assert world.admin.total() == 2


def test_cancel_may_be_repeated(world, manager):
    fill(world.folders[RIG], {"a": b"a"})
    world.admin.fail_tasks("hold")
    task_id = manager.submit(request(manager, [TransferItem("/a", "/a")]))
    assert manager.tasks([task_id])[task_id].state == "ACTIVE"
    manager.cancel(task_id)
    status = wait(manager, task_id)
    assert status.state == "FAILED"
    assert "cancel" in str(status.fatal_error or status.nice_status).lower()
    manager.cancel(task_id)
    with pytest.raises(GlobusError):
        manager.cancel("5f0e4cb1-0000-4000-9000-000000000000")


def test_a_paused_task_is_told(world, manager):
    fill(world.folders[RIG], {"a": b"a"})
    world.admin.fail_tasks("pause")
    task_id = manager.submit(request(manager, [TransferItem("/a", "/a")]))
    assert manager.tasks([task_id])[task_id].is_paused
    manager.cancel(task_id)


def test_a_submission_without_consent_names_the_collection(world, manager):
    from .conftest import SCOPE

    fill(world.folders[RIG], {"a": b"a"})
    made = request(manager, [TransferItem("/a", "/a")])
    world.admin.withdraw_consents(SCOPE.format(LAB))
    with pytest.raises(LoginNeeded, match="Petrel"):
        manager.submit(made)


def test_a_submission_to_an_unknown_collection_names_both(world, manager):
    world.admin.set_collection(SHARE, missing=True)
    with pytest.raises(CollectionNotFound, match=SHARE):
        manager.submit(request(manager, [TransferItem("/a", "/a")], destination_endpoint=SHARE))


def test_skipped_files_are_listed(world, manager):
    fill(world.folders[RIG], {"a": b"a", "b": b"b"})
    world.admin.fail_tasks("skip", path="*a")
    task_id = manager.submit(request(manager, [TransferItem("/a", "/a"), TransferItem("/b", "/b")]))
    wait(manager, task_id)
    assert list(manager.skipped(task_id)) == ["/a"]
    assert list(manager.transferred(task_id)) == ["/b"]


# --- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [{"status": 429, "retry_after": 1}, {"status": 503}, {"mode": "lost"}, {"mode": "cut"}]
)
def test_passing_faults_do_not_show(world, manager, fault):
    fill(world.folders[LAB], {"a": b"a"})
    world.admin.fail_requests("*ls", **fault)
    assert [each.name for each in manager.ls(LAB, "/")] == ["a"]


def test_several_threads_share_a_manager(world, manager):
    fill(world.folders[LAB], {f"{n}/{n}": b"" for n in range(8)})
    found, errors = {}, []

    def look(n):
        try:
            found[n] = [each.name for each in manager.ls(LAB, f"/{n}")]
        except Exception as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=look, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert found == {n: [str(n)] for n in range(8)}


def test_a_local_service_that_went_away_is_found_again_at_its_new_port(world, manager):
    from mapshell.sandbox import service

    fill(world.folders[LAB], {"a": b"a"})
    folder = world.info.folder
    service.stop(folder)
    try:
        with pytest.raises((ServiceError, GlobusError), match="mapshell services start"):
            manager.ls(LAB, "/")
    finally:
        fresh = service.start(folder)
        object.__setattr__(world.info, "port", fresh.port)
        for name in ("auth_url", "transfer_url", "pid", "nonce", "admin_token"):
            object.__setattr__(world.info, name, getattr(fresh, name))
    assert [each.name for each in manager.ls(LAB, "/")] == ["a"]
