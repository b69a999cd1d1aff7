"""What ``mv`` and ``mkdir`` must never do, by whatever name a thing is called."""

import shutil
import uuid
from datetime import timedelta

import pytest

from mapshell.demo.run import ARCHIVE, RIG
from pipeline import database, publication
from tests.integration.kills import do_at

SESSION = "SC038/SC038_111919_g0"
META = f"{SESSION}/SC038_111919_g0_t0.nidq.meta"
BIN = f"{SESSION}/SC038_111919_g0_t0.nidq.bin"


def everything(shelf):
    return {p.relative_to(shelf.archive).as_posix() for p in shelf.archive.rglob("*")}


def refused(shelf, *args, says, code=1):
    before = everything(shelf)
    done = shelf.run(*args)
    assert done.returncode == code, done.stderr
    assert says in done.stderr, done.stderr
    assert "Remedy" in done.stderr
    assert "Traceback" not in done.stderr
    assert everything(shelf) == before
    return done


def notes(shelf, *names):
    """Put files that nobody knows into the archive."""
    for name in names:
        path = shelf.archive / "raw-ephys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def work_on(shelf):
    """Another computer works on a session."""
    database.bind(shelf.settings)
    now = database.now()
    publication.Claim.insert1(
        {
            "subject_id": 480133,
            "session": 1,
            "globus_alias": "raw-ephys",
            "owner": uuid.uuid4(),
            "computer": "rig-9",
            "machine": uuid.uuid4(),
            "process_id": 1,
            "process_began": 1.0,
            "claimed_at": now,
            "expires_at": now + timedelta(minutes=9),
        }
    )


def test_other_names_of_archived_files(shelf):
    (shelf.archive / "link").symlink_to("raw-ephys")
    (shelf.archive / "raw-ephys" / "short").symlink_to("SC038")
    refused(shelf, "mv", f"{ARCHIVE}:/raw-ephys/{META}", f"{ARCHIVE}:/x", says="archived sessions")
    refused(shelf, "mv", f"{ARCHIVE.upper()}:/raw-ephys/SC038/", "raw-ephys:/x", says="archived sessions")
    refused(shelf, "mv", f"{ARCHIVE}:/~/raw-ephys/SC038", f"{ARCHIVE}:/~/x", says="by another name")
    refused(shelf, "mv", f"{ARCHIVE}:/~/raw-ephys/{META}", f"{ARCHIVE}:/~/x", says="by another name")
    refused(shelf, "mv", f"{ARCHIVE}:/~/raw-ephys", f"{ARCHIVE}:/~/x", says="the storage location raw-ephys lies there")
    refused(shelf, "mv", f"{ARCHIVE}:/link/SC038", f"{ARCHIVE}:/x", says="is a link")
    refused(shelf, "mv", "raw-ephys:/short/SC038_111919_g0", "raw-ephys:/x", says="is a link")
    assert shelf.run("mv", "raw-ephys:/short", "raw-ephys:/shorter").returncode == 0
    assert (shelf.archive / "raw-ephys" / "shorter").is_symlink()
    assert (shelf.archive / "raw-ephys" / META).is_file()


def test_a_parent_of_an_archive_is_put_back_though_its_name_said_nothing(shelf):
    outer = shelf.archive / "disk"
    outer.mkdir()
    shutil.move(shelf.archive / "raw-ephys", outer / "raw-ephys")
    (shelf.archive / "raw-ephys").symlink_to("disk/raw-ephys")

    refused(shelf, "mv", f"{ARCHIVE}:/disk", f"{ARCHIVE}:/disk2", says="the storage location raw-ephys lies there")


def test_manifests_of_every_generation_stay(shelf):
    name = min(p.name for p in (shelf.archive / "raw-ephys" / "SC038").glob("*.manifest-0001.json"))
    later = name.replace("0001", "0002")
    shutil.copy(shelf.archive / "raw-ephys" / "SC038" / name, shelf.archive / "raw-ephys" / "SC038" / later)
    notes(shelf, "note.txt")

    refused(shelf, "mv", f"raw-ephys:/SC038/{name}", "raw-ephys:/x", says="archived sessions")
    refused(shelf, "mv", f"raw-ephys:/SC038/{later}", "raw-ephys:/x", says="it is a manifest of an archived session")
    assert [row["place"] for row in shelf.json("find", "raw-ephys:/", "--unknown")] == ["raw-ephys:/note.txt"]
    assert shelf.json("stat", f"raw-ephys:/SC038/{later}")[0]["manifest"] is True
    refused(shelf, "mv", "raw-ephys:/note.txt", f"raw-ephys:/SC038/{later[:-6]}3.json", says="one of a manifest")
    refused(shelf, "cp", "raw-ephys:/note.txt", f"raw-ephys:/SC038/{later[:-6]}3.json", says="one of a manifest")
    refused(shelf, "cp", "-r", "raw-ephys:/SC038", "raw-video:/SC038", says="one of a manifest")


def test_what_a_manifest_describes_stays_when_the_index_was_lost(shelf):
    database.bind(shelf.settings)
    publication.ArchivedRawEphys().delete_quick()
    publication.Transfer.Session().delete_quick()
    publication.DataSet.PhysicalFile().delete_quick()
    publication.DataSet().delete_quick()

    for name in ("SC038", SESSION, META):
        refused(shelf, "mv", f"raw-ephys:/{name}", "raw-ephys:/x", says="publication-discover")


@pytest.mark.parametrize(
    "name", [".mapshell", ".mapshell/x", ".mapshell-doctor", "a.bin.unfinished-0123abcd", "b.superseded-0123abcd"]
)
def test_our_own_names_are_not_given_by_hand(shelf, name):
    notes(shelf, "note.txt")
    refused(shelf, "mkdir", "-p", f"raw-ephys:/{name}", says="Error")
    refused(shelf, "mv", "raw-ephys:/note.txt", f"raw-ephys:/{name}", says="Error")
    refused(shelf, "cp", "raw-ephys:/note.txt", f"raw-ephys:/{name}", says="Error")


def test_the_staging_folder_of_a_rig_stays(shelf):
    (shelf.rig / "ephys" / ".mapshell").mkdir(exist_ok=True)
    refused(shelf, "mv", f"{RIG}:/ephys/.mapshell", f"{RIG}:/ephys/x", says="mapshell's own")


def test_names_of_lost_files_are_kept_free(shelf):
    shutil.rmtree(shelf.archive / "raw-ephys" / SESSION)
    refused(shelf, "mkdir", "-p", f"raw-ephys:/{BIN}", says="which the archive has lost")
    notes(shelf, "note.txt")
    refused(shelf, "mv", "raw-ephys:/note.txt", f"raw-ephys:/{SESSION}", says="publication-verify")
    refused(shelf, "cp", "raw-ephys:/note.txt", f"raw-ephys:/{SESSION}", says="publication-verify")
    assert shelf.run("mkdir", f"raw-ephys:/{SESSION}").returncode == 0


def test_the_root_of_an_archive_is_not_made_by_hand(shelf):
    shutil.move(shelf.archive / "raw-video", shelf.folder / "away")
    refused(shelf, "mkdir", "-p", "raw-video:/x/y", says="itself is not there", code=2)
    refused(shelf, "cp", f"raw-ephys:/{META}", "raw-video:/x", says="itself is not there", code=2)


def test_nothing_is_moved_where_somebody_works(shelf):
    notes(shelf, "note.txt")
    work_on(shelf)
    refused(shelf, "mv", "raw-ephys:/note.txt", "raw-ephys:/n.txt", says="rig-9 works on subject 480133 session 1")


def test_what_somebody_takes_up_meanwhile_is_put_back(shelf):
    notes(shelf, "note.txt")
    code = (
        "__import__('tests.integration.browse.test_moving', fromlist=['x']).work_on("
        "__import__('types').SimpleNamespace(settings=__import__('pipeline.settings', fromlist=['x']).load()))"
    )
    shelf.environ["PYTHONPATH"] = str(__import__("pathlib").Path(__file__).parents[3])
    done = shelf.run("mv", "raw-ephys:/note.txt", "raw-ephys:/n.txt", prelude=do_at("mv: renaming", code))

    assert done.returncode == 1
    assert "rig-9 works on" in done.stderr
    assert (shelf.archive / "raw-ephys/note.txt").is_file()
    assert not (shelf.archive / "raw-ephys/n.txt").exists()


def test_what_was_done_is_told_when_the_rest_cannot_be(shelf):
    notes(shelf, "a.txt", "b.txt", "to/c.txt")
    taken = f"pathlib.Path({str(shelf.archive / 'raw-ephys/to/b.txt')!r}).write_text('mine')"
    command = ("mv", "raw-ephys:/a.txt", "raw-ephys:/b.txt", "raw-ephys:/to/", "--format", "json")
    done = shelf.run(*command, prelude=do_at("mv: renaming", taken, nth=2))

    assert done.returncode == 1
    assert '"new": "raw-ephys:/to/a.txt"' in done.stdout
    assert "exists already" in done.stderr
    assert (shelf.archive / "raw-ephys/to/b.txt").read_text() == "mine"
    assert (shelf.archive / "raw-ephys/b.txt").read_text() == "b.txt"


def test_names_are_meant_as_they_are_written(shelf):
    notes(shelf, "a[1].txt", "a1.txt", "50%_'q'\".txt", "e\u0301.txt", "\u00e9.txt", "x/a.txt", "sp .txt")
    refused(shelf, "mv", "raw-ephys:/a1.txt", "raw-ephys:/new/", says="is no folder", code=2)
    refused(shelf, "cp", "raw-ephys:/a1.txt", "raw-ephys:/new/", says="is no folder", code=2)
    refused(shelf, "mv", "raw-ephys:/x", "raw-ephys:/x/a.txt", "raw-ephys:/SC038", says="lies in another one", code=2)
    assert [r["name"] for r in shelf.json("ls", "raw-ephys:/a[1].txt")] == ["a1.txt"]
    (shelf.archive / "raw-ephys/a1.txt").unlink()
    assert [r["name"] for r in shelf.json("ls", "raw-ephys:/a[1].txt")] == ["a[1].txt"]
    assert [r["place"] for r in shelf.json("ls", "raw-ephys:/*/a.txt")] == ["raw-ephys:/x/a.txt"]
    for name in ("50%_'q'\".txt", "e\u0301.txt", "sp .txt"):
        (facts,) = shelf.json("stat", f"raw-ephys:/{name}")
        assert facts["sessions"] == []
        assert shelf.run("mv", f"raw-ephys:/{name}", f"raw-ephys:/x/{name}").returncode == 0
    assert (shelf.archive / "raw-ephys/\u00e9.txt").read_text() == "\u00e9.txt"
    assert len(shelf.json("find", "raw-ephys:/", "--unknown")) == 6
