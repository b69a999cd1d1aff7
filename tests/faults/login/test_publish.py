"""The login is missing, expires, is revoked, or lacks a consent: said at once, nothing asked, everything kept."""

import os

import pytest

from mapshell.demo.run import ARCHIVE
from mapshell.errors import CONFIGURATION, LOGIN
from mapshell.sandbox.consent import code_from_page
from pipeline.errors import LoginNeeded
from tests.integration.publish.faults import (
    COMMAND,
    bind,
    command,
    converges,
    journal_states,
    nothing_archived,
    refused,
    told,
)
from tests.integration.publish.proxy import STEPS


@pytest.fixture
def steps():
    STEPS.forget()
    yield STEPS
    STEPS.forget()


def log_in(rig):
    rig.globus().login_with_code(code_from_page)


@pytest.mark.fault(30)
def test_nobody_has_ever_logged_in(pg_rig, tmp_path):
    pg_rig.environ["MAPSHELL_GLOBUS_TOKEN_FILE"] = str(tmp_path / "none" / "tokens.db")
    document, stderr = command(pg_rig, code=LOGIN, seconds=20)  # no terminal: nothing asks, nothing hangs
    assert "Nobody is logged in" in document["stopped"]
    assert "mapshell login" in stderr
    assert [session["state"] for session in document["sessions"]] == ["queued"]
    nothing_archived(pg_rig)
    assert pg_rig.tasks() == []
    assert journal_states(pg_rig) == []
    pg_rig.environ.pop("MAPSHELL_GLOBUS_TOKEN_FILE")
    converges(pg_rig, tasks=2)


@pytest.mark.fault(30)
def test_an_access_token_that_has_expired_is_renewed_in_silence(pg_rig):
    assert pg_rig.admin.expire_tokens("access")
    converges(pg_rig, tasks=2)


@pytest.mark.fault(30)
@pytest.mark.parametrize("step", ["planned", "checked"])
def test_an_access_token_that_expires_in_the_middle_is_renewed_in_silence(pg_rig, steps, step):
    steps.at(step, lambda: pg_rig.admin.expire_tokens("access"))
    told(pg_rig)
    assert steps.reached == [step]
    converges(pg_rig, tasks=2)


@pytest.mark.fault(30)
@pytest.mark.parametrize("before", [{"kind": "status", "status": 504}, {"kind": "reset"}], ids=["504", "reset"])
def test_an_access_token_that_expires_while_a_request_is_repeated_is_renewed_in_silence(pg_rig, before):
    expires = {"kind": "token-expired", "tokens": "access", "request": "transfer/*", "count": 1, "after": 1}
    pg_rig.admin.add_faults({**before, "request": "transfer/*", "nth": 2}, expires)
    told(pg_rig)
    converges(pg_rig, tasks=2)


@pytest.mark.fault(30)
def test_a_login_that_was_revoked(pg_rig):
    pg_rig.admin.revoke_tokens()
    document, stderr = command(pg_rig, code=LOGIN, seconds=20)
    assert "login" in document["stopped"].lower()
    assert "mapshell login" in stderr
    nothing_archived(pg_rig)
    assert pg_rig.tasks() == []
    log_in(pg_rig)
    converges(pg_rig, tasks=2)


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    ("step", "states"),
    [
        ("planned", [("publish", "planned")]),
        ("submitted", [("publish", "submitted")]),
        ("checked", [("publish", "checked")]),
    ],
)
def test_a_login_that_is_revoked_in_the_middle_loses_nothing(pg_rig, steps, step, states):
    steps.at(step, pg_rig.admin.revoke_tokens)
    state = "queued" if step == "planned" else "in flight"
    refused(pg_rig, code=LOGIN, state=state, seconds=20)
    assert steps.reached == [step]
    assert journal_states(pg_rig) == states
    log_in(pg_rig)
    converges(pg_rig, tasks=2)


@pytest.mark.fault(30)
def test_a_consent_that_was_withdrawn_names_the_collection(pg_rig):
    assert pg_rig.admin.withdraw_consents()
    document, stderr = command(pg_rig, code=LOGIN, seconds=20)
    assert "consent" in document["stopped"]
    assert ARCHIVE in document["stopped"]
    assert "mapshell login" in stderr
    nothing_archived(pg_rig)
    assert pg_rig.tasks() == []
    log_in(pg_rig)
    converges(pg_rig, tasks=2)


@pytest.mark.fault(30)
def test_a_consent_that_is_withdrawn_while_a_transfer_runs(pg_rig, steps):
    steps.at("submitted", pg_rig.admin.withdraw_consents)
    _, report = told(pg_rig, code=LOGIN, seconds=20)
    assert isinstance(report.stopped, LoginNeeded)
    assert journal_states(pg_rig)[0][1] in ("submitted", "checked")
    assert not bind(pg_rig).ArchivedRawEphys()
    log_in(pg_rig)
    converges(pg_rig, tasks=2)


@pytest.mark.fault(32)
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_token_file_that_others_can_read_is_refused(pg_rig):
    file = pg_rig.settings.globus.token_file
    file.chmod(0o644)
    done = pg_rig.run(*COMMAND, check=CONFIGURATION)
    assert str(file) in done.stderr
    assert "Remedy:" in done.stderr
    nothing_archived(pg_rig)
    file.chmod(0o600)
    converges(pg_rig, tasks=2)
