"""Faults of collections and tokens take effect, and go when they are cleared; all of them survive a restart."""

from __future__ import annotations

import os
import urllib.error
import urllib.request

import globus_sdk
import psutil
import pytest
from globus_sdk.scopes import GCSCollectionScopes, Scope, TransferScopes

from mapshell.sandbox.consent import opener
from mapshell.sandbox.constants import DEFAULT_USERNAME, SECOND_USERNAME
from mapshell.sandbox.service import CollectionSpec, start, status, stop
from pipeline.errors import UsageError

from .conftest import ARCHIVE, GUEST, RIG, Sandbox, ended, items, until
from .faulty import BYTES, arrived, new_files, submit
from .test_transfer import failing

TRANSFER = "transfer.api.globus.org"


@pytest.fixture
def name(sandbox):
    return new_files(sandbox)


@pytest.mark.parametrize(
    ("collection", "code"),
    [(RIG, "ExternalError.DirListingFailed.GCDisconnected"), (GUEST, "ExternalError.DirListingFailed.ConnectFailed")],
)
def test_offline(sandbox, client, name, collection, code):
    sandbox.admin.fault("offline", collection=collection)
    error = failing(client.operation_ls, collection)
    assert (error.http_status, error.code) == (502, code)
    task_id = submit(client, name)
    until(lambda: client.get_task(task_id), lambda task: task["faults"] > 0)
    sandbox.admin.clear_faults()
    assert ended(client, task_id)["status"] == "SUCCEEDED"


def test_read_only(sandbox, client, name):
    sandbox.admin.fault("read-only", collection=GUEST)
    assert failing(client.operation_mkdir, GUEST, "/x").code == "EndpointPermissionDenied"
    assert client.operation_ls(GUEST)["DATA_TYPE"] == "file_list"
    task_id = submit(client, name)
    task = until(lambda: client.get_task(task_id), lambda task: task["faults"] > 0)
    assert (task["status"], task["nice_status"]) == ("ACTIVE", "PERMISSION_DENIED")
    sandbox.admin.clear_faults()
    assert ended(client, task_id)["status"] == "SUCCEEDED"


def test_permission(sandbox, client, name):
    (sandbox.rig / "locked").mkdir(exist_ok=True)
    number = sandbox.admin.fault("permission", collection=RIG, paths=["/locked*"])
    assert failing(client.operation_ls, RIG, "/locked/").code == "EndpointPermissionDenied"
    assert client.operation_ls(RIG)["total"] > 0
    sandbox.admin.fault("permission", collection=GUEST)
    assert failing(client.operation_ls, GUEST).code == "EndpointPermissionDenied"
    assert failing(submit, client, name).http_status == 403
    assert sandbox.admin.clear_faults(number) == 1
    assert client.operation_ls(RIG, "/locked/")["total"] == 0
    assert failing(client.operation_ls, GUEST).code == "EndpointPermissionDenied"


def test_missing(sandbox, client):
    sandbox.admin.fault("missing", collection=GUEST)
    assert failing(client.operation_ls, GUEST).code == "EndpointNotFound"
    sandbox.admin.clear_faults()
    assert client.operation_ls(GUEST)


@pytest.mark.parametrize("fail", [True, False])
def test_quota(sandbox, client, name, fail):
    sandbox.admin.fault("quota", collection=GUEST, bytes=150)
    task_id = submit(client, name, f"{name}2", fail_on_quota_errors=fail)
    task = until(lambda: client.get_task(task_id), lambda task: task["faults"] > 0 or task["status"] != "ACTIVE")
    assert task["files_transferred"] == 1
    if fail:
        assert ended(client, task_id)["fatal_error"]["code"] == "QUOTA_EXCEEDED"
    else:
        sandbox.admin.clear_faults()
        assert ended(client, task_id)["status"] == "SUCCEEDED"


def test_times_are_not_preserved(sandbox, client, name):
    for suffix in ("", "2"):
        os.utime(sandbox.rig / f"{name}{suffix}", (10**9, 10**9))
    ended(client, submit(client, name, preserve_timestamp=True))
    assert arrived(sandbox, name).stat().st_mtime == 10**9
    sandbox.admin.fault("no-times", collection=GUEST)
    task = ended(client, submit(client, f"{name}2", preserve_timestamp=True))
    assert task["status"] == "SUCCEEDED"
    assert arrived(sandbox, f"{name}2").stat().st_mtime > 10**9


def test_no_https(sandbox, client):
    (sandbox.archive / "file").write_bytes(BYTES)
    token = sandbox.tokens(Scope(str(GCSCollectionScopes(ARCHIVE).https))).by_resource_server[ARCHIVE]["access_token"]
    url = client.get_endpoint(ARCHIVE)["https_server"] + "/file"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with opener().open(request, timeout=10) as answer:
        assert answer.read() == BYTES
    sandbox.admin.fault("no-https", collection=ARCHIVE)
    assert client.get_endpoint(ARCHIVE)["https_server"] is None
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener().open(request, timeout=10)
    caught.value.close()
    assert caught.value.code == 404


def test_consent_required(sandbox):
    first, second = sandbox.transfer(), sandbox.transfer(identity=SECOND_USERNAME)
    sandbox.admin.fault("consent-required", collection=ARCHIVE, identity=SECOND_USERNAME)
    error = failing(second.operation_ls, ARCHIVE)
    assert (error.http_status, error.code) == (403, "ConsentRequired")
    assert ARCHIVE in error.info.consent_required.required_scopes[0]
    assert first.operation_ls(ARCHIVE)
    sandbox.admin.fault("consent-required", collection=ARCHIVE)
    assert failing(first.operation_ls, ARCHIVE).code == "ConsentRequired"
    assert sandbox.transfer().operation_ls(ARCHIVE)


def test_a_fresh_session_is_required(sandbox):
    before = sandbox.transfer()
    assert before.operation_ls(ARCHIVE)
    sandbox.admin.fault("session-required", collection=ARCHIVE)
    error = failing(before.operation_ls, ARCHIVE)
    assert error.info.authorization_parameters.session_required_identities
    assert before.operation_ls(RIG)
    sandbox.admin.clear_faults()
    assert before.operation_ls(ARCHIVE)
    sandbox.admin.fault("session-required", collection=ARCHIVE, domains=["lab.example"], mfa=True)
    error = failing(before.operation_ls, ARCHIVE)
    assert error.info.authorization_parameters.session_required_single_domain == ["lab.example"]


def logged_in(sandbox, identity=DEFAULT_USERNAME):
    """Return a client with an access token, and its refresh token."""
    tokens = sandbox.tokens(TransferScopes.all, identity=identity).by_resource_server[TRANSFER]
    return sandbox.client(tokens["access_token"]), tokens["refresh_token"]


def alive(sandbox, client, refresh):
    """Tell whether an access token and a refresh token are good for something."""
    return _works(client.task_list), _works(sandbox.native().oauth2_refresh_token, refresh)


def _works(call, *args):
    try:
        call(*args)
    except globus_sdk.GlobusAPIError as error:
        return {"AuthenticationFailed": False, "invalid_grant": False}[error.raw_json.get("error") or error.code]
    return True


@pytest.mark.parametrize(
    ("kind", "fields", "left"),
    [
        ("token-expired", {}, (False, True)),
        ("token-expired", {"tokens": "refresh"}, (True, False)),
        ("token-expired", {"tokens": "all"}, (False, False)),
        ("token-revoked", {"tokens": "access"}, (False, True)),
        ("token-revoked", {"tokens": "refresh"}, (True, False)),
        ("token-revoked", {}, (False, False)),
    ],
)
def test_tokens_end(sandbox, kind, fields, left):
    first, second = logged_in(sandbox), logged_in(sandbox, SECOND_USERNAME)
    sandbox.admin.fault(kind, identity=SECOND_USERNAME, **fields)
    assert alive(sandbox, *first) == (True, True)
    assert alive(sandbox, *second) == left
    sandbox.admin.fault(kind, **fields)
    assert alive(sandbox, *first) == left
    assert sandbox.admin.faults() == []  # it is over


def test_a_token_ends_just_before_a_request(sandbox):
    client, _ = logged_in(sandbox)
    sandbox.admin.fault("token-expired", request="transfer/task_list", nth=3)
    assert client.task_list()
    assert client.task_list()
    assert client.get_submission_id()
    assert failing(client.task_list).http_status == 401
    assert sandbox.admin.faults() == []  # it has struck, and is over


def test_a_collection_goes_offline_just_before_a_request(sandbox, client):
    sandbox.admin.fault("offline", collection=RIG, request="*/ls", after=1)
    assert client.operation_ls(RIG)
    assert failing(client.operation_ls, RIG).http_status == 502
    assert failing(client.operation_ls, RIG).http_status == 502
    sandbox.admin.clear_faults()
    assert client.operation_ls(RIG)


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("offline", {"collection": "00000000-0000-0000-0000-000000000000"}, "no collection"),
        ("consent-required", {"collection": RIG}, "not mapped"),
        ("token-revoked", {"identity": "nobody@sandbox.example"}, "nobody called 'nobody@"),
        ("offlin", {}, "Did you mean 'offline'"),
    ],
)
def test_what_is_not_there_cannot_be_spoilt(sandbox, kind, fields, said):
    with pytest.raises(UsageError, match=said) as caught:
        sandbox.admin.add_faults({"kind": "html"}, {"kind": kind, **fields})
    assert caught.value.remedy
    assert sandbox.admin.faults() == []  # all or none


def test_faults_survive_a_kill_with_what_is_left_of_them(tmp_path):
    folder = tmp_path / "rig"
    folder.mkdir()
    state = tmp_path / "state"
    sandbox = Sandbox(tmp_path, start(state, {RIG: CollectionSpec(folder)}))
    try:
        sandbox.admin.fault("status", request="*/task_list", status=500, after=1, count=2)
        sandbox.admin.fault("offline", collection=RIG)
        sandbox.admin.fault("fail", label="x")
        tokens = sandbox.tokens(TransferScopes.all)
        client = sandbox.client(tokens["access_token"])
        assert client.task_list()
        assert failing(client.task_list).http_status == 500
        before = sandbox.admin.faults()
        psutil.Process(sandbox.info.pid).kill()
        until(lambda: status(state), lambda info: info is None)
        sandbox = Sandbox(tmp_path, start(state))
        client = sandbox.client(tokens["access_token"])
        assert sandbox.admin.faults() == before
        assert [entry["fired"] for entry in before] == [1, 1, 0]
        assert failing(client.task_list).http_status == 500
        assert client.task_list()
        assert failing(client.operation_ls, RIG).http_status == 502
        data = items(globus_sdk.TransferData(RIG, RIG, label="x"), "none")
        sandbox.admin.clear_faults(2)
        assert client.operation_ls(RIG)
        assert ended(client, client.submit_transfer(data)["task_id"])["status"] == "FAILED"
        assert sandbox.admin.faults() == []
    finally:
        stop(state)
