"""What the SDK raises, told to people."""

from __future__ import annotations

import json
import sqlite3

import jwt
import pytest
import requests
from globus_sdk import AuthAPIError, GlobusConnectionError, GlobusTimeoutError, TransferAPIError
from globus_sdk.token_storage.validating_token_storage import IdentityMismatchError, MissingTokenError

from pipeline.errors import (
    CollectionNotFound,
    CollectionOffline,
    ConfigError,
    GlobusError,
    GlobusUnavailable,
    LocalDiskError,
    LoginNeeded,
    PermissionDenied,
    QuotaExceeded,
    RemotePathNotFound,
)
from pipeline.globus.demands import missing_consents, required_scopes, required_session
from pipeline.globus.errors import Doing, translate

UUID = "5f0e4cb1-0000-4000-8000-000000000002"
NAME = f"raw-ephys (Petrel, {UUID})"
DOING = Doing("list", collection=NAME, path="/SC038", identity="me-uuid", url="https://transfer.api.globus.org/")
SCOPE = f"urn:globus:auth:scope:transfer.api.globus.org:all[*https://auth.globus.org/scopes/{UUID}/data_access]"


def answer(status, document, *, kind="application/json", error=TransferAPIError):
    response = requests.Response()
    response.status_code = status
    response.reason = "Reason"
    response.url = "https://transfer.api.globus.org/v0.10/x"
    response.headers["Content-Type"] = kind
    response._content = document if isinstance(document, bytes) else json.dumps(document).encode()
    response.request = requests.Request("GET", response.url, headers={"Authorization": "Bearer hidden"}).prepare()
    return error(response)


def transfer(status, code, message="said", **more):
    return answer(status, {"code": code, "message": message, "request_id": "r", **more})


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (transfer(404, "ClientError.NotFound"), RemotePathNotFound, ["/SC038", NAME]),
        (transfer(404, "NotFound"), RemotePathNotFound, ["/SC038"]),
        (transfer(502, "ExternalError.MkdirFailed.NotFound"), RemotePathNotFound, ["/SC038"]),
        (transfer(404, "EndpointNotFound"), CollectionNotFound, [UUID]),
        (transfer(410, "EndpointDeleted"), CollectionNotFound, [UUID]),
        (transfer(403, "EndpointPermissionDenied"), PermissionDenied, ["/SC038", NAME, "me-uuid"]),
        (transfer(403, "PermissionDenied"), PermissionDenied, ["me-uuid"]),
        (transfer(502, "ExternalError.DirListingFailed.PermissionDenied"), PermissionDenied, ["/SC038"]),
        (transfer(502, "ExternalError.DirListingFailed.LoginFailed"), PermissionDenied, [NAME]),
        (transfer(409, "ExternalError.DirListingFailed.GCDisconnected"), CollectionOffline, [NAME]),
        (transfer(502, "EndpointError"), CollectionOffline, [NAME]),
        (transfer(504, "ExternalError.DirListingFailed.Timeout"), CollectionOffline, [NAME]),
        (transfer(502, "ExternalError.MkdirFailed.QuotaExceeded"), QuotaExceeded, [NAME]),
        (transfer(502, "EndpointError", "Disk quota exceeded"), QuotaExceeded, [NAME]),
        (transfer(404, "ClientError.NotFound", "no /quota exceedingly long"), RemotePathNotFound, []),
        (transfer(502, "ExternalError.DirListingFailed.NotDirectory"), GlobusError, ["not a folder"]),
        (transfer(502, "ExternalError.DirListingFailed.SizeLimit"), GlobusError, ["100,000"]),
        (transfer(429, "ConnectionRateLimit"), GlobusUnavailable, ["fewer requests"]),
        (transfer(401, "AuthenticationFailed"), LoginNeeded, ["mapshell login"]),
        (transfer(403, "ConsentRequired", required_scopes=[SCOPE]), LoginNeeded, ["consent", NAME]),
        (transfer(503, "ServiceUnavailable", "maintenance"), GlobusUnavailable, ["503", "maintenance"]),
        (transfer(400, "ClientError.BadRequest", "no items"), GlobusError, ["400", "no items"]),
        (
            answer(502, b"<html>Bad Gateway</html>", kind="text/html"),
            GlobusUnavailable,
            ["502", "transfer.api.globus.org"],
        ),
        (answer(200, {"error": "invalid_grant"}, error=AuthAPIError), LoginNeeded, ["expired or was revoked"]),
        (answer(400, {"error": "invalid_grant"}, error=AuthAPIError), LoginNeeded, ["mapshell login"]),
        (answer(401, {"error": "invalid_client"}, error=AuthAPIError), ConfigError, ["globus.client_id"]),
        (answer(400, {"error": "unknown_scope"}, error=AuthAPIError), LoginNeeded, ["--force"]),
        (answer(503, {"error": "down"}, error=AuthAPIError), GlobusUnavailable, ["503"]),
        (MissingTokenError("none", "transfer"), LoginNeeded, ["Nobody is logged in"]),
        (IdentityMismatchError("other", "one", "two"), LoginNeeded, ["one", "two", "mapshell logout"]),
        (GlobusConnectionError("x", OSError("Connection refused")), GlobusUnavailable, ["refused", "transfer.api"]),
        (GlobusConnectionError("x", OSError("reset by peer")), GlobusUnavailable, ["broke off"]),
        (GlobusTimeoutError("x", OSError()), GlobusUnavailable, ["in time"]),
        (sqlite3.OperationalError("database or disk is full"), LocalDiskError, ["disk is full"]),
        (jwt.ImmatureSignatureError("not yet valid (iat)"), GlobusError, ["clock"]),
        (ValueError("odd"), GlobusError, ["cannot be understood", "odd"]),
    ],
)
def test_each_failure_names_thing_cause_and_remedy(error, kind, words):
    told = translate(error, DOING)
    assert type(told) is kind
    for word in words:
        assert word in str(told)
    assert "hidden" not in str(told)
    assert told.remedy
    assert "\n" not in told.message


def test_a_refused_consent_names_the_collection_and_keeps_the_scope():
    error = transfer(403, "ConsentRequired", required_scopes=[SCOPE])
    assert missing_consents(error) == [UUID]
    assert required_scopes(error) == [SCOPE]
    assert missing_consents(transfer(403, "PermissionDenied")) is None
    assert required_scopes(ValueError()) == []


def test_a_fresh_session_is_recognised_wherever_the_service_puts_it():
    demanded = {"session_required_single_domain": ["lab.edu"], "session_message": "log in at the lab"}
    plain = transfer(403, "PermissionDenied", authorization_parameters=demanded)
    text = "530-Login incorrect: " + json.dumps({"detail": 1, "authorization_parameters": demanded}) + " End."
    within = transfer(502, "ExternalError.DirListingFailed.LoginFailed", text)
    for error in (plain, within):
        assert required_session(error) == demanded
        assert isinstance(translate(error, DOING), LoginNeeded)
    for error in (
        transfer(403, "PermissionDenied"),
        transfer(403, "PermissionDenied", authorization_parameters={}),
        transfer(502, "ExternalError.DirListingFailed.LoginFailed", '"authorization_parameters": {torn'),
        ValueError(),
    ):
        assert required_session(error) is None


def test_a_refused_code_is_no_expired_login():
    told = translate(answer(400, {"error": "invalid_grant"}, error=AuthAPIError), Doing("log in"))
    assert isinstance(told, LoginNeeded)
    assert "code" in told.message


def test_long_words_of_the_service_are_cut():
    told = translate(transfer(500, "X", "y" * 5000), DOING)
    assert len(told.message) < 700
