"""Looking at and arranging files: every filter and order, links, odd names, homes, and what is refused."""

from __future__ import annotations

import os
import unicodedata

import globus_sdk
import pytest

from mapshell.sandbox.service import CollectionSpec

from .conftest import ARCHIVE, GUEST, POSIX, RIG, ended, items
from .test_files import folder, names  # noqa: F401 - a fixture
from .test_transfer import failing

DAY = 86_400
#: Names with every kind of character that some system or program stumbles over.
ODD = [" lead", "trail ", "#%&'\"+", "new\nline", "tab\there", "-x", "~", "$HOME", "*?[a]", "a;b|c", "\x7f", "x" * 255]
ODD += [
    "%2e%2e",
    "..x",
    "...",
    "\u202eright",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "nul\u2400",
]
ODD += ["back\\slash", "a:b", "<>", "CON", "cafe\u0301", "caf\u00e9", "\ufffd", "\r"]


@pytest.fixture
def three(folder):  # noqa: F811 - the fixture
    """Three files of different ages and sizes, a folder, and a hidden file."""
    for number, name in enumerate(("b.bin", "A.bin", "c.txt")):
        (folder / name).write_bytes(b"x" * (3 - number))
        os.utime(folder / name, (1_600_000_000 + number * DAY,) * 2)
    (folder / "sub").mkdir()
    os.utime(folder / "sub", (1_500_000_000,) * 2)
    (folder / ".hidden").write_text("")
    os.utime(folder / ".hidden", (1_400_000_000,) * 2)
    return f"/{folder.name}/"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, "sub .hidden A.bin b.bin c.txt"),
        ({"show_hidden": False}, "sub A.bin b.bin c.txt"),
        ({"show_hidden": True, "orderby": "name"}, ".hidden A.bin b.bin c.txt sub"),
        ({"orderby": "size DESC,name"}, None),
        ({"orderby": ["type DESC", "last_modified DESC"]}, "c.txt A.bin b.bin .hidden sub"),
        ({"filter": "name:b.bin"}, "b.bin"),
        ({"filter": "name:=b.bin,c.txt"}, "b.bin c.txt"),
        ({"filter": "name:~a*"}, "A.bin"),
        ({"filter": "name:!~*.bin,!sub"}, ".hidden c.txt"),
        ({"filter": "name:~*.bin,!b.bin"}, "A.bin"),
        ({"filter": {"type": "file", "name": "~*.bin"}}, "A.bin b.bin"),
        ({"filter": {"type": ["dir", "invalid_symlink"]}}, "sub"),
        ({"filter": ["type:dir", {"name": ["c.txt", "nothing"]}]}, "sub c.txt"),
        ({"filter": "type:file/size:>2"}, "b.bin"),
        ({"filter": "type:file/size:<=1"}, ".hidden c.txt"),
        ({"filter": "size:2"}, "A.bin"),
        ({"filter": "last_modified:2020-09-14,"}, "A.bin c.txt"),
        ({"filter": {"last_modified": ["", "2017-12-31"]}}, "sub .hidden"),
        ({"filter": "last_modified:2020-09-13 00:00:00,2020-09-13T23:59:59+00:00"}, "b.bin"),
        ({"filter": "permissions:0000"}, ""),
        ({"limit": 2}, "sub .hidden"),
        ({"limit": 2, "offset": 4}, "c.txt"),
        ({"limit": 0}, ""),
        ({"offset": 99}, ""),
    ],
)
def test_listings(client, three, options, found):
    answer = client.operation_ls(RIG, three, **options)
    if found is None:
        sizes = [entry["size"] for entry in answer]
        assert sizes == sorted(sizes, reverse=True)
    else:
        assert " ".join(names(answer)) == found
    assert (answer["length"], answer["path"], answer["absolute_path"]) == (len(answer["DATA"]), three, three)


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "colour:red"},
        {"filter": "name"},
        {"filter": "size:big"},
        {"filter": "size:>\u00b2"},
        {"filter": "last_modified:soon"},
        {"orderby": "link_target"},
        {"orderby": "name SIDEWAYS"},
        {"limit": "many"},
        {"offset": "-1"},
        {"local_user": "petrel"},
    ],
)
def test_listings_that_are_refused(client, three, options):
    error = failing(client.operation_ls, RIG, three, **options)
    assert (error.http_status, error.code) == (400, "ClientError.BadRequest")


def test_only_some_fields(client, three):
    answer = client.operation_ls(RIG, three, query_params={"fields": "name, size"}, filter="name:b.bin")
    assert answer["DATA"] == [{"name": "b.bin", "size": 3}]
    assert client.operation_stat(RIG, f"{three}b.bin", query_params={"fields": "size"}).data == {"size": 3}


def test_a_local_user_is_for_mapped_collections(sandbox, client):
    assert client.operation_ls(ARCHIVE, "/", local_user="petrel")["DATA_TYPE"] == "file_list"
    assert client.operation_stat(ARCHIVE, "/", local_user="petrel")["type"] == "dir"
    for call in (client.operation_mkdir, client.operation_stat):
        assert failing(call, GUEST, "/x", local_user="petrel").code == "ClientError.BadRequest"
    assert failing(client.operation_rename, GUEST, "/x", "/y", local_user="petrel").code == "ClientError.BadRequest"


@POSIX
def test_stat_of_everything(sandbox, client, folder):  # noqa: F811 - the fixture
    path = f"/{folder.name}"
    (folder / "file").write_bytes(b"12345")
    (folder / "file").chmod(0o640)
    (folder / "link").symlink_to("file")
    (folder / "broken").symlink_to("nowhere/at all")
    (folder / "out").symlink_to(sandbox.folder)
    os.mkfifo(folder / "pipe")
    told = {name: client.operation_stat(RIG, f"{path}/{name}").data for name in ("file", "link", "broken", "pipe")}
    assert {name: each["type"] for name, each in told.items()} == {
        "file": "file",
        "link": "file",
        "broken": "invalid_symlink",
        "pipe": "pipe",
    }
    assert (told["file"]["permissions"], told["file"]["link_target"], told["file"]["link_size"]) == ("0640", None, None)
    assert (told["link"]["link_target"], told["link"]["link_size"], told["link"]["size"]) == ("file", 4, 5)
    assert told["link"]["link_last_modified"]
    assert told["broken"]["link_target"] == "nowhere/at all"
    assert {each["DATA_TYPE"] for each in told.values()} == {"file"}
    listed = {entry["name"]: entry for entry in client.operation_ls(RIG, path)}
    assert {name: listed[name] for name in told} == told
    assert listed["out"]["type"] == "invalid_symlink"
    for directory in (path, f"{path}/", f"{path}/.", f"/~{path}", "/", "/~/", "~"):
        assert client.operation_stat(RIG, directory)["type"] == "dir"
    for missing in (f"{path}/none", f"{path}/none/below", f"{path}/file/below", f"{path}/file/", f"{path}/{'x' * 255}"):
        error = failing(client.operation_stat, RIG, missing)
        assert (error.http_status, error.code) == (404, "NotFound")
        assert missing in error.message
    for refused in ("/../x", "/a/../../x", f"{path}/out"):
        assert failing(client.operation_stat, RIG, refused).code == "EndpointPermissionDenied"
    for wrong in ("/a\0b", "/a\r\nb"):
        assert failing(client.operation_stat, RIG, wrong).code == "ClientError.BadRequest.InvalidPath"


def test_homes_and_paths_without_one(sandbox, client, folder):  # noqa: F811 - the fixture
    (folder / "home").mkdir()
    (folder / "home" / "in it").write_text("")
    sandbox.admin.set_collection(RIG, home=f"/{folder.name}/home")
    try:
        for path, shown in ((globus_sdk.MISSING, "/~/"), ("/~/", "/~/"), ("~", "~/"), ("", "/~/"), (".", "./")):
            answer = client.operation_ls(RIG, path)
            assert names(answer) == ["in it"]
            assert (answer["path"], answer["absolute_path"]) == (shown, f"/{folder.name}/home/")
        assert client.operation_stat(RIG, "in it")["name"] == "in it"
        client.operation_mkdir(RIG, "~/new")
        assert (folder / "home" / "new").is_dir()
    finally:
        sandbox.admin.set_collection(RIG, home="/")


def test_making_and_renaming(sandbox, client, folder):  # noqa: F811 - the fixture
    path = f"/{folder.name}"
    told = client.operation_mkdir(RIG, f"{path}/new/")
    assert (told["DATA_TYPE"], told["message"]) == ("mkdir_result", "The directory was created successfully")
    (folder / "file").write_text("")
    for taken in ("new", "file"):
        error = failing(client.operation_mkdir, RIG, f"{path}/{taken}")
        assert (error.http_status, error.code) == (502, "ExternalError.MkdirFailed.Exists")
    for orphan in ("none/below", "file/below"):
        error = failing(client.operation_mkdir, RIG, f"{path}/{orphan}")
        assert (error.http_status, error.code) == (404, "ClientError.NotFound")
        assert "No such file or directory" in error.message
    error = failing(client.operation_mkdir, RIG, f"{path}/{'x' * 300}")
    assert (error.http_status, error.code) == (502, "ExternalError.MkdirFailed")
    # From one folder to another, a folder with what is in it.
    (folder / "new" / "inner").write_text("")
    assert client.operation_rename(RIG, f"{path}/file", f"{path}/new/moved")["code"] == "FileRenamed"
    client.operation_rename(RIG, f"{path}/new", f"{path}/newer")
    assert sorted(each.name for each in (folder / "newer").iterdir()) == ["inner", "moved"]
    (folder / "taken").write_text("kept")
    for new in (f"{path}/taken", f"{path}/newer"):
        error = failing(client.operation_rename, RIG, f"{path}/newer/moved", new)
        assert (error.http_status, error.code) == (502, "ExternalError.RenameFailed.Exists")
    assert (folder / "taken").read_text() == "kept"
    for old, new in ((f"{path}/none", f"{path}/x"), (f"{path}/taken", f"{path}/none/x")):
        error = failing(client.operation_rename, RIG, old, new)
        assert (error.http_status, error.code) == (404, "ClientError.NotFound")
    assert failing(client.operation_rename, RIG, f"{path}/newer", f"{path}/newer/in itself").http_status == 502
    for body in ({"path": 5}, {}, {"path": ""}, {"DATA_TYPE": "rename", "path": "/x"}):
        error = failing(client.post, f"/v0.10/operation/endpoint/{RIG}/mkdir", data=body)
        assert (error.http_status, error.code) == (400, "ClientError.BadRequest")


@POSIX
def test_making_links(sandbox, client, folder):  # noqa: F811 - the fixture
    path = f"/{folder.name}"
    resource = f"/v0.10/operation/endpoint/{RIG}/symlink"
    assert client.operation_ls(RIG, path)["symlink_supported"] is True
    told = client.post(resource, data={"DATA_TYPE": "symlink", "symlink_target": "any/where", "path": f"{path}/link"})
    assert told["code"] == "SymlinkCreated"
    assert os.readlink(folder / "link") == "any/where"  # noqa: PTH115 - as written
    error = failing(client.post, resource, data={"symlink_target": "x", "path": f"{path}/link"})
    assert (error.http_status, error.code) == (502, "ExternalError.SymlinkFailed.Exists")


@pytest.mark.parametrize("settings", [{"read_only": True}, {"denied": True}, {"offline": True}])
def test_what_goes_wrong_at_the_endpoint(sandbox, client, folder, settings):  # noqa: F811 - the fixture
    path = f"/{folder.name}"
    calls = {
        "DirListingFailed": lambda collection: client.operation_ls(collection, path),
        "MkdirFailed": lambda collection: client.operation_mkdir(collection, f"{path}/new"),
        "RenameFailed": lambda collection: client.operation_rename(collection, path, f"{path}2"),
    }
    for collection, reason in ((RIG, "GCDisconnected"), (GUEST, "ConnectFailed")):
        sandbox.admin.set_collection(collection, **settings)
        for failure, call in calls.items():
            if "read_only" in settings and failure == "DirListingFailed":
                continue
            error = failing(call, collection)
            if "offline" in settings:
                assert (error.http_status, error.code) == (502, f"ExternalError.{failure}.{reason}")
            else:
                assert (error.http_status, error.code) == (403, "EndpointPermissionDenied")
    assert folder.is_dir()


@POSIX
def test_odd_names_go_everywhere(sandbox, client, folder):  # noqa: F811 - the fixture
    path = f"/{folder.name}"
    for name in ODD:
        client.operation_mkdir(RIG, f"{path}/{name}")
        client.operation_rename(RIG, f"{path}/{name}", f"{path}/renamed")
        client.operation_rename(RIG, f"{path}/renamed", f"{path}/{name}")
        assert client.operation_stat(RIG, f"{path}/{name}")["name"] == name
        assert names(client.operation_ls(RIG, f"{path}/{name}")) == []
        (folder / name / "inner").write_bytes(name.encode())
    assert sorted(names(client.operation_ls(RIG, path))) == sorted(ODD)
    assert len({unicodedata.normalize("NFC", name) for name in ODD}) == len(ODD) - 1, "one name in two spellings"
    data = globus_sdk.TransferData(RIG, GUEST, verify_checksum=True)
    data.add_item(path, path)
    task = ended(client, client.submit_transfer(data)["task_id"])
    assert (task["status"], task["files_transferred"]) == ("SUCCEEDED", len(ODD))
    there = sandbox.folder / "guest" / folder.name
    assert {each.name: (each / "inner").read_bytes().decode() for each in there.iterdir()} == {
        name: name for name in ODD
    }
    moved = {each["source_path"] for each in client.task_successful_transfers(task["task_id"])}
    assert moved == {f"{path}/{name}/inner" for name in ODD}


@POSIX
def test_names_that_are_not_utf8(sandbox, client, folder):  # noqa: F811 - the fixture
    raw = [b"\xff\xfe", b"caf\xe9", b"\x80 \xf0\x28", "\ufffd".encode() + b"\xff"]
    for name in raw:
        with open(os.path.join(os.fsencode(folder), name), "wb") as stream:  # noqa: PTH118, PTH123 - bytes
            stream.write(name)
    shown = names(client.operation_ls(RIG, f"/{folder.name}"))
    assert len(set(shown)) == len(raw)
    assert all(name.startswith("\ufffd") for name in shown)
    for name in shown:
        assert client.operation_stat(RIG, f"/{folder.name}/{name}")["name"] == name
    data = items(globus_sdk.TransferData(RIG, GUEST), *(f"{folder.name}/{name}" for name in shown))
    assert ended(client, client.submit_transfer(data)["task_id"])["files_transferred"] == len(raw)
    arrived = os.listdir(os.fsencode(sandbox.folder / "guest" / "in" / folder.name))  # noqa: PTH208 - bytes
    assert sorted(arrived) == sorted(raw)
    data = globus_sdk.DeleteData(RIG)
    for name in shown:
        data.add_item(f"/{folder.name}/{name}")
    assert ended(client, client.submit_delete(data)["task_id"])["status"] == "SUCCEEDED"
    assert list(folder.iterdir()) == []


def test_a_large_folder_in_pages(sandbox, client, folder):  # noqa: F811 - the fixture
    for number in range(3000):
        (folder / f"{number:05}").touch()
    every = client.operation_ls(RIG, f"/{folder.name}")
    assert (every["length"], every["total"], every["limit"]) == (3000, 3000, 100_000)
    pages = [client.operation_ls(RIG, f"/{folder.name}", limit=1000, offset=offset) for offset in (0, 1000, 2000, 3000)]
    assert [page["length"] for page in pages] == [1000, 1000, 1000, 0]
    assert [name for page in pages for name in names(page)] == names(every)
    assert names(client.operation_ls(RIG, f"/{folder.name}", filter="name:~*77", limit=2)) == ["00077", "00177"]


def test_a_collection_whose_folder_is_gone(sandbox, client, tmp_path):
    gone = "00000000-0000-0000-0000-0000000000aa"
    sandbox.admin.put_collection(gone, CollectionSpec(tmp_path / "never made", name="Gone"))
    try:
        assert failing(client.operation_ls, gone, "/").code == "ClientError.NotFound"
        assert failing(client.operation_stat, gone, "/").code == "NotFound"
        assert failing(client.operation_mkdir, gone, "/x").code == "ClientError.NotFound"
    finally:
        sandbox.admin.call("DELETE", f"/collections/{gone}")
