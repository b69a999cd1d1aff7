"""Every canned answer that the SDK keeps for tests is compared, field by field, with the sandbox's own answer.

Each difference that is allowed has its reason here; one that no longer occurs fails the test as well.
"""

from __future__ import annotations

import uuid

import globus_sdk
import pytest

from mapshell.sandbox.unserved import NOT_SERVED

from .canned import all_cases, differences
from .conftest import ARCHIVE, GUEST, RIG, ended, items

NONE = str(uuid.UUID(int=99))

# What the canned document of a retired kind of endpoint has otherwise.
_OLD_HOST = {
    ".expire_time: NoneType, canned str": "it expired; collections of today do not",
    ".default_directory: str, canned NoneType": "ours has one",
    ".DATA[].subject: NoneType, canned str": "certificates of servers are no longer known to Transfer",
}
# Fields that the service has added since the SDK wrote its document down, as other public answers show them.
_ENDPOINT = {
    f".{name}: more": "told by the service of today"
    for name in [
        "acl_max_expiration_period_mins",
        "associated_flow_policy",
        "authentication_assurance_timeout",
        "authentication_policy_id",
        "authentication_timeout_mins",
        "auto_delete_timeout",
        "canonical_name",
        "contact_email",
        "contact_info",
        "department",
        "gcs_manager_url",
        "gcs_version",
        "guest_collection_activity_notification_policy",
        "high_assurance",
        "host_endpoint",
        "host_endpoint_display_name",
        "https_server",
        "info_link",
        "is_go_storage",
        "keywords",
        "last_accessed_time",
        "local_user_info_available",
        "location",
        "mapped_collection_display_name",
        "mapped_collection_id",
        "max_concurrency",
        "max_parallelism",
        "my_effective_roles",
        "name",
        "network_use",
        "owner_id",
        "owner_string",
        "preferred_concurrency",
        "preferred_parallelism",
        "preserve_modtime",
        "requester_pays",
        "restrict_transfers_to_high_assurance",
        "sharing_target_endpoint",
        "sharing_target_root_path",
        "skip_auto_delete",
        "storage_type",
        "subscription_admin_verified",
        "subscription_id",
        "tlsftp_server",
        "user_message",
        "user_message_link",
    ]
} | {
    f".DATA[].{name}: more": "told by the service of today"
    for name in [
        "incoming_data_port_end",
        "incoming_data_port_start",
        "is_connected",
        "is_paused",
        "outgoing_data_port_end",
        "outgoing_data_port_start",
    ]
}
_TASK = {
    f".DATA[].{name}: more": "told by the service of today"
    for name in [
        "DATA_TYPE",
        "destination_base_path",
        "destination_local_user",
        "destination_local_user_status",
        "notify_on_failed",
        "notify_on_inactive",
        "notify_on_succeeded",
        "source_base_path",
        "source_local_user",
        "source_local_user_status",
    ]
}


@pytest.fixture(scope="module")
def world(running):
    """Some files, tasks and clients that the calls below need."""
    client = running.transfer()
    name = uuid.uuid4().hex
    (running.rig / name).write_bytes(b"x")
    (running.rig / f"{name} secret").write_bytes(b"x")
    running.admin.set_collection(RIG, deny=["/* secret"])
    submitted = client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST), name))
    ended(client, submitted["task_id"])
    return client, name, submitted["task_id"]


def transfer(client, name, _task):
    return client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST, label=name), name))


def delete(client, name, _task):
    data = globus_sdk.DeleteData(RIG)
    data.add_item(f"/{name} none")
    return client.submit_delete(data)


def cancel(client, name, task):
    data = globus_sdk.TransferData(RIG, GUEST)
    data.add_item(f"/{name} none", "/none")
    return client.cancel_task(client.submit_transfer(data)["task_id"])


def rename(client, name, _task):
    client.operation_mkdir(RIG, f"/{name} old")
    return client.operation_rename(RIG, f"/{name} old", f"/{name} new")


#: Canned case, how to ask the sandbox for the same, and what may differ for which reason.
SERVED = {
    "cancel_task.default": (cancel, {}),
    "get_endpoint.default": (lambda client, *_: client.get_endpoint(ARCHIVE), _OLD_HOST | _ENDPOINT),
    "get_submission_id.default": (
        lambda client, *_: client.get_submission_id(),
        {".DATA_TYPE: more": "the SDK left it out; its own old tests against the service expect it"},
    ),
    "operation_mkdir.default": (lambda client, name, _task: client.operation_mkdir(RIG, f"/{name} dir"), {}),
    "operation_rename.default": (rename, {}),
    "operation_stat.default": (lambda client, name, _task: client.operation_stat(RIG, f"/{name}"), {}),
    "operation_stat.not_found": (lambda client, *_: client.operation_stat(RIG, "/none"), {}),
    "operation_stat.permission_denied": (
        lambda client, name, _task: client.operation_stat(RIG, f"/{name} secret"),
        {},
    ),
    "submit_delete.default": (delete, {}),
    "submit_transfer.default": (transfer, {}),
    "submit_transfer.failure": (
        lambda client, *_: client.submit_transfer(globus_sdk.TransferData(RIG, GUEST)),
        {},
    ),
    "task_list.default": (lambda client, _name, task: client.task_list(filter={"task_id": task}), _TASK),
    "update_endpoint.default": (lambda client, *_: client.update_endpoint(RIG, {"display_name": "Rig"}), {}),
    "set_subscription_id.not_found": (lambda client, *_: client.set_subscription_id(NONE, NONE), {}),
    "set_subscription_admin_verified.no_admin_role": (
        lambda client, *_: client.set_subscription_admin_verified(GUEST, True),
        {},
    ),
}
_TUNNELS = "Tunnels and stream access points"
_SUBSCRIPTION = (lambda client, *_: client.set_subscription_id(GUEST, NONE), "Subscriptions")
_VERIFIED = (lambda client, *_: client.set_subscription_admin_verified(GUEST, True), "Subscriptions")
#: Canned case, how to ask for it, and the feature of the table of what is not served.
UNSERVED = {
    "endpoint_manager_task_list.default": (
        lambda client, *_: client.endpoint_manager_task_list(),
        "Endpoint manager (activity of others, pause rules)",
    ),
    "endpoint_manager_task_successful_transfers.default": (
        lambda client, _name, task: client.endpoint_manager_task_successful_transfers(task),
        "Endpoint manager (activity of others, pause rules)",
    ),
    "set_subscription_id.default": _SUBSCRIPTION,
    "set_subscription_id.multi_subscriber_cannot_use_default": _SUBSCRIPTION,
    "set_subscription_admin_verified.default": _VERIFIED,
    "set_subscription_admin_verified.non_valid_verified_status": _VERIFIED,
    "set_subscription_admin_verified.non_subscribed_endpoint": _VERIFIED,
    "set_subscription_admin_verified.no_identities_in_session": _VERIFIED,
    "create_tunnel.default": (lambda client, *_: client.post("/v2/tunnels", data={}), _TUNNELS),
    "delete_tunnel.default": (lambda client, *_: client.delete_tunnel(NONE), _TUNNELS),
    "get_stream_access_point.default": (lambda client, *_: client.get_stream_access_point(NONE), _TUNNELS),
    "get_tunnel.default": (lambda client, *_: client.get_tunnel(NONE), _TUNNELS),
    "get_tunnel_events.default": (lambda client, *_: client.get_tunnel_events(NONE), _TUNNELS),
    "list_tunnels.default": (lambda client, *_: client.list_tunnels(), _TUNNELS),
    "update_tunnel.default": (lambda client, *_: client.update_tunnel(NONE, {}), _TUNNELS),
}


# The second version of the API, which has newer clients: asked as the canned answer says.
UNSERVED |= {
    case: (
        lambda client, *_, found=found: client.request(found.method, found.path),
        "Bookmarks" if "bookmark" in case else _TUNNELS,
    )
    for case, found in all_cases().items()
    if case.startswith("v2.")
}


def answer(call, *world):
    """Status and document of an answer, also of an error."""
    try:
        found = call(*world)
    except globus_sdk.TransferAPIError as error:
        return error.http_status, error.raw_json
    return found.http_status, found.data


def canned(case):
    return all_cases()[case]


def test_the_table_names_every_canned_answer():
    known = SERVED.keys() | UNSERVED.keys()
    assert known - all_cases().keys() == set(), "the SDK has these no longer"
    assert all_cases().keys() - known == set(), "the SDK has new ones"


@pytest.mark.parametrize("case", SERVED)
def test_an_answer_is_as_the_canned_one(world, case):
    call, allowed = SERVED[case]
    status, ours = answer(call, *world)
    theirs = canned(case)
    assert set(differences(ours, theirs.json)) == set(allowed)
    # The service answers a submission with 202; the canned answers of successes have no status of their own.
    assert status == (theirs.status if theirs.status != 200 or not case.startswith("submit_") else 202)
    for name in ("DATA_TYPE", "code"):
        if name in theirs.json:
            assert ours[name] == theirs.json[name]
    if theirs.status == 200 and "message" in theirs.json:
        assert ours["message"] == theirs.json["message"]


@pytest.mark.parametrize("case", UNSERVED)
def test_what_is_not_served_answers_with_the_error_of_the_table(world, case):
    call, feature = UNSERVED[case]
    (entry,) = [entry for entry in NOT_SERVED if entry.feature == feature]
    status, ours = answer(call, *world)
    assert status == entry.status
    error = ours["errors"][0] if "errors" in ours else ours
    assert error["code"] == entry.code
    assert ours.get("request_id") or ours["meta"]["request_id"]
