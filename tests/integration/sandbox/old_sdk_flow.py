"""A program of a Globus user, run by every version of the SDK; knows the service by two environment variables only.

Arguments: what the test gives as JSON.  Prints one JSON document with what it saw.
"""

import json
import os
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import uuid

import globus_sdk
from globus_sdk import AccessTokenAuthorizer, ConfidentialAppAuthClient, NativeAppAuthClient, RefreshTokenAuthorizer

GIVEN = json.loads(sys.argv[1])
NATIVE, CLIENT, SECRET = GIVEN["native"], GIVEN["client"], GIVEN["secret"]
RIG, ARCHIVE = GIVEN["rig"], GIVEN["archive"]
OLD = globus_sdk.__version__.startswith("3.")
TRANSFER = "urn:globus:auth:scope:transfer.api.globus.org:all"
HTTPS = f"https://auth.globus.org/scopes/{ARCHIVE}/https"
SCOPES = ["openid", "profile", "email", f"{TRANSFER}[*https://auth.globus.org/scopes/{ARCHIVE}/data_access]", HTTPS]
SEEN = {"version": globus_sdk.__version__}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs):
        return None


def browser(url):
    """Do what a person does in a browser; return the code that the page shows."""
    request = urllib.request.Request(url, data=b"decision=allow", method="POST")
    try:
        urllib.request.build_opener(NoRedirect).open(request)
    except urllib.error.HTTPError as error:
        with error:
            return urllib.parse.parse_qs(urllib.parse.urlsplit(error.headers["Location"]).query)["code"][0]
    raise AssertionError("no redirect")


def transfer_data(client, *args, **options):
    return globus_sdk.TransferData(client, *args, **options) if OLD else globus_sdk.TransferData(*args, **options)


def delete_data(client, *args, **options):
    return globus_sdk.DeleteData(client, *args, **options) if OLD else globus_sdk.DeleteData(*args, **options)


def finish(client, task_id):
    assert client.task_wait(task_id, timeout=60, polling_interval=1)
    task = client.get_task(task_id)
    assert task["status"] == "SUCCEEDED", task
    return task


def as_a_person():
    client = NativeAppAuthClient(NATIVE)
    client.oauth2_start_flow(requested_scopes=SCOPES if not OLD else " ".join(SCOPES), refresh_tokens=True)
    tokens = client.oauth2_exchange_code_for_tokens(browser(client.oauth2_get_authorize_url()))
    SEEN["servers"] = sorted(tokens.by_resource_server)
    SEEN["sub"] = tokens.decode_id_token()["sub"]
    mine = tokens.by_resource_server["transfer.api.globus.org"]
    authorizer = RefreshTokenAuthorizer(mine["refresh_token"], client, access_token=mine["access_token"], expires_at=1)
    auth = globus_sdk.AuthClient(authorizer=AccessTokenAuthorizer(tokens["access_token"]))
    info = auth.oauth2_userinfo() if hasattr(auth, "oauth2_userinfo") else auth.userinfo()
    SEEN["username"] = info["preferred_username"]
    https = tokens.by_resource_server[ARCHIVE]["access_token"]
    return client, tokens, globus_sdk.TransferClient(authorizer=authorizer), https


def ask_whether_valid(client, token):
    """Ask as programs did before introspection."""
    if hasattr(client, "oauth2_validate_token"):
        SEEN["valid"] = client.oauth2_validate_token(token)["active"]


def work_with_files(client, https):
    place = f"/old-{uuid.uuid4().hex}"
    client.operation_mkdir(ARCHIVE, path=place)
    data = transfer_data(client, RIG, ARCHIVE, label="old friend", verify_checksum=True)
    data.add_item("/data.bin", f"{place}/data.bin")
    submitted = client.submit_transfer(data)
    SEEN["code"] = submitted["code"]
    SEEN["again"] = client.submit_transfer(data)["code"]
    task = finish(client, submitted["task_id"])
    SEEN["transferred"] = [task["files"], task["bytes_transferred"]]
    SEEN["moved"] = [each["destination_path"] for each in client.task_successful_transfers(task["task_id"])]
    SEEN["events"] = sorted({event["code"] for event in client.task_event_list(task["task_id"])})
    SEEN["listed"] = task["task_id"] in [each["task_id"] for each in client.task_list(limit=20)]
    client.operation_rename(ARCHIVE, f"{place}/data.bin", f"{place}/renamed.bin")
    SEEN["ls"] = [[entry["name"], entry["size"]] for entry in client.operation_ls(ARCHIVE, path=place)]
    if hasattr(client, "operation_stat"):
        SEEN["stat"] = client.operation_stat(ARCHIVE, f"{place}/renamed.bin")["size"]
    endpoint = client.get_endpoint(ARCHIVE)
    url = f"{endpoint['https_server']}{place}/renamed.bin"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {https}", "Range": "bytes=0-3"})
    with urllib.request.urlopen(request) as answer:
        SEEN["https"] = [answer.status, answer.read().decode()]
    SEEN["found"] = [each["id"] for each in client.endpoint_search(endpoint["display_name"])]
    delete = delete_data(client, ARCHIVE, recursive=True)
    delete.add_item(place)
    finish(client, client.submit_delete(delete)["task_id"])
    try:
        client.operation_ls(ARCHIVE, path=place)
    except globus_sdk.TransferAPIError as error:
        SEEN["gone"] = [error.http_status, error.code]


def as_a_client():
    client = ConfidentialAppAuthClient(CLIENT, SECRET)
    tokens = client.oauth2_client_credentials_tokens(requested_scopes=TRANSFER)
    own = globus_sdk.TransferClient(authorizer=AccessTokenAuthorizer(tokens["access_token"]))
    SEEN["client ls"] = [entry["name"] for entry in own.operation_ls(RIG)]
    told = client.oauth2_token_introspect(tokens["access_token"], include="identity_set")
    SEEN["introspected"] = [told["active"], told["identity_set"]]
    SEEN["consent needed"] = refused(own)


def refused(client):
    try:
        client.operation_ls(ARCHIVE)
    except globus_sdk.TransferAPIError as error:
        return [error.http_status, error.code, error.info.consent_required.required_scopes]
    return None


def with_an_app():
    """Work as newer versions do it: an application that logs in by itself and asks for its consents."""
    try:
        from globus_sdk import GlobusAppConfig, UserApp
        from globus_sdk.login_flows import CommandLineLoginFlowManager
    except ImportError:
        SEEN["app"] = SEEN["client app"] = None
        return

    class Flow(CommandLineLoginFlowManager):
        def print_authorize_url(self, authorize_url):
            self.url = authorize_url

        def prompt_for_code(self):
            return browser(self.url)

    login = NativeAppAuthClient(NATIVE)
    flow = Flow(login, request_refresh_tokens=True)
    config = GlobusAppConfig(login_flow_manager=flow, request_refresh_tokens=True)
    app = UserApp("old friend", login_client=login, config=config)
    client = globus_sdk.TransferClient(app=app)
    client.add_app_data_access_scope(ARCHIVE)
    before = app.login_required()
    app.login()
    SEEN["app"] = [before, app.login_required(), client.operation_ls(ARCHIVE)["DATA_TYPE"]]
    app.logout()
    unattended = globus_sdk.ClientApp("rig", client_id=CLIENT, client_secret=SECRET)
    client = globus_sdk.TransferClient(app=unattended, app_scopes=[SCOPES[3]])
    SEEN["client app"] = client.operation_ls(ARCHIVE)["DATA_TYPE"]


def end(client, tokens):
    mine = tokens.by_resource_server["transfer.api.globus.org"]
    client.oauth2_revoke_token(mine["refresh_token"])
    try:
        client.oauth2_refresh_token(mine["refresh_token"])
    except globus_sdk.AuthAPIError as error:
        SEEN["revoked"] = error.http_status


os.environ["HOME"] = tempfile.mkdtemp()
person, given, transfer, over_https = as_a_person()
ask_whether_valid(person, given["access_token"])
work_with_files(transfer, over_https)
as_a_client()
with_an_app()
end(person, given)
print(json.dumps(SEEN))  # noqa: T201 - what the test reads
