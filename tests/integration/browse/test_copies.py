"""Copies: broken off, refused, contradicted, begun elsewhere; the journal ends each of them."""

import pytest

from mapshell.demo.run import ARCHIVE
from pipeline import database, publication
from tests.integration.kills import do_at, kill_at

SESSION = "SC038/SC038_111919_g0"
META = f"{SESSION}/SC038_111919_g0_t0.nidq.meta"


def copies(shelf):
    database.bind(shelf.settings)
    rows = (publication.Transfer() & {"purpose": "copy"}).to_dicts(order_by="created_at")
    return [(row["state"], row["outcome"] or "") for row in rows]


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_killed_and_run_again_with_other_arguments(shelf):
    archive = shelf.archive / "raw-ephys"
    (archive / "note.txt").write_text("note")
    shelf.run("cp", "raw-ephys:/note.txt", "raw-ephys:/copy.txt", prelude=kill_at("copy: planned"), check=-9)

    for args in (
        ("cp", f"raw-ephys:/{META}", "raw-ephys:/copy.txt"),
        ("mv", "raw-ephys:/note.txt", "raw-ephys:/other.txt"),
        ("mv", f"{ARCHIVE}:/raw-ephys/note.txt", "raw-ephys:/other.txt"),
        ("mkdir", "raw-ephys:/copy.txt"),
    ):
        done = shelf.run(*args, check=1)
        assert "a copy (begun on " in done.stderr
    shelf.run("cp", "raw-ephys:/note.txt", "raw-ephys:/other.txt", check=0)
    shelf.run("cp", "raw-ephys:/note.txt", "raw-ephys:/copy.txt", check=0)
    assert (archive / "copy.txt").read_text() == "note"


def test_a_copy_of_another_computer(shelf):
    (shelf.archive / "raw-ephys/note.txt").write_text("note")
    command = ("cp", "raw-ephys:/note.txt", "raw-ephys:/copy.txt")
    shelf.run(*command, prelude=kill_at("copy: planned"), check=-9)
    (row,) = (publication.Transfer() & {"purpose": "copy"}).to_dicts()
    publication.Transfer.update1({"transfer_id": row["transfer_id"], "computer": "rig-9"})
    assert "begun on rig-9" in shelf.run(*command, check=1).stderr
    said = shelf.run("doctor", "--only", "journal").stdout
    assert "copy" in said or "under way" in said
    early = row["created_at"].replace(year=row["created_at"].year - 1)
    publication.Transfer.update1({"transfer_id": row["transfer_id"], "created_at": early})
    assert "mapshell cp" in shelf.run("doctor", "--only", "journal").stdout
    shelf.run(*command, check=0)  # what was never sent in a day never will be
    publication.Transfer.update1(
        {"transfer_id": row["transfer_id"], "state": "submitted", "task_id": row["transfer_id"]}
    )
    for args in (
        ("publication-publish", "--subject", "SC038", "--session", "3", "--type", "ephys"),
        ("publication-verify", "--type", "ephys", "--subject", "SC038"),
        ("publication-discover", "--type", "ephys", "--dry-run"),
        ("publication-status", "--type", "ephys", "--subject", "SC038"),
    ):
        assert "Traceback" not in shelf.run(*args, check=0).stderr


def test_a_copy_whose_task_ended_unseen_is_in_nobodys_way(shelf):
    (shelf.archive / "raw-ephys/note.txt").write_text("note")
    shelf.run("cp", "raw-ephys:/note.txt", "raw-ephys:/copy.txt", prelude=kill_at("copy: ended"), check=-9)
    shelf.run("cp", "raw-ephys:/note.txt", "raw-ephys:/again.txt", check=0)
    assert [state for state, _ in copies(shelf)] == ["failed", "done"]
    assert "nobody looked" in copies(shelf)[0][1]
    shelf.run("mv", "raw-ephys:/copy.txt", "raw-ephys:/moved.txt", check=0)


@pytest.mark.parametrize("same_size", [True, False])
def test_what_comes_to_the_new_name_meanwhile_is_kept_and_told(shelf, same_size):
    note, target = shelf.archive / "raw-ephys/note.txt", shelf.archive / "raw-ephys/copy.txt"
    note.write_text("note")
    mine = "mine" if same_size else "a longer one"
    what = f"pathlib.Path({str(target)!r}).write_text({mine!r})"
    done = shelf.run("cp", "raw-ephys:/note.txt", "raw-ephys:/copy.txt", prelude=do_at("copy: planned", what), check=1)

    assert "something of that name was there before it" in done.stderr
    assert target.read_text() == mine
    assert [state for state, _ in copies(shelf)] == ["failed"]


def test_a_source_that_changes_meanwhile(shelf):
    note = shelf.archive / "raw-ephys/note.txt"
    note.write_text("note")
    what = f"pathlib.Path({str(note)!r}).write_text('longer than before')"
    command = ("cp", "raw-ephys:/note.txt", "raw-ephys:/copy.txt")
    done = shelf.run(*command, prelude=do_at("copy: planned", what), check=1)

    assert "18 bytes instead of 4" in done.stderr
    assert [state for state, _ in copies(shelf)] == ["failed"]
    assert "exists already" in shelf.run(*command, check=1).stderr


def test_a_copy_that_cannot_be_sent_ends(shelf):
    (shelf.archive / "raw-ephys/note.txt").write_text("note")
    shelf.admin.set_collection(ARCHIVE, read_only=True)
    shelf.run("cp", "-r", f"raw-ephys:/{SESSION}", "raw-ephys:/copy", check=1)
    assert [state for state, _ in copies(shelf)] == ["failed"]
    shelf.admin.set_collection(ARCHIVE, read_only=False)
    shelf.run("cp", "-r", f"raw-ephys:/{SESSION}", "raw-ephys:/copy", check=0)
    assert files(shelf.archive / "raw-ephys/copy") == files(shelf.archive / "raw-ephys" / SESSION)


def test_links_are_named_not_followed(shelf):
    archive = shelf.archive / "raw-ephys"
    (archive / "notes").mkdir()
    (archive / "notes/loop").symlink_to("..")
    listed = shelf.json("ls", "-R", "raw-ephys:/notes")
    assert [row["name"] for row in listed] == ["loop"]
    assert shelf.json("du", "-s", "raw-ephys:/notes")[0]["files"] == 0
    assert "link to a folder" in shelf.run("cp", "-r", "raw-ephys:/notes", "raw-ephys:/copy", check=2).stderr
    assert "link to a folder" in shelf.run("get", "-r", "raw-ephys:/notes", "here", check=2).stderr
    assert copies(shelf) == []
