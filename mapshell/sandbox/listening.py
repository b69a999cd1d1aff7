"""Where a sandbox listens, and under which names it may be asked: this computer only, unless told otherwise."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass

from pipeline.errors import ServiceError, UsageError

LOOPBACK = "127.0.0.1"
#: The option by which somebody says that they know what listening for others means.
CONSENT = "--let-anybody-on-the-network-read-and-write"
_PROBE_S = 0.5


def is_loopback(address: str) -> bool:
    """Tell whether an address is one that only programs of this computer reach."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def check_listen(address: str, *, consented: bool) -> None:
    """Refuse to listen for other computers unless somebody said so in so many words.

    Raises
    ------
    UsageError
        The address is not one of this computer's own, and nobody has.
    """
    if not is_loopback(address) and not consented:
        raise UsageError(
            f"A sandbox that listens on {address} lets anybody who reaches this computer log in as anybody, and read,"
            " change and delete what is in its collections.",
            remedy=f"Leave --listen out to serve this computer only; if all that is wanted, add {CONSENT}",
        )


@dataclass(frozen=True)
class Names:
    """Names by which a request may call the sandbox.

    A page in a browser that was led here under a name of its own gets nothing; a bare address cannot be such a name.
    """

    address: str = LOOPBACK

    @property
    def host(self) -> str:
        """Name in the sandbox's own URLs."""
        if self.address in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
            return socket.gethostname()
        return f"[{self.address}]" if ":" in self.address else self.address

    @property
    def local(self) -> str:
        """Name by which a program of this computer reaches it."""
        if self.address == "::":
            return "[::1]"
        return LOOPBACK if self.address == "0.0.0.0" else self.host  # noqa: S104 - compared, not listened on

    def allow(self, host: str) -> bool:
        """Tell whether a request with this ``Host`` header is meant for the sandbox."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
        name = name.lower().removeprefix("[").removesuffix("]")
        if is_loopback(name):
            return True
        if is_loopback(self.address):
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in {self.address.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
        return True


def listen(port: int, remembered: int | None = None, address: str = LOOPBACK) -> socket.socket:
    """Open the listening socket.

    Parameters
    ----------
    port
        The wanted port; 0: the remembered one if it is free, else any.
    remembered
        The port of last time, None or 0 without one.
    address
        Address or name to listen on.

    Raises
    ------
    ServiceError
        The wanted port is in use, or the address is not one of this computer.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ServiceError(
            f"The sandbox cannot listen on {address}: {error.strerror or error}.",
            remedy="Name an address of this computer, or leave --listen out.",
        ) from error
    for candidate in [port] if port else [remembered or 0, 0]:
        try:
            return _listen(family, (where[0], candidate, *where[2:]))
        except OSError as error:
            if port:
                raise ServiceError(
                    f"The sandbox cannot listen on port {port} of {address}: {error.strerror or error}.",
                    remedy="Choose another port with --port, or leave it out to get a free one.",
                ) from error
            failure = error
    raise ServiceError(
        f"The sandbox cannot listen on {address}: {failure.strerror or failure}.",
        remedy="Name an address of this computer, or leave --listen out.",
    )


def _listen(family: int, where: tuple[str | int, ...]) -> socket.socket:
    # The protocol is named so that asyncio switches off the delay that costs 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "nt":
            # Without it Windows would let a second program take the same port.
            listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", -5), 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
