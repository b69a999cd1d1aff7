"""Auth's answers carry every field of the canned ones of the SDK, with the same types."""

from __future__ import annotations

import globus_sdk
import pytest
from globus_sdk.scopes import AuthScopes, GCSCollectionScopes, TransferScopes
from globus_sdk.testing import get_response_set

from mapshell.sandbox.constants import DEFAULT_IDENTITY_ID

from .canned import differences
from .conftest import ARCHIVE

#: What may differ, and why.
ALLOWED = {
    "auth.get_identities": {
        f".identities[].{name}: str, canned NoneType": "the canned identity is one that nobody has logged in as yet"
        for name in ("email", "name", "organization")
    },
    "auth.oauth2_exchange_code_for_tokens": {".other_tokens: 1 items, canned 0": "two services were asked for"},
}


@pytest.fixture
def documents(sandbox):
    """Real answers by the SDK's name of the method."""
    tokens = sandbox.tokens(
        "openid",
        "email",
        AuthScopes.view_identities,
        TransferScopes.all.with_dependency(GCSCollectionScopes(ARCHIVE).data_access),
    )
    token = tokens.by_resource_server["auth.globus.org"]["access_token"]
    auth = globus_sdk.AuthClient(authorizer=globus_sdk.AccessTokenAuthorizer(token), base_url=sandbox.info.auth_url)
    confidential = sandbox.confidential()
    return {
        "auth.oauth2_exchange_code_for_tokens": tokens.data,
        "auth.oauth2_client_credentials_tokens": confidential.oauth2_client_credentials_tokens(TransferScopes.all).data,
        "auth.oauth2_revoke_token": sandbox.native().oauth2_revoke_token("nonsense").data,
        "auth.get_identities": auth.get_identities(ids=DEFAULT_IDENTITY_ID).data,
        "auth.get_consents": auth.get_consents(DEFAULT_IDENTITY_ID).data,
        "auth.oauth2_token_introspect": confidential.post(
            "/v2/oauth2/token/introspect", data={"token": token}, encoding="form"
        ).data,
    }


def test_no_field_is_missing_and_no_type_differs(documents):
    for name, ours in documents.items():
        found = set(differences(ours, get_response_set(name).lookup("default").json))
        assert {text for text in found if not text.endswith(": more")} == set(ALLOWED.get(name, ())), name
