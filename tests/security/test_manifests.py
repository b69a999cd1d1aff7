"""Manifests that somebody forged at the archive: what else than lies of its own session it could do (see discover)."""

from __future__ import annotations

import json
import shutil

import pytest

from pipeline.archive.manifest import from_json, to_json
from pipeline.errors import IntegrityError
from tests.integration.discover.losing import discover, drop, rows
from tests.integration.publish.bench import SC038
from tests.integration.publish.bench import write as write_file

INDEX = ("DataSet", "DataSet.PhysicalFile", "ArchivedRawEphys")


def manifest_of(bench, number):
    return next(path for path in bench.rig.manifests().values() if f"_s{number}_" in path.name)


@pytest.fixture
def two(bench):
    """Two archived sessions of one animal."""
    bench.session("attacker's")
    bench.session("victim's")
    assert bench.publish().whole
    return bench


def test_a_forged_earlier_name_takes_no_rows_from_a_session_that_is_still_there(two):
    """A manifest says that its session was the victim's before; the victim's files are copied to where it says."""
    bench = two
    mine, theirs = manifest_of(bench, 1), manifest_of(bench, 2)
    document, victim = json.loads(mine.read_text()), json.loads(theirs.read_text())
    (folder,) = victim["evidence"]["folders"]
    (own,) = document["evidence"]["folders"]
    stolen = f"{own}/stolen"
    shutil.copytree(bench.archive / folder, bench.archive / stolen)
    document["dataset"]["generation"] = 9
    document["evidence"]["aliases"] = [
        {
            "subject_id": SC038,
            "session": 2,
            "h2o": "SC038",
            "date": victim["session"]["session_date"],
            "folders": {folder: stolen},
            "at": "2026-01-01T00:00:00Z",
            "by": {},
            "computer": "x",
            "because": "x",
        }
    ]
    document["files"] += [{**each, "subpath": each["subpath"].replace(folder, stolen)} for each in victim["files"]]
    document["files"].sort(key=lambda each: each["subpath"])
    forged = mine.with_name(mine.name.replace("-0001", "-0009"))
    for known in ("both", "the victim's"):
        if known == "the victim's":  # an index made anew while the attacker's session had no manifest
            drop(bench.rig, "publication")
            mine.unlink()
            forged.unlink()
            (bench.archive / own).rename(aside := bench.rig.folder / "aside")
            assert discover(bench.rig, types=("ephys",)).having("discovered")
            assert bench.archived_keys() == {bench.keys["victim's"]}
            aside.rename(bench.archive / own)
        forged.write_text(json.dumps(document))
        before = victims()
        report = discover(bench.rig, types=("ephys",))
        assert victims() == before, (known, report.sessions)
        if known == "the victim's":
            (refused,) = [each for each in report.sessions if each.failed]
            assert "still lies at the archive" in refused.reason
        assert bench.keys["victim's"] in bench.archived_keys(), known


def victims():
    found = rows("DataSet", "DataSet.PhysicalFile")
    return [row for table in found.values() for row in table if row["dataset_name"].endswith("-0002")]


def test_a_name_that_stands_twice_is_refused(two):
    """Readers differ in which of the two they take."""
    path = manifest_of(two, 1)
    text = path.read_text()
    path.write_text(text.replace('"dataset": {', '"dataset": {"generation": 1,', 1))
    with pytest.raises(IntegrityError, match="stands twice"):
        from_json(path.read_bytes(), name="x")
    drop(two.rig, "publication")
    states = [found.state for found in discover(two.rig, types=("ephys",)).sessions]
    assert states == ["refused", "discovered"]


HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\u202egnp.exe"


def test_names_in_a_manifest_and_at_the_archive_do_not_steer_a_terminal(two):
    bench = two
    path = manifest_of(bench, 1)
    document = json.loads(path.read_text())
    document["files"][0]["subpath"] += HOSTILE
    document["lab"][HOSTILE] = [{"x": 1}]
    document["evidence"]["computer"] = HOSTILE
    path.write_text(json.dumps(document))
    write_file(bench.archive / "SC038" / f"x{HOSTILE}_g0" / f"x{HOSTILE}.bin", b"x")
    write_file(bench.archive / f"SC{HOSTILE}" / "x.bin", b"x")
    drop(bench.rig, "publication")
    archive = "raw-ephys:/"
    for line, code in (
        (("publication-discover", "--type", "ephys", "--debug"), 3),
        (("publication-verify", "--type", "ephys"), 3),
        (("publication-status",), 0),
        (("ls", archive), 0),
        (("ls", "-l", f"{archive}SC038"), 0),
        (("find", archive), 0),
        (("du", archive), 0),
    ):
        done = bench.rig.run(*line)
        shown = done.stdout + done.stderr
        assert done.returncode == code, (line, shown)
        odd = {character for character in shown if not character.isprintable() and character not in "\n\t"}
        assert odd == set(), (line, odd)


def test_a_huge_manifest_is_refused():
    """What takes most memory for its bytes, what takes most time, what lies deepest."""
    for raw in (
        b'{"format": "mapshell-manifest", "version": 1, "files": [' + b"[]," * 3_000_000 + b"[]]}",
        b'{"format": "mapshell-manifest", "version": ' + b"9" * 1_000_000 + b"}",
        b'{"format": "mapshell-manifest", "version": 1, "x": ' + b'{"a":' * 200_000,
    ):
        with pytest.raises(IntegrityError, match="not a usable manifest"):
            from_json(raw, name="x")


def test_reading_what_was_written_is_as_before(two):
    for path in two.rig.manifests().values():
        raw = path.read_bytes()
        assert to_json(from_json(raw, name="x")) == raw
