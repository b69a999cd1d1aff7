"""Collections that demand a fresh session: how they refuse, and which login satisfies them."""

from __future__ import annotations

import globus_sdk
import pytest
from globus_sdk.gare import to_gare
from globus_sdk.scopes import GCSCollectionScopes, TransferScopes
from hypothesis import given
from hypothesis import strategies as st

from mapshell.sandbox.constants import DEFAULT_IDENTITY_ID, DEFAULT_USERNAME
from mapshell.sandbox.demands import Demand
from mapshell.sandbox.sessions import Authentication
from mapshell.sandbox.spec import CollectionSpec
from pipeline.errors import UsageError

from .browsing import visit
from .conftest import ARCHIVE, RIG

SCOPE = TransferScopes.all.with_dependency(GCSCollectionScopes(ARCHIVE).data_access)
POLICY = "5ab0d0de-0000-4000-8000-0000000000cc"
SAID = "Session reauthentication required (Globus Transfer)"


@pytest.fixture
def demand(sandbox):
    """Let the archive demand something; nobody has logged in lately."""

    def set_up(seconds=None, **requires):
        sandbox.admin.set_collection(ARCHIVE, fresh_session=seconds, session_requires=requires)

    sandbox.admin.expire_sessions()
    yield set_up
    set_up()


def logged_in(sandbox, **query):
    """Log in with parameters of a session; return the answer of the token endpoint."""
    client = sandbox.native()
    client.oauth2_start_flow(requested_scopes=["openid", SCOPE], refresh_tokens=True)
    page = visit(client.oauth2_get_authorize_url(query_params=query))
    return client.oauth2_exchange_code_for_tokens(page.press("allow").code)


def transfer(sandbox, tokens):
    return sandbox.client(tokens.by_resource_server["transfer.api.globus.org"]["access_token"])


def refusal(call, *args, **options):
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        call(*args, **options)
    return caught.value


def test_an_old_login_is_refused_in_the_words_of_the_endpoint_until_a_new_one(sandbox, demand):
    tokens = logged_in(sandbox)
    client = transfer(sandbox, tokens)
    demand(3600)
    assert client.operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"
    sandbox.admin.expire_sessions()
    error = refusal(client.operation_ls, ARCHIVE)
    assert (error.http_status, error.code) == (502, "ExternalError.DirListingFailed.LoginFailed")
    assert error.raw_json["authorization_parameters"] == {
        "session_message": SAID,
        "session_required_identities": [DEFAULT_IDENTITY_ID],
        "session_required_mfa": False,
        "session_required_single_domain": [],
    }
    assert "authentication_timeout#1.1.0" in error.message
    assert f"You must reauthenticate one of your identities ({DEFAULT_USERNAME})" in error.message
    gare = to_gare(error)
    assert gare.authorization_parameters.session_required_identities == [DEFAULT_IDENTITY_ID]
    # Neither a new access token nor a login that the browser answers by itself is a new proof.
    mine = tokens.by_resource_server["transfer.api.globus.org"]
    renewed = sandbox.native().oauth2_refresh_token(mine["refresh_token"])["access_token"]
    assert refusal(sandbox.client(renewed).operation_ls, ARCHIVE).code == error.code
    fresh = logged_in(sandbox, prompt="login", session_required_identities=DEFAULT_IDENTITY_ID)
    assert transfer(sandbox, fresh).operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"
    # It is the same session: the token of before is good again.
    assert client.operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"


def test_a_browser_that_is_logged_in_does_not_help(sandbox, demand):
    demand(0.0)
    tokens = logged_in(sandbox)
    assert refusal(transfer(sandbox, tokens).operation_ls, ARCHIVE).http_status == 502
    demand(3600)
    assert transfer(sandbox, tokens).operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"


def test_every_operation_refuses_in_its_own_way(sandbox, demand):
    client = transfer(sandbox, logged_in(sandbox))
    demand(0)
    for failure, call in {
        "StatFailed": lambda: client.operation_stat(ARCHIVE, "/"),
        "MkdirFailed": lambda: client.operation_mkdir(ARCHIVE, "/x"),
        "RenameFailed": lambda: client.operation_rename(ARCHIVE, "/x", "/y"),
    }.items():
        error = refusal(call)
        assert (error.http_status, error.code) == (502, f"ExternalError.{failure}.LoginFailed")
        assert error.info.authorization_parameters.session_required_identities
    data = globus_sdk.TransferData(RIG, ARCHIVE)
    data.add_item("/a", "/a")
    delete = globus_sdk.DeleteData(ARCHIVE)
    delete.add_item("/a")
    for call, body in ((client.submit_transfer, data), (client.submit_delete, delete)):
        error = refusal(call, body)
        assert (error.http_status, error.code) == (403, "PermissionDenied")
        assert error.message.startswith("Error validating login to endpoint 'Archive (")
        assert error.info.authorization_parameters.session_message == SAID
    assert client.operation_ls(RIG)["DATA_TYPE"] == "file_list"


def test_a_domain_takes_an_identity_of_it(sandbox, demand):
    lab = sandbox.admin.add_identity("rig@lab.example", linked_to=DEFAULT_USERNAME)["id"]
    demand(domains=["lab.example"])
    tokens = logged_in(sandbox)
    error = refusal(transfer(sandbox, tokens).operation_ls, ARCHIVE)
    parameters = error.info.authorization_parameters
    assert parameters.session_required_single_domain == ["lab.example"]
    assert parameters.session_required_identities == []
    assert "None of your authenticated identities are from domains allowed by resource policies" in error.message
    logged_in(sandbox, prompt="login", session_required_single_domain="lab.example")
    assert transfer(sandbox, tokens).operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"
    told = sandbox.confidential().oauth2_token_introspect(tokens["access_token"], include="session_info")
    assert told["sub"] == DEFAULT_IDENTITY_ID
    assert set(told["session_info"]["authentications"]) == {DEFAULT_IDENTITY_ID, lab}


def test_a_second_factor(sandbox, demand):
    demand(mfa=True, message="Bring your key")
    tokens = logged_in(sandbox)
    parameters = refusal(transfer(sandbox, tokens).operation_ls, ARCHIVE).info.authorization_parameters
    assert (parameters.session_required_mfa, parameters.session_message) == (True, "Bring your key")
    logged_in(sandbox, session_required_mfa="true")
    assert transfer(sandbox, tokens).operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"


def test_a_policy_is_named_and_evaluated_by_auth(sandbox, demand):
    demand(3600, policies=[POLICY], mfa=True)
    tokens = logged_in(sandbox)
    parameters = refusal(transfer(sandbox, tokens).operation_ls, ARCHIVE).info.authorization_parameters
    assert parameters.session_required_policies == [POLICY]

    def evaluated():
        form = {"token": tokens["access_token"], "authentication_policies": f"{POLICY},unknown"}
        return sandbox.confidential().post("/v2/oauth2/token/introspect", data=form, encoding="form")

    assert evaluated()["policy_evaluations"] == {POLICY: {"evaluation": False}}
    logged_in(sandbox, session_required_policies=POLICY)
    assert evaluated()["policy_evaluations"] == {POLICY: {"evaluation": True}}
    assert transfer(sandbox, tokens).operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"


def test_a_client_proves_itself_with_each_token(sandbox, demand):
    client = sandbox.confidential()
    demand(3600)
    scope = str(SCOPE)
    old = sandbox.client(client.oauth2_client_credentials_tokens(scope)["access_token"])
    sandbox.admin.expire_sessions()
    assert refusal(old.operation_ls, ARCHIVE).http_status == 502
    fresh = sandbox.client(client.oauth2_client_credentials_tokens(scope)["access_token"])
    assert fresh.operation_ls(ARCHIVE)["DATA_TYPE"] == "file_list"


@pytest.mark.parametrize("requires", [{"domain": ["x"]}, {"domains": "x"}, {"policies": [1]}])
def test_settings_that_make_no_sense_are_refused(sandbox, requires):
    with pytest.raises(UsageError, match="session setting"):
        sandbox.admin.set_collection(ARCHIVE, session_requires=requires)
    with pytest.raises(UsageError, match="session setting"):
        CollectionSpec.from_json({"path": "/x", "session_requires": requires})


PROOFS = st.lists(
    st.builds(
        Authentication,
        st.sampled_from(["id1", "id2"]),
        st.sampled_from(["a@x.example", "b@y.example"]),
        st.floats(0, 100),
        st.booleans(),
    ),
    max_size=4,
)


@given(PROOFS, PROOFS, st.floats(0, 100) | st.none(), st.booleans(), st.sampled_from([(), ("x.example",)]))
def test_more_proofs_and_smaller_demands_are_never_worse(proofs, more, seconds, mfa, domains):
    demand = Demand(seconds=seconds, mfa=mfa, domains=domains)
    if demand.met(proofs, 100.0):
        assert demand.met([*proofs, *more], 100.0)
        assert Demand(domains=domains).met(proofs, 100.0)
        assert demand.met(proofs, 50.0)
    assert not demand.met([], 100.0)
