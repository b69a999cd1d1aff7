"""Where archives lie is one truth in the database: shown, added to, and changed only after a look at the new place."""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import replace

import pytest

from mapshell.demo.run import ARCHIVE
from pipeline import database, publication, settings
from pipeline.errors import Refused
from pipeline.journal import TableJournal
from pipeline.locations import known
from pipeline.moving import _write, move
from pipeline.storage import stored
from tests.integration.accounts import read_only

NEW = f"{ARCHIVE}:/moved/ephys"


def rows():
    """Return all rows of datasets, files and archived sessions."""
    tables = (publication.DataSet, publication.DataSet.PhysicalFile, publication.ArchivedRawEphys)
    return [table().to_dicts(order_by="KEY") for table in tables]


def storage(bench, *args, check=0):
    """Run ``mapshell storage``; return stdout and stderr."""
    return bench.run("storage", *args, check=check)


def configure(bench, change):
    """Change the configuration's storage locations; return the file."""
    file = bench.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    change(document["custom"]["globus.storage_locations"])
    file.write_text(json.dumps(document, indent=2))
    bench.rig.settings = settings.load(file=file)
    return file


@pytest.fixture
def archived(each_bench):
    """Two archived sessions, and a copy of the archive at a new place."""
    for name in ("one", "two"):
        each_bench.session(name)
    assert each_bench.publish().whole
    shutil.copytree(each_bench.archive, each_bench.rig.archive / "moved" / "ephys")
    return each_bench


def test_an_archive_moves_and_nothing_that_was_archived_is_touched(archived):
    bench, before = archived, rows()
    file = configure(bench, lambda places: None)  # as people write it, line by line
    tasks = len(bench.rig.tasks())
    listed = json.loads(storage(bench, "list", "--format", "json")[0])
    assert [(row["alias"], row["agrees"], row["datasets"]) for row in listed] == [
        ("raw-ephys", True, 2),
        ("raw-video", True, 0),
    ]
    assert listed[0]["collection"] == "archive"
    assert (listed[0]["files"], listed[0]["bytes"]) == (
        len(bench.indexed()),
        sum(row["file_size"] for row in bench.indexed().values()),
    )

    # A look alone; then something is missing, or has another size; nothing is changed.
    said = json.loads(storage(bench, "set", "raw-ephys", NEW, "--dry-run", "--format", "json")[0])
    assert (said["moved"], said["differences"]) == (False, [])
    assert said["looked_at"]["files"] == len(bench.indexed())
    assert said["looked_at"]["manifests"] == said["looked_at"]["datasets"] == said["looked_at"]["of_datasets"] == 2
    copy = bench.rig.archive / "moved" / "ephys"
    spoilt = next(copy.rglob("SC038_050120*/**/*.ap.bin"))
    content = spoilt.read_bytes()
    spoilt.write_bytes(content[:-1])
    manifest = next(copy.rglob("SC038_20200502*.manifest-0001.json"))
    manifest.rename(copy / "elsewhere.json")
    _, stderr = storage(bench, "set", "raw-ephys", NEW, check=1)
    assert f"2 of {len(bench.indexed()) + 2} files that were looked for are missing or different" in stderr
    assert f"{spoilt.relative_to(copy).as_posix()} has {len(content) - 1:,} bytes instead of {len(content):,}" in stderr
    assert f"{manifest.relative_to(copy).as_posix()} is missing" in stderr
    stdout, _ = storage(bench, "set", "raw-ephys", NEW, "--format", "json", check=1)
    assert len(json.loads(stdout)["differences"]) == 2
    assert known()["raw-ephys"].path == "/raw-ephys"
    spoilt.write_bytes(content)
    (copy / "elsewhere.json").rename(manifest)

    # It moves; this computer's configuration is told of, by its line.
    _, stderr = storage(bench, "set", "raw-ephys", NEW)
    lines = file.read_text().split("\n")
    section = next(n for n, text in enumerate(lines) if "storage_locations" in text)
    line = 1 + next(n for n, text in enumerate(lines) if n > section and '"raw-ephys"' in text)
    assert line > 5
    assert f"dj_local_conf.json, line {line} still says {ARCHIVE}:/raw-ephys" in stderr
    assert rows() == before
    shutil.rmtree(bench.archive)
    _, stderr = bench.run("publication-publish", "--type", "ephys", check=5)
    assert f"dj_local_conf.json, line {line}: " in stderr
    assert f"{ARCHIVE}:/raw-ephys" in stderr
    assert f"{ARCHIVE}:/moved/ephys" in stderr
    assert "Remedy: write" in stderr
    assert "line" in storage(bench, "list")[1]
    assert "DIFFERS" in storage(bench, "list")[0]

    # Once it is removed there, or corrected, the archive is used where it lies now: nothing is sent again.
    configure(bench, lambda places: places.pop("raw-ephys"))
    assert bench.publish().whole
    assert len(bench.rig.tasks()) == tasks
    bench.session("three")
    assert bench.publish().whole
    assert list(copy.glob("SC038/SC038_050320*"))
    assert not bench.archive.exists()
    bench.run("publication-verify", "--type", "ephys", check=0)


def test_what_is_under_way_keeps_the_address(each_bench):
    bench = each_bench
    bench.session("one")
    bench.rig.admin.fail_tasks("hold")
    bench.publish(wait=False)
    (task,) = bench.rig.tasks()
    (bench.rig.archive / "moved" / "ephys").mkdir(parents=True)
    _, stderr = storage(bench, "set", "raw-ephys", NEW, check=1)
    assert task["label"] in stderr
    assert task["task_id"] in stderr
    assert bench.rig.settings.archive.computer in stderr
    assert known()["raw-ephys"].path == "/raw-ephys"
    (begun,) = TableJournal(known()["raw-ephys"], {}, "rig-2").unfinished()
    here = known()["raw-ephys"]
    with pytest.raises(Refused, match="under way"):  # also a transfer that was written down a moment ago
        database.run_transaction(lambda: _write(here, replace(here, path="/moved/ephys")))
    bench.release()
    assert bench.publish().whole

    # So does a session that somebody works on.
    journal = TableJournal(known()["raw-ephys"], {}, "rig-2")
    with journal:
        assert journal.claim(bench.keys["one"]) is None
        assert "rig-2 works on SC038" in storage(bench, "set", "raw-ephys", NEW, check=1)[1]
        journal.release([bench.keys["one"]])

    # A round that read the old address writes no transfer to it down.
    late = TableJournal(known()["raw-ephys"], {}, "rig-2")
    shutil.copytree(bench.archive, bench.rig.archive / "moved" / "ephys", dirs_exist_ok=True)
    storage(bench, "set", "raw-ephys", NEW)
    with late:
        assert late.claim(bench.keys["one"]) is None
        with pytest.raises(Refused, match="changed where raw-ephys lies"):
            late.open(replace(begun, transfer_id=uuid.uuid4(), state="planned"))
    assert {row["state"] for row in publication.Transfer.to_dicts()} == {"done"}


def test_what_a_failed_transfer_left_is_known_at_the_new_place_too(bench):
    folder = bench.session("one")
    bench.rig.admin.fail_tasks("fail", after_files=1, partial=True)
    assert not bench.publish().whole
    left = TableJournal(known()["raw-ephys"], {}, "rig").leftovers(bench.keys["one"])
    assert left
    assert left <= set(bench.here(folder))
    (bench.rig.archive / "moved").mkdir()
    shutil.copytree(bench.archive, bench.rig.archive / "moved" / "ephys")
    storage(bench, "set", "raw-ephys", NEW)
    assert TableJournal(known()["raw-ephys"], {}, "rig").leftovers(bench.keys["one"]) == left
    configure(bench, lambda places: places.pop("raw-ephys"))
    assert bench.publish().whole


def test_a_sample_is_few_listings(archived):
    bench = archived
    result = move(bench.rig.settings, bench.rig.globus(), "raw-ephys", NEW, sample=1, dry_run=True)
    assert (result.datasets, result.manifests, result.all_datasets) == (1, 1, 2)
    assert 1 <= result.files < len(bench.indexed())
    assert result.folders == 2  # one of the session's, and the animal's for the manifest
    again = move(bench.rig.settings, bench.rig.globus(), "raw-ephys", NEW, sample=1, dry_run=True)
    assert again == result


def test_further_locations_and_what_is_no_location(archived):
    bench = archived
    for name in ("cameras", "rig2", "taken"):
        (bench.rig.archive / name).mkdir()
    here = {"endpoint": ARCHIVE, "path": "/h", "dataset_type": "video"}
    configure(bench, lambda places: places.update({"only-here": here}))
    storage(bench, "add", "cameras", f"{ARCHIVE}:/cameras", "--type", "video")
    (alone,) = [row for row in json.loads(storage(bench, "list", "--format", "json")[0]) if not row["in_database"]]
    assert (alone["alias"], alone["agrees"], alone["datasets"]) == ("only-here", None, 0)
    assert known()["cameras"].dataset_type == "video"
    stdout, _ = storage(bench, "add", "rig2-ephys", f"{ARCHIVE.upper()}:rig2", "--format", "json")
    assert json.loads(stdout) == {
        "alias": "rig2-ephys",
        "dataset_type": "ephys",
        "endpoint": ARCHIVE,
        "path": "/~/rig2",
    }
    places = dict(known())
    for args, code, said in (
        (("add", "cameras", f"{ARCHIVE}:/taken"), 2, f"known already, at {ARCHIVE}:/cameras"),
        (("add", "Cameras", f"{ARCHIVE}:/taken"), 2, "known already"),
        (("add", "over there", f"{ARCHIVE}:/taken"), 2, "not usable as an alias"),
        (("add", "probe", f"{ARCHIVE}:/taken"), 2, "add --type ephys or --type video"),
        (("add", "new-ephys", f"{ARCHIVE}:/not/there"), 1, "There is no folder /not/there"),
        (("add", "new-ephys", f"{ARCHIVE}:/raw-ephys"), 1, "which has ephys too"),
        (("add", "new-video", f"{ARCHIVE}:/raw-ephys"), 1, "add --nested"),
        (("add", "new-ephys", f"{ARCHIVE}:/cameras/x"), 1, "lies inside the location cameras"),
        (("add", "new-ephys", f"{ARCHIVE}:/"), 1, "add --nested"),
        (("add", "new-ephys", "petrel:/x"), 2, "is not a UUID"),
        (("add", "new-ephys", ARCHIVE), 2, "write UUID:/PATH"),
        (("add", "new-ephys", f"{ARCHIVE}:D:\\data"), 2, "a folder of Windows"),
        (("add", "new-ephys", f"{ARCHIVE}:/a/../b"), 2, 'holds "." or ".."'),
        (("add", "new-ephys", "11111111-1111-4111-8111-111111111111:/x"), 1, "knows no collection"),
        (("set", "camras", NEW), 2, "did you mean cameras?"),
        (("set", "nothing-like-it", NEW), 2, "add it: mapshell storage add"),
        (("set", "only-here", NEW), 2, "in this computer's configuration alone"),
        (("set", "raw-ephys", f"{ARCHIVE}:/not/there"), 1, "There is no folder /not/there"),
        (("set", "raw-ephys", f"{ARCHIVE}:/cameras"), 1, "is the location cameras"),
        (("set", "raw-ephys", NEW, "--sample", "0"), 2, "--sample"),
    ):
        _, stderr = storage(bench, *args, check=code)
        assert said in stderr, (args, stderr)
        assert "Remedy: " in stderr
    assert known() == places
    assert "already" in storage(bench, "set", "cameras", f"{ARCHIVE}:/cameras/")[1]
    storage(bench, "set", "cameras", f"{ARCHIVE}:/taken")  # nothing was archived there: nothing to look for
    storage(bench, "add", "new-ephys", f"{ARCHIVE}:/", "--nested")
    assert known()["new-ephys"].elsewhere == {"raw-ephys", "raw-video", "taken"}
    bench.rig.admin.set_collection(ARCHIVE, offline=True)
    storage(bench, "set", "raw-ephys", NEW, check=1)
    stdout, _ = storage(bench, "list", "--format", "json")
    assert {row["alias"] for row in json.loads(stdout)} == {*known(), "only-here"}


def test_an_account_that_may_only_read_looks_and_changes_nothing(archived):
    bench = archived
    with read_only(bench.rig):
        database.bind(bench.rig.settings)
        assert [(each.datasets, each.agrees) for each in stored(bench.rig.settings)] == [(2, True), (0, True)]
        done = bench.rig.run("storage", "set", "raw-ephys", NEW, check=1)
        assert "where an archive lies stays as it is" in done.stderr
        bench.rig.run("storage", "add", "cameras", f"{ARCHIVE}:/moved", "--type", "video", check=1)
    assert known()["raw-ephys"].path == "/raw-ephys"


def test_the_error_names_the_environment_variable(bench):
    bench.session("one")
    assert bench.publish().whole
    text = json.dumps({"raw-ephys": f"{ARCHIVE}:/old"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAPSHELL_GLOBUS_STORAGE_LOCATIONS", text)
        _, stderr = bench.run("publication-publish", check=5)
    assert "environment variable MAPSHELL_GLOBUS_STORAGE_LOCATIONS: " in stderr
