"""Faults of requests take effect: status codes, delays, resets, cut and wrong bodies, lost answers."""

from __future__ import annotations

import contextlib
import http.client
import time
import urllib.error
import urllib.request
import uuid

import globus_sdk
import pytest
from globus_sdk.scopes import GCSCollectionScopes, Scope

from mapshell.sandbox.consent import opener

from .conftest import ARCHIVE, GUEST, RIG, ended, items
from .faulty import new_files
from .test_transfer import failing

LS = "transfer/operation/endpoint/*/ls"


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "X"), (429, "TooManyRequests"), (500, "InternalError"), (502, "Y"), (503, "ServiceUnavailable"), (504, "Z")],
)
def test_next_requests_fail_with_a_status(sandbox, client, status, code):
    sandbox.admin.fault("status", request=LS, status=status, count=2, code=code, message="because")
    assert client.get_submission_id()["value"]
    for _ in range(2):
        error = failing(client.operation_ls, RIG)
        assert (error.http_status, error.code, error.message) == (status, code, "because")
        assert error.raw_json["resource"] == f"/v0.10/operation/endpoint/{RIG}/ls"
        assert error.request_id
    assert client.operation_ls(RIG)["DATA_TYPE"] == "file_list"


def test_retry_after_and_further_fields(sandbox, client):
    sandbox.admin.fault("status", status=429, retry_after=7, extra={"hint": 1})
    error = failing(client.task_list)
    assert (error.headers["Retry-After"], error.raw_json["hint"]) == ("7", 1)


def test_a_status_of_what_was_done_all_the_same(sandbox, client):
    sandbox.admin.fault("status", status=502, method="POST", request="*/mkdir", done=True)
    name = uuid.uuid4().hex
    assert failing(client.operation_mkdir, GUEST, f"/{name}").http_status == 502
    assert (sandbox.folder / "guest" / name).is_dir()


@pytest.mark.parametrize(("kind", "done"), [("reset", False), ("lost", True)])
def test_an_answer_that_never_comes(sandbox, client, kind, done):
    name = new_files(sandbox)
    data = items(globus_sdk.TransferData(RIG, GUEST, submission_id=str(uuid.uuid4())), name)
    sandbox.admin.fault(kind, method="POST", request="transfer/transfer")
    with pytest.raises(globus_sdk.NetworkError, match="onnection"):
        client.submit_transfer(data)
    again = client.submit_transfer(data)
    assert again["code"] == ("Duplicate" if done else "Accepted")
    assert ended(client, again["task_id"])["status"] == "SUCCEEDED"
    assert [each["status"] for each in sandbox.admin.requests() if each["fault"] == kind][-1] is None


def test_a_body_that_breaks_off(sandbox, client):
    sandbox.admin.fault("cut", request="transfer/task_list")
    with pytest.raises(globus_sdk.NetworkError):
        client.task_list()
    assert client.task_list()["DATA_TYPE"] == "task_list"


@pytest.mark.parametrize(("kind", "body"), [("html", "<html>"), ("empty", ""), ("truncated", '{"DATA_TYPE"')])
def test_bodies_that_are_no_documents(sandbox, client, kind, body):
    sandbox.admin.fault(kind, request="transfer/task_list")
    answer = client.task_list()
    assert answer.http_status == 200
    assert not isinstance(answer.data, dict)
    assert answer.text.startswith(body)
    assert int(answer.headers["Content-Length"]) == len(answer.binary_content)


def test_an_answer_that_is_late(sandbox, client):
    sandbox.admin.fault("delay", request="transfer/submission_id", seconds=0.3, after=1)
    client.get_submission_id()
    began = time.monotonic()
    client.get_submission_id()
    assert time.monotonic() - began >= 0.3  # late on purpose: it cannot be earlier


def test_only_requests_of_one_collection_or_method(sandbox, client):
    sandbox.admin.fault("status", status=500, collection=GUEST, count=None)
    assert client.operation_ls(RIG)
    assert failing(client.operation_ls, GUEST).http_status == 500
    assert failing(client.get_endpoint, GUEST).http_status == 500
    sandbox.admin.clear_faults()
    sandbox.admin.fault("status", status=500, method="POST")
    assert client.operation_ls(GUEST)


def test_the_third_of_them(sandbox, client):
    sandbox.admin.fault("status", request=LS, status=500, nth=3)
    statuses = [_status(client.operation_ls, RIG) for _ in range(5)]
    assert statuses == [200, 200, 500, 200, 200]


def test_dice_fall_the_same_with_the_same_seed(sandbox, client):
    thrown = []
    for seed in (7, 7, 8):
        sandbox.admin.clear_faults()
        sandbox.admin.fault("status", request=LS, status=500, probability=0.5, seed=seed)
        thrown.append([_status(client.operation_ls, RIG) for _ in range(16)])
    assert thrown[0] == thrown[1] != thrown[2]
    assert set(thrown[0]) == {200, 500}


def _status(call, *args):
    try:
        return call(*args).http_status
    except globus_sdk.TransferAPIError as error:
        return error.http_status


def test_auth_fails_in_its_own_words(sandbox):
    client = sandbox.confidential()
    sandbox.admin.fault("status", request="auth/v2/oauth2/token", status=403, code="temporarily_unavailable")
    with pytest.raises(globus_sdk.AuthAPIError) as caught:
        client.oauth2_client_credentials_tokens("openid")
    assert caught.value.http_status == 403
    assert caught.value.raw_json["error"] == "temporarily_unavailable"
    tokens = client.oauth2_client_credentials_tokens("openid")
    person = globus_sdk.AuthClient(
        authorizer=globus_sdk.AccessTokenAuthorizer(tokens["access_token"]),
        base_url=sandbox.info.auth_url,
        retry_config=globus_sdk.transport.RetryConfig(max_retries=0),
    )
    sandbox.admin.fault("status", request="auth/v2/oauth2/userinfo", status=500, code="SERVER_ERROR")
    with pytest.raises(globus_sdk.AuthAPIError) as caught:
        person.userinfo()
    assert (caught.value.http_status, caught.value.code) == (500, "SERVER_ERROR")
    sandbox.admin.fault("lost", request="auth/v2/oauth2/userinfo")
    with pytest.raises(globus_sdk.NetworkError):
        person.userinfo()


def test_https_reads_fail_too(sandbox):
    (sandbox.archive / "big").write_bytes(bytes(range(256)) * 40_000)
    scope = Scope(str(GCSCollectionScopes(ARCHIVE).https))
    token = sandbox.tokens(scope).by_resource_server[ARCHIVE]["access_token"]
    url = f"http://127.0.0.1:{sandbox.info.port}/https/{ARCHIVE}/big"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})

    def read():
        with opener().open(request, timeout=10) as answer:
            return answer.read()

    sandbox.admin.fault("status", request="https/*", collection=ARCHIVE, status=503)
    with pytest.raises(urllib.error.HTTPError) as caught:
        read()
    caught.value.close()
    assert caught.value.code == 503
    sandbox.admin.fault("cut", request="https/*")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)) as broken:
        read()
    if isinstance(broken.value, http.client.IncompleteRead):
        assert 0 < len(broken.value.partial) <= 256 * 40_000 // 2
    sandbox.admin.fault("truncated", request="https/*")
    assert len(read()) == 256 * 20_000
    sandbox.admin.fault("reset", request="https/*")
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        read()
    sandbox.admin.fault("cut", request="https/*")
    request.method = "HEAD"
    with contextlib.suppress(OSError):  # all there is of an answer to HEAD may have come before the reset
        opener().open(request, timeout=10).close()
    request.method = "GET"
    assert read() == bytes(range(256)) * 40_000
    assert "Traceback" not in (sandbox.info.folder / "sandbox.log").read_text()  # all that was on purpose


def test_requests_are_remembered(sandbox, client):
    sandbox.admin.reset_counts()
    failing(client.operation_ls, ARCHIVE, "/none")
    (request,) = sandbox.admin.requests()
    assert (request["method"], request["kind"], request["status"]) == (
        "GET",
        "transfer/operation/endpoint/<id>/ls",
        404,
    )


def test_the_admin_api_needs_its_token(sandbox):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(sandbox.info.admin_url + "/info")
    caught.value.close()
    assert caught.value.code == 401


def test_a_page_sent_here_under_another_name_gets_nothing(sandbox):
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.info.port)
    connection.request("GET", "/auth/nonce", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 421
    connection.close()
