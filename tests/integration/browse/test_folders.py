"""The archive's folders by hand, on the real sandbox and both databases."""

import shutil

import pytest

SESSION = "SC038/SC038_111919_g0"
META = f"{SESSION}/SC038_111919_g0_t0.nidq.meta"


def names(rows):
    return [row["name"] for row in rows]


def test_listing(shelf):
    assert [row["place"] for row in shelf.json("ls")] == ["raw-ephys:/", "raw-video:/"]
    assert names(shelf.json("ls", "raw-ephys:/")) == ["SC038"]
    below = shelf.json("ls", "raw-ephys:/SC038/*_g0")
    assert {row["place"].split("/")[1] for row in below} == {"SC038"}
    every = shelf.json("ls", "-R", f"raw-ephys:/{SESSION}")
    on_disk = sorted(
        path.relative_to(shelf.archive / "raw-ephys" / SESSION).as_posix()
        for path in (shelf.archive / "raw-ephys" / SESSION).rglob("*")
    )
    assert sorted(names(every)) == on_disk
    sums = shelf.json("du", "raw-ephys:/")
    files = [
        path for path in (shelf.archive / "raw-ephys").rglob("*") if path.is_file() and ".mapshell" not in path.parts
    ]
    assert sums[-1]["bytes"] == sum(path.stat().st_size for path in files)
    assert sums[-1]["files"] == len(files)
    found = shelf.json("find", "raw-ephys:/", "--name", "*.nidq.meta")
    assert META in [row["place"].removeprefix("raw-ephys:/") for row in found]
    assert shelf.json("find", "raw-ephys:/", "--unknown") == []


def test_what_archive_and_index_say(shelf):
    (facts,) = shelf.json("stat", f"raw-ephys:/{META}")

    assert facts["bytes"] == (shelf.archive / "raw-ephys" / META).stat().st_size
    assert facts["index"]["same_size"] is True
    assert facts["index"]["sha1"]
    assert facts["sessions"][0].startswith("SC038 session ")
    (folder,) = shelf.json("stat", "raw-ephys:/SC038")
    assert folder["index"] is None
    assert folder["sessions"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("mv", "raw-ephys:/SC038", "raw-ephys:/x"), "publication-reassign"),
        (("mv", f"raw-ephys:/{META}", "raw-ephys:/x"), "--supersede"),
        (("mv", "raw-ephys:/", "raw-ephys:/x"), "the storage location raw-ephys lies there"),
        (("mv", "raw-ephys:/SC038/*.json", "raw-ephys:/x"), "archived sessions"),
        (("cp", f"raw-ephys:/{META}", f"raw-ephys:/{SESSION}/SC038_111919_g0_t0.nidq.bin"), "exists already"),
        (("cp", f"raw-ephys:/{SESSION}", "raw-ephys:/x"), "--recursive"),
        (("cp", "-r", "raw-ephys:/SC038", "raw-ephys:/SC038/x"), "lies in it"),
        (("mkdir", f"raw-ephys:/{META}"), "is a file"),
        (("mkdir", "raw-ephys:/a/b"), "mapshell mkdir --parents"),
        (("ls", "raw-ephys:/none"), "raw-ephys"),
        (("ls", "raw-ephys:/*.none"), "Nothing in the archive is called"),
        (("get", f"raw-ephys:/{SESSION}", "here"), "--recursive"),
        (("find", "raw-ephys:/", "--larger", "much"), "is no size"),
        (("cd", f"raw-ephys:/{META}"), "is a file"),
    ],
)
def test_what_would_hurt_or_makes_no_sense_is_refused(shelf, args, said):
    before = shelf.archived()
    done = shelf.run(*args)

    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert shelf.archived() == before


def test_what_the_index_does_not_know_is_free(shelf):
    assert shelf.run("mkdir", "-p", "raw-ephys:/notes/2019").returncode == 0
    assert shelf.run("cp", f"raw-ephys:/{META}", "raw-ephys:/notes").returncode == 0
    assert shelf.run("cp", "-r", f"raw-ephys:/{SESSION}", "raw-ephys:/notes/copy").returncode == 0
    assert shelf.run("mv", "raw-ephys:/notes/copy", "raw-ephys:/notes/2019").returncode == 0
    archive = shelf.archive / "raw-ephys"
    original = {p.relative_to(archive / SESSION): p.read_bytes() for p in (archive / SESSION).rglob("*") if p.is_file()}
    copied = archive / "notes" / "2019" / "copy"
    assert {p.relative_to(copied): p.read_bytes() for p in copied.rglob("*") if p.is_file()} == original
    unknown = shelf.json("find", "raw-ephys:/", "--unknown")
    assert len(unknown) == len(original) + 1
    done = shelf.run(
        "get", "-r", "raw-ephys:/notes/2019", f"raw-ephys:/{META}", str(shelf.folder / "got"), "--via", "https"
    )
    assert done.returncode == 0, done.stderr
    got = shelf.folder / "got" / "2019" / "copy"
    assert {p.relative_to(got): p.read_bytes() for p in got.rglob("*") if p.is_file()} == original
    assert "1 file" in done.stderr
    assert "checked against the index" in done.stderr
    assert "not compared by checksum" in done.stderr
    verified = shelf.run("publication-verify", "--type", "ephys", "--subject", "SC038")
    assert verified.returncode == 0, verified.stderr


def test_the_shell_stands_in_a_folder(shelf):
    done = shelf.run(
        "shell", "-c", f"cd raw-ephys:/SC038\npwd\nls *_g0/*.nidq.meta\ncd ..\npwd\ncd {SESSION}\nls\ncd\npwd"
    )

    assert done.returncode == 0, done.stderr
    assert "raw-ephys:/SC038\n" in done.stdout
    assert "SC038_111919_g0_t0.nidq.bin" in done.stdout
    assert done.stdout.rstrip().endswith("nowhere; cd ALIAS:/ goes to an archive")


def test_scripts_stop_at_the_first_error(shelf):
    script = shelf.folder / "night.txt"
    script.write_text("status --subject SC038 --type ephys --quiet\nx = 6\nx * 7\nstatus --subject SC039\nx = 1 / 0\n")
    done = shelf.run("shell", str(script))

    assert done.returncode == 2
    assert "42\n" in done.stdout
    assert "stopped at line 4" in done.stderr
    assert "ZeroDivisionError" not in done.stderr
    for text, code in (("exit 3", 3), ("1 / 0", 1), ("publication.ArchivedRawEphys().retrieve()", 2), ("!exit 5", 5)):
        assert shelf.run("shell", "-c", text).returncode == code
    assert shelf.run("shell", str(shelf.folder / "none.txt")).returncode == 2


def test_an_archive_that_is_gone_is_an_error_not_empty(shelf):
    shutil.rmtree(shelf.archive / "raw-ephys")
    done = shelf.run("ls", "raw-ephys:/")

    assert done.returncode == 1
    assert "raw-ephys" in done.stderr
