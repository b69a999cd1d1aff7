"""Files and transfers for the tests of faults."""

from __future__ import annotations

import uuid

import globus_sdk

from .conftest import GUEST, RIG, items

BYTES = b"0123456789" * 10


def new_files(sandbox, *suffixes):
    """Write files of 100 bytes on the rig; returns the name before the suffixes."""
    made = uuid.uuid4().hex
    for suffix in suffixes or ("", "2", "3"):
        (sandbox.rig / f"{made}{suffix}").write_bytes(BYTES)
    return made


def submit(client, *names, **options):
    """Send files of the rig to the guest collection, in the order of the names."""
    return client.submit_transfer(items(globus_sdk.TransferData(RIG, GUEST, **options), *names))["task_id"]


def arrived(sandbox, name):
    return sandbox.folder / "guest" / "in" / name
