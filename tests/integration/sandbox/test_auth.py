from __future__ import annotations

import urllib.parse
import urllib.request

import globus_sdk
import pytest
from globus_sdk.login_flows import CommandLineLoginFlowManager
from globus_sdk.scopes import AuthScopes, GCSCollectionScopes, TransferScopes
from globus_sdk.token_storage import MemoryTokenStorage, SQLiteTokenStorage

from mapshell.sandbox.constants import CONFIDENTIAL_CLIENT_ID, DEFAULT_IDENTITY_ID, NATIVE_CLIENT_ID, SECOND_USERNAME
from mapshell.sandbox.service import consent
from pipeline.errors import ServiceError

from .conftest import ARCHIVE, GUEST, RIG

VIEW = AuthScopes.view_identities


def auth_client(sandbox, token):
    return globus_sdk.AuthClient(authorizer=globus_sdk.AccessTokenAuthorizer(token), base_url=sandbox.info.auth_url)


def test_login_gives_one_token_for_each_service_and_an_id_token_that_validates(sandbox):
    tokens = sandbox.tokens("openid", "email", "profile", TransferScopes.all)
    assert list(tokens.by_resource_server) == ["auth.globus.org", "transfer.api.globus.org"]
    assert tokens.by_resource_server["transfer.api.globus.org"]["refresh_token"]
    claims = tokens.decode_id_token()
    assert claims["sub"] == DEFAULT_IDENTITY_ID
    assert claims["preferred_username"] == "rig@sandbox.example"


def test_user_app_logs_in_with_dependent_scopes_and_checks_its_consents(sandbox, monkeypatch, tmp_path):
    for name, value in sandbox.info.environment.items():
        monkeypatch.setenv(name, value)

    class Flow(CommandLineLoginFlowManager):
        def print_authorize_url(self, authorize_url):
            self.url = authorize_url

        def prompt_for_code(self):
            return consent(self.url)

    login = globus_sdk.NativeAppAuthClient(NATIVE_CLIENT_ID)
    storage = SQLiteTokenStorage(tmp_path / "tokens.db")
    config = globus_sdk.GlobusAppConfig(
        login_flow_manager=Flow(login, request_refresh_tokens=True), request_refresh_tokens=True, token_storage=storage
    )
    with globus_sdk.UserApp("test", login_client=login, config=config) as app:
        client = globus_sdk.TransferClient(app=app)
        client.add_app_data_access_scope(ARCHIVE)
        assert app.login_required()
        app.login()
        sandbox.admin.reset_counts()
        assert client.operation_ls(ARCHIVE)["DATA"] == []
        assert sandbox.admin.counts()["GET auth/v2/api/identities/<id>/consents"] == 1
        sandbox.admin.expire_tokens()
        assert client.operation_ls(ARCHIVE)["DATA"] == []
        assert sandbox.admin.counts()["POST auth/v2/oauth2/token"] == 1
        sandbox.admin.withdraw_consents()
        app.logout()
        assert app.login_required()
        client.close()
    storage.close()


def test_client_app_works_unattended(sandbox, monkeypatch):
    for name, value in sandbox.info.environment.items():
        monkeypatch.setenv(name, value)
    storage = MemoryTokenStorage()
    app = globus_sdk.ClientApp(
        "rig",
        login_client=sandbox.confidential(),
        config=globus_sdk.GlobusAppConfig(token_storage=storage),
    )
    client = globus_sdk.TransferClient(app=app)
    client.add_app_data_access_scope(ARCHIVE)
    assert client.operation_ls(ARCHIVE)["total"] == 0
    data = globus_sdk.TransferData(RIG, ARCHIVE)
    data.add_item("/none", "/none")
    task = client.get_task(client.submit_transfer(data)["task_id"])
    assert task["owner_id"] == CONFIDENTIAL_CLIENT_ID
    client.cancel_task(task["task_id"])


def test_a_verifier_that_does_not_fit_is_refused_and_burns_the_code(sandbox):
    client = sandbox.native()
    flow = client.oauth2_start_flow(requested_scopes=TransferScopes.all)
    code = consent(client.oauth2_get_authorize_url())
    right, flow.verifier = flow.verifier, "x" * 43
    with pytest.raises(globus_sdk.AuthAPIError) as caught:
        client.oauth2_exchange_code_for_tokens(code)
    assert (caught.value.http_status, caught.value.raw_json) == (401, {"error": "invalid_grant"})
    flow.verifier = right
    with pytest.raises(globus_sdk.AuthAPIError):
        client.oauth2_exchange_code_for_tokens(code)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"code_challenge": None}, "PKCE"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri"),
        ({"redirect_uri": "http://[::1"}, "redirect_uri"),
        ({"redirect_uri": "http://localhost:99999999/"}, "redirect_uri"),
        ({"client_id": "me"}, "client_id"),
        ({"scope": "urn:globus:auth:scope:nobody.example:all"}, "UNKNOWN_SCOPE_ERROR"),
        ({"scope": f"https://auth.globus.org/scopes/{GUEST}/data_access"}, "UNKNOWN_SCOPE_ERROR"),
    ],
)
def test_bad_requests_for_consent_are_refused_with_the_reason(sandbox, change, told):
    client = sandbox.native()
    client.oauth2_start_flow(requested_scopes=TransferScopes.all)
    url = urllib.parse.urlsplit(client.oauth2_get_authorize_url())
    query = {**dict(urllib.parse.parse_qsl(url.query)), **change}
    text = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
    with pytest.raises(ServiceError, match=told):
        consent(url._replace(query=text).geturl())


def test_pages_show_the_scopes_and_the_code(sandbox):
    client = sandbox.native()
    client.oauth2_start_flow(requested_scopes=TransferScopes.all)
    url = client.oauth2_get_authorize_url()
    with urllib.request.urlopen(url) as page:
        assert "urn:globus:auth:scope:transfer.api.globus.org:all" in page.read().decode()
    with urllib.request.urlopen(url, data=b"decision=allow") as page:
        shown = page.read().decode().partition("id='code'>")[2].partition("<")[0]
    assert client.oauth2_exchange_code_for_tokens(shown)["access_token"]
    with urllib.request.urlopen(url, data=b"decision=deny") as page:
        assert "denied the request" in page.read().decode()


def test_consent_redirects_to_a_server_on_this_computer(sandbox):
    client = sandbox.native()
    client.oauth2_start_flow(
        requested_scopes=TransferScopes.all, redirect_uri="http://localhost:12345/done", state="s1"
    )
    tokens = client.oauth2_exchange_code_for_tokens(consent(client.oauth2_get_authorize_url()))
    assert tokens["state"] == "s1"


def test_refresh_goes_on_until_revoked(sandbox):
    tokens = sandbox.tokens(TransferScopes.all)
    refreshed = sandbox.native().oauth2_refresh_token(tokens["refresh_token"])
    assert refreshed["access_token"] != tokens["access_token"]
    assert refreshed["refresh_token"] == tokens["refresh_token"]
    sandbox.native().oauth2_revoke_token(tokens["refresh_token"])
    with pytest.raises(globus_sdk.AuthAPIError) as caught:
        sandbox.native().oauth2_refresh_token(tokens["refresh_token"])
    assert (caught.value.http_status, caught.value.raw_json) == (400, {"error": "invalid_grant"})
    with pytest.raises(globus_sdk.TransferAPIError) as gone:
        sandbox.client(refreshed["access_token"]).task_list()
    assert (gone.value.http_status, gone.value.code) == (401, "AuthenticationFailed")


@pytest.mark.parametrize("how", ["expire_tokens", "revoke_tokens"])
def test_dead_tokens_are_refused_everywhere(sandbox, how):
    tokens = sandbox.tokens("openid", TransferScopes.all)
    getattr(sandbox.admin, how)("access")
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        sandbox.client(tokens.by_resource_server["transfer.api.globus.org"]["access_token"]).get_submission_id()
    assert (caught.value.http_status, caught.value.code) == (401, "AuthenticationFailed")
    with pytest.raises(globus_sdk.AuthAPIError) as caught_auth:
        auth_client(sandbox, tokens["access_token"]).userinfo()
    assert (caught_auth.value.http_status, caught_auth.value.code) == (401, "UNAUTHORIZED")


def test_a_token_is_good_for_its_own_service_only(sandbox):
    tokens = sandbox.tokens("openid", TransferScopes.all)
    with pytest.raises(globus_sdk.AuthAPIError) as caught:
        auth_client(sandbox, tokens.by_resource_server["transfer.api.globus.org"]["access_token"]).userinfo()
    assert caught.value.http_status == 403
    with pytest.raises(globus_sdk.TransferAPIError) as caught_transfer:
        sandbox.client(tokens["access_token"]).task_list()
    assert caught_transfer.value.http_status == 401


def test_userinfo_identities_and_introspection(sandbox):
    tokens = sandbox.tokens("openid", "email", VIEW, identity=SECOND_USERNAME)
    client = auth_client(sandbox, tokens["access_token"])
    who = client.userinfo()
    assert (who["preferred_username"], who["email"], "name" in who.data) == (SECOND_USERNAME, SECOND_USERNAME, False)
    found = client.get_identities(usernames=["rig@sandbox.example", "nobody@sandbox.example"])
    assert [identity["id"] for identity in found] == [DEFAULT_IDENTITY_ID]
    told = sandbox.confidential().post(
        "/v2/oauth2/token/introspect", data={"token": tokens["access_token"]}, encoding="form"
    )
    assert (told["active"], told["username"]) == (True, SECOND_USERNAME)
    sandbox.native().oauth2_revoke_token(tokens["access_token"])
    told = sandbox.confidential().post(
        "/v2/oauth2/token/introspect", data={"token": tokens["access_token"]}, encoding="form"
    )
    assert told["active"] is False


def test_consents_form_a_forest(sandbox):
    scope = TransferScopes.all.with_dependency(GCSCollectionScopes(ARCHIVE).data_access)
    tokens = sandbox.tokens("openid", scope)
    forest = auth_client(sandbox, tokens["access_token"]).get_consents(DEFAULT_IDENTITY_ID).to_forest()
    assert forest.meets_scope_requirements(scope)
    assert not forest.meets_scope_requirements(
        TransferScopes.all.with_dependency(GCSCollectionScopes(GUEST).data_access)
    )


def test_wrong_client_secret_is_refused(sandbox):
    client = globus_sdk.ConfidentialAppAuthClient(CONFIDENTIAL_CLIENT_ID, "wrong", base_url=sandbox.info.auth_url)
    with pytest.raises(globus_sdk.AuthAPIError) as caught:
        client.oauth2_client_credentials_tokens(TransferScopes.all)
    assert (caught.value.http_status, caught.value.raw_json) == (401, {"error": "invalid_client"})
