"""What systemd is told by a service that it started (``Type=notify``); without systemd, nothing."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def notify(environ: Mapping[str, str], *lines: str) -> None:
    """Tell the service manager, such as ``READY=1``, ``STATUS=next round at 22:15``, ``STOPPING=1``."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.connect("\0" + address[1:] if address.startswith("@") else address)
        wire.sendall("\n".join(lines).encode("utf-8", "replace"))
