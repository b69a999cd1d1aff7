"""Nothing outside of a collection is read, written or deleted, and nobody from elsewhere gets in unasked."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import threading

import globus_sdk
import psutil
import pytest

from mapshell.sandbox.anchor import READ, WRITE, Anchor
from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.listening import CONSENT, Names
from mapshell.sandbox.paths import Folder
from mapshell.sandbox.service import start, stop
from mapshell.sandbox.spec import CollectionSpec
from pipeline.errors import ServiceError, UsageError

from .conftest import GUEST, RIG, ended
from .test_transfer import failing

FILES = 150
needs_links = pytest.mark.skipif(os.name == "nt", reason="Windows makes links for administrators only")


@pytest.fixture
def place(tmp_path):
    """A collection's folder beside one that is nobody's business."""
    (tmp_path / "inside" / "folder").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    for folder in ("inside/folder", "outside"):
        (tmp_path / folder / "file").write_text(folder)
    return tmp_path


@pytest.fixture
def anchor(place):
    with contextlib.closing(Anchor(Folder(RIG, CollectionSpec(place / "inside")))) as anchor:
        yield anchor


def content(anchor, path):
    handle = anchor.open(path, READ)
    try:
        return os.read(handle, 100).decode()
    finally:
        os.close(handle)


@needs_links
def test_links_are_followed_only_within_the_collection(place, anchor):
    (place / "inside" / "near").symlink_to("folder")
    (place / "inside" / "far").symlink_to(place / "outside")
    (place / "inside" / "file").symlink_to(place / "outside" / "file")
    (place / "inside" / "own").symlink_to("near/file")
    assert content(anchor, "/near/file") == content(anchor, "/own") == "inside/folder"
    for path in ("/far/file", "/file", "/far/new", "/near/../../outside/file"):
        with pytest.raises(ApiError):
            content(anchor, path)
        with pytest.raises(ApiError):
            anchor.open(path, WRITE, make=True)
    with pytest.raises(ApiError), anchor.listed("/far/"):
        pass
    assert [path.name for path in (place / "outside").iterdir()] == ["file"]


@needs_links
def test_a_link_that_takes_the_place_of_a_folder_is_not_followed(place, anchor):
    """The path was resolved, and its folder opened, while it still was a folder."""
    assert content(anchor, "/folder/file") == "inside/folder"
    (place / "inside" / "folder").rename(place / "inside" / "old")
    (place / "inside" / "folder").symlink_to(place / "outside")
    assert content(anchor, "/folder/file") == "inside/folder", "it is the folder that was opened"
    anchor.close()
    with pytest.raises((ApiError, OSError)):
        content(anchor, "/folder/file")
    with pytest.raises((ApiError, OSError)):
        anchor.open("/folder/new", WRITE, make=True)
    assert [path.name for path in (place / "outside").iterdir()] == ["file"]


@needs_links
def test_what_is_denied_is_denied_by_every_way(place):
    (place / "inside" / "way").symlink_to("folder")
    (place / "inside" / "door").symlink_to("folder/file")
    folder = Folder(RIG, CollectionSpec(place / "inside", deny=("/folder*",)))
    with contextlib.closing(Anchor(folder)) as anchor:
        for path in ("/folder/file", "/way/file", "/door"):
            with pytest.raises(ApiError):
                content(anchor, path)
            with pytest.raises(ApiError):
                folder.local(path)


class Swapper(threading.Thread):
    """Lets a folder and a link to elsewhere take turns under one name, as often as it can."""

    def __init__(self, place, elsewhere):
        super().__init__()
        self.place, self.spare, self.link = place, place.with_name("spare"), place.with_name("link")
        self.link.symlink_to(elsewhere)
        self.over = threading.Event()
        self.swaps = 0

    def run(self):
        while not self.over.is_set():
            self.move(self.place, self.spare)
            self.move(self.link, self.place)
            self.swaps += 1
            self.move(self.place, self.link)
            self.move(self.spare, self.place)

    def move(self, old, new):
        while True:
            try:
                old.rename(new)
            except OSError:
                # Made by a transfer while nothing was there.
                shutil.rmtree(new, ignore_errors=True)
            else:
                return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


@needs_links
@pytest.mark.parametrize("side", ["source", "destination", "delete"])
def test_links_that_come_and_go_lead_nowhere(sandbox, client, tmp_path, side):
    (there := tmp_path / "there").mkdir()
    root = sandbox.rig if side == "source" else sandbox.folder / "guest"
    (mine := root / f"swap-{side}" / "here").mkdir(parents=True)
    for number in range(FILES):
        (there / f"{number}").write_text("elsewhere")
        (mine / f"{number}").write_text("here")
        (sandbox.rig / f"{number}").write_text("new")
    path = f"/swap-{side}/here"
    with Swapper(mine, there) as swapper:
        for turn in range(3):
            data = globus_sdk.TransferData(RIG, GUEST, skip_source_errors=True)
            if side == "delete":
                data = globus_sdk.DeleteData(endpoint=GUEST, recursive=True, ignore_missing=True)
            for number in range(FILES):
                if side == "source":
                    data.add_item(f"{path}/{number}", f"/swapped{turn}/{number}", recursive=False)
                elif side == "destination":
                    data.add_item(f"/{number}", f"{path}/{number}", recursive=False)
                else:
                    data.add_item(f"{path}/{number}")
            submit = client.submit_delete if side == "delete" else client.submit_transfer
            task = submit(data)["task_id"]
            if side == "source":
                assert ended(client, task)["status"] == "SUCCEEDED"
            else:
                # Whatever of it can be done is done, between two swaps.
                client.task_wait(task, timeout=1, polling_interval=1)
                client.cancel_task(task) if client.get_task(task)["status"] == "ACTIVE" else None
    assert swapper.swaps > 100
    assert [path.read_text() for path in there.iterdir()] == ["elsewhere"] * FILES
    arrived = [file for turn in range(3) for file in (sandbox.folder / "guest" / f"swapped{turn}").glob("*")]
    assert {file.read_text() for file in arrived} <= {"here"}


def test_a_file_is_not_copied_onto_itself(sandbox, client):
    """Not even by way of a hard link, which no path tells."""
    (sandbox.rig / "original").write_text("content")
    os.link(sandbox.rig / "original", sandbox.folder / "guest" / "same")
    data = globus_sdk.TransferData(RIG, GUEST)
    data.add_item("/original", "/same")
    task = client.submit_transfer(data)["task_id"]
    while not (seen := client.get_task(task))["faults"]:
        assert seen["status"] == "ACTIVE"
    client.cancel_task(task)
    assert (sandbox.rig / "original").read_text() == "content"


# Who gets in --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "host", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1:80", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "[::1]:80", True),
        ("127.0.0.1", "192.168.1.7:80", False),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "127.0.0.1.evil.example:80", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.168.1.7:80", True),
        ("0.0.0.0", "[fe80::1]:80", True),
        ("0.0.0.0", f"{socket.gethostname()}:80", True),
        ("0.0.0.0", "localhost:80", True),
        ("0.0.0.0", "evil.example:80", False),
        ("lab.example", "Lab.Example:80", True),
        ("lab.example", "evil.example", False),
    ],
)
def test_names_by_which_it_may_be_asked(address, host, allowed):
    assert Names(address).allow(host) == allowed


def test_it_listens_for_others_only_when_told_in_so_many_words(tmp_path):
    (tmp_path / "rig").mkdir()
    with pytest.raises(UsageError, match="anybody") as caught:
        start(tmp_path / "state", {RIG: tmp_path / "rig"}, listen="0.0.0.0")
    assert CONSENT in caught.value.remedy
    assert not (tmp_path / "state").exists()
    try:
        info = start(tmp_path / "state", {RIG: tmp_path / "rig"}, listen="0.0.0.0", consented=True)
        listening = [
            connection.laddr.ip
            for connection in psutil.Process(info.pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == ["0.0.0.0"]
        assert info.auth_url.startswith("http://127.0.0.1:")
        for host, expected in (("192.0.2.7", 200), (socket.gethostname(), 200), ("evil.example", 421)):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", info.port)) as connection:
                connection.request("GET", "/auth/nonce", headers={"Host": host})
                assert connection.getresponse().status == expected
        assert info.admin.call("GET", "/info")["auth_url"] == f"http://{socket.gethostname()}:{info.port}/auth"
        with pytest.raises(ServiceError, match="runs already"):
            start(tmp_path / "state", listen="0.0.0.0", consented=True)
    finally:
        stop(tmp_path / "state")
    # The next start is for this computer again.
    try:
        info = start(tmp_path / "state")
        assert info.admin.call("GET", "/info")["auth_url"] == f"http://127.0.0.1:{info.port}/auth"
    finally:
        stop(tmp_path / "state")


def test_an_address_of_another_computer_is_refused(tmp_path):
    with pytest.raises(ServiceError, match=r"192\.0\.2\.7"):
        start(tmp_path / "state", listen="192.0.2.7", consented=True)


def test_a_path_that_leads_out_is_refused_by_every_operation(sandbox, client):
    for path in ("/../x", "/~/../../x"):
        assert failing(client.operation_ls, RIG, path).http_status == 403
        assert failing(client.operation_mkdir, RIG, path).http_status == 403
        assert failing(client.operation_rename, RIG, path, "/y").http_status == 403
