"""Where the collection serves no HTTPS, files are read back by transfers to a scratch folder, never by a sync."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mapshell.demo.run import ARCHIVE
from pipeline import publication, settings

ALL = {"checksum": "all"}


def no_https(archive):
    archive.admin.set_collection(ARCHIVE, https=False)


def tasks(archive):
    return [task for task in archive.bench.rig.tasks() if task["label"].startswith("mapshell verify")]


def scratch(archive):
    return [path for path in archive.bench.rig.rig.rglob("*") if ".mapshell" in path.parts and path.is_file()]


def configure(archive, change):
    """Change dj_local_conf.json."""
    rig = archive.bench.rig
    file = rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    change(document["custom"]["globus.local_endpoints"])
    file.write_text(json.dumps(document))
    rig.settings = settings.load(file=file)


def test_one_task_with_the_sha1_of_each_file(archive):
    no_https(archive)
    report = archive.verify(**ALL)
    assert report.whole
    assert {(check.verdict, check.how) for check in report} == {("verified", "globus")}
    (task,) = [task for task in tasks(archive) if task["files"] == 4]
    assert task["status"] == "SUCCEEDED"
    assert task["sync_level"] in (None, 0)  # 0: what exists is left alone
    hows = {row["how"] for row in publication.FileCheck.to_dicts()}
    assert hows == {"transfer to scratch with external_checksum"}
    assert not scratch(archive)


def test_a_mismatch_fails_the_task_and_the_wrong_file_alone_is_named(archive, flip):
    no_https(archive)
    flip(archive.at("one", "*.bin"))
    archive.at("two", "*.meta").unlink()
    report = archive.verify(**ALL)
    assert archive.drift(report) == {"one": ["bytes"], "two": ["missing"]}
    assert sum(check.verified for check in report) == 2
    assert not scratch(archive)
    rows = [row["verdict"] for row in publication.FileCheck.to_dicts()]
    assert sorted(rows) == ["different", "same", "same"]


@pytest.mark.parametrize("how", ["short", "missing"])
def test_copies_that_came_short_say_nothing_of_the_archive(archive, how):
    """Nobody is told to put a good file aside because its copy is bad."""
    no_https(archive)
    archive.admin.fail_tasks("lie", how=how, count=None, label="mapshell verify*")
    report = archive.verify(**ALL)
    assert archive.drift(report) == {}
    assert {check.verdict for check in report} == {"not checked"}
    assert not publication.FileCheck()
    archive.admin.clear_faults()
    archive.admin.fail_tasks("lie", how=how, count=1, label="mapshell verify*")
    assert archive.verify(**ALL).whole  # it is asked for once more
    assert not scratch(archive)


def test_without_https_and_without_a_root_that_may_be_written_it_says_so(archive):
    no_https(archive)

    def upload_only(roots):
        for alias, root in roots.items():
            roots[alias] = [{**each, "upload_only": True} for each in (root if isinstance(root, list) else [root])]

    configure(archive, upload_only)
    report = archive.verify(**ALL)
    assert {check.verdict for check in report} == {"not checked"}
    assert {check.present for check in report} == {2}
    (said,) = {error.message for check in report for error in check.errors}
    assert "serves no HTTPS" in said
    assert not tasks(archive)
    assert "upload-only" in archive.tell("--checksum", "all", check=3)[1]
    assert archive.verify().whole


def test_a_disk_without_room_is_named_and_nothing_passes(archive):
    from pipeline.archive.haul import Patient
    from pipeline.archive.readback import Item, by_transfers
    from pipeline.here import local_roots
    from pipeline.holdings import holdings
    from pipeline.work import Silence, SystemClock

    rig = archive.bench.rig
    (root,) = local_roots(rig.settings, "raw-ephys")
    (one, _) = holdings(publication.ArchivedRawEphys())
    items = [Item(0, entry) for entry in one.manifest.files]
    small = min(entry.size for entry in one.manifest.files)
    patient = Patient(SystemClock(), Silence(), 0.1)
    found = list(by_transfers(rig.globus(), one.location, items, root, patient, free=lambda _: 2 * small))
    assert sorted(str(each.verdict) for each in found) == ["None", "same"]
    (refused,) = [each.error.message for each in found if each.error]
    assert "free" in refused
    assert not scratch(archive)


def test_a_manifest_that_lies_is_named(archive):
    (file,) = [p for name, p in archive.bench.rig.manifests().items() if "_s1_" in name]
    document = json.loads(file.read_text())
    document["files"][0]["size"] += 1
    file.write_text(json.dumps(document))
    assert archive.drift(archive.verify(**ALL)) == {"one": ["manifest"]}
    file.write_text("{")
    assert archive.drift(archive.verify(**ALL)) == {"one": ["manifest"]}
    no_https(archive)
    assert archive.drift(archive.verify(**ALL)) == {"one": ["manifest"]}
    file.unlink()
    assert archive.drift(archive.verify()) == {"one": ["manifest"]}


def test_a_login_without_consent_for_https_reads_by_transfers(archive):
    rig = archive.bench.rig
    archive.admin.withdraw_consents(f"https://auth.globus.org/scopes/{ARCHIVE}/https")
    archive.admin.expire_tokens()
    rig.settings = replace(rig.settings)
    report = archive.verify(**ALL)
    assert report.stopped is None
    assert {check.how for check in report} <= {"globus", "https"}
    assert sum(check.verified for check in report) == 4
