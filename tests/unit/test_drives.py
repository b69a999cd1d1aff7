"""Loose drives, the pure part: which folders are session folders, what systems say of volumes, paths in Globus."""

import json
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.naming import compile_layout, parse_folder
from pipeline.drives import volumes_linux, volumes_macos, volumes_windows
from pipeline.drives.places import places
from pipeline.drives.reach import follows
from pipeline.drives.survey import Folder
from pipeline.drives.volumes import Volume

ANIMALS = ("SC038", "SC022", "HH102", "dl59")
RIG = "c40e971d-0075-4a82-b12f-8f9717762e7b"


def drive(*paths, above=("media", "BACKUP3"), layouts=None, animals=ANIMALS):
    """Return the session folders of a drive with these files: its places by folder, and the loose folders."""
    from pipeline.archive.naming import parse_file, parse_video

    folders, known = [Folder((), -1)], {(): 0}
    for path in paths:
        *names, leaf = path.split("/")
        for depth in range(1, len(names) + 1):
            if tuple(names[:depth]) not in known:
                known[tuple(names[:depth])] = len(folders)
                folders.append(Folder(tuple(names[:depth]), known[tuple(names[: depth - 1])]))
        folder = folders[known[tuple(names)]]
        folder.files, folder.size = folder.files + 1, folder.size + 10
        folder.ephys += parse_file(leaf) is not None
        if parse_file(leaf) is None and (video := parse_video(leaf)):
            folder.videos += 1
            folder.animals.add(video.h2o)
    found, loose = places(folders, above, animals, layouts or {})
    return {place.folder: place for place in found}, {each.folder: each for each in loose}


BIN = "SC038_111919_g0_t0.imec0.ap.bin"


@pytest.mark.parametrize(
    ("path", "above", "folder", "subpath"),
    [
        (f"SC038/SC038_111919_g0/{BIN}", (), "SC038/SC038_111919_g0", "SC038/SC038_111919_g0"),
        (f"old/2019/SC038/SC038_111919_g0/{BIN}", (), "old/2019/SC038/SC038_111919_g0", "SC038/SC038_111919_g0"),
        (f"SC038_111919_g0/{BIN}", (), "SC038_111919_g0", "SC038/SC038_111919_g0"),
        (f"stuff/catgt_SC038_111919_g0/{BIN}", (), "stuff/catgt_SC038_111919_g0", "SC038/catgt_SC038_111919_g0"),
        (f"sc038/SC038_111919_g0/{BIN}", (), "sc038/SC038_111919_g0", "SC038/SC038_111919_g0"),
        (f"SC038_111919_g0/{BIN}", ("media", "SC038"), "SC038_111919_g0", "SC038/SC038_111919_g0"),
        (BIN, ("SC038", "SC038_111919_g0"), ".", "SC038/SC038_111919_g0"),
        (BIN, ("Downloads", "SC038_111919_g0"), ".", "SC038/SC038_111919_g0"),
        ("SC022/20190303/1/SC022_g0_t0.imec0.ap.bin", (), "SC022/20190303/1", "SC022/20190303/1"),
        ("x/HH102/catgt_HH102S10_C04P02_g0/a.txt", (), "x/HH102/catgt_HH102S10_C04P02_g0", None),
        ("dl59/2018-12-07/video/dl59_side_108-0000.avi", (), "dl59/2018-12-07", "dl59/2018-12-07"),
        ("films/2018-12-07/dl59_side_108-0000.avi", (), "films/2018-12-07", "dl59/2018-12-07"),
        ("DL59/2018-12-07/dl59_side_108-0000.avi", (), "DL59/2018-12-07", "dl59/2018-12-07"),
    ],
)
def test_session_folders_of_known_animals_wherever_they_lie(path, above, folder, subpath):
    found, loose = drive(path, above=above or ("media", "BACKUP3"))
    assert list(found) == [folder]
    assert found[folder].known
    assert found[folder].subpath == (subpath or found[folder].subpath)
    assert parse_folder(found[folder].subpath, found[folder].kind).h2o == found[folder].h2o
    assert not loose


def test_a_day_of_both_kinds_is_two_sessions_folders():
    found, loose = drive("SC022/20190303/1/SC022_g0_t0.imec0.ap.bin", "SC022/20190303/video/SC022_side_1-0000.avi")
    assert {folder: (place.kind, place.files) for folder, place in found.items()} == {
        "SC022/20190303": ("video", 1),
        "SC022/20190303/1": ("ephys", 1),
    }
    assert found["SC022/20190303"].elsewhere == {"SC022/20190303/1"}
    assert not loose


@pytest.mark.parametrize(
    ("path", "h2o"),
    [
        ("SC099/SC099_111919_g0/SC099_111919_g0_t0.imec0.ap.bin", "SC099"),
        ("backup/SC099_111919_g0/SC099_111919_g0_t0.imec0.ap.bin", "SC099"),
        ("Testing Data/test4olivier_g0/test4olivier_g0_imec1/test4olivier_g0_t0.imec1.ap.bin", "Testing Data"),
        ("DL99/20190303/1/DL99_g0_t0.imec0.ap.bin", "DL99"),
        ("backup/2019-05-01/XX99/08082019/video/XX99_side_1-0000.avi", "XX99"),
    ],
)
def test_recordings_of_unknown_animals(path, h2o):
    found, loose = drive(path)
    (place,) = found.values()
    assert (place.known, place.h2o, place.files) == (False, h2o, 1)
    assert not loose


def test_what_is_only_named_like_a_day_is_no_recording():
    found, loose = drive("photos/2019-05-01/beach.jpg", "letters_g0/a.doc")
    assert found == loose == {}


def test_recordings_in_no_session_folder_are_told():
    found, loose = drive(BIN, "bin/SC038_side_1-0000.avi", "SC038/notes.txt")
    assert not found
    assert {folder: each.files for folder, each in loose.items()} == {".": 1, "bin": 1}


def test_a_layout_of_the_lab_counts_too():
    layout = compile_layout("{h2o}/{date:%Y-%m-%d}/{ident}")
    found, _ = drive("deep/SC038/2019-11-19/first/x.bin", layouts={"ephys": [layout]})
    assert found["deep/SC038/2019-11-19/first"].subpath == "SC038/2019-11-19/first"


NAMES = st.sampled_from(
    [
        "SC038",
        "SC022",
        "20190303",
        "1",
        "SC038_111919_g0",
        "catgt_SC038_111919_g0",
        "video",
        "x",
        "SC099_g0",
        "2018-12-07",
    ]
)
LEAVES = st.sampled_from([BIN, "SC022_side_1-0000.avi", "a.txt", "SC099_g0_t0.nidq.bin"])
PATHS = st.lists(st.tuples(st.lists(NAMES, max_size=5), LEAVES), max_size=12)


@given(PATHS)
def test_every_file_is_in_one_place_or_in_none(drawn):
    paths = {"/".join((*names, leaf)) for names, leaf in drawn}
    found, loose = drive(*paths)
    owners = {}
    for path in paths:
        inside = [folder for folder in found if folder == "." or path.startswith(f"{folder}/")]
        if inside:
            owner = max(inside, key=len)
            owners[owner] = owners.get(owner, 0) + 1
        elif not path.endswith("a.txt"):
            assert (path.rpartition("/")[0] or ".") in loose
    assert {folder: place.files for folder, place in found.items() if place.files} == owners
    for place in found.values():
        assert place.known == (place.h2o in ANIMALS)


# -- volumes ------------------------------------------------------------------------------------------------------


def test_lsblk_tells_the_volume_and_the_serial_of_the_drive_below_it():
    said = {
        "blockdevices": [
            {
                "name": "sdb1", "label": "BACKUP3", "uuid": "01D9C1A2B3C4D5E6", "serial": None, "fstype": "ntfs",
                "size": 4000752599040,
                "children": [{"name": "sdb", "label": None, "uuid": None, "serial": " WX21A\n", "size": 4000787030016}],
            }
        ]
    }  # fmt: skip
    found = volumes_linux.read(json.dumps(said), Path("/media/me/BACKUP3"))
    assert (found.label, found.serial, found.volume_id) == ("BACKUP3", "WX21A", "01D9C1A2B3C4D5E6")
    assert (found.filesystem, found.size) == ("ntfs", 4000752599040)


@pytest.mark.parametrize("said", ["", "lsblk: not a block device", "[]", '{"blockdevices": []}', "null"])
def test_what_lsblk_does_not_tell_is_unknown(said):
    found = volumes_linux.read(said, Path("/media/x"))
    assert found == Volume(Path("/media/x"))
    assert found.identity == ""


def test_blkid_tells_what_lsblk_cannot_without_udev():
    said = "DEVNAME=/dev/loop0\nLABEL=BACK\\ UP3\nUUID=bd58\nTYPE=ext4\n"
    found = volumes_linux.read_blkid(said, Volume(Path("/m"), size=5))
    assert found == Volume(Path("/m"), "BACK UP3", "", "bd58", "ext4", 5)
    assert volumes_linux.read_blkid("", found) == Volume(Path("/m"), "BACK UP3", "", "", "ext4", 5)


def test_diskutil_tells_the_volume():
    import plistlib

    said = plistlib.dumps({"VolumeName": "BACKUP3", "VolumeUUID": "AB-CD", "FilesystemType": "apfs", "TotalSize": 5})
    found = volumes_macos.read(said, Path("/Volumes/BACKUP3"))
    assert (found.label, found.volume_id, found.filesystem, found.size) == ("BACKUP3", "AB-CD", "apfs", 5)


@pytest.mark.parametrize(("filesystem", "on_linux"), [("ntfs", "01D9C1A2B3C4D5E6"), ("exfat", "B3C4-D5E6")])
def test_windows_and_linux_agree_which_volume_it_is(filesystem, on_linux):
    here = Volume(Path("/media/x"), volume_id=on_linux, filesystem=filesystem)
    there = Volume(Path("E:/"), volume_id=volumes_windows.written(0xB3C4D5E6), filesystem=filesystem.upper())
    assert here.identity == there.identity


# -- paths in Globus ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "pairs", "expected"),
    [
        ("/data/old/x", [("/data", "/"), ("/data/old", "/old drives")], "/old drives/x"),
        ("/media/me/B", [("/", "/")], "/media/me/B"),
        ("/media/me/B", [("/data/recordings", "/data/recordings")], "/media/me/B"),
        ("/media/me/B", [("/data/recordings", "/recordings")], None),
        ("/home/me/B", [("/home/me/rec", "/~/rec")], "/~/B"),
        ("/home/me", [("/home/me/rec", "/~/rec")], "/~"),
        ("/home/you/B", [("/home/me/rec", "/~/rec")], None),
        ("/media/me/B", [], None),
        ("/media/me/B", [("/data/recordings", "/~/")], None),
    ],
)
def test_where_globus_sees_a_folder_follows_from_what_is_known(place, pairs, expected):
    known = [(PurePosixPath(local), RIG, there) for local, there in pairs]
    assert next(follows(PurePosixPath(place), known), (RIG, None)) == (RIG, expected)


@pytest.mark.parametrize(
    ("place", "local", "there", "expected"),
    [
        ("E:/", "D:/recordings", "/D/recordings", "/E"),
        ("E:/old/SC038", "D:/recordings", "/D/recordings", "/E/old/SC038"),
        ("D:/old", "D:/recordings", "/D/recordings", "/D/old"),
        ("D:/recordings/old", "D:/recordings", "/rec", "/rec/old"),
        ("E:/old", "D:/recordings", "/rec", None),
        ("//server/share/old", "D:/recordings", "/D/recordings", None),
    ],
)
def test_where_globus_sees_a_drive_of_windows(place, local, there, expected):
    known = [(PureWindowsPath(local), RIG, there)]
    assert next(follows(PureWindowsPath(place), known), (RIG, None)) == (RIG, expected)
