"""Bytes that are at the archive, though not in the index, are adopted by checksum, not sent again."""

from __future__ import annotations

import pytest

from pipeline import publication
from pipeline.archive.manifest import from_json
from pipeline.board.status import status
from pipeline.rows import file_entry
from tests.integration.adopt.conftest import data_tasks, flip, no_https, plant, read_backs
from tests.integration.discover.losing import PUBLICATION, drop, rows
from tests.integration.publish.bench import EPHYS, only, write

HTTPS, SCRATCH = "read back over HTTPS", "transfer to scratch with external_checksum"


def snapshot(paths):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


@pytest.mark.parametrize("how", [HTTPS, SCRATCH], ids=["https", "transfer"])
def test_a_session_that_is_there_whole_is_archived_and_nothing_is_sent(each_bench, how):
    bench = each_bench
    folder = bench.session("one")
    there = plant(bench, folder)
    before = snapshot(there.values())
    if how == SCRATCH:
        no_https(bench)
    outcome = bench.outcomes(bench.publish())["one"]
    assert (outcome.state, outcome.sent_files, outcome.adopted_files) == ("archived", 0, 2)
    assert outcome.adopted_bytes == sum(path.stat().st_size for path in there.values())
    assert data_tasks(bench) == []
    assert snapshot(there.values()) == before
    bench.assert_archived(folder)

    (archived,) = publication.ArchivedRawEphys.to_dicts()
    (file,) = bench.rig.manifests().values()
    manifest = from_json(file.read_bytes(), name=file.name)
    assert archived["evidence"] == manifest.evidence
    assert archived["evidence"]["task"] is None
    assert "read back at the archive" in archived["evidence"]["checks"]
    size = outcome.adopted_bytes
    assert archived["evidence"]["adopted"] == {"files": 2, "bytes": size, "listed_before": 0, "how": [how]}
    indexed = bench.indexed()
    assert {file_entry(row) for row in indexed.values()} == set(manifest.files)
    assert {(row["verified_how"], row["verified_at"] is None) for row in indexed.values()} == {(how, False)}
    sources = {name.rsplit(".", 1)[1]: row["sha1_source"] for name, row in indexed.items()}
    assert sources == {"bin": "meta", "meta": "computed"}
    journal = {(row["purpose"], row["state"], row["task_id"] is None) for row in publication.Transfer.to_dicts()}
    assert journal == {("publish", "done", True), ("manifest", "done", False)}
    assert not [path for path in bench.rig.rig.rglob("*") if ".mapshell" in path.parts and path.is_file()]
    assert {row.state for row in status(bench.rig.settings, EPHYS)} == {"archived"}

    bench.rig.admin.reset_counts()
    assert bench.publish().whole
    assert bench.rig.admin.counts() == {}


def test_what_is_there_is_adopted_and_the_rest_sent_in_one_generation(each_bench):
    bench = each_bench
    folder = bench.session("one")
    write(folder / "notes.txt", b"notes")
    plant(bench, folder, "*.bin")
    outcome = bench.outcomes(bench.publish())["one"]
    assert (outcome.state, outcome.sent_files, outcome.adopted_files) == ("archived", 2, 1)
    (task,) = data_tasks(bench)
    assert task["files"] == 2
    bench.assert_archived(folder)
    indexed = bench.indexed()
    assert {row["file_generation"] for row in indexed.values()} == {1}
    assert [row["verified_how"] for name, row in sorted(indexed.items()) if name.endswith(".bin")] == [HTTPS]
    assert sum(row["verified_how"].startswith("Globus") for row in indexed.values()) == 2
    (archived,) = publication.ArchivedRawEphys.to_dicts()
    assert (archived["evidence"]["files"], archived["evidence"]["adopted"]["files"]) == (2, 1)
    assert archived["evidence"]["bytes"] == outcome.sent_bytes


def test_files_that_came_later_are_adopted_as_the_next_generation(bench):
    folder = bench.session("one")
    bench.publish()
    write(folder / "kilosort" / "a.npy", b"a")
    write(folder / "kilosort" / "b.npy", b"b")
    plant(bench, folder, "a.npy")
    outcome = bench.outcomes(bench.publish())["one"]
    assert (outcome.state, outcome.sent_files, outcome.adopted_files) == ("archived", 1, 1)
    assert publication.ArchivedRawEphys.fetch1("generation") == 2
    bench.assert_archived(folder)


def test_an_index_that_was_lost_is_rebuilt_row_for_row(each_bench):
    bench = each_bench
    folder = bench.session("one")
    write(folder / "notes.txt", b"notes")
    plant(bench, folder, "*.bin")
    assert bench.publish().whole
    before = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    bench.run("publication-discover", "--type", "ephys", check=0)
    assert rows(*PUBLICATION) == before


def test_other_bytes_are_a_conflict_and_are_read_once(bench):
    folder, good = bench.session("other"), bench.session("good")
    there = plant(bench, folder)
    flip(there[only(folder, "*.bin").relative_to(bench.ephys).as_posix()])
    before = snapshot(there.values())
    bench.rig.admin.reset_counts()
    document = bench.command(check=3)["sessions"]
    assert document["good"]["state"] == "archived"
    assert document["other"]["state"] == "refused"
    assert "other bytes of this name and size: SHA1" in document["other"]["reason"]
    assert ".bin" in document["other"]["reason"]
    assert "nothing was overwritten" in document["other"]["remedy"]
    assert len(read_backs(bench)) == 2
    assert snapshot(there.values()) == before
    bench.assert_archived(good)
    assert bench.archived_keys() == {bench.keys["good"]}

    # The next nights tell the same, and nothing is read a second time.
    for _ in range(2):
        assert bench.command(check=3)["sessions"]["other"]["state"] == "refused"
        assert bench.command("--dry-run", check=3)["sessions"]["other"]["state"] == "refused"
    assert len(read_backs(bench)) == 2
    # Once the wrong file is out of the way, it is sent, and the other one adopted, as it was read before.
    only(bench.archive / folder.relative_to(bench.ephys), "*.bin").rename(bench.rig.folder / "aside.bin")
    row = bench.command(check=0)["sessions"]["other"]
    assert (row["state"], row["sent_files"], row["adopted_files"]) == ("archived", 1, 1)
    assert len(read_backs(bench)) == 2
    bench.assert_archived(folder, good)


def test_nothing_is_read_back_for_a_session_that_is_refused_anyway(bench):
    folder = bench.session("one")
    there = plant(bench, folder)
    there[only(folder, "*.meta").relative_to(bench.ephys).as_posix()].write_bytes(b"short")
    assert bench.command(check=3)["sessions"]["one"]["state"] == "refused"
    assert read_backs(bench) == []


def test_a_file_that_is_not_what_its_meta_says_is_refused_before_anything_is_read_back(bench):
    folder = bench.session("one")
    flip(only(folder, "*.bin"))
    plant(bench, folder)
    row = bench.command(check=3)["sessions"]["one"]
    assert (row["state"], row["details"][0]["rule"]) == ("refused", "checksum")
    assert "--accept checksum" in row["remedy"]
    assert read_backs(bench) == []
    options = ("--subject", "SC038", "--session", "1", "--accept", "checksum", "--because", "as it is")
    row = bench.command(*options, check=0)["sessions"]["one"]
    assert (row["state"], row["adopted_files"]) == ("archived", 2)
    evidence = publication.ArchivedRawEphys.fetch1("evidence")
    assert evidence["adopted"]["files"] == 2
    assert [record["rule"] for record in evidence["accepted"]] == ["checksum"]


def test_a_dry_run_names_what_is_to_be_read_back_and_reads_nothing(bench):
    folder = bench.session("one")
    write(folder / "notes.txt", b"notes")
    there = plant(bench, folder, "*.bin")
    size = sum(path.stat().st_size for path in there.values())
    document = bench.command("--dry-run", check=0)
    row = document["sessions"]["one"]
    assert (row["to_send_files"], row["to_adopt_files"], row["to_adopt_bytes"]) == (2, 1, size)
    assert row["to_read_back_bytes"] == size
    assert document["forecast"]["bytes_to_read_back"] == size
    assert [item["action"] for item in row["details"]].count("adopt") == 1
    assert read_backs(bench) == []
    assert bench.rig.tasks() == []
    assert not publication.Transfer()
    assert not publication.Claim()
    told = bench.tell("--dry-run", check=0)
    assert "to read back there" in told


def test_a_run_that_waits_for_nothing_leaves_the_comparison_to_the_next(bench):
    one, two = bench.session("one"), bench.session("two")
    plant(bench, one)
    sessions = bench.command("--no-wait", check=3)["sessions"]
    assert (sessions["one"]["state"], sessions["two"]["state"]) == ("queued", "in flight")
    assert "without --no-wait" in sessions["one"]["remedy"]
    assert read_backs(bench) == []
    assert not publication.Claim() & {"session": 1}
    assert bench.publish().whole
    bench.assert_archived(one, two)


def test_a_person_reads_what_was_adopted(bench):
    folder = bench.session("one")
    plant(bench, folder)
    told = bench.tell(check=0)
    assert "adopted: SC038 session 1: 2 files" in told
    assert "Archived now: 1 session in raw-ephys (2 files" in told
    assert "Not sent: 2 files" in told
