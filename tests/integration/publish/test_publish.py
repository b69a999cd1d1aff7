"""A recording day from the rig's disk to verified rows."""

import hashlib
import json

import pytest

from pipeline import publication
from pipeline.archive.manifest import from_json
from pipeline.archive.session import SessionRef, file_id


def sha1(path):
    return hashlib.sha1(path.read_bytes()).hexdigest()


def good_files(rig):
    """Every file of every good session, by name; the session that still records is left out."""
    refused = {f"{file.kind}/{file.subpath}" for file in rig.lab.refused.files}
    return {name: path for name, path in rig.files("rig").items() if name not in refused and name != "subjects.csv"}


def test_the_archive_holds_every_byte_of_every_good_session_and_nothing_else(rig):
    report = rig.publish()
    states = [(outcome.alias, outcome.state) for outcome in report.outcomes]
    assert states.count(("raw-ephys", "archived")) == 5
    assert states.count(("raw-ephys", "recording")) == 1
    assert states.count(("raw-video", "archived")) == 4
    assert not report.whole

    expected = good_files(rig)
    there = rig.archived()
    assert set(there) == set(expected)
    for name, path in expected.items():
        assert there[name].read_bytes() == path.read_bytes(), name
    assert len(rig.manifests()) == 9

    rows = {
        (row["globus_alias"].removeprefix("raw-"), row["file_subpath"]): row
        for row in publication.DataSet.PhysicalFile.to_dicts()
    }
    assert {f"{kind}/{subpath}" for kind, subpath in rows} == set(expected)
    for (kind, subpath), row in rows.items():
        path = expected[f"{kind}/{subpath}"]
        assert row["file_size"] == path.stat().st_size
        assert row["file_mtime"] == path.stat().st_mtime_ns // 10**9
        assert row["file_sha1"] == sha1(path)
        assert row["file_id"] == file_id(subpath)
        assert row["verified_at"] is not None
    assert len(publication.ArchivedRawEphys()) == 5
    assert len(publication.ArchivedTrackingVideo()) == 4
    assert not publication.Claim()
    assert set(publication.Transfer().to_arrays("state")) == {"done"}


def test_manifests_say_what_the_index_says(rig):
    rig.publish()
    for name, path in rig.manifests().items():
        manifest = from_json(path.read_bytes(), name=name)
        key = {"globus_alias": manifest.alias, "dataset_name": manifest.name}
        (dataset,) = (publication.DataSet & key).to_dicts()
        assert dataset["dataset_manifest"] == manifest.subpath == name.split("/", 1)[1]
        rows = {row["file_subpath"]: row for row in (publication.DataSet.PhysicalFile & key).to_dicts()}
        assert set(rows) == {entry.subpath for entry in manifest.files}
        for entry in manifest.files:
            row = rows[entry.subpath]
            assert (entry.size, entry.mtime, entry.sha1, entry.file_type, entry.sha1_source) == (
                row["file_size"],
                row["file_mtime"],
                row["file_sha1"],
                row["file_type"],
                row["sha1_source"],
            )
            assert (entry.verified_at, entry.verified_how) == (row["verified_at"], row["verified_how"])
        assert manifest.lab["lab.WaterRestriction"][0]["water_restriction_number"] == manifest.session.h2o
        table = publication.archived_table(manifest.dataset_type)
        (archived,) = (
            table & {"subject_id": manifest.session.subject_id, "session": manifest.session.session}
        ).to_dicts()
        assert archived["archived_at"] == manifest.archived_at
        assert archived["evidence"] == manifest.evidence


def test_running_again_is_a_no_op_without_a_single_call(rig):
    rig.publish()
    before = publication.DataSet.PhysicalFile.to_dicts()
    rig.admin.reset_counts()

    def nobody():
        raise AssertionError("Globus was asked")

    from pipeline.rounds import publish_round

    keys = [{"subject_id": 480133}]
    report = publish_round(rig.settings, nobody, ("ephys", "video"), keys)
    assert report.whole
    assert {outcome.state for outcome in report.outcomes} == {"archived"}
    assert not any(outcome.sent_files for outcome in report.outcomes)
    assert rig.admin.counts() == {}
    assert publication.DataSet.PhysicalFile.to_dicts() == before


def test_files_that_come_later_are_appended_as_the_next_generation(rig):
    rig.publish()
    folder = rig.rig / "ephys/SC038/SC038_111919_g0/imec0_ks2"
    folder.mkdir()
    (folder / "amplitudes.npy").write_bytes(b"later")
    import os

    os.utime(folder / "amplitudes.npy", (1e9, 1e9))
    report = rig.publish()
    (new,) = [outcome for outcome in report.outcomes if outcome.sent_files]
    assert (new.state, new.sent_files) == ("archived", 1)
    assert (rig.archive / "raw-ephys/SC038/SC038_111919_g0/imec0_ks2/amplitudes.npy").read_bytes() == b"later"
    (row,) = (publication.ArchivedRawEphys & {"subject_id": new.key[0], "session": new.key[1]}).to_dicts()
    assert row["generation"] == 2
    manifests = sorted(name for name in rig.manifests() if "20191119_s2" in name)
    assert [name[-9:] for name in manifests] == ["0001.json", "0002.json"]
    both = [from_json(rig.manifests()[name].read_bytes(), name=name) for name in manifests]
    assert {e.subpath for e in both[1].files} - {e.subpath for e in both[0].files} == {
        "SC038/SC038_111919_g0/imec0_ks2/amplitudes.npy"
    }


def test_a_changed_file_is_a_conflict_and_is_not_sent(rig):
    rig.publish()
    name = "SC038/SC038_111919_g0"
    changed = next((rig.rig / "ephys" / name).rglob("*.meta"))
    archived = rig.archive / "raw-ephys" / changed.relative_to(rig.rig / "ephys")
    original = archived.read_bytes()
    changed.write_bytes(original + b"userNotes=changed\n")
    import os

    os.utime(changed, (1e9, 1e9))
    report = rig.publish()
    (outcome,) = [o for o in report.outcomes if name in o.folders]
    assert outcome.state == "archived with changes"
    assert outcome.failed
    assert "changed since it was archived" in outcome.reason
    assert archived.read_bytes() == original


def test_a_time_alone_is_no_change(rig):
    rig.publish()
    touched = next((rig.rig / "ephys/SC038/SC038_111919_g0").rglob("*.bin"))
    import os

    os.utime(touched, (1e9, 1e9))
    report = rig.publish()
    assert all(o.state == "archived" for o in report.outcomes if "SC038/SC038_111919_g0" in o.folders)


def test_a_dry_run_changes_nothing(rig):
    report = rig.publish(dry_run=True)
    assert {o.state for o in report.outcomes} == {"queued", "recording"}
    assert sum(o.to_send_files for o in report.outcomes) == len(good_files(rig))
    assert not any(o.sent_files for o in report.outcomes)
    assert rig.archived() == {}
    assert not publication.Transfer()
    assert not publication.SessionState()


def test_without_waiting_the_next_round_gathers(rig):
    first = rig.publish(wait=False)
    assert {o.state for o in first.outcomes} <= {"in flight", "recording", "archived"}
    second = rig.publish()
    assert [o.state for o in second.outcomes].count("archived") == 9
    assert set(rig.archived()) == set(good_files(rig))
    purposes = list(publication.Transfer().to_arrays("purpose"))
    assert purposes.count("publish") == 9


def test_populate_publishes_what_is_asked_for(rig):
    report = publication.ArchivedRawEphys.populate({"subject_id": 502716, "session": 1})
    (outcome,) = report.outcomes
    assert (outcome.h2o, outcome.state) == ("SC048", "archived")
    assert len(publication.ArchivedRawEphys()) == 1
    assert not publication.ArchivedTrackingVideo()


def test_the_commands_say_the_same(rig):
    done = rig.run("publication-publish", "--format", "json", check=3)
    document = json.loads(done.stdout)
    assert [s["state"] for s in document["sessions"]].count("archived") == 9
    status = json.loads(rig.run("publication-status", "--format", "json", check=0).stdout)["sessions"]
    states = [row["state"] for row in status]
    assert (states.count("archived"), states.count("recording"), states.count("not here")) == (9, 1, 2)
    (recording,) = [row for row in status if row["state"] == "recording"]
    assert recording["reason"]
    again = rig.run("publication-publish", "--subject", "SC038", check=0)
    assert "Nothing new to archive" in again.stderr
    assert "Traceback" not in again.stderr


@pytest.mark.parametrize("many", [1000])
def test_a_session_of_many_files_makes_a_handful_of_calls(pg_rig, many):
    rig = pg_rig
    folder = rig.rig / "ephys/SC038/SC038_111919_g0/imec0_ks2"
    folder.mkdir()
    import os

    for number in range(many):
        (folder / f"{number}.npy").write_bytes(b"%d" % number)
        os.utime(folder / f"{number}.npy", (1e9, 1e9))
    rig.admin.reset_counts()
    report = rig.publish({"subject_id": 480133, "session": 2}, types=("ephys",))
    assert report.whole
    counts = rig.admin.counts()
    polls = sum(n for name, n in counts.items() if "task_list" in name)
    assert sum(counts.values()) - polls <= 30, counts
    assert polls <= 60, counts


def test_sessions_that_depart_together_ask_together(pg_rig):
    """An animal's folder, and whether a lost journal had sent them, is asked once for all of them."""
    rig = pg_rig
    rig.admin.reset_counts()
    report = rig.publish(types=("ephys",))
    sent = [outcome for outcome in report.outcomes if outcome.state == "archived"]
    assert len(sent) == 5
    animals = {outcome.key[0] for outcome in sent}
    folders = {path.parent for path in rig.archived().values()}
    listings = next(n for name, n in rig.admin.counts().items() if name.endswith("/ls"))
    describing = sum(manifest.count("manifest") > 0 for manifest in rig.manifests())
    assert len(animals) < len(sent)
    # Before departure, in the check, and before and after their manifests, which may travel in several tasks.
    assert listings <= len(animals) + len(folders) + 2 * describing


def test_rows_of_the_lab_are_the_same_for_sessions_together_and_alone(rig):
    from pipeline import experiment, labrows

    rig.run("ingest-recordings", check=None)  # what is entered of the probes; some recordings are refused
    rows = experiment.Session().to_dicts()
    sessions = [SessionRef(row["subject_id"], row["session"], "", row["session_date"]) for row in rows]
    assert len(sessions) > 3
    together = labrows.collect(sessions)
    assert list(together) == [one.key for one in sessions]
    for one in sessions:
        assert labrows.collect([one]) == {one.key: together[one.key]}
        found = together[one.key]
        assert [row["session"] for row in found["experiment.Session"]] == [one.session]
        assert {row["subject_id"] for row in found["lab.Subject"]} == {one.subject_id}
        probes = {row["probe"] for row in found.get("lab.Probe", ())}
        assert probes == {row["probe"] for row in found.get("ephys.ProbeInsertion", ())}
    assert any("lab.Probe" in found for found in together.values())
    assert labrows.collect([]) == {}
