"""Collections and endpoints: described, found, changed; what older clients ask; what is not served."""

from __future__ import annotations

import re
import shutil
import urllib.request
import uuid

import globus_sdk
import pytest
from globus_sdk.scopes import TransferScopes

from mapshell.sandbox import unserved
from mapshell.sandbox.constants import DEFAULT_IDENTITY_ID, SECOND_IDENTITY_ID, SECOND_USERNAME
from mapshell.sandbox.endpoints import SERVER_ID
from mapshell.sandbox.service import CollectionSpec, start, stop

from .conftest import ARCHIVE, GUEST, RIG, Sandbox, ended, items
from .test_transfer import failing

NONE = str(uuid.UUID(int=99))
SHARE = str(uuid.UUID(int=14))


@pytest.fixture(scope="module")
def shared(running):
    """A guest collection of a folder of the mapped one."""
    (running.archive / "shared folder").mkdir(exist_ok=True)
    running.admin.put_collection(SHARE, CollectionSpec(running.archive / "shared folder", name="Share of Petrels"))
    yield
    running.admin.call("DELETE", f"/collections/{SHARE}")


def test_each_kind_of_collection_is_told_as_such(client, shared):
    rig, archive, guest, share, server = (client.get_endpoint(each) for each in (RIG, ARCHIVE, GUEST, SHARE, SERVER_ID))
    told = [
        (each["entity_type"], each["is_globus_connect"], each["gcp_connected"], each["non_functional"])
        for each in (rig, archive, guest, share, server)
    ]
    assert told == [
        ("GCP_mapped_collection", True, True, False),
        ("GCSv5_mapped_collection", False, None, False),
        ("GCSv5_guest_collection", False, None, False),
        ("GCSv5_guest_collection", False, None, False),
        ("GCSv5_endpoint", False, None, True),
    ]
    # The same fields, and the same types but for what is null, whatever the kind.
    assert len({tuple(sorted(each.data)) for each in (rig, archive, guest, share, server)}) == 1
    assert (share["host_endpoint_id"], share["host_path"]) == (ARCHIVE, "/shared folder/")
    assert (share["mapped_collection_id"], share["mapped_collection_display_name"]) == (ARCHIVE, "Archive")
    assert (guest["host_endpoint_id"], guest["host_path"]) == (None, None)
    assert archive["owner_id"] == SERVER_ID == server["id"]
    assert archive["owner_string"] == rig["owner_string"] == "rig@sandbox.example"
    assert (rig["owner_id"], rig["https_server"]) == (DEFAULT_IDENTITY_ID, None)
    assert rig["my_effective_roles"]
    assert archive["my_effective_roles"] == []
    assert [each["DATA"][0]["DATA_TYPE"] for each in (rig, archive)] == ["server", "server"]
    assert client.get_endpoint(RIG, query_params={"fields": "id,display_name"}).data == {
        "id": RIG,
        "display_name": "Rig",
    }


def test_who_asks_makes_a_difference(sandbox, client):
    other = sandbox.transfer(identity=SECOND_USERNAME)
    assert other.get_endpoint(RIG)["my_effective_roles"] == []
    error = failing(other.update_endpoint, RIG, {"description": "mine"})
    assert (error.http_status, error.code) == (403, "PermissionDenied")
    sandbox.admin.set_collection(RIG, offline=True)
    assert client.get_endpoint(RIG)["gcp_connected"] is False
    sandbox.admin.set_collection(RIG, offline=False, missing=True)
    assert failing(client.get_endpoint, RIG).code == "EndpointNotFound"


def ids(found):
    return [each["id"] for each in found]


@pytest.mark.parametrize(
    ("words", "options", "found"),
    [
        ("archive", {}, [ARCHIVE]),
        ("ARCH", {}, [ARCHIVE]),
        ("chive", {}, []),
        ("petrels, share!", {}, [SHARE]),
        ("petrels archive", {}, []),
        ("sandbox", {"filter_entity_type": "GCP_mapped_collection"}, [RIG]),
        ("sandbox", {"filter_entity_type": "GCSv5_guest_collection"}, [GUEST, SHARE]),
        ("sandbox", {"filter_entity_type": "GCP_guest_collection"}, []),
        ("sandbox", {"filter_entity_type": "GCSv5_endpoint"}, [SERVER_ID]),
        ("sandbox", {"filter_non_functional": True}, [SERVER_ID]),
        ("sandbox", {"filter_non_functional": False}, [RIG, ARCHIVE, GUEST, SHARE]),
        ("", {"filter_owner_id": DEFAULT_IDENTITY_ID}, [RIG, GUEST, SHARE]),
        ("", {"filter_owner_id": SECOND_IDENTITY_ID}, []),
        ("", {"filter_host_endpoint": ARCHIVE}, [SHARE]),
        ("", {"filter_scope": "my-endpoints"}, [RIG, GUEST, SHARE]),
        ("", {"filter_scope": "my-gcp-endpoints"}, [RIG]),
        ("share", {"filter_scope": "my-endpoints"}, [SHARE]),
        ("", {"filter_scope": "administered-by-me"}, [RIG, GUEST, SHARE]),
        ("", {"filter_scope": "shared-by-me"}, [SHARE]),
        ("", {"filter_scope": "shared-with-me"}, []),
        ("", {"filter_scope": "in-use"}, []),
        ("sandbox", {"filter_scope": "hide-no-permissions"}, [RIG, ARCHIVE, GUEST, SHARE]),
    ],
)
def test_search(client, shared, words, options, found):
    answer = client.endpoint_search(words or globus_sdk.MISSING, **options)
    assert answer["DATA_TYPE"] == "endpoint_list"
    assert ids(answer) == found


def test_search_knows_what_was_used_and_has_pages(sandbox, client, shared):
    (sandbox.rig / "used").write_bytes(b"x")
    ended(client, client.submit_transfer(items(globus_sdk.TransferData(RIG, ARCHIVE), "used"))["task_id"])
    ended(client, client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), "used"))["task_id"])
    assert ids(client.endpoint_search(filter_scope="recently-used"))[:2] == [RIG, GUEST]
    other = sandbox.transfer(identity=SECOND_USERNAME)
    assert ids(other.endpoint_search(filter_scope="shared-with-me")) == [SHARE]
    fields = {"fields": "id"}
    pages = [client.endpoint_search("sandbox", limit=3, offset=offset, query_params=fields) for offset in (0, 3)]
    assert [(len(page["DATA"]), page["has_next_page"], page["offset"]) for page in pages] == [
        (3, True, 0),
        (1, False, 3),
    ]
    assert pages[0]["DATA"][0].keys() == {"id"}
    assert len(list(client.paginated.endpoint_search("sandbox").items())) == 4
    assert client.endpoint_search("sandbox", limit=1000)["limit"] == 100


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"filter_scope": "everywhere"},
        {"filter_fulltext": "x", "filter_entity_type": "folder"},
        {"filter_fulltext": "x", "filter_non_functional": "maybe"},
        {"filter_fulltext": "x", "filter_non_functional": "1", "filter_entity_type": "GCSv5_endpoint"},
        {"filter_scope": "my-endpoints", "filter_owner_id": NONE},
        {"filter_fulltext": "x", "limit": "all"},
    ],
)
def test_searches_that_are_refused(client, query):
    error = failing(client.get, "/v0.10/endpoint_search", query_params=query)
    assert (error.http_status, error.code) == (400, "ClientError.BadRequest")


def test_changes_of_a_collection_are_remembered(tmp_path):
    (tmp_path / "rig").mkdir()
    specs = {RIG: CollectionSpec(tmp_path / "rig", name="Rig", personal=True)}
    first = Sandbox(tmp_path, start(tmp_path / "state", specs))
    try:
        token = first.tokens(TransferScopes.all)["access_token"]
        client = first.client(token)
        changes = {
            "DATA_TYPE": "endpoint",
            "display_name": "Rig of Petrels",
            "description": "Two\nlines",
            "organization": "Lab",
            "keywords": None,
            "contact_email": "lab@example.org",
            "contact_info": "door 3",
            "info_link": "https://example.org",
            "default_directory": "/data/",
            "public": False,
            "force_encryption": True,
        }
        assert client.update_endpoint(RIG, changes)["code"] == "Updated"
        assert client.update_endpoint(RIG, {"department": "Birds"})["resource"] == f"/v0.10/endpoint/{RIG}"
        stop(tmp_path / "state")
        again = Sandbox(tmp_path, start(tmp_path / "state")).client(token)
        found = again.get_endpoint(RIG)
        assert {name: found[name] for name in changes} == changes
        assert found["department"] == "Birds"
        assert ids(again.endpoint_search("petrels")) == [RIG]
    finally:
        stop(tmp_path / "state")
        shutil.rmtree(tmp_path / "state")


@pytest.mark.parametrize(
    "change",
    [
        {"id": NONE},
        {"owner_id": NONE},
        {"entity_type": "GCSv5_endpoint"},
        {"colour": "red"},
        {"display_name": ""},
        {"display_name": None},
        {"display_name": "x" * 129},
        {"public": "yes"},
        {"description": 5},
    ],
)
def test_changes_that_are_refused(client, change):
    before = client.get_endpoint(RIG).data
    error = failing(client.update_endpoint, RIG, {"organization": "Other", **change})
    assert (error.http_status, error.code) == (400, "ClientError.BadRequest")
    assert client.get_endpoint(RIG).data == before


def test_collections_of_a_server_are_not_changed_here(client):
    for collection in (ARCHIVE, GUEST):
        error = failing(client.update_endpoint, collection, {"description": "new"})
        assert (error.http_status, error.code) == (409, "NotSupported")
    assert failing(client.update_endpoint, NONE, {"description": "new"}).code == "EndpointNotFound"


def test_what_older_clients_ask_first(client):
    told = client.post(f"/v0.10/endpoint/{ARCHIVE}/autoactivate", query_params={"if_expires_in": 3600})
    assert (told["DATA_TYPE"], told["code"], told["expires_in"]) == ("activation_result", "AlreadyActivated", -1)
    needs = client.get(f"/v0.10/endpoint/{ARCHIVE}/activation_requirements")
    assert (needs["DATA_TYPE"], needs["DATA"], needs["auto_activation_supported"]) == (
        "activation_requirements",
        [],
        True,
    )
    assert client.my_effective_pause_rule_list(ARCHIVE)["DATA_TYPE"] == "pause_rule_list"
    (server,) = client.endpoint_server_list(ARCHIVE)
    assert client.get_endpoint_server(ARCHIVE, server["id"]).data == server
    error = failing(client.get_endpoint_server, ARCHIVE, 1)
    assert (error.http_status, error.code) == (404, "ClientError.NotFound.ServerNotFound")
    for call in (client.my_effective_pause_rule_list, client.endpoint_server_list):
        assert failing(call, NONE).code == "EndpointNotFound"


# What is not served ---------------------------------------------------------------------------------------------

RESOURCES = [
    pytest.param(entry, method, path, id=f"{entry.service} {method} {path}")
    for entry in unserved.NOT_SERVED
    for method, path in entry.resources
]


@pytest.mark.parametrize(("entry", "method", "path"), RESOURCES)
def test_what_is_not_served_says_so(sandbox, client, entry, method, path):
    path = path.replace("{id}", ARCHIVE).replace("{rest:path}", "some/thing")
    path = re.sub(r"\{\w+\}", NONE, path)
    if entry.service == "transfer":
        error = failing(client.request, method, path)
        assert error.raw_json.get("resource", path) == path
    else:
        base = sandbox.info.auth_url.removesuffix("/auth")
        other = globus_sdk.BaseClient(base_url=f"{base}/{entry.service}")
        with pytest.raises(globus_sdk.GlobusAPIError) as caught:
            other.request(method, path)
        error = caught.value
    assert error.http_status == entry.status
    assert entry.message in str(error.raw_json)
    assert error.headers["content-type"] == "application/json"
    told = error.raw_json["errors"][0] if "errors" in error.raw_json else error.raw_json
    told = told["error"] if isinstance(told.get("error"), dict) else told
    assert told["code"] in {entry.code, 0}


def test_even_what_is_not_served_needs_a_token(sandbox):
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        sandbox.client("nonsense").bookmark_list()
    assert (caught.value.http_status, caught.value.code) == (401, "AuthenticationFailed")


def test_other_services_are_asked_at_the_sandbox(sandbox, monkeypatch):
    for name, value in sandbox.info.environment.items():
        monkeypatch.setenv(name, value)
    authorizer = globus_sdk.AccessTokenAuthorizer("token of the sandbox")
    for service in (
        globus_sdk.GroupsClient(authorizer=authorizer).get_my_groups,
        globus_sdk.FlowsClient(authorizer=authorizer).list_flows,
        globus_sdk.TimersClient(authorizer=authorizer).list_jobs,
        lambda: globus_sdk.SearchClient(authorizer=authorizer).search(NONE, "petrel"),
    ):
        with pytest.raises(globus_sdk.GlobusAPIError) as caught:
            service()
        assert caught.value.http_status == 404
        assert "does not serve" in str(caught.value.message)


def test_the_table_for_the_manual_names_every_feature():
    table = unserved.markdown()
    assert all(f"| {entry.feature} |" in table for entry in unserved.NOT_SERVED)
    assert table.count("\n") == len(unserved.NOT_SERVED) + 2


def test_headers_that_clients_read(client, sandbox):
    task_id = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), "any"))["task_id"]
    answer = client.get_task(task_id)
    client.cancel_task(task_id)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-transfer-api-version"] == "0.10"
    error = failing(client.get_task, NONE)
    assert error.headers["x-transfer-api-error"] == "ClientError.NotFound"
    assert re.fullmatch(r"[A-Za-z0-9]{9}", error.request_id)
    request = urllib.request.Request(sandbox.info.transfer_url + "/v0.10/task_list?format=json")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    caught.value.close()
    assert caught.value.code == 401
