"""Manifests and listings that lie, or mean harm: no row of that session, a reason, and the round goes on."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pipeline import database, experiment, lab, publication
from tests.integration.discover.losing import discover, drop, rows
from tests.integration.publish.bench import DAY, SC038, SC048, write

INDEX = ("DataSet", "DataSet.PhysicalFile", "ArchivedRawEphys")


@pytest.fixture
def two(bench):
    """Two archived sessions whose index is lost: the first is spoilt by a test, the second must come back."""
    bench.session("bad")
    bench.session("good")
    assert bench.publish().whole
    drop(bench.rig, "publication")
    return bench


def spoil(bench, change, number=1, generation=1):
    """Change the manifest of a session at the archive; ``change`` gets its document."""
    path = next(p for p in bench.rig.manifests().values() if f"_s{number}_" in p.name)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def first(document):
    return document["files"][0]


def put(document, **values):
    first(document).update(values)


def nested(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


LIES = {
    "outside": lambda d: put(d, subpath="../../etc/passwd"),
    "absolute": lambda d: put(d, subpath="/etc/passwd"),
    "NUL": lambda d: put(d, subpath="SC038/run_g0/a\0b"),
    "backslash": lambda d: put(d, subpath="SC038/run_g0/a\\b"),
    "drive": lambda d: put(d, subpath="C:/x/y"),
    "another animal's": lambda d: put(d, subpath="SC048/catgt_SC048_050120_g0/x.bin"),
    "no session's": lambda d: put(d, subpath="SC038/x.bin"),
    "not there": lambda d: put(d, subpath=first(d)["subpath"] + ".more"),
    "other size": lambda d: put(d, size=first(d)["size"] + 1),
    "negative": lambda d: put(d, size=-1),
    "fraction": lambda d: put(d, size=0.5),
    "later generation": lambda d: put(d, generation=2),
    "unknown type": lambda d: put(d, file_type="ephys-raw-next-year's"),
    "no SHA1": lambda d: put(d, sha1="0" * 39),
    "twice": lambda d: d["files"].append(first(d)),
    "nothing": lambda d: d["files"].clear(),
    "generation": lambda d: d["dataset"].update(generation=7),
    "alias": lambda d: d["dataset"].update(storage_location="elsewhere"),
    "kind": lambda d: d["dataset"].update(type="video", name=f"video-{SC038}-0001"),
    "session": lambda d: (d["session"].update(session=9), d["dataset"].update(name=f"ephys-{SC038}-0009")),
    "subject": lambda d: (d["session"].update(subject_id=SC048), d["dataset"].update(name=f"ephys-{SC048}-0001")),
    "huge number": lambda d: (d["session"].update(subject_id=2**40), d["dataset"].update(name=f"ephys-{2**40}-0001")),
    "animal": lambda d: d["session"].update(h2o="SC048"),
    "no instant": lambda d: d["dataset"].update(archived_at=None),
    "no list": lambda d: d.update(files=5),
    "another start": lambda d: d["session"].update(session_time="23:00:00"),
    "no time": lambda d: d["session"].update(session_time="half past nine"),
    "odd evidence": lambda d: d.update(evidence={"computer": "a\0b"}),
    "newer": lambda d: d.update(version=99),
    "folders that are none": lambda d: d["evidence"].update(folders=5),
    "folders of rows": lambda d: d["evidence"].update(folders=[{"a": 1}]),
    "folders outside": lambda d: d["evidence"].update(folders=["../x"]),
    "no number": lambda d: d["evidence"].update(speed=float("nan")),
    "deep": lambda d: d["evidence"].update(deep=nested(40)),
    "deeper": lambda d: d["evidence"].update(deep=nested(800)),
    "verified without SHA1": lambda d: put(d, sha1=None, sha1_source=None),
}


@pytest.mark.fault(35)
def test_a_manifest_that_lies_brings_no_row_and_is_named(two):
    """One rig for all of them: a refused manifest leaves nothing behind."""
    bench = two
    path = next(p for p in bench.rig.manifests().values() if "_s1_" in p.name)
    truth = path.read_bytes()
    silent = []
    for name, lie in LIES.items():
        path.write_bytes(truth)
        spoil(bench, lie)
        report = discover(bench.rig, types=("ephys",))
        bad = [found for found in report.sessions if found.failed]
        good = [found for found in report.sessions if found.state in ("discovered", "known")]
        if len(bad) != 1 or len(good) != 1 or not bad[0].reason or not bad[0].remedy or report.whole:
            silent.append((name, repr(report)))
        assert bench.archived_keys() == {bench.keys["good"]}, name
        assert {row["dataset_name"] for row in publication.DataSet.to_dicts()} == {f"ephys-{SC038}-0002"}, name
        assert len(experiment.Session()) == 2, name
    assert silent == []
    path.write_bytes(truth)
    assert discover(bench.rig, types=("ephys",)).whole
    assert bench.archived_keys() == set(bench.keys.values())


@pytest.mark.fault(35)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"format": "other"}', b"[" * 100_000])
def test_a_file_that_is_no_manifest_is_named(two, content):
    path = next(p for p in two.rig.manifests().values() if "_s1_" in p.name)
    path.write_bytes(content)
    report = discover(two.rig, types=("ephys",))
    assert [found.state for found in report.sessions] == ["refused", "discovered"]
    assert "not a usable manifest" in report.sessions[0].reason
    assert two.archived_keys() == {two.keys["good"]}


@pytest.mark.fault(35)
@pytest.mark.parametrize("evidence", [{"folders": 5}, {"folders": [{}]}, [], 5])
def test_evidence_that_somebody_changed_by_hand_ends_nothing(two, evidence):
    discover(two.rig, types=("ephys",))
    table = publication.ArchivedRawEphys
    database.connection().query(f"UPDATE {table.full_table_name} SET evidence = %s", (json.dumps(evidence),))
    assert [found.state for found in discover(two.rig, types=("ephys",)).sessions] == ["known", "known"]
    two.run("publication-status", check=0)
    assert two.publish().whole


@pytest.mark.fault(35)
def test_two_manifests_that_list_one_file_are_both_refused(two):
    path = next(p for p in two.rig.manifests().values() if "_s2_" in p.name)
    stolen = json.loads(path.read_text())["files"][0]
    spoil(two, lambda document: document["files"].append(stolen))
    report = discover(two.rig, types=("ephys",))
    assert [found.state for found in report.sessions] == ["refused", "refused"]
    assert all("only one of them can be right" in found.reason for found in report.sessions)
    assert not any(rows(*INDEX).values())


@pytest.mark.fault(35)
def test_a_file_that_the_index_gives_to_another_session_is_not_taken_from_it(two):
    path = next(p for p in two.rig.manifests().values() if "_s1_" in p.name)
    truth = path.read_bytes()
    path.unlink()
    assert [found.state for found in discover(two.rig, types=("ephys",)).sessions][-1] == "discovered"
    before = rows(*INDEX)
    path.write_bytes(truth)
    other = next(p for p in two.rig.manifests().values() if "_s2_" in p.name)
    stolen = json.loads(other.read_text())["files"][0]
    spoil(two, lambda document: document["files"].append(stolen))
    report = discover(two.rig, types=("ephys",))
    assert "is in the index as a file of session 2" in next(f for f in report.sessions if f.failed).reason
    assert {row["dataset_name"] for row in publication.DataSet.to_dicts()} >= {f"ephys-{SC038}-0002"}
    assert [row for row in rows(*INDEX)["DataSet.PhysicalFile"] if row["dataset_name"].endswith("2")] == [
        row for row in before["DataSet.PhysicalFile"] if row["dataset_name"].endswith("2")
    ]


@pytest.mark.fault(35)
def test_a_bad_manifest_leaves_its_folder_to_nobody(two):
    """What a manifest says wrongly is not guessed from names either."""
    spoil(two, lambda document: put(document, size=1))
    report = discover(two.rig, types=("ephys",))
    assert two.archived_keys() == {two.keys["good"]}
    assert not [found for found in report.sessions if found.state == "present"]


ROWS = {
    "another subject": ("lab.Subject", {"subject_id": SC048}),
    "another session": ("experiment.Session", {"session": 2}),
    "another day": ("experiment.Session", {"session_date": "1999-01-01"}),
    "text for a number": ("lab.WaterRestriction", {"wr_start_weight": "heavy"}),
    "a list": ("lab.Subject", {"sex": ["M"]}),
    "too long": ("lab.Subject", {"sex": "male"}),
    "another name": ("lab.WaterRestriction", {"water_restriction_number": "SC048"}),
}


@pytest.mark.fault(35)
def test_rows_of_the_lab_are_taken_only_of_the_session_itself(two):
    bench = two
    path = next(p for p in bench.rig.manifests().values() if "_s1_" in p.name)
    truth = path.read_bytes()
    drop(bench.rig)
    for name, (table, values) in ROWS.items():
        path.write_bytes(truth)
        spoil(bench, lambda document, table=table, values=values: document["lab"][table][0].update(values))
        report = discover(bench.rig, types=("ephys",), create_sessions=True)
        assert [found.state for found in report.sessions if found.failed] == ["refused"], (name, repr(report))
        assert bench.archived_keys() == {bench.keys["good"]}, name
        assert [row["subject_id"] for row in lab.Subject.to_dicts()] == [SC038], name
    path.write_bytes(truth)
    spoil(bench, lambda document: document["lab"]["lab.Subject"][0].update(colour="black"))
    spoil(bench, lambda document: document["lab"].update({"lab.Cage": [{"cage": 1}]}))
    report = discover(bench.rig, types=("ephys",), create_sessions=True)
    assert report.whole
    (found,) = report.having("discovered")
    assert "lab.Cage" in found.notes[0]
    assert any("colour" in note for note in found.notes)


@pytest.mark.fault(35)
def test_hostile_names_in_a_listing_are_named_and_not_followed(bench):
    bench.enter("one", DAY.date())
    folder = bench.record("SC038_050120", DAY, base=bench.archive)
    write(folder / "back\\slash.bin", b"1")
    write(bench.archive / "SC038" / "catgt_SC038_050220\\x_g0" / "x.bin", b"1")
    report = discover(bench.rig, types=("ephys",))
    (found,) = report.sessions
    assert found.state == "present"
    assert found.failed
    assert "backslash, which is a separator" in found.reason
    assert not [row for row in publication.DataSet.PhysicalFile.to_dicts() if "\\" in row["file_subpath"]]
    assert "050220" in report.folders[0].folder
    assert report.folders[0].unread


@pytest.mark.fault(35)
def test_what_exists_in_the_labs_tables_is_never_changed(bench):
    bench.session("one")
    bench.session("two")
    assert bench.publish().whole
    drop(bench.rig, "publication", "tracking", "ephys", "experiment")
    lab.Subject.update1({"subject_id": SC038, "sex": "F", "subject_description": "another"})
    report = discover(bench.rig, types=("ephys",), create_sessions=True)
    assert (lab.Subject & {"subject_id": SC038}).fetch1("sex") == "F"
    assert len(report.having("discovered")) == 2
    notes = [note for found in report.sessions for note in found.notes]
    assert any("has sex 'F', the manifest says 'U'; left as it is" in note for note in notes)
    assert (DAY + timedelta(days=1)).date() in {row["session_date"] for row in experiment.Session.to_dicts()}


@pytest.mark.fault(35)
def test_files_whose_names_look_like_ours_are_listed_all_the_same(two):
    """Only the exact names that publish gives to leftovers are left out."""
    folder = next(
        path for name, path in two.rig.archived().items() if name.endswith(".bin") and "050120" in name
    ).parent
    names = {"my.manifest-notes.txt", "my.unfinished-thoughts.txt", "x.quarantined-0123abcd.bin"}
    for name in {*names, "x.bin.unfinished-0123abcd"}:
        write(folder / name, b"x")
    next(path for path in two.rig.manifests().values() if "_s1_" in path.name).unlink()
    assert discover(two.rig, types=("ephys",)).whole
    assert names == {name.rpartition("/")[2] for name in two.indexed()} & {*names, "x.bin.unfinished-0123abcd"}
