"""A sandbox that is slowed down, killed and started again."""

from __future__ import annotations

import globus_sdk
import psutil
from globus_sdk.scopes import TransferScopes

from mapshell.sandbox.service import start, status

from .conftest import GUEST, RIG, Sandbox, until

MEGABYTE = 1 << 20


def begin(folder, **realism):
    return Sandbox(
        folder, start(folder / "state", {RIG: folder / "rig", GUEST: folder / "guest"}, realism=realism or None)
    )


def login(sandbox, identity=None):
    return sandbox.client(sandbox.tokens(TransferScopes.all, identity=identity)["access_token"])


def submit(client, *names, **options):
    data = globus_sdk.TransferData(RIG, GUEST, **options)
    for name in names:
        data.add_item(f"/{name}", f"/in/{name}")
    return client.submit_transfer(data)["task_id"]


def kill(sandbox):
    psutil.Process(sandbox.info.pid).kill()
    until(lambda: status(sandbox.folder / "state"), lambda info: info is None)


def revived(sandbox, client, **realism):
    """The same sandbox in a new process, and the same client of it."""
    second = Sandbox(sandbox.folder, start(sandbox.folder / "state", realism=realism or None))
    return second, second.client(client.authorizer.access_token)


def same(folder, name):
    return (folder / "guest" / "in" / name).read_bytes() == (folder / "rig" / name).read_bytes()
