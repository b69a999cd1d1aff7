"""Our documents carry every field of the SDK's canned ones, with the same types."""

from __future__ import annotations

import uuid

import globus_sdk
import pytest
from globus_sdk.scopes import AuthScopes, GCSCollectionScopes, TransferScopes
from globus_sdk.testing import get_response_set

from mapshell.sandbox.constants import DEFAULT_IDENTITY_ID

from .conftest import ARCHIVE, GUEST, RIG, ended, items


def canned(name, case="default"):
    return get_response_set(name).lookup(case).json


def differences(ours, theirs, path=""):
    """Yield what a client of the canned document would miss in ours."""
    if isinstance(theirs, dict):
        if not isinstance(ours, dict):
            yield f"{path}: {ours!r} is no object"
            return
        for name, value in theirs.items():
            if name not in ours:
                yield f"{path}.{name}: missing"
            else:
                yield from differences(ours[name], value, f"{path}.{name}")
    elif isinstance(theirs, list):
        if not isinstance(ours, list):
            yield f"{path}: {ours!r} is no list"
        elif ours and theirs:
            yield from differences(ours[0], theirs[0], f"{path}[0]")
    elif ours is not None and theirs is not None and type(ours) is not type(theirs):
        yield f"{path}: {ours!r}, canned {theirs!r}"


@pytest.fixture
def documents(sandbox, client):
    """Real answers by the SDK's name of the method."""
    name = uuid.uuid4().hex
    (sandbox.rig / name).write_bytes(b"x")
    submitted = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), name))
    ended(client, submitted["task_id"])
    delete = globus_sdk.DeleteData(RIG)
    delete.add_item(f"/{name}2")
    deleted = client.submit_delete(delete)
    tokens = sandbox.tokens(
        "openid",
        "email",
        AuthScopes.view_identities,
        TransferScopes.all.with_dependency(GCSCollectionScopes(ARCHIVE).data_access),
    )
    token = tokens.by_resource_server["auth.globus.org"]["access_token"]
    auth = globus_sdk.AuthClient(authorizer=globus_sdk.AccessTokenAuthorizer(token), base_url=sandbox.info.auth_url)
    confidential = sandbox.confidential()
    (sandbox.rig / f"{name}3").write_bytes(b"x")
    return {
        "transfer.get_submission_id": client.get_submission_id().data,
        "transfer.submit_transfer": submitted.data,
        "transfer.submit_delete": deleted.data,
        "transfer.task_list": client.task_list(filter={"task_id": submitted["task_id"]}).data,
        "transfer.cancel_task": client.cancel_task(deleted["task_id"]).data,
        "transfer.get_endpoint": client.get_endpoint(ARCHIVE).data,
        "transfer.operation_stat": client.operation_stat(RIG, f"/{name}3").data,
        "transfer.operation_mkdir": client.operation_mkdir(RIG, f"/{name}4").data,
        "transfer.operation_rename": client.operation_rename(RIG, f"/{name}4", f"/{name}5").data,
        "transfer.update_endpoint": client.update_endpoint(RIG, {"display_name": "Rig"}).data,
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
    found = {name: list(differences(ours, canned(name))) for name, ours in documents.items()}
    # Names that exist for one kind of server only, which no collection of today has.
    allowed = {".DATA[0]: missing"}
    assert {name: [text for text in texts if text not in allowed] for name, texts in found.items() if texts} == {}


def test_errors_look_like_the_canned_ones(client):
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        client.submit_transfer(globus_sdk.TransferData(RIG, GUEST))
    theirs = canned("transfer.submit_transfer", "failure")
    assert caught.value.raw_json.keys() == theirs.keys()
    assert (caught.value.code, caught.value.message) == (theirs["code"], theirs["message"])
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        client.operation_stat(RIG, "/none")
    theirs = canned("transfer.operation_stat", "not_found")
    assert (caught.value.code, caught.value.raw_json.keys()) == (theirs["code"], theirs.keys())
