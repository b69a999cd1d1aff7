"""Verify names what differs between archive and index, by listings and by bytes, and changes neither."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import date

import pytest

from mapshell.demo.run import ARCHIVE
from mapshell.sandbox import constants
from pipeline import publication
from pipeline.errors import UsageError
from tests.integration.publish.bench import LONG_AGO, write

ARCHIVED = publication.ArchivedRawEphys


def test_an_archive_that_is_whole(each_archive):
    bench = each_archive.bench
    os.utime(each_archive.at("one", "*.bin"), (LONG_AGO, LONG_AGO))  # a time alone is no drift
    stamps = {name: path.stat().st_mtime_ns for name, path in bench.rig.files("archive").items()}
    report = ARCHIVED.verify()
    assert report.whole
    assert {check.verdict for check in report} == {"present"}
    report = ARCHIVED.verify(checksum="all")
    assert report.whole
    assert {(check.verdict, check.verified, check.how) for check in report} == {("verified", 2, "https")}
    assert {name: path.stat().st_mtime_ns for name, path in bench.rig.files("archive").items()} == stamps
    looks = publication.Verification.to_dicts()
    assert sorted((row["how"], row["verdict"], row["report"]["verified"]) for row in looks) == [
        ("presence", "same", 0),
        ("presence", "same", 0),
        ("presence; SHA1 of 2 files, https", "same", 2),
        ("presence; SHA1 of 2 files, https", "same", 2),
    ]
    files = bench.indexed()
    for row in publication.FileCheck.to_dicts():
        assert (row["verdict"], row["how"]) == ("same", "read back over HTTPS")
        assert row["seen_sha1"] in {file["file_sha1"] for file in files.values()}
    assert len(publication.FileCheck()) == len(files) == 4


def test_each_kind_of_drift_is_named_with_what_would_mend_it(each_archive, flip):
    bench = each_archive.bench
    flip(each_archive.at("one", "*.bin"))
    each_archive.at("one", "*.meta").unlink()
    longer = each_archive.at("two", "*.meta")
    longer.write_bytes(longer.read_bytes() + b"x")
    write(each_archive.at("two", "*.bin").parent / "foreign.txt", b"foreign")
    write(bench.archive / "SC038" / "notes.txt", b"notes")
    write(bench.archive / "SC038" / "other" / "deep" / "x.bin", b"x")
    write(bench.archive / "SC038" / "catgt_SC038_060120_g0" / "x.bin", b"x")
    (bench.archive / "SC038" / "empty").mkdir()
    write(bench.archive / "SC999" / "a" / "x.bin", b"x")
    report = each_archive.verify()
    assert each_archive.drift(report) == {"one": ["missing"], "two": ["extra", "size"]}
    advised = {stray.subpath: "publication-discover" in stray.remedy for stray in report.strays}
    assert advised == {"SC038/catgt_SC038_060120_g0": True, "SC038/notes.txt": False, "SC038/other": False}
    assert report.animals == {"raw-ephys": ["SC999"]}
    assert not report.whole
    full = {"one": ["bytes", "missing"], "two": ["extra", "size"]}
    assert each_archive.drift(each_archive.verify(checksum="all")) == full
    # A listing alone cannot tell that it was mended: what was read before still stands.
    assert each_archive.drift(each_archive.verify()) == full
    rows = {row["file_id"]: row["verdict"] for row in publication.FileCheck.to_dicts()}
    assert sorted(rows.values()) == ["different", "same"]
    assert {row["verdict"] for row in publication.Verification.to_dicts()} == {"drift"}
    stdout, stderr = each_archive.tell("--checksum", "all", check=3)
    assert "drift" in stdout
    assert "verified" not in stdout.lower().replace("verified  ", "").replace("verified\n", "")
    for word in ("foreign.txt", "notes.txt", "SC038/other", "SC999", "globus transfer", "globus rename", "globus rm"):
        assert word in stderr, word
    assert "empty" not in stderr


def test_only_our_own_names_are_taken_for_what_a_transfer_left(archive):
    """Whatever merely looks alike is foreign: nobody is told that it may be deleted as ours."""
    animal, folder = archive.bench.archive / "SC038", archive.at("one", "*.bin").parent
    ours = {folder / "x.bin.unfinished-0123abcd", folder / "y.quarantined-ffff0000"}
    foreign = {folder / "my.unfinished-thoughts.txt", folder / "z.unfinished-0123abcd.bin"}
    beside = {animal / "all.quarantined-files.zip", animal / "old.unfinished-0123abcd" / "x.bin"}
    for path in {*ours, *foreign, *beside, animal / "SC038_x.json.unfinished-0123abcd"}:
        write(path, b"x")
    report = archive.verify()
    names = {path.relative_to(archive.bench.archive).as_posix() for path in foreign}
    assert {each.subpath for each in report.drift if each.kind == "extra"} == names
    left = {name for check in report for name in check.left}
    assert left == {path.relative_to(archive.bench.archive).as_posix() for path in ours}
    assert {stray.subpath for stray in report.strays} == {
        "SC038/all.quarantined-files.zip",
        "SC038/old.unfinished-0123abcd",
    }


def test_status_never_calls_archived_what_was_seen_to_be_lost(each_archive, flip):
    flip(each_archive.at("one", "*.bin"))
    write(each_archive.at("two", "*.bin").parent / "foreign.txt", b"foreign")
    each_archive.verify(checksum="all")

    def states():
        rows = json.loads(
            each_archive.bench.run("publication-status", "--type", "ephys", "--format", "json", check=0)[0]
        )["sessions"]
        return {row["session"]: (row["state"], row["reason"]) for row in rows}

    one, two = (each_archive.bench.keys[name][1] for name in ("one", "two"))
    found = states()
    assert found[one][0] == "archived with changes"
    assert found[one][1].startswith("the archive differs from the index: 1 with other bytes (seen ")
    assert found[two] == ("archived", "")
    flip(each_archive.at("one", "*.bin"))
    each_archive.verify(checksum="all")
    assert states()[one] == ("archived", "")


def test_the_commands_that_it_names_mend_the_archive(archive, flip):
    flip(archive.at("one", "*.bin"))
    archive.at("one", "*.meta").unlink()
    write(archive.at("two", "*.bin").parent / "it's foreign; $HOME.txt", b"foreign")
    longer = archive.at("two", "*.meta")
    longer.write_bytes(longer.read_bytes() + b"x")
    archive.admin.set_collection(ARCHIVE, mapped=False)
    report = archive.verify(checksum="all")
    assert archive.drift(report) == {"one": ["bytes", "missing"], "two": ["extra", "size"]}
    sandbox = archive.bench.rig.sandbox
    environment = {
        **os.environ,
        **sandbox.environment,
        "GLOBUS_CLI_CLIENT_ID": constants.CONFIDENTIAL_CLIENT_ID,
        "GLOBUS_CLI_CLIENT_SECRET": constants.CONFIDENTIAL_CLIENT_SECRET,
    }
    tasks = {task["task_id"] for task in archive.bench.rig.tasks()}
    for each in report.drift:
        for command in re.findall("`(globus [^`]*)`", each.remedy):
            words = [sys.executable, "-m", "globus_cli", *shlex.split(command)[1:]]
            done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
    settle(archive, tasks)
    report = archive.verify(checksum="all")
    assert report.whole, repr(report)
    left = [name for check in report for name in check.left]
    assert len(left) == 2
    assert all(".quarantined-" in name for name in left)


def settle(archive, before):
    """Wait until the tasks of the commands have ended well."""
    from tests.integration.rig import wait_until

    def ended():
        return all(task["status"] != "ACTIVE" for task in archive.bench.rig.tasks())

    wait_until(ended)
    new = [task for task in archive.bench.rig.tasks() if task["task_id"] not in before]
    assert len(new) == 4
    assert {task["status"] for task in new} == {"SUCCEEDED"}


def test_restrictions_on_class_and_instance(archive):
    subject_id, session = archive.bench.keys["two"]
    one = {"subject_id": subject_id, "session": session}
    restricted = (ARCHIVED & one, ARCHIVED() & one, ARCHIVED - {"session": 1}, ARCHIVED & publication.DataSet & [one])
    for table in restricted:
        assert [check.session.key for check in table.verify()] == [archive.bench.keys["two"]]
    assert len(ARCHIVED().verify().sessions) == len(ARCHIVED.verify().sessions) == 2
    later = ARCHIVED.verify(since="2020-05-02")
    assert [check.session.key for check in later] == [archive.bench.keys["two"]]


def test_a_projection_is_told(archive):
    for verb in ("verify", "retrieve"):
        with pytest.raises(UsageError, match="projection"):
            getattr((ARCHIVED & {"session": 1}).proj(), verb)()
    assert not publication.Verification()


def test_one_session_alone_does_not_speak_of_others(archive):
    write(archive.bench.archive / "SC038" / "notes.txt", b"notes")
    archive.at("two", "*.meta").unlink()
    report = archive.verify(ARCHIVED & {"session": 1})
    assert report.whole
    assert not report.strays


def test_json(archive):
    archive.at("one", "*.meta").unlink()
    document = json.loads(archive.tell("--format", "json", "--checksum", "sample", check=3)[0])
    (wrong,) = [each for each in document["sessions"] if each["verdict"] == "drift"]
    assert [each["kind"] for each in wrong["drift"]] == ["missing"]
    assert wrong["present"] == wrong["verified"] == 1
    assert (document["stopped"], document["unrecorded"], document["limit"]) == (None, None, "")


def test_wrong_use(archive):
    for wrong, said in (
        ({"subject_id": 1}, "No session of the lab"),
        ({"subject_id": 480133, "session": 9}, "No session of the lab"),
    ):
        with pytest.raises(UsageError, match=said):
            (ARCHIVED & wrong).verify()
    archive.bench.enter("three", date(2021, 1, 1))
    with pytest.raises(UsageError, match="not archived") as refused:
        (ARCHIVED & {"session": 3}).verify()
    assert "publication-publish" in refused.value.remedy
    for options in ({"checksum": "md5"}, {"max_time": "2x"}, {"max_bytes": "0"}, {"since": "yesterday"}):
        with pytest.raises(UsageError):
            ARCHIVED.verify(**options)
    for limit in ({"max_bytes": "1GB"}, {"unchecked_for": "8w"}):
        with pytest.raises(UsageError, match="limits what is read back"):
            ARCHIVED.verify(**limit)
    for arguments in (
        ["--subject", "SC39"],
        ["--unchecked-for", "8w"],
        ["--max-bytes", "1GB"],
        ["--checksum", "all", "--max-time", "soon"],
        ["--checksum", "all", "--unchecked-for", "x"],
    ):
        assert "Remedy" in archive.tell(*arguments, check=2)[1]


def test_nothing_archived_is_nothing_to_compare(bench):
    bench.session("one")
    assert "Nothing is archived yet" in bench.run("publication-verify", check=0)[1]
    assert "Nothing is archived yet" in bench.run("publication-verify", "--subject", "SC038", check=2)[1]
    bench.rig.admin.fail_tasks("hold", count=None)
    bench.publish(wait=False)
    assert "in flight" in bench.run("publication-verify", "--subject", "SC038", check=2)[1]


def test_an_index_that_is_behind_is_brought_forward_by_the_command_that_it_names(archive):
    bench = archive.bench
    write(archive.folders["one"] / "later.npy", b"later")
    assert bench.publish().whole
    now = bench.indexed()
    name = {"globus_alias": "raw-ephys", "dataset_name": "ephys-480133-0001"}
    (publication.DataSet.PhysicalFile & name & "file_generation = 2").delete_quick()
    publication.DataSet.update1({**name, "dataset_generation": 1, "dataset_manifest": first_manifest(bench)})
    key = (ARCHIVED & name).keys()[0]
    ARCHIVED.update1({**key, "generation": 1})
    report = archive.verify(checksum="all")
    assert archive.drift(report) == {"one": ["extra", "newer"]}
    assert not report.strays  # told once, and not as what may be removed
    (command,) = {each for drift in report.drift for each in re.findall("`mapshell ([^`]*)`", drift.remedy)} - {
        "publication-discover --subject SC038 --dry-run"
    }
    bench.run(*shlex.split(command), check=0)
    assert bench.indexed() == now
    assert archive.verify(checksum="all").whole


def test_no_manifest_is_proposed_for_removal(archive):
    there = archive.bench.archive / "SC038"
    (known,) = there.glob("*_s1_*.manifest-0001.json")
    names = [known.name.replace("0001", "0007"), known.name.replace("_s1_", "_s77_"), "SC038_copy.json"]
    for name in names:
        write(there / name, known.read_bytes())
    report = archive.verify()
    assert [each.subpath for each in report.drift] == [f"SC038/{names[0]}"]
    assert {each.subpath for each in report.strays} == {f"SC038/{name}" for name in names[1:]}
    proposed = " ".join(each.remedy for each in (*report.drift, *report.strays) if "globus rm" in each.remedy)
    assert "SC038_copy.json" in proposed
    (copy,) = [each for each in report.strays if each.subpath.endswith("copy.json")]
    assert "discover" not in copy.remedy  # it would not look at a file of this name
    assert ".manifest-" not in proposed


def first_manifest(bench):
    return next(name.removeprefix("ephys/") for name in bench.rig.manifests() if "_s1_" in name and "0001" in name)


def test_a_report_in_words_and_for_a_notebook(archive, flip):
    assert "No drift." in str(archive.verify())
    flip(archive.at("one", "*.bin"))
    archive.at("two", "*.meta").unlink()
    report = archive.verify(checksum="all")
    assert "Drift in 2 sessions: 1 with other bytes, 1 missing." in str(report)
    assert "drift: SC038 (subject 480133) session 1 of 2020-05-01, raw-ephys" in repr(report)
    html = report._repr_html_()
    assert html.count("<tr>") == 3
    assert "globus transfer" in html
    assert "<td>drift</td>" in html
