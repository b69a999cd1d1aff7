"""Globus out of reach, nobody logged in, consents gone, collections in every kind of trouble."""

from __future__ import annotations

import json
import time

import pytest

from mapshell.demo.run import ARCHIVE, RIG
from mapshell.sandbox import service
from pipeline.errors import (
    CollectionNotFound,
    CollectionOffline,
    ConfigError,
    GlobusError,
    GlobusUnavailable,
    LoginNeeded,
    PermissionDenied,
    ServiceError,
)

from .sickroom import examined, rewrite, roots_of, tree


def test_nobody_is_logged_in(pg_rig):
    pg_rig.run("logout", check=0)
    done = pg_rig.run("doctor", "--format", "json", check=4)
    findings = json.loads(done.stdout)["findings"]
    (person,) = [each for each in findings if each["check"] == "person"]
    assert person["level"] == "failure"
    assert person["error"] == "LoginNeeded"
    assert "mapshell login" in person["remedy"]
    levels = {each["check"]: each["level"] for each in findings}
    assert levels["service"] == levels["connection"] == levels["on disk"] == levels["staging"] == "ok"
    assert levels["collection"] == levels["same folder"] == levels["listed"] == "skipped"
    shown = pg_rig.run("doctor", check=4).stdout
    assert shown.count("because of login, person") <= 5


def test_the_login_was_revoked(pg_rig):
    pg_rig.admin.revoke_tokens()
    seen = examined(pg_rig)
    assert isinstance(seen.report.worst, LoginNeeded)
    seen.one("person", "failure", remedy="mapshell login")


def test_no_client_id_and_an_address_that_is_none(pg_rig):
    rewrite(pg_rig, lambda document: document.pop("globus.client_id"))
    seen = examined(pg_rig)
    seen.one("client", "failure", says="client id", remedy="Register a client")
    assert isinstance(seen.report.worst, ConfigError)
    assert seen.levels("service") == {"ok"}
    pg_rig.environ["MAPSHELL_GLOBUS_AUTH_URL"] = "https://127.0.0.1:9/"
    seen = examined(pg_rig, only=("login",))
    assert isinstance(seen.one("service", "failure", says="cannot be reached").error, GlobusUnavailable)


def test_the_consent_was_withdrawn(pg_rig):
    pg_rig.admin.withdraw_consents()
    seen = examined(pg_rig)
    assert isinstance(seen.report.worst, LoginNeeded), seen.told()
    assert not [f for f in seen.of("consents") if f.level == "ok"]


def test_the_service_is_down(pg_rig):
    service.stop(pg_rig.folder / ".mapshell" / "sandbox")
    seen = examined(pg_rig)
    found = seen.one("service", "failure", remedy="mapshell services start")
    assert isinstance(found.error, ServiceError)
    assert seen.levels("connection") == seen.levels("staging") == seen.levels("transfers") == {"ok"}
    assert pg_rig.run("doctor", check=0).returncode == 0  # the command starts it


@pytest.mark.parametrize("kind", ["html", "empty"])
def test_something_else_answers(pg_rig, kind):
    pg_rig.admin.fault(kind, request="auth/*", count=None)
    seen = examined(pg_rig, only=("login",))
    found = seen.one("service", "failure", says="not as Globus does", remedy="proxy")
    assert isinstance(found.error, GlobusError)


def test_the_service_is_slow_or_hangs(pg_rig):
    pg_rig.admin.fault("delay", collection=ARCHIVE, seconds=30, count=None, request="transfer/operation/*")
    began = time.monotonic()
    seen = examined(pg_rig, limit=3.0)
    assert time.monotonic() - began < 25
    assert seen.levels("same folder") == {"ok"}
    found = [each for each in seen.of("listed") if each.level == "failure"]
    assert found
    assert "no answer within 3 s" in found[0].message
    assert not list(pg_rig.rig.rglob("doctor-probe-*"))


@pytest.mark.parametrize(
    ("kind", "error", "remedy"),
    [
        ("offline", CollectionOffline, "start Globus Connect Personal"),
        ("missing", CollectionNotFound, "correct the UUID"),
    ],
)
def test_a_rig_that_globus_does_not_reach(pg_rig, kind, error, remedy):
    before = tree(pg_rig.rig)
    pg_rig.admin.fault(kind, collection=RIG)
    seen = examined(pg_rig)
    found = [each for each in seen.of("collection") if each.level == "failure"]
    assert len(found) == 1, seen.told()
    assert isinstance(found[0].error, error)
    assert remedy in found[0].remedy
    assert seen.levels("same folder") == {"skipped"}
    assert seen.levels("staging") == seen.levels("listed") == seen.levels("writable") == {"ok"}
    assert tree(pg_rig.rig) == before


def test_an_archive_that_is_offline(pg_rig):
    pg_rig.admin.fault("offline", collection=ARCHIVE)
    seen = examined(pg_rig)
    assert seen.levels("same folder") == seen.levels("Globus writes") == {"ok"}
    assert {type(each.error) for each in seen.of("listed")} == {CollectionOffline}
    assert seen.levels("writable") == seen.levels("HTTPS") == {"skipped"}


def test_an_archive_that_is_read_only(pg_rig):
    archive = tree(pg_rig.archive)
    number = pg_rig.admin.fault("read-only", collection=ARCHIVE)
    seen = examined(pg_rig)
    assert {type(each.error) for each in seen.of("writable")} == {PermissionDenied}
    assert seen.levels("listed") == {"ok"}
    assert seen.report.left == ()
    assert tree(pg_rig.archive) == archive
    pg_rig.admin.clear_faults(number)
    assert examined(pg_rig, only=("archive",)).levels("writable") == {"ok"}
    pg_rig.admin.fault("read-only", collection=ARCHIVE)
    assert examined(pg_rig, only=("archive",)).levels("writable") == {"failure"}
    assert len(list(pg_rig.archive.rglob(".mapshell-doctor"))) == 2


def test_an_archive_whose_folder_is_gone_or_forbidden(pg_rig):
    (pg_rig.archive / "raw-ephys").rmdir()
    pg_rig.admin.fault("permission", collection=ARCHIVE, paths=["/raw-video*"])
    seen = examined(pg_rig)
    seen.one("listed", "failure", "raw-ephys", "no folder /raw-ephys", "mapshell storage set raw-ephys")
    assert isinstance(seen.one("listed", "failure", "raw-video").error, PermissionDenied)
    assert not (pg_rig.archive / "raw-ephys").exists()


def test_a_rig_that_globus_may_not_write_or_read(pg_rig):
    number = pg_rig.admin.fault("read-only", collection=RIG)
    seen = examined(pg_rig, only=("folders",))
    assert seen.levels("Globus writes") == {"warning"}
    assert seen.levels("same folder") == {"ok"}
    rewrite(pg_rig, lambda document: roots_of(document)["raw-ephys"].update(upload_only=True))
    assert not examined(pg_rig, only=("folders",)).bad()
    pg_rig.admin.clear_faults(number)
    pg_rig.admin.fault("permission", collection=RIG)
    seen = examined(pg_rig, only=("folders",))
    assert seen.levels("in Globus") == {"failure"}
    assert "accessible" in seen.of("in Globus")[0].remedy
    assert not list(pg_rig.rig.rglob(".mapshell"))


def test_an_archive_without_https_or_times(pg_rig):
    pg_rig.admin.fault("no-https", collection=ARCHIVE)
    pg_rig.admin.fault("no-times", collection=ARCHIVE)
    report = pg_rig.publish({"subject_id": 502716, "session": 1}, types=("ephys",))
    assert [outcome.state for outcome in report.outcomes] == ["archived"], (report.outcomes, report.stopped)
    seen = examined(pg_rig, only=("archive",))
    assert seen.one("HTTPS", "ok", "raw-ephys", "none").facts == {"https": None}
    assert seen.one("times", "warning", "raw-ephys", "does not keep").facts == {"keeps_times": False}
    assert seen.report.worst is None


def test_a_fresh_login_is_demanded(pg_rig):
    pg_rig.admin.fault("session-required", collection=ARCHIVE, minutes=1, mfa=True)
    pg_rig.admin.expire_sessions()
    seen = examined(pg_rig)
    assert isinstance(seen.report.worst, LoginNeeded), seen.told()
    assert "mapshell login" in seen.report.worst.remedy
