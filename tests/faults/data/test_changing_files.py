"""Bytes that are not what a meta says, and files that change, grow or vanish while they are being archived."""

import os

import pytest

from pipeline import publication
from pipeline.archive.manifest import from_json
from tests.integration.publish.bench import Meddler, edit, old, only, write


def _flip(path):
    """Damage one byte; size and time stay."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.fault(23)
def test_a_wrong_sha1_is_found_by_the_service_and_remembered(bench):
    damaged, good = bench.session("damaged"), bench.session("good")
    file = only(damaged, "*.bin")
    original = file.read_bytes()
    _flip(file)

    row = bench.command(check=3)["sessions"]["damaged"]
    assert row["state"] == "refused"
    assert file.name in row["reason"]
    assert "its meta says" in row["reason"]
    assert "copy it anew" in row["remedy"]
    bench.assert_archived(good)
    assert bench.archived_keys() == {bench.keys["good"]}
    subpath = file.relative_to(bench.ephys).as_posix()
    there = bench.rig.files("archive")
    assert f"ephys/{subpath}" not in there, "the damaged file lies at the archive under its own name"
    assert [name for name in there if name.startswith(f"ephys/{subpath}.quarantined-")]

    # The next run knows it, and transfers nothing.
    tasks = len(bench.rig.tasks())
    again = bench.command(check=3)["sessions"]
    assert (again["damaged"]["state"], again["good"]["state"]) == ("refused", "archived")
    assert "its meta says" in again["damaged"]["reason"]
    assert len(bench.rig.tasks()) == tasks

    file.write_bytes(original)
    old(file)
    assert bench.outcomes(bench.publish())["damaged"].state == "archived"
    bench.assert_archived(damaged)


@pytest.mark.fault(23, 37)
def test_a_damaged_file_with_a_long_name_is_quarantined_too(bench):
    folder = bench.session("long")
    for path in list(folder.rglob("*_t0.imec0.ap.*")):
        path.rename(path.with_name(path.name.replace("_g0", f"_{'é' * 100}_g0")))
    file = only(folder, "*.bin")
    assert len(file.name.encode()) > 225
    _flip(file)
    outcome = bench.outcomes(bench.publish())["long"]
    assert (outcome.state, "its meta says" in outcome.reason) == ("refused", True)
    there = [path.name for path in bench.rig.files("archive").values()]
    assert file.name not in there
    assert [name for name in there if ".quarantined-" in name]


@pytest.mark.fault(23)
def test_a_sha1_of_zero_means_that_we_compute_our_own(bench):
    folder = bench.session("catgt", trigger="cat", folder="catgt_SC038_050120_g0")
    assert "fileSHA1=0" in only(folder, "*.meta").read_text()
    assert bench.outcomes(bench.publish())["catgt"].state == "archived"
    rows = bench.indexed()
    assert set(rows) == set(bench.here(folder))
    assert {row["sha1_source"] for row in rows.values()} == {"computed"}
    assert all(len(row["file_sha1"]) == 40 for row in rows.values())


@pytest.mark.fault(22, 40)
def test_what_changes_under_way_is_refused_and_what_vanishes_too(bench):
    names = ("quiet", "grows", "moves", "grows unclaimed", "vanishes", "vanishes unclaimed")
    folders = {name: bench.session(name) for name in names}
    files = {name: only(folder, "*.bin") for name, folder in folders.items()}
    for name in ("grows unclaimed", "vanishes unclaimed"):
        edit(only(folders[name], "*.meta"), fileSHA1="0")
    later = write(folders["moves"] / "notes.txt", b"some notes")

    def meddle():
        for name in ("grows", "grows unclaimed"):
            with files[name].open("ab") as stream:
                stream.write(b"more")
        os.utime(later, (1_500_000_060, 1_500_000_060))
        files["vanishes"].unlink()
        files["vanishes unclaimed"].unlink()

    report = bench.publish(clock=Meddler(bench, meddle))
    outcomes = bench.outcomes(report)
    assert outcomes["quiet"].state == "archived"
    for name in ("grows", "grows unclaimed", "moves"):
        assert outcomes[name].state == "refused", outcomes[name]
        assert "changed" in outcomes[name].reason
    for name in ("vanishes", "vanishes unclaimed"):
        assert outcomes[name].failed
        assert outcomes[name].state != "archived"
        assert "vanished" in outcomes[name].reason, outcomes[name]
    for name, file in files.items():
        if name not in ("quiet", "moves"):
            assert file.name in outcomes[name].reason, outcomes[name]
        assert outcomes[name].remedy or name == "quiet"
    assert later.name in outcomes["moves"].reason
    assert not report.whole
    assert bench.archived_keys() == {bench.keys["quiet"]}
    assert set(bench.indexed()) == set(bench.here(folders["quiet"]))

    # Nothing is stuck: what is whole by now is archived, what is not is named by the gate.
    old(later)
    again = bench.outcomes(bench.publish())
    assert again["moves"].state == "archived"
    assert again["grows"].state in ("refused", "recording")
    bench.assert_archived(folders["quiet"], folders["moves"])
    assert not publication.Claim()


@pytest.mark.fault(40)
def test_a_file_that_vanishes_between_listing_and_transfer(bench):
    folder, good = bench.session("gone"), bench.session("good")
    file = only(folder, "*.bin")

    def globus():
        file.unlink(missing_ok=True)  # the folders are listed by now; nothing is submitted yet
        return bench.rig.globus()

    from pipeline.rounds import publish_round

    report = publish_round(bench.rig.settings, globus, ("ephys",))
    outcomes = bench.outcomes(report)
    assert outcomes["good"].state == "archived"
    assert outcomes["gone"].failed
    assert file.name in outcomes["gone"].reason
    assert "vanished" in outcomes["gone"].reason
    assert bench.archived_keys() == {bench.keys["good"]}
    bench.assert_archived(good)


@pytest.mark.fault(40)
def test_files_deleted_after_no_wait_make_no_row(bench):
    folder, good = bench.session("deleted"), bench.session("good")
    bench.rig.admin.fail_tasks("hold", count=None)
    assert {outcome.state for outcome in bench.publish(wait=False).outcomes} == {"in flight"}
    bench.release()
    file = only(folder, "*.bin")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()

    document = bench.command(check=3)
    row = document["sessions"]["deleted"]
    assert row["state"] in ("refused", "queued")
    assert file.name.split(".")[0] in row["reason"]
    assert "vanished" in row["reason"]
    assert "put" in row["remedy"]
    assert document["sessions"]["good"]["state"] == "archived"
    bench.assert_archived(good)
    assert bench.archived_keys() == {bench.keys["good"]}
    # It is said once; afterwards this computer simply has nothing of it.
    again = bench.command(check=0)
    assert "deleted" not in again["sessions"]
    assert again["not_here"] == 1


@pytest.mark.fault(22)
def test_what_comes_while_a_transfer_is_under_way_follows_in_the_same_run(bench):
    folder = bench.session("late")
    bench.publish(wait=False)
    write(folder / "late.txt", b"late")
    outcome = bench.outcomes(bench.publish())["late"]
    assert (outcome.state, outcome.sent_files) == ("archived", 3)
    bench.assert_archived(folder)
    newest = max(bench.rig.manifests())
    assert newest.endswith("0002.json")
    manifest = from_json(bench.rig.manifests()[newest].read_bytes(), name=newest)
    assert {entry.subpath for entry in manifest.files} == set(bench.here(folder))


@pytest.mark.fault(40)
def test_an_archived_session_whose_folder_was_emptied_stays_archived(bench):
    folder, empty = bench.session("emptied"), bench.session("empty from the start")
    for path in [path for path in empty.rglob("*") if path.is_file()]:
        path.unlink()
    first = bench.command(check=3)["sessions"]
    assert first["emptied"]["state"] == "archived"
    assert first["empty from the start"]["state"] == "refused"
    assert empty.name in first["empty from the start"]["reason"]
    assert first["empty from the start"]["remedy"]

    before = bench.indexed()
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        path.unlink()
    empty_now = bench.command("--session", "1", check=0)
    assert empty_now["sessions"]["emptied"]["state"] == "archived"
    assert bench.indexed() == before
    assert set(bench.there()) == set(before)
