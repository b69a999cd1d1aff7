"""Files that must not be archived are named, with cause and remedy; the other sessions are archived all the same."""

import json
import os
import socket
import sys
import time

import pytest

from tests.integration.publish.bench import edit, old, only, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes pipes, sockets, links and odd names: POSIX")


def _shorter(folder):
    path = only(folder, "*.bin")
    path.write_bytes(path.read_bytes()[:-60])
    old(path)


def _half_a_frame(folder):
    path = only(folder, "*.bin")
    path.write_bytes(path.read_bytes()[:-1])
    old(path)
    edit(only(folder, "*.meta"), fileSizeBytes=str(path.stat().st_size), fileSHA1="0")


def _emptied(folder):
    write(only(folder, "*.bin"), b"")


def _growing_still(folder):
    edit(only(folder, "*.meta"), fileSizeBytes=None, fileSHA1=None, fileTimeSecs=None)


def _touched_now(folder):
    os.utime(only(folder, "*.bin"))


def _from_the_future(folder):
    later = time.time() + 7200
    os.utime(only(folder, "*.bin"), (later, later))


def _compressed_without_index(folder):
    path = only(folder, "*.bin")
    path.rename(path.with_name(path.name.replace(".bin", ".cbin")))


def _socket(folder):
    # The path of a socket may have 108 characters at most: bind by a relative name.
    before = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("live.sock")
    finally:
        os.fchdir(before)
        os.close(before)


def _link(target):
    return lambda folder: (folder / "linked.dat").symlink_to(target)


def _not_utf8(folder):
    with open(os.fsencode(folder) + b"/caf\xe9.txt", "wb") as file:  # noqa: PTH123 - bytes are no path
        file.write(b"x")


def _too_long(folder):
    deep = folder
    for _ in range(5):
        deep /= "d" * 220
    write(deep / "file.txt", b"x")


# name: (what is done to the session's folder, its state, the file that is named, words of the cause)
REFUSED = {
    "shorter than its meta says": (_shorter, "refused", ".ap.bin", "bytes"),
    "not whole frames": (_half_a_frame, "refused", ".ap.bin", "frame"),
    "empty bin": (_emptied, "refused", ".ap.bin", "empty"),
    "no meta": (lambda folder: only(folder, "*.meta").unlink(), "refused", ".ap.bin", "no .meta file"),
    "garbage for a meta": (lambda f: write(only(f, "*.meta"), b"\0\xff\n"), "refused", ".ap.meta", ""),
    "still recording": (_growing_still, "recording", ".ap.meta", "has not ended"),
    "written a moment ago": (_touched_now, "recording", ".ap.bin", "modified"),
    "from the future": (_from_the_future, "recording", ".ap.bin", "clock"),
    "wrong duration": (lambda f: edit(only(f, "*.meta"), fileTimeSecs="999"), "refused", ".ap.bin", "999"),
    "compressed without .ch": (_compressed_without_index, "refused", ".ap.cbin", "no .ch file"),
    "pipe": (lambda folder: os.mkfifo(folder / "pipe.meta"), "refused", "pipe.meta", "not a regular file"),
    "socket": (_socket, "refused", "live.sock", "not a regular file"),
    "link inside": (_link("SC038.txt"), "refused", "linked.dat", "link"),
    "link outside": (_link("/etc/passwd"), "refused", "linked.dat", "/etc/passwd"),
    "link loop": (_link("linked.dat"), "refused", "linked.dat", "link"),
    "link to a folder": (_link(".."), "refused", "linked.dat", "link"),
    "not UTF-8": (_not_utf8, "refused", "caf", "not UTF-8"),
    "backslash": (lambda folder: write(folder / "a\\b.txt", b"x"), "refused", "a\\b.txt", "backslash"),
    "too long a subpath": (_too_long, "refused", "file.txt", "1024"),
}


def _without_bin(folder):
    only(folder, "*.bin").unlink()


def _parent_of_shanks(folder):
    meta = only(folder, "*.meta")
    write(meta.with_name(meta.name.replace(".imec0.", ".imec1.")), meta.read_bytes())


def _unknown_sha1(folder):
    edit(only(folder, "*.meta"), fileSHA1="0")


def _before_1970(folder):
    os.utime(only(folder, "*.bin"), (-1000, -1000))


# What looks odd and is archived.
ARCHIVED = {
    "plain": lambda folder: None,
    "meta without bin": _parent_of_shanks,
    "only a meta": _without_bin,
    "older than 1970": _before_1970,
    "empty side file": lambda folder: write(folder / "notes.txt", b""),
    "unknown SHA1": _unknown_sha1,
}


@pytest.fixture
def days(bench):
    """One session for each case, by name: its folder."""
    folders = {}
    for name, spoil in {**{name: case[0] for name, case in REFUSED.items()}, **ARCHIVED}.items():
        folders[name] = bench.session(name)
        spoil(folders[name])
    return folders


@pytest.mark.fault(23, 24, 25, 26, 36, 37)
def test_each_defect_is_named_and_the_others_are_archived(bench, days):
    dry = bench.command("--dry-run", check=3)["sessions"]
    assert {name: row["state"] for name, row in dry.items() if name in REFUSED} == {
        name: case[1] for name, case in REFUSED.items()
    }
    assert not bench.rig.tasks()
    assert not bench.there()

    sessions = bench.command(check=3)["sessions"]
    for name, (_, state, file, cause) in REFUSED.items():
        row = sessions[name]
        assert row["state"] == state, (name, row)
        assert file in row["reason"], (name, row["reason"])
        assert cause in row["reason"], (name, row["reason"])
        assert row["remedy"], name
        assert row["sent_files"] == 0
        bench.assert_untouched(days[name])
    for name in ARCHIVED:
        assert sessions[name]["state"] == "archived", (name, sessions[name])
    bench.assert_archived(*(days[name] for name in ARCHIVED))
    assert bench.archived_keys() == {bench.keys[name] for name in ARCHIVED}
    assert {detail["rule"] for detail in sessions["meta without bin"]["details"]} == {"meta-without-bin"}

    rows = bench.indexed()
    subpath = only(days["unknown SHA1"], "*.bin").relative_to(bench.ephys).as_posix()
    assert rows[subpath]["sha1_source"] == "computed"
    subpath = only(days["plain"], "*.bin").relative_to(bench.ephys).as_posix()
    assert rows[subpath]["sha1_source"] == "meta"

    status = json.loads(bench.run("publication-status", "--type", "ephys", "--format", "json", check=0)[0])
    states = {(row["subject_id"], row["session"]): row for row in status["sessions"]}
    for name, (_, state, file, _) in REFUSED.items():
        assert states[bench.keys[name]]["state"] == state
        assert file in states[bench.keys[name]]["reason"]

    # What a person reads: every refusal again, with its remedy; nothing is sent a second time.
    tasks = len(bench.rig.tasks())
    told = bench.tell(check=3)
    for _, _, file, cause in REFUSED.values():
        assert file in told
        assert cause in told
    assert told.count("Remedy:") == len(REFUSED)
    assert len(bench.rig.tasks()) == tasks


@pytest.mark.fault(23, 26)
def test_all_defects_of_a_session_are_told_at_once(bench):
    folder = bench.session("many")
    _shorter(folder)
    os.mkfifo(folder / "pipe")
    _link("nowhere")(folder)
    (outcome,) = bench.publish().outcomes
    assert {detail["rule"] for detail in outcome.details} >= {"special-file", "link", "size"}
    assert "more)" in outcome.reason


@pytest.mark.fault(26)
def test_a_defect_that_is_mended_is_archived(bench):
    folder = bench.session("linked")
    (folder / "linked.dat").symlink_to("nowhere")
    assert bench.outcomes(bench.publish())["linked"].state == "refused"
    (folder / "linked.dat").unlink()
    assert bench.outcomes(bench.publish())["linked"].state == "archived"
    bench.assert_archived(folder)
