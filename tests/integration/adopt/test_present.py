"""A session that the index knows from a listing alone is proved by the computer that has its files, when asked to."""

from __future__ import annotations

import pytest

from pipeline import publication
from pipeline.archive.manifest import from_json
from pipeline.board.status import status
from pipeline.rows import file_entry
from tests.integration.adopt.conftest import UNKNOWN, data_tasks, flip, only_listed, read_backs
from tests.integration.discover.losing import PUBLICATION, drop, rows
from tests.integration.publish.bench import EPHYS, only, write


@pytest.fixture
def listed(each_bench):
    return each_bench, only_listed(each_bench)


def state(bench):
    (row,) = status(bench.rig.settings, EPHYS)
    return row


def test_it_stays_what_it_is_until_somebody_asks(listed):
    bench, _ = listed
    row = bench.command(check=0)["sessions"]["one"]
    assert row["state"] == "present"
    assert "--adopt" in row["remedy"]
    assert read_backs(bench) == []
    assert "--adopt" in bench.tell(check=0)


def test_asked_to_it_is_read_back_and_archived_as_the_next_generation(listed):
    bench, folder = listed
    tasks = len(data_tasks(bench))
    dry = bench.command("--adopt", "--dry-run", check=0)["sessions"]["one"]
    size = sum(path.stat().st_size for path in bench.here(folder).values())
    assert (dry["state"], dry["to_adopt_files"], dry["to_read_back_bytes"]) == ("present", 2, size)
    row = bench.command("--adopt", check=0)["sessions"]["one"]
    assert (row["state"], row["adopted_files"], row["sent_files"]) == ("archived", 2, 0)
    assert len(data_tasks(bench)) == tasks
    assert (state(bench).state, state(bench).reason) == ("archived", "")
    (file,) = bench.rig.manifests().values()
    manifest = from_json(file.read_bytes(), name=file.name)
    assert manifest.generation == 2
    assert {file_entry(each) for each in bench.indexed().values()} == set(manifest.files)
    assert {entry.verified_how for entry in manifest.files} == {"read back over HTTPS"}
    assert all(entry.sha1 for entry in manifest.files)
    evidence = publication.ArchivedRawEphys.fetch1("evidence")
    assert (evidence["adopted"]["files"], evidence["adopted"]["listed_before"]) == (2, 2)
    bench.assert_archived(folder)
    bench.rig.admin.reset_counts()
    assert bench.command("--adopt", check=0)["sessions"]["one"]["adopted_files"] == 0
    assert bench.rig.admin.counts() == {}

    before = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    bench.run("publication-discover", "--type", "ephys", check=0)
    assert rows(*PUBLICATION) == before
    bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=0)


def test_what_differs_stays_present_and_the_rest_is_proved(listed):
    bench, folder = listed
    wrong = only(folder, "*.meta").relative_to(bench.ephys)
    flip(bench.archive / wrong)
    row = bench.command("--adopt", check=3)["sessions"]["one"]
    assert (row["state"], row["adopted_files"]) == ("present", 1)
    assert "other bytes of this name and size" in row["reason"]
    rows_ = bench.indexed()
    assert {name for name, each in rows_.items() if each["file_sha1"] is None} == {wrong.as_posix()}
    assert state(bench).state == "present"
    bench.rig.admin.reset_counts()
    row = bench.command("--adopt", check=3)["sessions"]["one"]
    assert (row["state"], row["adopted_files"]) == ("present", 0)
    assert publication.ArchivedRawEphys.fetch1("generation") == 2


def test_new_files_go_along(listed):
    bench, folder = listed
    write(folder / "later.npy", b"later")
    row = bench.command("--adopt", check=0)["sessions"]["one"]
    assert (row["state"], row["adopted_files"], row["sent_files"]) == ("archived", 2, 1)
    assert {each["file_generation"] for each in bench.indexed().values()} == {2}
    bench.assert_archived(folder)


def test_a_file_that_the_archive_has_lost_is_named(bench):
    folder = only_listed(bench)
    (bench.archive / only(folder, "*.bin").relative_to(bench.ephys)).unlink()
    row = bench.command("--adopt", check=3)["sessions"]["one"]
    assert row["state"] == "present"
    assert "does not list it any more" in row["reason"]
    assert row["adopted_files"] == 1


NOBODY_LOOKED = {**UNKNOWN, "file_size": None, "file_mtime": None}


def forget(values):
    for row in publication.DataSet.PhysicalFile.keys():  # noqa: SIM118  # a table
        publication.DataSet.PhysicalFile.update1({**row, **values})


def test_rows_of_an_older_database_without_sizes_are_completed(listed):
    bench, folder = listed
    forget(NOBODY_LOOKED)
    assert bench.command(check=0)["sessions"]["one"]["state"] == "present"
    assert bench.command("--adopt", check=0)["sessions"]["one"]["state"] == "archived"
    bench.assert_archived(folder)
    assert all(row["file_sha1"] and row["file_mtime"] for row in bench.indexed().values())


def test_a_file_without_size_that_differs_keeps_the_rest_from_being_described(listed):
    bench, folder = listed
    forget(NOBODY_LOOKED)
    write(folder / "later.npy", b"later")
    wrong = bench.archive / only(folder, "*.meta").relative_to(bench.ephys)
    flip(wrong)
    for _ in range(2):
        row = bench.command("--adopt", check=3)["sessions"]["one"]
        assert (row["state"], row["adopted_files"], row["sent_files"]) == ("present", 0, 0)
        assert "other bytes of this name and size" in row["reason"]
    flip(wrong)
    assert bench.command("--adopt", check=0)["sessions"]["one"]["state"] == "archived"
    bench.assert_archived(folder)


def test_a_checksum_that_verify_learnt_at_the_archive_is_proved(listed):
    bench, folder = listed
    bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=3)
    assert {row["sha1_source"] for row in bench.indexed().values()} == {"archive"}
    assert state(bench).state == "present"
    assert bench.command("--adopt", check=0)["sessions"]["one"]["state"] == "archived"
    assert "archive" not in {row["sha1_source"] for row in bench.indexed().values()}
    bench.assert_archived(folder)


def test_found_by_discover_and_proved(bench):
    folder = bench.session("one")
    assert bench.publish().whole
    drop(bench.rig, "publication")
    for path in bench.rig.manifests().values():
        path.unlink()
    bench.run("publication-discover", "--type", "ephys", check=0)
    assert state(bench).state == "present"
    assert bench.command("--adopt", check=0)["sessions"]["one"]["state"] == "archived"
    bench.assert_archived(folder)
