"""Every canned answer of Auth that the SDK keeps for tests is compared, field by field, with the sandbox's own.

Each difference that is allowed has its reason here; one that no longer occurs fails the test as well.
"""

from __future__ import annotations

import importlib
import pkgutil
import uuid

import globus_sdk
import pytest
from globus_sdk.scopes import AuthScopes, GCSCollectionScopes, GroupsScopes, Scope, TransferScopes
from globus_sdk.testing.data import auth as canned

from mapshell.sandbox.constants import (
    CONFIDENTIAL_CLIENT_ID,
    DEFAULT_IDENTITY_ID,
    DEFAULT_USERNAME,
    NATIVE_CLIENT_ID,
    SECOND_IDENTITY_ID,
)

from .canned import differences
from .conftest import ARCHIVE

#: What Auth has for those who manage projects; the sandbox answers as Auth does to one who finds nothing there.
MANAGED = {
    *("create_child_client", "create_client", "create_client_credential", "create_policy", "create_project"),
    *("create_scope", "delete_client", "delete_client_credential", "delete_policy", "delete_project", "delete_scope"),
    *("get_client", "get_client_credentials", "get_clients", "get_policies", "get_policy", "get_project"),
    *("get_projects", "get_scope", "get_scopes", "update_client", "update_policy", "update_project", "update_scope"),
}
_UNUSED = "the canned identity is one that nobody has logged in with yet"
_SHORT = "the canned document is shortened"
#: What may differ, and why.
ALLOWED = {
    "get_identities.default": {
        **{f".identities[].{name}: str, canned NoneType": _UNUSED for name in ("email", "name", "organization")},
        ".identities[].identity_type: more": _SHORT,
    },
    "get_identities.multiple": {
        **{f".identities[].{name}: str, canned NoneType": _UNUSED for name in ("email", "name", "organization")},
        ".identities[].identity_type: more": _SHORT,
    },
    "get_identities.sirosen": {".identities[].identity_type: more": _SHORT},
    "oauth2_exchange_code_for_tokens.openid": {".state: more": "the program had given one"},
    "oauth2_revoke_token.default": {".httpcode: more": "as public answers of the service show it"},
    "oauth2_token_introspect.default": {".dependent_tokens_cache_id: more": _SHORT},
}


def all_cases():
    found = {}
    for module in pkgutil.iter_modules(canned.__path__):
        if module.name.startswith("_"):
            continue
        responses = importlib.import_module(f"{canned.__name__}.{module.name}").RESPONSES
        for case in responses.cases():
            found[f"{module.name}.{case}"] = responses.lookup(case)
    return found


def told(call, *args, **options):
    """Return the document of an answer, or of a refusal."""
    try:
        return call(*args, **options).data
    except globus_sdk.AuthAPIError as error:
        return error.raw_json


@pytest.fixture(scope="module")
def documents(running):
    """Real answers by the name of the canned one."""
    native, confidential = running.native(), running.confidential()
    service = Scope(f"https://auth.globus.org/scopes/{CONFIDENTIAL_CLIENT_ID}/all")
    transfer = TransferScopes.all.with_dependency(GCSCollectionScopes(ARCHIVE).data_access.with_optional(True))
    plain = running.tokens(TransferScopes.all)
    openid = running.tokens("openid")
    consents = running.tokens("openid", transfer)["access_token"]
    viewer = running.tokens(
        "openid", "email", "profile", AuthScopes.view_identities, AuthScopes.view_identity_set, service
    )
    shown = running.tokens(service.with_dependency(GroupsScopes.view_my_groups_and_memberships))["access_token"]

    def client(token):
        return globus_sdk.AuthClient(authorizer=globus_sdk.AccessTokenAuthorizer(token), base_url=running.info.auth_url)

    native.oauth2_start_flow(requested_scopes="openid")
    auth, groups = client(viewer["access_token"]), client(plain["access_token"])
    return {
        **dict.fromkeys(
            (
                f"create_native_app_instance.{case}"
                for case in ("default", "name", "template_id_str", "template_id_uuid")
            ),
            told(native.create_native_app_instance, uuid.UUID(NATIVE_CLIENT_ID), "My program"),
        ),
        "get_consents.default": told(client(consents).get_consents, DEFAULT_IDENTITY_ID),
        "get_identities.default": told(auth.get_identities, ids=DEFAULT_IDENTITY_ID),
        "get_identities.empty": told(auth.get_identities, usernames="nobody@sandbox.example"),
        "get_identities.globusid": told(auth.get_identities, usernames=DEFAULT_USERNAME),
        "get_identities.multiple": told(auth.get_identities, ids=[DEFAULT_IDENTITY_ID, SECOND_IDENTITY_ID]),
        "get_identities.sirosen": told(auth.get_identities, ids=SECOND_IDENTITY_ID),
        "get_identities.unauthorized": told(client("nonsense").get_identities, ids=DEFAULT_IDENTITY_ID),
        **dict.fromkeys(
            (f"get_identity_providers.{case}" for case in ("default", "globusid", "globus_staff")),
            told(auth.get_identity_providers, domains="sandbox.example"),
        ),
        "oauth2_client_credentials_tokens.default": told(
            confidential.oauth2_client_credentials_tokens, str(TransferScopes.all)
        ),
        "oauth2_client_credentials_tokens.openid": told(confidential.oauth2_client_credentials_tokens, "openid"),
        "oauth2_exchange_code_for_tokens.default": _without_refresh(plain),
        "oauth2_exchange_code_for_tokens.openid": _without_refresh(openid),
        "oauth2_exchange_code_for_tokens.invalid_grant": told(native.oauth2_exchange_code_for_tokens, "nonsense"),
        "oauth2_get_dependent_tokens.groups": told(confidential.oauth2_get_dependent_tokens, shown),
        "oauth2_get_dependent_tokens.groups_with_refresh_token": told(
            confidential.oauth2_get_dependent_tokens, shown, refresh_tokens=True
        ),
        "oauth2_revoke_token.default": told(native.oauth2_revoke_token, "nonsense"),
        "oauth2_token_introspect.default": told(confidential.oauth2_token_introspect, viewer["access_token"]),
        "userinfo.forbidden": told(groups.userinfo),
        "userinfo.unauthorized": told(client("nonsense").userinfo),
    }


def _without_refresh(tokens):
    """Return an answer to a login as if no refresh token had been asked for."""
    return {name: value for name, value in tokens.data.items() if name != "refresh_token"}


def test_every_canned_answer_is_compared(documents):
    assert set(documents) | {name for name in all_cases() if name.partition(".")[0] in MANAGED} == set(all_cases())


def test_documents_are_the_canned_ones_field_by_field(documents):
    cases = all_cases()
    wrong = {}
    for name, ours in documents.items():
        theirs = cases[name].json
        if name.startswith("create_native_app_instance"):
            theirs = theirs["client"]  # the SDK has it one level too deep: programs read it as it is sent
        found = set(differences(ours, theirs))
        if found != set(ALLOWED.get(name, ())):
            wrong[name] = found ^ set(ALLOWED.get(name, ()))
    assert wrong == {}


def test_statuses_and_codes_are_the_canned_ones(running):
    for name, method in (("userinfo", "userinfo"), ("get_identities", "get_identities")):
        client = globus_sdk.AuthClient(
            authorizer=globus_sdk.AccessTokenAuthorizer("nonsense"), base_url=running.info.auth_url
        )
        expected = all_cases()[f"{name}.unauthorized"]
        with pytest.raises(globus_sdk.AuthAPIError) as caught:
            getattr(client, method)()
        assert caught.value.http_status == 401
        assert caught.value.code == expected.json["errors"][0]["code"]
        assert caught.value.message == expected.json["errors"][0]["detail"]
        assert uuid.UUID(caught.value.request_id)
