"""Auth for programs: introspection, dependent tokens, revocation, identities, consents, clients of their own."""

from __future__ import annotations

import globus_sdk
import pytest
import requests
from globus_sdk.scopes import AuthScopes, GCSCollectionScopes, Scope, TransferScopes

from mapshell.sandbox.accounts import Accounts, digest
from mapshell.sandbox.constants import (
    CONFIDENTIAL_CLIENT_ID,
    DEFAULT_IDENTITY_ID,
    DEFAULT_USERNAME,
    IDENTITY_PROVIDER_ID,
    NATIVE_CLIENT_ID,
    SECOND_IDENTITY_ID,
    TRANSFER_CLIENT_ID,
)
from mapshell.sandbox.database import Database
from mapshell.sandbox.service import consent
from mapshell.sandbox.tokens import Tokens

from .conftest import ARCHIVE

DATA_ACCESS = GCSCollectionScopes(ARCHIVE).data_access
TRANSFER = TransferScopes.all
SERVICE = Scope(f"https://auth.globus.org/scopes/{CONFIDENTIAL_CLIENT_ID}/all")


def auth(sandbox, token):
    return globus_sdk.AuthClient(authorizer=globus_sdk.AccessTokenAuthorizer(token), base_url=sandbox.info.auth_url)


def refusal(call, *args, **options):
    with pytest.raises(globus_sdk.AuthAPIError) as caught:
        call(*args, **options)
    return caught.value


# Introspection, validity, revocation


def test_introspection_tells_all(sandbox):
    tokens = sandbox.tokens("openid", "email", AuthScopes.view_identity_set)
    service = sandbox.confidential()
    told = service.oauth2_token_introspect(
        tokens["access_token"], include="identity_set,identities_set,identity_set_detail,session_info"
    ).data
    session = told.pop("session_info")
    details = told.pop("identity_set_detail")
    assert told.pop("exp") - told.pop("iat") == 172_800
    assert len(told.pop("dependent_tokens_cache_id")) == 64
    assert told.pop("nbf") <= session["authentications"][DEFAULT_IDENTITY_ID]["auth_time"] + 86_400
    identities = told.pop("identity_set")
    assert identities == told.pop("identities_set") == [each["id"] for each in details]
    assert identities[0] == DEFAULT_IDENTITY_ID
    assert session["authentications"][DEFAULT_IDENTITY_ID]["idp"] == IDENTITY_PROVIDER_ID
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "scope": f"email openid {AuthScopes.view_identity_set}",
        "client_id": NATIVE_CLIENT_ID,
        "sub": DEFAULT_IDENTITY_ID,
        "username": DEFAULT_USERNAME,
        "name": "Rig",
        "email": DEFAULT_USERNAME,
        "iss": sandbox.info.auth_url,
        "aud": sorted(["auth.globus.org", NATIVE_CLIENT_ID, CONFIDENTIAL_CLIENT_ID]),
    }
    assert service.oauth2_token_introspect(tokens["refresh_token"])["active"]
    assert service.oauth2_token_introspect("nonsense").data == {"active": False}
    form = {"token": tokens["access_token"], "client_id": NATIVE_CLIENT_ID}
    error = refusal(sandbox.native().post, "/v2/oauth2/token/introspect", data=form, encoding="form")
    assert (error.http_status, error.raw_json) == (401, {"error": "invalid_client"})
    assert refusal(service.post, "/v2/oauth2/token/introspect", data={"x": "y"}, encoding="form").http_status == 400


def test_revoked_tokens_are_not_valid_and_unknown_ones_are_revoked_all_the_same(sandbox):
    tokens, client = sandbox.tokens("openid"), sandbox.native()

    def valid(token):
        form = {"token": token, "client_id": NATIVE_CLIENT_ID}
        return client.post("/v2/oauth2/token/validate", data=form, encoding="form")["active"]

    assert valid(tokens["access_token"])
    for token in (tokens["refresh_token"], tokens["refresh_token"], "never seen"):
        assert client.oauth2_revoke_token(token).data == {"active": False, "httpcode": 200}
    # With a refresh token dies what came of it.
    assert not valid(tokens["access_token"])


def test_refresh_keeps_the_refresh_token_and_is_the_clients_alone(sandbox):
    tokens = sandbox.tokens("openid", TRANSFER)
    mine = tokens.by_resource_server["transfer.api.globus.org"]
    renewed = sandbox.native().oauth2_refresh_token(mine["refresh_token"])
    assert (renewed["refresh_token"], renewed["scope"]) == (mine["refresh_token"], mine["scope"])
    assert "id_token" not in renewed.data
    assert sandbox.native().oauth2_refresh_token(tokens["refresh_token"]).decode_id_token()["sub"]
    error = refusal(sandbox.confidential().oauth2_refresh_token, mine["refresh_token"])
    assert (error.http_status, error.raw_json) == (400, {"error": "invalid_grant"})


# Dependent tokens


def test_a_service_gets_tokens_for_what_it_depends_on(sandbox):
    nested = SERVICE.with_dependency(TRANSFER.with_dependency(DATA_ACCESS.with_optional(True)))
    shown = sandbox.tokens(nested).by_resource_server[CONFIDENTIAL_CLIENT_ID]["access_token"]
    service = sandbox.confidential()
    before = service.oauth2_token_introspect(shown)
    assert (before["sub"], before["scope"]) == (DEFAULT_IDENTITY_ID, str(SERVICE))
    tokens = service.oauth2_get_dependent_tokens(shown, refresh_tokens=True)
    mine = tokens.by_resource_server["transfer.api.globus.org"]
    assert list(tokens.by_resource_server) == ["transfer.api.globus.org"]
    # Transfer may touch the collection: the consent two levels down counts.
    client = sandbox.client(mine["access_token"])
    assert client.operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"
    assert service.oauth2_token_introspect(mine["access_token"])["client_id"] == CONFIDENTIAL_CLIENT_ID
    renewed = service.oauth2_refresh_token(mine["refresh_token"])
    assert sandbox.client(renewed["access_token"]).operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"
    # Each further service that depends on it stands below its own consent.
    error = refusal(service.oauth2_get_dependent_tokens, mine["access_token"])
    assert error.raw_json == {"error": "invalid_grant"}
    form = {"grant_type": "urn:globus:auth:grant_type:dependent_token", "token": shown, "scope": str(TRANSFER)}
    [only] = service.post("/v2/oauth2/token", data=form, encoding="form").data
    assert (only["scope"], "refresh_token" in only) == (str(TRANSFER), False)
    error = refusal(service.post, "/v2/oauth2/token", data={**form, "scope": "openid"}, encoding="form")
    assert error.raw_json["error"] == "invalid_scope"
    sandbox.admin.withdraw_consents(str(TRANSFER))
    assert service.oauth2_get_dependent_tokens(shown).by_resource_server == {}
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        client.operation_ls(ARCHIVE)
    assert caught.value.code == "ConsentRequired"
    assert service.oauth2_token_introspect(shown)["dependent_tokens_cache_id"] != before["dependent_tokens_cache_id"]


# Consents


def test_consents_are_a_forest_with_what_was_asked_for(sandbox):
    sandbox.admin.withdraw_consents()
    tokens = sandbox.tokens(
        "openid", SERVICE.with_dependency(TRANSFER.with_dependency(DATA_ACCESS.with_optional(True)).with_optional(True))
    )
    client = auth(sandbox, tokens.by_resource_server["auth.globus.org"]["access_token"])
    found = {each["scope_name"]: each for each in client.get_consents(DEFAULT_IDENTITY_ID)["consents"]}
    service, transfer, data = (found[str(scope)] for scope in (SERVICE, TRANSFER, DATA_ACCESS))
    assert data["dependency_path"] == [service["id"], transfer["id"], data["id"]]
    assert [each["client"] for each in (service, transfer, data)] == [
        NATIVE_CLIENT_ID,
        CONFIDENTIAL_CLIENT_ID,
        TRANSFER_CLIENT_ID,
    ]
    assert [each["atomically_revocable"] for each in (service, transfer, data)] == [False, True, True]
    assert {each["allows_refresh"] for each in found.values()} == {True}
    # What was allowed once is remembered, though a later login does not ask for it.
    sandbox.tokens("openid")
    forest = client.get_consents(DEFAULT_IDENTITY_ID).to_forest()
    assert forest.meets_scope_requirements(SERVICE.with_dependency(TRANSFER.with_dependency(DATA_ACCESS)))
    assert not forest.meets_scope_requirements(TRANSFER)
    # Another application sees its own, or all.
    other = sandbox.confidential()
    other.oauth2_start_flow(f"{sandbox.info.auth_url}/v2/web/auth-code", requested_scopes="openid")
    token = other.oauth2_exchange_code_for_tokens(consent(other.oauth2_get_authorize_url()))["access_token"]
    assert [each["scope_name"] for each in auth(sandbox, token).get_consents(DEFAULT_IDENTITY_ID)["consents"]] == [
        "openid"
    ]
    assert len(auth(sandbox, token).get_consents(DEFAULT_IDENTITY_ID, all=True)["consents"]) > 4
    assert refusal(client.get_consents, SECOND_IDENTITY_ID).http_status == 403
    # A consent goes with all below it.
    assert sandbox.admin.withdraw_consents(str(SERVICE)) == 3


# Identities


def test_identities_by_id_and_name_with_their_providers(sandbox):
    client = auth(sandbox, sandbox.tokens(AuthScopes.view_identities)["access_token"])
    found = client.get_identities(
        ids=[DEFAULT_IDENTITY_ID, SECOND_IDENTITY_ID], query_params={"include": "identity_provider"}
    )
    assert [each["id"] for each in found] == [DEFAULT_IDENTITY_ID, SECOND_IDENTITY_ID]
    assert [each["id"] for each in found["included"]["identity_providers"]] == [IDENTITY_PROVIDER_ID]
    name = "new.person@elsewhere.example"
    assert client.get_identities(usernames=name)["identities"] == []
    made = client.get_identities(usernames=name, provision=True)["identities"][0]
    assert (made["status"], made["name"], made["email"]) == ("unused", None, None)
    assert client.get_identities(usernames=name.upper())["identities"][0]["id"] == made["id"]
    sandbox.tokens("openid", identity=name)
    assert client.get_identities(ids=made["id"])["identities"][0]["status"] == "used"
    assert client.get(f"/v2/api/identities/{made['id']}")["identity"]["username"] == name
    [provider] = client.get_identity_providers(domains="elsewhere.example")["identity_providers"]
    assert client.get_identity_providers(ids=provider["id"])["identity_providers"] == [provider]
    assert len(client.get_identity_providers(ids=IDENTITY_PROVIDER_ID)["identity_providers"]) == 1
    for query in ({}, {"ids": "me"}, {"ids": made["id"], "usernames": name}):
        assert refusal(client.get, "/v2/api/identities", query_params=query).http_status == 400
    assert refusal(client.get, "/v2/api/identities/5ab0d0de-0000-4000-8000-00000000dead").http_status == 404
    by_client = sandbox.confidential().get("/v2/api/identities", query_params={"usernames": DEFAULT_USERNAME})
    assert by_client["identities"][0]["name"] == "Rig"


# What is not served, and who may not


@pytest.mark.parametrize("path", ["projects", "clients", "policies", "scopes", f"projects/{ARCHIVE}"])
def test_what_is_not_served_is_refused_as_auth_would(sandbox, path):
    url = f"{sandbox.info.auth_url}/v2/api/{path}"
    for scope, status, code in (
        (None, 401, "UNAUTHORIZED"),
        ("openid", 403, "FORBIDDEN"),
        (str(AuthScopes.manage_projects), 404, "NOT_FOUND"),
    ):
        headers = {}
        if scope is not None:
            headers["Authorization"] = f"Bearer {sandbox.tokens(scope)['access_token']}"
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = requests.request(method, url, headers=headers, json={}, timeout=30)
            [error] = answer.json()["errors"]
            assert (answer.status_code, error["status"], error["code"]) == (status, str(status), code), method
            assert error.keys() == {"status", "id", "code", "detail", "title"}


def test_an_instance_of_a_native_application_has_a_secret_of_its_own(sandbox):
    made = sandbox.native().create_native_app_instance(NATIVE_CLIENT_ID, "My program")
    assert made.http_status == 201
    credential = made["included"]["client_credential"]
    own = globus_sdk.ConfidentialAppAuthClient(
        credential["client"], credential["secret"], base_url=sandbox.info.auth_url
    )
    assert own.get(f"/v2/api/clients/{own.client_id}")["client"]["parent_client"] == NATIVE_CLIENT_ID
    token = own.oauth2_client_credentials_tokens(str(TRANSFER))["access_token"]
    assert sandbox.client(token).task_list()["total"] == 0
    assert refusal(own.delete, f"/v2/api/clients/{CONFIDENTIAL_CLIENT_ID}").http_status == 404
    assert own.delete(f"/v2/api/clients/{own.client_id}")["client"]["name"] == "My program"
    assert refusal(own.oauth2_client_credentials_tokens, str(TRANSFER)).http_status == 401
    assert refusal(sandbox.native().create_native_app_instance, "me", "x").http_status == 400


def test_dead_tokens_are_thrown_away(tmp_path):
    database = Database(tmp_path / "auth.db")

    def issue(tokens):
        return tokens.issue(NATIVE_CLIENT_ID, DEFAULT_IDENTITY_ID, "openid", offline=True)

    tokens = Tokens(database, lambda _server, _scope: False)
    for _ in range(3):
        issue(tokens)
    tokens.end_all(kind="access", how="expire")
    tokens.end_all(kind="refresh", how="revoke")
    # Within a minute nothing is looked for; a sandbox that has just started looks at once.
    kept = issue(Tokens(database, lambda _server, _scope: False))
    assert len(database.rows("SELECT * FROM tokens")) == 2
    assert tokens.check(kept["access_token"])


def test_a_folder_of_an_older_sandbox_keeps_its_logins(tmp_path):
    database = Database(tmp_path / "auth.db")
    database.prepare(
        """
        CREATE TABLE tokens (
            hash TEXT PRIMARY KEY, kind TEXT NOT NULL, client_id TEXT NOT NULL, identity_id TEXT NOT NULL,
            resource_server TEXT NOT NULL, scope TEXT NOT NULL, issued REAL NOT NULL, expires REAL NOT NULL,
            revoked INTEGER NOT NULL DEFAULT 0, origin TEXT);
        CREATE TABLE consents (
            id INTEGER PRIMARY KEY AUTOINCREMENT, root_client TEXT NOT NULL, identity_id TEXT NOT NULL,
            client TEXT NOT NULL, scope TEXT NOT NULL, path TEXT NOT NULL, refresh INTEGER NOT NULL,
            created REAL NOT NULL, UNIQUE (root_client, identity_id, scope, path));
        """
    )
    row = (digest("old"), "access", NATIVE_CLIENT_ID, DEFAULT_IDENTITY_ID, "transfer.api.globus.org", str(TRANSFER))
    database.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, 0, 1e12, 0, NULL)", row)
    who = (NATIVE_CLIENT_ID, DEFAULT_IDENTITY_ID)
    for number, (scope, path) in enumerate(((TRANSFER, "[]"), (DATA_ACCESS, "[1]")), 1):
        values = (number, *who, NATIVE_CLIENT_ID, str(scope), path)
        database.execute("INSERT INTO consents VALUES (?, ?, ?, ?, ?, ?, 1, 0)", values)
    tokens = Tokens(database, lambda _server, _scope: False)
    grant = tokens.check("old")
    assert grant is not None
    assert (grant.session, tokens.sessions.authentications(grant.session)) == (None, [])
    assert tokens.has_data_access(grant, ARCHIVE)
    Accounts(database)
    assert Accounts(database).find(DEFAULT_USERNAME).owner_id == DEFAULT_IDENTITY_ID
