"""What ``get`` brings, and what it says of it."""

import shutil

import pytest

SESSION = "SC038/SC038_111919_g0"
META = f"{SESSION}/SC038_111919_g0_t0.nidq.meta"


def verdicts(shelf, *args):
    return {row["subpath"]: row["verdict"] for row in shelf.json("get", *args)["files"]}


@pytest.mark.parametrize("via", ["https", "globus"])
def test_archived_bytes_that_are_others_now_are_not_brought(shelf, via):
    there = shelf.archive / "raw-ephys" / META
    to = shelf.rig / "ephys" / "got" if via == "globus" else shelf.folder / "got"
    there.write_bytes(there.read_bytes() + b"more")
    done = shelf.run("get", f"raw-ephys:/{META}", str(to), "--via", via)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert not (to / there.name).exists()
    there.write_bytes(b"x" * (there.stat().st_size - 4))
    assert shelf.run("get", f"raw-ephys:/{META}", str(to), "--via", via).returncode != 0
    assert not (to / there.name).exists()


def test_names_twice_empty_files_and_files_that_are_here(shelf):
    archive, to = shelf.archive / "raw-ephys", shelf.folder / "got"
    for name, text in (("a/x.txt", "one"), ("b/x.txt", "two"), ("a/empty.txt", "")):
        (archive / name).parent.mkdir(exist_ok=True)
        (archive / name).write_text(text)
    command = ("--via", "https", "raw-ephys:/a/x.txt", "raw-ephys:/b/x.txt", "raw-ephys:/a/empty.txt")
    done = shelf.run("get", *command, str(to))
    assert done.returncode == 3, done.stderr
    assert (to / "x.txt").read_text() == "one"
    assert (to / "empty.txt").read_bytes() == b""
    (to / "x.txt").write_text("mine")
    assert shelf.run("get", "--via", "https", "raw-ephys:/a/x.txt", str(to)).returncode == 3
    assert (to / "x.txt").read_text() == "mine"
    assert shelf.run("get", "--via", "https", "--overwrite", "raw-ephys:/a/x.txt", str(to)).returncode == 0
    assert (to / "x.txt").read_text() == "one"
    same = shelf.run("get", "--via", "https", "raw-ephys:/b/x.txt", "raw-ephys:/b/x.txt", str(shelf.folder / "other"))
    assert same.returncode == 0, same.stderr


def test_nothing_is_fetched_into_an_archive(shelf):
    from mapshell.demo.run import ARCHIVE

    done = shelf.run("get", f"raw-ephys:/{META}", f"{ARCHIVE}:/raw-video/x", "--via", "globus")
    assert done.returncode == 2
    assert "nothing is ever fetched into it" in done.stderr


def test_hostile_names_are_named_and_sums_say_that_they_lack(shelf):
    (shelf.archive / "raw-ephys" / "notes").mkdir()
    (shelf.archive / "raw-ephys" / "notes" / "a\\b\nfine").write_text("1234")
    (shelf.archive / "raw-ephys" / "notes" / "plain").write_text("12")
    (row, total) = shelf.json("du", "raw-ephys:/notes")
    assert (row["bytes"], row["whole"], total["whole"]) == (2, True, False)
    for args in (("ls", "raw-ephys:/notes"), ("ls", "-lR", "raw-ephys:/notes"), ("find", "raw-ephys:/notes")):
        done = shelf.run(*args)
        assert done.returncode == 3
        assert "\nfine" not in done.stdout + done.stderr
        assert done.stderr.count("backslash") == 1, done.stderr
    assert shelf.run("get", "-r", "raw-ephys:/notes", "here", "--via", "https").returncode != 0
    assert shelf.run("cp", "-r", "raw-ephys:/notes", "raw-ephys:/copy").returncode != 0
    assert not (shelf.archive / "raw-ephys" / "copy").exists()


def test_large_folders_are_shown_within_the_limit_of_requests(shelf):
    many = shelf.archive / "raw-ephys" / "many"
    for number in range(200):
        (many / f"{number:03d}").mkdir(parents=True)
        (many / f"{number:03d}" / "x").write_text("x")
    for number in range(3_000):
        (many / f"{number:05d}.txt").touch()
    shelf.admin.reset_counts()
    assert len(shelf.json("ls", "-R", "raw-ephys:/many")) == 3_400
    assert shelf.admin.total("transfer/operation/endpoint/<id>/ls") == 201
    assert shelf.json("du", "-s", "raw-ephys:/many")[0]["files"] == 3_200
    assert len(shelf.json("find", "raw-ephys:/many", "--unknown", "--name", "x")) == 200
    lines = shelf.run("ls", "-R", "raw-ephys:/many", "--format", "csv").stdout.splitlines()
    assert len(lines) == 3_401
    shutil.rmtree(many)


def test_an_overloaded_service_and_an_archive_that_is_away(shelf):
    from mapshell.demo.run import ARCHIVE

    shelf.environ["MAPSHELL_GLOBUS_PATIENCE_SECONDS"] = "5"
    shelf.admin.fail_requests("*ls", status=429, retry_after=0, count=3)
    listed = shelf.json("ls", "-R", f"raw-ephys:/{SESSION}")
    assert META.rpartition("/")[2] in {row["name"] for row in listed}
    shelf.admin.set_collection(ARCHIVE, offline=True)
    for args in (
        ("ls", "raw-ephys:/"),
        ("find", "raw-ephys:/"),
        ("mv", "raw-ephys:/x", "raw-ephys:/y"),
        ("cp", "raw-ephys:/x", "raw-ephys:/y"),
        ("mkdir", "raw-ephys:/x"),
        ("get", "raw-ephys:/x", "here"),
    ):
        done = shelf.run(*args, check=1)
        assert "does not answer" in done.stderr, done.stderr
        assert "Remedy" in done.stderr
