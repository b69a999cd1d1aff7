"""What is no file, wherever a command looks for files: named, never opened, never followed, and nobody waits for it."""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import timedelta

import pytest

from mapshell.errors import DONE, PARTLY
from pipeline import publication
from tests.integration.publish.bench import DAY, SC048, only, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes pipes, sockets and links: POSIX")


def traps(folder, outside):
    """Put everything into a folder that a walk must not open or follow; return the names."""
    os.mkfifo(folder / "trap_g0_t0.imec0.ap.meta")
    os.mkfifo(folder / "trap_g0_t0.imec0.ap.bin")
    (folder / "loop").symlink_to("loop")
    (folder / "up").symlink_to("..", target_is_directory=True)
    (folder / "out").symlink_to(outside, target_is_directory=True)
    (folder / "out.meta").symlink_to(next(outside.rglob("*.meta")))
    here = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("live.sock")
    finally:
        os.fchdir(here)
        os.close(here)
    return {path.name for path in folder.iterdir() if path.is_symlink() or not (path.is_file() or path.is_dir())}


@pytest.mark.fault(26)
def test_no_command_opens_or_follows_them_on_this_computer(bench):
    good, bad = bench.session("good"), bench.session("bad")
    outside = bench.record("SC038_010119", bench_day(2019), base=bench.rig.folder / "outside").parent
    names = traps(bad, outside)
    assert len(names) == 7
    traps(bench.ephys, outside)
    traps(bench.ephys / "SC038", outside)
    # In processes of their own: one that opened a pipe would wait there for ever.
    row = bench.read(bench.rig.run("publication-publish", "--type", "ephys", "--format", "json", check=PARTLY).stdout)
    assert row["sessions"]["good"]["state"] == "archived"
    assert row["sessions"]["bad"]["state"] == "refused"
    said = json.dumps(row["sessions"]["bad"])
    for name in names:
        assert name in said, name
    bench.assert_archived(good)
    bench.assert_untouched(bad)
    assert not [name for name in bench.there() if "010119" in name]
    for command in (
        ("ingest-recordings", "--dry-run"),
        ("ingest-drive", str(bench.ephys)),
        ("publication-status",),
        ("publication-verify", "--type", "ephys"),
    ):
        done = bench.rig.run(*command, "--format", "json")
        assert done.returncode in (DONE, PARTLY), (command, done.stderr)
        assert "Traceback" not in done.stderr
        if command[0].startswith("ingest"):
            assert "2019-01-01" not in done.stdout, command


@pytest.mark.fault(26)
def test_no_command_follows_them_at_the_archive(bench):
    bench.session("one")
    assert bench.publish().whole
    folder = bench.archive / only(bench.ephys / "SC038", "*.bin").parent.relative_to(bench.ephys)
    outside = bench.record("SC038_010119", bench_day(2019), base=bench.rig.folder / "outside").parent
    for place in (bench.archive, bench.archive / "SC038", folder):
        traps(place, outside)
    before = bench.indexed()
    for command in ("publication-discover", "publication-verify"):
        done = bench.rig.run(command, "--type", "ephys", "--format", "json")
        assert done.returncode in (DONE, PARTLY), (command, done.stderr)
        assert "Traceback" not in done.stderr
    assert bench.indexed() == before
    assert not [row for row in publication.DataSet.to_dicts() if "2019" in str(row["dataset_date"])]


@pytest.mark.fault(26, 41)
@pytest.mark.parametrize("what", ["pipe", "socket", "link loop", "link outside"])
def test_what_bears_a_files_name_is_not_written_to(home, tmp_path, what):
    name = home.pick("params.py")
    path, victim = home.root / name, write(tmp_path / "victim", b"precious")
    path.parent.mkdir(parents=True)
    if what == "socket":
        here = os.open(".", os.O_RDONLY)
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
        os.fchdir(here)
        os.close(here)
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(victim if what == "link outside" else path.name)
    for options in ((), ("--overwrite",)):
        document = home.command(*options, code=PARTLY)
        verdicts = {each["subpath"]: each for each in document["files"]}
        assert verdicts[name]["verdict"] == "refused"
        assert verdicts[name]["remedy"]
        assert not path.is_file() or path.is_symlink()
    assert victim.read_bytes() == b"precious"
    path.unlink()
    assert home.retrieve().whole
    home.assert_same()


def bench_day(year):
    from datetime import datetime

    return datetime(year, 1, 1, 10)  # noqa: DTZ001 - local time, as a rig's


@pytest.mark.fault(26, 36)
def test_links_and_unsafe_names_of_whole_folders_are_named(bench):
    good = bench.session("good")
    bench.enter("linked", (DAY + timedelta(days=9)).date())
    bench.enter("other animal", DAY.date(), subject=SC048)
    elsewhere = bench.record("SC038_051020", DAY + timedelta(days=9), base=bench.rig.folder / "elsewhere")
    (bench.ephys / "SC038" / elsewhere.name).symlink_to(elsewhere)
    (bench.ephys / "SC048").symlink_to(bench.rig.folder / "elsewhere" / "SC038")
    os.mkdir(os.fsencode(bench.ephys) + b"/SC038/SC038_051120_caf\xe9_g0")  # noqa: PTH102 - bytes are no path
    document = bench.command(check=3)
    strays = {stray["folder"]: stray for stray in document["folders_without_session"]}
    assert set(strays) == {f"SC038/{elsewhere.name}", "SC048", "SC038/SC038_051120_caf\\udce9_g0"}
    assert all(stray["refused"] and stray["remedy"] for stray in strays.values())
    assert "link" in strays["SC048"]["reason"]
    assert "UTF-8" in strays["SC038/SC038_051120_caf\\udce9_g0"]["reason"]
    bench.assert_archived(good)
    assert bench.archived_keys() == {bench.keys["good"]}
