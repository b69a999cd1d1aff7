"""When the archive, the service, the login or the database does not play along: nothing is called missing for that."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from pipeline import database, publication
from pipeline.errors import LoginNeeded
from tests.integration.accounts import read_only
from tests.integration.publish.bench import write
from tests.integration.rig import wait_until

ALL = {"checksum": "all"}
TOLD = {"capture_output": True, "text": True}


def rows():
    return len(publication.Verification()), len(publication.FileCheck())


def errors(report):
    return {error.message for check in report for error in check.errors}


def test_a_login_that_is_gone(archive):
    archive.admin.revoke_tokens()
    report = archive.verify()
    assert isinstance(report.stopped, LoginNeeded)
    assert "mapshell login" in archive.tell(check=4)[1]


def test_an_account_that_may_only_read_verifies_and_is_told_what_is_not_written_down(each_archive, flip):
    rig = each_archive.bench.rig
    flip(each_archive.at("one", "*.bin"))
    with read_only(rig):
        report = each_archive.verify(**ALL)
        assert each_archive.drift(report) == {"one": ["bytes"]}
        assert sum(check.verified for check in report) == 3
        assert report.unrecorded is not None
        assert "Not written down: this account may only read: the results are not kept." in str(report)
    database.bind(rig.settings)
    assert rows() == (0, 0)


def test_a_name_forges_no_line_and_is_kept_as_it_is_for_programs(archive):
    forged = "x\nverified: all is well\x1b[2J"
    inside = archive.at("one", "*.bin").with_name(forged)
    beside, animal = archive.bench.archive / "SC038" / forged, archive.bench.archive / forged
    for path in (inside, beside, animal / "notes"):
        write(path, b"x")
    archive.at("two", "*.meta").unlink()
    subpath = inside.relative_to(archive.bench.archive).as_posix()
    report = archive.verify(checksum="all")
    assert [each.subpath for each in report.drift if each.kind == "extra"] == [subpath]
    _, stderr = archive.tell(check=3)
    for text in (stderr, repr(report), report._repr_html_()):
        assert "x\\x0averified: all is well\\x1b[2J" in text
        assert "\nverified: all" not in text
        assert "\x1b" not in text
    removals = re.findall("`(globus rm .*?)`", stderr)
    assert len(removals) == 2
    for removal in removals:
        command = f'globus() {{ printf %s "$2"; }}; {removal}'
        told = subprocess.run(["bash"], input=command, check=True, **TOLD).stdout
        assert told.endswith((f"/{subpath}", f"/SC038/{forged}")), removal
    document = json.loads(archive.tell("--format", "json", check=3)[0])
    assert {each["name"] for each in document["no_session"]} == {f"SC038/{forged}"}
    assert document["unknown_animals"] == {"raw-ephys": [forged]}
    assert subpath in {each["file"] for session in document["sessions"] for each in session["drift"]}


def test_what_is_being_published_now_is_not_foreign(archive):
    bench = archive.bench
    later = write(archive.folders["one"] / "later.npy", b"later")
    bench.rig.admin.fail_tasks("hold", count=None, label="mapshell manifest*")
    bench.publish(wait=False)
    wait_until(lambda: later.relative_to(bench.ephys).as_posix() in bench.there())
    report = archive.verify()
    assert report.whole, repr(report)
    assert archive.by_name(report)["one"].under_way == 1
    bench.release()
    assert bench.publish().whole
    report = archive.verify(**ALL)
    assert report.whole
    assert archive.by_name(report)["one"].verified == 3


def test_what_a_failed_transfer_left_is_called_that(archive):
    bench = archive.bench
    write(archive.folders["one"] / "later.npy", b"later")
    bench.rig.admin.fail_tasks("fail", path="*later.npy")
    bench.publish()
    left = [name for name in bench.rig.files("archive") if "later" in name]
    report = archive.verify()
    assert report.whole, repr(report)
    assert len(archive.by_name(report)["one"].left) == len(left)


def test_publishing_beside_it_makes_no_difference(archive):
    bench = archive.bench
    for name in ("three", "four", "five"):
        write(archive.folders["one"] / f"{name}.npy", name.encode())
        bench.session(name)
    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(bench.publish)
        reports = [archive.verify()]
        while not publishing.done():
            reports.append(archive.verify())
        assert publishing.result().whole
    assert all(report.whole for report in reports), [repr(report) for report in reports if not report.whole]
    assert len(archive.verify(**ALL).sessions) == 5
