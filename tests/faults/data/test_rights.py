"""What the account that runs mapshell may not read, write or open: named, never passed over.  As an ordinary user."""

from __future__ import annotations

import json
import os
from datetime import date

import pytest

from mapshell.errors import CONFIGURATION, DONE, FAILED, PARTLY
from tests.integration.publish.bench import SC048, only, write

from .ordinary import ordinary_bench

PUBLISH = ("publication-publish", "--type", "ephys", "--format", "json")


@pytest.fixture
def user(postgresql_database, bare_lab, monkeypatch):
    with ordinary_bench(postgresql_database, bare_lab, monkeypatch) as bench:
        yield bench


def close(*paths):
    for path in paths:
        path.chmod(0)


@pytest.mark.fault(26)
def test_what_may_not_be_read_is_named(user):
    names = ("file", "meta", "folder", "whole", "good")
    folders = {name: user.session(name) for name in names}
    write(folders["file"] / "closed.txt", b"secret")
    write(folders["folder"] / "closed/inside.txt", b"secret")
    meta = only(folders["meta"], "*.meta")
    user.enter("animal", date(2020, 6, 1), subject=SC048)
    (user.ephys / "SC048").mkdir()
    user.hand_over()
    close(folders["file"] / "closed.txt", meta, folders["folder"] / "closed", folders["whole"], user.ephys / "SC048")

    document = user.publish_as_user(check=PARTLY)
    for name, file in (("file", "closed.txt"), ("meta", meta.name), ("folder", "closed")):
        row = document["sessions"][name]
        assert row["state"] == "refused"
        assert file in row["reason"]
        assert "cannot be read" in row["reason"]
        assert "the right to read it" in row["remedy"]
        user.assert_untouched(folders[name])
    strays = {stray["folder"]: stray for stray in document["folders_without_session"]}
    assert set(strays) == {f"SC038/{folders['whole'].name}", "SC048"}
    assert all("cannot be listed" in stray["reason"] and stray["refused"] for stray in strays.values())
    assert document["sessions"]["good"]["state"] == "archived"
    user.assert_archived(folders["good"])
    assert user.archived_keys() == {user.keys["good"]}

    # Nor are they left out by those that look at the disk for the database.
    done = user.command_of_user("ingest-recordings", "--format", "json", check=PARTLY)
    said = done.stdout + done.stderr
    for file in (meta.name, folders["whole"].name):
        assert file in said, said


@pytest.mark.fault(26)
def test_what_is_archived_need_not_be_readable_any_more_what_is_new_must(user):
    folder = user.session("one")
    user.hand_over()
    user.publish_as_user(check=DONE)
    archived = only(folder, "*.bin")
    write(folder / "later.txt", b"new")
    user.hand_over()
    close(archived, folder / "later.txt")
    row = user.publish_as_user(check=PARTLY)["sessions"]["one"]
    assert row["state"] != "archived"
    assert "later.txt: it cannot be read" in row["reason"]
    (folder / "later.txt").unlink()
    assert user.publish_as_user(check=DONE)["sessions"]["one"]["state"] == "archived"
    os.utime(archived, (1, 1))  # now its bytes would have to be compared
    row = user.publish_as_user(check=PARTLY)["sessions"]["one"]
    assert f"{archived.name}: it cannot be read" in row["reason"]


@pytest.mark.fault(26, 27)
@pytest.mark.parametrize("files", [0o600, 0o400])
def test_folders_of_the_account_that_may_not_be_written(user, files):
    """Checksums are not remembered then, and the machine has no identity that lasts: all else works."""
    user.session("one")
    user.hand_over()
    user.publish_as_user(check=DONE)
    folder = user.session("two")
    user.hand_over()
    home = user.rig.folder / "home"
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        path.chmod(files)
    for path in (path for path in [*home.rglob("*"), home] if path.is_dir()):
        path.chmod(0o500)
    done = user.command_of_user(*PUBLISH, check=DONE)
    assert "Traceback" not in done.stderr
    assert user.read(done.stdout)["sessions"]["two"]["state"] == "archived"
    user.assert_archived(folder)


@pytest.mark.fault(27)
@pytest.mark.parametrize("via", ["globus", "https"])
def test_a_folder_that_may_not_be_written_receives_nothing(user, via):
    folder = user.session("one")
    user.hand_over()
    user.publish_as_user(check=DONE)
    to = user.ephys / "mine"
    to.mkdir()
    user.hand_over()
    to.chmod(0o500)
    tasks = len(user.rig.tasks())
    words = ("publication-retrieve", "--subject", "SC038", "--to", str(to), "--via", via, "--format", "json")
    done = user.command_of_user(*words, check=FAILED)
    assert str(to) in done.stderr
    assert "Remedy:" in done.stderr
    assert list(to.iterdir()) == []
    assert len(user.rig.tasks()) == tasks
    if via == "globus":
        return  # the folders that the service makes here are root's, when the tests are
    to.chmod(0o700)
    user.command_of_user(*words, check=DONE)
    fetched = {path.relative_to(to): path.read_bytes() for path in to.rglob("*") if path.is_file()}
    assert fetched == {p.relative_to(user.ephys): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.fault(32)
@pytest.mark.parametrize("what", ["tokens", "settings"])
def test_files_of_another_account_are_named(user, what):
    if os.geteuid() != 0:
        pytest.skip("NO OTHER ACCOUNT: only root can give a file to another one")
    user.session("one")
    user.hand_over()
    file = user.rig.settings.globus.token_file if what == "tokens" else user.rig.settings.file
    os.chown(file, 0, 0)
    file.chmod(0o600)
    done = user.command_of_user(*PUBLISH)
    assert done.returncode in (FAILED, PARTLY, CONFIGURATION), done.stderr
    said = done.stdout + done.stderr
    assert str(file) in said
    assert "remedy" in said.lower()
    assert "Traceback" not in done.stderr
    assert user.rig.tasks() == []
    os.chown(file, 65534, 65534)
    document = json.loads(user.command_of_user(*PUBLISH, check=DONE).stdout)
    assert [session["state"] for session in document["sessions"]] == ["archived"]
