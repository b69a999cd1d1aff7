"""A file that was changed after it was archived takes the archived one's place: nothing is deleted, all is told."""

import hashlib
import json
import os
from datetime import datetime

import pytest

from mapshell.errors import PARTLY
from pipeline import publication
from pipeline.archive.manifest import from_json
from pipeline.board.status import status
from pipeline.errors import UsageError
from tests.integration.accounts import read_only
from tests.integration.discover.losing import PUBLICATION, discover, drop, rows
from tests.integration.publish.bench import EPHYS, LONG_AGO, edit, only, write

WHY = "sorted again with the right probe map"
ONE = ("--subject", "SC038", "--session", "1")
SUPERSEDE = (*ONE, "--supersede", "--because", WHY)
OLD, NEW = b"the first result", b"the second result, longer"


@pytest.fixture
def changed(each_bench):
    """A bench with an archived session, one file of which was changed since."""
    return _changed(each_bench)


@pytest.fixture
def changed_pg(bench):
    """The same, on PostgreSQL alone."""
    return _changed(bench)


def _changed(bench):
    folder = bench.session("one")
    file = write(folder / "sorting/spike_times.npy", OLD)
    write(folder / "sorting/params.py", b"n = 1")
    assert bench.publish().whole
    write(file, NEW)
    return bench, folder, file


def state_of(bench):
    (row,) = [row for row in status(bench.rig.settings, EPHYS) if (row.subject_id, row.session) == bench.keys["one"]]
    return row


def evidence():
    (row,) = publication.ArchivedRawEphys.to_dicts()
    return row["generation"], row["evidence"]


def aside(bench):
    """Return the names at the archive under which superseded bytes lie."""
    return sorted(name for name in bench.there() if ".superseded-" in name)


def assert_superseded(bench, folder, *, before=(OLD,)):
    """The new bytes have the name, the old ones another beside it; index, archive and the last manifest agree."""
    bench.assert_archived(folder)
    there, indexed = bench.there(), bench.indexed()
    assert set(there) == set(indexed)
    assert sorted(there[name].read_bytes() for name in aside(bench)) == sorted(before)
    for name, row in indexed.items():
        assert row["file_sha1"] == hashlib.sha1(there[name].read_bytes()).hexdigest(), name
    generation, told = evidence()
    newest = max(bench.rig.manifests())
    manifest = from_json(bench.rig.manifests()[newest].read_bytes(), name=newest)
    assert (manifest.generation, manifest.evidence) == (generation, told)
    assert {entry.subpath: entry.sha1 for entry in manifest.files} == {n: r["file_sha1"] for n, r in indexed.items()}
    assert sorted(record["as"] for record in told["superseded"]) == aside(bench)
    assert not publication.Claim()
    assert set(publication.Transfer().to_arrays("state")) <= {"done"}


def test_a_changed_file_is_a_conflict_that_names_the_command(changed):
    bench, folder, file = changed
    assert (state_of(bench).state, state_of(bench).reason) == ("archived with changes", "1 changed file")
    row = bench.command(check=PARTLY)["sessions"]["one"]
    assert "changed since it was archived: 16 bytes then, 25 now" in row["reason"]
    assert "--subject SC038 --session 1 --supersede --because" in row["remedy"]
    write(file, OLD)
    assert bench.publish().whole  # put back, nothing is to be done
    assert len(bench.rig.manifests()) == 1
    bench.assert_archived(folder)


def test_superseding_moves_the_archived_bytes_aside_and_archives_the_new_ones(changed):
    bench, folder, file = changed
    subpath = file.relative_to(bench.ephys).as_posix()
    tasks = len(bench.rig.tasks())
    dry = bench.command(*SUPERSEDE, "--dry-run", check=0)["sessions"]["one"]
    assert [(d["file"], d["action"]) for d in dry["details"] if d["action"] != "skip"] == [(subpath, "supersede")]
    assert dry["to_send_files"] == 1
    assert "Would move aside at the archive: 1 file." in bench.tell(*SUPERSEDE, "--dry-run", check=0)
    assert len(bench.rig.tasks()) == tasks
    assert not aside(bench)

    document = bench.command(*SUPERSEDE, check=0)
    row = document["sessions"]["one"]
    assert (row["state"], row["sent_files"], document["nothing_superseded"]) == ("archived", 1, False)
    (name,) = aside(bench)
    (told,) = [detail for detail in row["details"] if "superseded" in detail]
    assert (told["file"], told["superseded"], told["because"]) == (subpath, name, WHY)
    assert name.startswith(f"{subpath}.superseded-")
    assert_superseded(bench, folder)
    generation, proof = evidence()
    (record,) = proof["superseded"]
    assert (record["file"], record["as"], record["because"], record["generation"]) == (subpath, name, WHY, 2)
    assert record["by"]["username"] == "rig@sandbox.example"
    assert datetime.fromisoformat(record["at"])
    assert generation == 3
    assert {r["file_generation"] for n, r in bench.indexed().items() if n == subpath} == {3}
    assert {r["file_generation"] for n, r in bench.indexed().items() if n == name} == {1}
    assert (state_of(bench).state, state_of(bench).reason, state_of(bench).superseded) == ("archived", "", 1)

    # Again: nothing to do.  And once more, with the bytes that were the first ones.
    assert "Nothing was superseded: no archived file was changed here." in bench.tell(*SUPERSEDE, check=0)
    write(file, OLD)
    bench.command(*SUPERSEDE, check=0)
    assert_superseded(bench, folder, before=(OLD, NEW))
    assert evidence()[0] == 5


def test_files_of_one_session_are_superseded_together_and_new_ones_come_along(changed_pg):
    bench, folder, _ = changed_pg
    os.utime(write(folder / "sorting/params.py", b"n = 2"), (LONG_AGO + 9, LONG_AGO + 9))  # of the same size
    write(folder / "sorting/new.npy", b"new")
    row = bench.command(*SUPERSEDE, check=0)["sessions"]["one"]
    assert (row["state"], row["sent_files"]) == ("archived", 3)
    assert_superseded(bench, folder, before=(OLD, b"n = 1"))
    assert evidence()[0] == 3


def test_it_is_verified_fetched_and_found_again(changed):
    bench, _, file = changed
    bench.command(*SUPERSEDE, check=0)
    (name,) = aside(bench)
    table, _ = bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=0)
    assert "verified" in table

    # Superseded bytes are fetched only when they are asked for.
    place = bench.rig.folder / "out"
    _, told = bench.run("publication-retrieve", *ONE, "--to", str(place), "--via", "https", check=0)
    assert "1 superseded file was left out; --superseded" in told
    assert (place / file.relative_to(bench.ephys)).read_bytes() == NEW
    assert not (place / name).exists()
    got = (publication.ArchivedRawEphys & {"session": 1}).retrieve(to=str(place), via="https", superseded=True)
    assert len(got) == 5
    assert (place / name).read_bytes() == OLD

    # The archive alone gives all of it back.
    known = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    discover(bench.rig, types=("ephys",))
    assert rows(*PUBLICATION) == known
    assert bench.publish().whole

    bench.there()[name].write_bytes(b"spoilt")
    _, told = bench.run("publication-verify", "--type", "ephys", check=PARTLY)
    assert f"{name}: it has 6 bytes at the archive" in told


def test_an_older_index_is_brought_forward(changed_pg):
    bench, folder, _ = changed_pg
    older = {table: table.to_dicts() for table in (publication.DataSet, publication.DataSet.PhysicalFile)}
    (archived,) = publication.ArchivedRawEphys.to_dicts()
    bench.command(*SUPERSEDE, check=0)
    known = rows(*PUBLICATION)
    (publication.ArchivedRawEphys & {"session": 1}).delete_quick()
    publication.Withdrawal().delete_quick()
    publication.DataSet.PhysicalFile().delete_quick()
    publication.DataSet().delete_quick()
    publication.Withdrawal().delete_quick()
    publication.Transfer.Session().delete_quick()
    publication.Transfer().delete_quick()
    for table, those in older.items():
        table.insert(those, allow_direct_insert=True)
    publication.ArchivedRawEphys.insert1(archived, allow_direct_insert=True)
    discover(bench.rig, types=("ephys",))
    assert rows(*PUBLICATION) == known
    assert bench.publish().whole
    bench.assert_archived(folder)


def test_new_bytes_that_are_unsound_leave_the_archive_as_it_is(changed_pg):
    """What would take the place is judged, and read, before anything moves."""
    bench, folder, file = changed_pg
    before = {name: path.read_bytes() for name, path in bench.there().items()}
    binary, meta = only(folder, "*.bin"), only(folder, "*.meta")
    sound = binary.read_bytes()
    write(binary, bytes(len(sound)))  # other bytes of the same size: the meta's SHA1 is not theirs
    row = bench.command(*SUPERSEDE, check=PARTLY)["sessions"]["one"]
    assert "but its meta says" in row["reason"]
    assert {name: path.read_bytes() for name, path in bench.there().items()} == before
    write(binary, sound[:-2])
    row = bench.command(*SUPERSEDE, check=PARTLY)["sessions"]["one"]
    assert {detail["rule"] for detail in row["details"]} >= {"size"}
    assert {name: path.read_bytes() for name, path in bench.there().items()} == before

    write(binary, sound)
    edit(meta, userNotes="the probe was moved by 20 um")
    write(file, OLD)
    row = bench.command(*SUPERSEDE, check=0)["sessions"]["one"]
    assert row["state"] == "archived"
    assert [name.rpartition("/")[2].partition(".superseded")[0] for name in aside(bench)] == [meta.name]
    bench.assert_archived(folder)


def test_what_the_archive_has_lost_is_not_superseded(changed_pg):
    bench, folder, file = changed_pg
    name = file.relative_to(bench.ephys).as_posix()
    lost = bench.there()[name]
    lost.unlink()
    row = bench.command(*SUPERSEDE, check=PARTLY)["sessions"]["one"]
    assert "does not list" in row["reason"]
    assert "publication-verify" in row["remedy"]
    assert not aside(bench)
    lost.write_bytes(OLD)
    bench.command(*SUPERSEDE, check=0)
    assert_superseded(bench, folder)


def test_bad_requests(changed_pg):
    bench, _, _ = changed_pg
    bench.session("two")
    publish = ("publication-publish", "--type", "ephys")
    for arguments, words in {
        (*ONE, "--supersede"): "What is superseded needs a reason",
        (*ONE, "--supersede", "--because", " "): "needs a reason",
        ("--supersede", "--because", WHY): "superseded for one session at a time; 2 are chosen",
        ("--subject", "SC048", "--supersede", "--because", WHY): "one session at a time; 0 are chosen",
        (*SUPERSEDE, "--accept", "nonsense"): "There is no rule 'nonsense'",
        (*SUPERSEDE, "--accept", "conflict"): "can never be accepted",
        (*ONE, "--because", WHY): "nothing that is to be accepted",
    }.items():
        _, told = bench.run(*publish, *arguments, check=2)
        assert words in told, (arguments, told)
        assert "Remedy:" in told
    with pytest.raises(UsageError, match="needs a reason"):
        publication.ArchivedRawEphys.populate({"session": 1}, supersede=True)
    assert not aside(bench)
    report = publication.ArchivedRawEphys.populate({"session": 1}, supersede=True, because=WHY)
    assert [outcome.state for outcome in report.outcomes] == ["archived"]
    assert len(aside(bench)) == 1


def test_an_account_that_may_only_read_supersedes_nothing(changed):
    bench, _, _ = changed
    command = ("publication-publish", "--type", "ephys", *SUPERSEDE)
    with read_only(bench.rig):
        assert bench.rig.run(*command, "--dry-run", check=0)
        done = bench.rig.run(*command)
        assert done.returncode == 1, done.stderr
        assert "insert, update and delete in mapshell's schemas" in done.stderr
    assert not aside(bench)


def test_214_files_that_come_a_week_later(each_bench):
    bench = each_bench
    folder = bench.session("one")
    assert bench.publish().whole
    for number in range(214):
        write(folder / f"kilosort/{number // 50}/file_{number}.npy", f"spikes of unit {number}".encode())
    assert (state_of(bench).state, state_of(bench).reason) == ("archived with changes", "214 new files")
    row = json.loads(bench.run("publication-status", *ONE, "--type", "ephys", "--format", "json", check=0)[0])[
        "sessions"
    ][0]
    assert (row["state"], row["reason"]) == ("archived with changes", "214 new files")
    outcome = bench.outcomes(bench.publish())["one"]
    assert (outcome.state, outcome.sent_files) == ("archived", 214)
    assert evidence()[0] == 2
    assert len(bench.rig.manifests()) == 2
    bench.assert_archived(folder)
    assert state_of(bench).state == "archived"

    # What vanishes from the rig is no change of the archive.
    for path in (folder / "kilosort/0").iterdir():
        path.unlink()
    assert (state_of(bench).state, state_of(bench).reason, state_of(bench).files) == ("archived", "", 216)
    assert bench.publish().whole
    assert (len(bench.indexed()), len(bench.there())) == (216, 216)
