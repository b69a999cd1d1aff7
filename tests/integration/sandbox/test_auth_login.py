"""Logging in as a person: pages, redirects, what the browser remembers, id tokens, many at once."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import subprocess
import sys
import threading
import urllib.parse
import webbrowser

import globus_sdk
import jwt
import pytest
import requests
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.login_flows import LocalServerLoginError, LocalServerLoginFlowManager
from globus_sdk.scopes import AuthScopes, TransferScopes

from mapshell.sandbox.constants import CONFIDENTIAL_CLIENT_ID, DEFAULT_IDENTITY_ID, DEFAULT_USERNAME, SECOND_USERNAME
from mapshell.sandbox.service import consent

from .browsing import visit

ALL = ["openid", "email", "profile", AuthScopes.view_identity_set, TransferScopes.all]


@pytest.fixture
def lab(sandbox):
    """A second identity of the sandbox's default person."""
    return sandbox.admin.add_identity("rig@lab.example", linked_to=DEFAULT_USERNAME)["id"]


def login_page(client, **query):
    there = f"{client.base_url.rstrip('/')}/v2/web/auth-code"
    client.oauth2_start_flow(redirect_uri=there, requested_scopes=ALL, refresh_tokens=True)
    return visit(client.oauth2_get_authorize_url(query_params=query))


def claims(client, page, **press):
    return client.oauth2_exchange_code_for_tokens(page.press("allow", **press).code).decode_id_token()


class LocalServerFlow(LocalServerLoginFlowManager):
    """The SDK's own, which leaves its listening socket open."""

    @contextlib.contextmanager
    def background_local_server(self):
        with super().background_local_server() as server, server:
            yield server


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_the_local_server_flow_of_the_sdk(sandbox, monkeypatch, decision):
    """The program listens, the browser opens the page, the person decides, the browser leads back to the program."""
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", sandbox.info.auth_url)
    seen, threads = [], []

    class Browser(webbrowser.BaseBrowser):
        def open(self, url, new=0, autoraise=True):
            def person():
                seen.append(visit(url).press(decision, identity=SECOND_USERNAME))

            threads.append(threading.Thread(target=person))
            threads[-1].start()
            return True

    # A machine without a screen has none.
    monkeypatch.setattr("webbrowser.get", lambda: Browser("person"))
    with sandbox.native() as client:
        manager = LocalServerFlow(client, request_refresh_tokens=True)
        parameters = GlobusAuthorizationParameters(required_scopes=["openid", str(TransferScopes.all)])
        if decision == "allow":
            tokens = manager.run_login_flow(parameters)
            assert tokens.decode_id_token()["preferred_username"] == SECOND_USERNAME
            assert tokens.by_resource_server["transfer.api.globus.org"]["refresh_token"]
        else:
            with pytest.raises(LocalServerLoginError, match="denied the request"):
                manager.run_login_flow(parameters)
    threads[0].join()
    assert urllib.parse.urlsplit(seen[0].final).hostname == "127.0.0.1"


def test_the_page_shows_who_asks_for_what_and_who_may_answer(sandbox, lab):
    page = login_page(sandbox.native(), prefill_named_grant="<b>my</b> rig", session_message="Please & thank you")
    for shown in ("<b>my</b> rig", "Please & thank you", str(TransferScopes.all)):
        assert shown in page.text
    assert page.people[:2] == [DEFAULT_USERNAME, "rig@lab.example"]
    assert SECOND_USERNAME in page.people
    assert (page.form.chosen, [value for _, value in page.form.buttons]) == (DEFAULT_USERNAME, ["allow", "deny"])
    hinted = login_page(sandbox.native(), login_hint=SECOND_USERNAME)
    assert (hinted.form.chosen, len(hinted.people)) == (SECOND_USERNAME, len(page.people))
    assert "denied" in page.press("deny").text
    assert "no such identity" in page.press("allow", identity="nobody@sandbox.example").text


@pytest.mark.parametrize(
    ("query", "people"),
    [
        ({"session_required_single_domain": "lab.example"}, ["rig@lab.example"]),
        ({"session_required_single_domain": "none.example,LAB.example"}, ["rig@lab.example"]),
        ({"session_required_identities": DEFAULT_IDENTITY_ID}, [DEFAULT_USERNAME]),
        ({"session_required_identities": SECOND_USERNAME}, [SECOND_USERNAME]),
        ({"session_required_single_domain": "none.example"}, []),
        ({"session_required_policies": "5ab0d0de-0000-4000-8000-0000000000aa"}, []),
    ],
)
def test_only_those_who_fit_may_log_in(sandbox, lab, query, people):
    page = login_page(sandbox.native(), **query)
    assert (page.people, page.status) == (people, 200 if people else 400)
    assert ("Error code:" in page.text) == (not people)


def test_a_linked_identity_logs_the_same_person_in(sandbox, lab):
    client = sandbox.native()
    found = claims(client, login_page(client), identity="rig@lab.example")
    assert (found["sub"], found["preferred_username"]) == (DEFAULT_IDENTITY_ID, DEFAULT_USERNAME)
    assert [each["username"] for each in found["identity_set"]] == [DEFAULT_USERNAME, "rig@lab.example"]
    assert found["identity_set"][1]["identity_provider"] != found["identity_set"][0]["identity_provider"]
    assert found["identity_set"][1]["last_authentication"]
    token = sandbox.tokens("openid", identity="rig@lab.example")
    info = globus_sdk.AuthClient(
        authorizer=globus_sdk.AccessTokenAuthorizer(token["access_token"]), base_url=sandbox.info.auth_url
    ).userinfo()
    assert (info["sub"], "identity_set" in info.data) == (DEFAULT_IDENTITY_ID, False)


def test_a_browser_that_is_logged_in_gives_no_new_proof_unless_asked_to(sandbox):
    sandbox.admin.expire_sessions()
    client = sandbox.native()
    first = claims(client, login_page(client))["last_authentication"]
    # Another application, the same browser.
    other = sandbox.confidential()
    assert claims(other, login_page(other))["last_authentication"] == first
    sandbox.admin.expire_sessions()
    assert claims(client, login_page(client))["last_authentication"] >= first
    assert "Logged out" in visit(f"{sandbox.info.auth_url}/v2/web/logout").text


def test_id_tokens_validate_and_carry_the_nonce(sandbox):
    client = sandbox.native()
    page = login_page(client, nonce="n-0S6_WzA2Mj", state="a b&c=d")
    tokens = client.oauth2_exchange_code_for_tokens(page.press("allow").code)
    assert tokens["state"] == "a b&c=d"
    configuration = client.get_openid_configuration()
    key = client.get_jwk(openid_configuration=configuration, as_pem=True)
    found = tokens.decode_id_token(openid_configuration=configuration, jwk=key)
    assert (found["nonce"], found["iss"]) == ("n-0S6_WzA2Mj", configuration["issuer"])
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert found["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert (
        jwt.get_unverified_header(tokens["id_token"])["alg"] in configuration["id_token_signing_alg_values_supported"]
    )
    for name in configuration.data:
        if name.endswith(("_endpoint", "_uri")):
            answer = requests.get(configuration[name], timeout=30)
            # It is there, whatever it says to an empty question.
            assert answer.status_code in {200, 400, 401} or "does not serve GET" in answer.text, name
    head, _, mark = tokens["id_token"].split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**found, "sub": "me"}).encode()).rstrip(b"=").decode()
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(f"{head}.{forged}.{mark}", key, algorithms=["RS512"], audience=client.client_id)


def test_a_page_for_the_code_whose_address_was_put_together_without_a_slash(sandbox):
    client = sandbox.confidential()
    client.oauth2_start_flow(
        redirect_uri=sandbox.info.auth_url + "v2/web/auth-code", requested_scopes="openid", refresh_tokens=True
    )
    page = visit(client.oauth2_get_authorize_url()).press("allow")
    assert client.oauth2_exchange_code_for_tokens(page.code)["access_token"]


def test_registered_addresses_may_be_led_back_to(sandbox):
    client_id, there = "5ab0d0de-0000-4000-8000-00000000cafe", "https://portal.example/done?x=1"
    sandbox.admin.add_client(client_id, "hush", redirects=[there])
    client = globus_sdk.ConfidentialAppAuthClient(client_id, "hush", base_url=sandbox.info.auth_url)
    client.oauth2_start_flow(redirect_uri=there, requested_scopes="openid", state="s")
    answer = requests.post(client.oauth2_get_authorize_url(), {"decision": "allow"}, allow_redirects=False, timeout=30)
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))
    assert answer.headers["Location"].startswith(there + "&")
    assert query["state"] == "s"
    assert client.oauth2_exchange_code_for_tokens(query["code"]).decode_id_token()["aud"] == client_id
    client.oauth2_start_flow(redirect_uri="https://elsewhere.example/", requested_scopes="openid")
    assert "Mismatching redirect URI" in visit(client.oauth2_get_authorize_url()).text


def test_an_unknown_scope_is_named_on_the_page_and_to_programs(sandbox):
    scope = "https://auth.globus.org/scopes/5ab0d0de-0000-4000-8000-00000000dead/data_access"
    client = sandbox.native()
    client.oauth2_start_flow(requested_scopes=f"openid {TransferScopes.all}[*{scope}]")
    page = visit(client.oauth2_get_authorize_url())
    assert f"requested unknown scopes: ['{scope}']" in page.text
    assert "Error code: UNKNOWN_SCOPE_ERROR" in page.text
    with pytest.raises(globus_sdk.AuthAPIError) as caught:
        sandbox.confidential().oauth2_client_credentials_tokens(scope)
    assert (caught.value.http_status, caught.value.code) == (400, "UNKNOWN_SCOPE_ERROR")
    assert caught.value.message == f"client_id={CONFIDENTIAL_CLIENT_ID} requested unknown scopes: ['{scope}']"
    for text in ("openid[", "a b]", "*", "", "x" + "[x" * 5000):
        with pytest.raises(globus_sdk.AuthAPIError) as caught:
            sandbox.confidential().post(
                "/v2/oauth2/token", data={"grant_type": "client_credentials", "scope": text or " "}, encoding="form"
            )
        assert (caught.value.http_status, caught.value.raw_json["error"]) == (400, "invalid_scope")


_MANY = """
import sys, globus_sdk
from mapshell.sandbox.service import consent
client = globus_sdk.NativeAppAuthClient(sys.argv[2], base_url=sys.argv[1])
for _ in range(10):
    client.oauth2_start_flow(requested_scopes="openid urn:globus:auth:scope:transfer.api.globus.org:all")
    tokens = client.oauth2_exchange_code_for_tokens(consent(client.oauth2_get_authorize_url()))
    print(tokens.by_resource_server["transfer.api.globus.org"]["access_token"])
"""


def test_two_processes_log_in_at_once(sandbox):
    client_id = "5ab0d0de-0000-4000-8000-00000000beef"
    running = [
        subprocess.Popen([sys.executable, "-c", _MANY, sandbox.info.auth_url, client_id], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    tokens = [line for each in running for line in each.communicate(timeout=60)[0].decode().split()]
    assert [each.returncode for each in running] == [0, 0]
    assert len(set(tokens)) == 20
    told = [sandbox.confidential().oauth2_token_introspect(token, include="session_info") for token in tokens]
    assert {each["active"] for each in told} == {True}
    assert len({each["session_info"]["session_id"] for each in told}) == 1


def test_the_helper_of_tests_says_allow_as_a_person_would(sandbox):
    client = sandbox.native()
    client.oauth2_start_flow(requested_scopes="openid")
    code = consent(client.oauth2_get_authorize_url(), SECOND_USERNAME)
    assert client.oauth2_exchange_code_for_tokens(code).decode_id_token()["preferred_username"] == SECOND_USERNAME
