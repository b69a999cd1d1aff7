"""The predecessor's way: for each file (or folder) one task, watched again and again until it ended, then the next.

A process of its own, for the SDK is pointed at the sandbox by the environment. Reads what is to be sent as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import globus_sdk

from mapshell.sandbox.consent import code_from_page
from mapshell.sandbox.constants import NATIVE_CLIENT_ID


def client(data_access: str) -> globus_sdk.TransferClient:
    """Log in, as its refresh token would."""
    native = globus_sdk.NativeAppAuthClient(NATIVE_CLIENT_ID)
    native.oauth2_start_flow(requested_scopes=f"urn:globus:auth:scope:transfer.api.globus.org:all[*{data_access}]")
    tokens = native.oauth2_exchange_code_for_tokens(code_from_page(native.oauth2_get_authorize_url()))
    token = tokens.by_resource_server["transfer.api.globus.org"]["access_token"]
    return globus_sdk.TransferClient(authorizer=globus_sdk.AccessTokenAuthorizer(token))


def send(transfer: globus_sdk.TransferClient, order: dict[str, Any], one: str, other: str) -> None:
    """Send one file, or a folder (which ends in a slash), and wait for it."""
    data = globus_sdk.TransferData(
        source_endpoint=order["source"],
        destination_endpoint=order["destination"],
        verify_checksum=True,
        preserve_timestamp=True,
    )
    data.add_item(one, other, recursive=one.endswith("/"))
    task = transfer.submit_transfer(data)["task_id"]
    while (status := transfer.get_task(task)["status"]) == "ACTIVE":
        time.sleep(order["pause"])
    if status != "SUCCEEDED":
        raise SystemExit(f"{one}: {status}")


def main() -> None:
    """Send all that was ordered; tell how long it took."""
    order = json.load(sys.stdin)
    transfer = client(order["scope"])
    began = time.perf_counter()
    for one, other in order["pairs"]:
        send(transfer, order, one, other)
    json.dump({"seconds": time.perf_counter() - began}, sys.stdout)


if __name__ == "__main__":
    main()
