"""A process that runs command lines of ``globus`` one after another: starting Python anew for each takes a second.

Reads one JSON object per line (``number``, ``args``, ``stdin``, ``environment``, ``folder``) and answers with one
(``number``, ``code``, ``out``, ``err``, ``outside``). Every command line gets streams, environment and working folder
of its own, as a new process would. With the argument ``loopback`` no connection leaves this computer: what tried to is
told in ``outside``.
"""

from __future__ import annotations

import io
import ipaddress
import json
import os
import signal
import sys
import time
import traceback
from typing import Any

LOOPBACK = "loopback"


class Guard:
    """Refuses connections, and questions for names, that lead away from this computer."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            address = args[1]
            host = address[0] if isinstance(address, tuple) else None  # a path: a socket of this computer
        elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
            host = args[1][0] if event == "socket.sendto" else args[0]
        else:
            return
        if host is not None and not is_here(host):
            self.seen.append(str(host))
            raise ConnectionRefusedError(f"refused by the test: {host} is not this computer")


def is_here(host: str | bytes) -> bool:
    """Tell whether a host is this very computer."""
    name = host.decode() if isinstance(host, bytes) else host
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Run one command line."""
    from globus_cli import main

    os.environ.clear()
    os.environ.update(order["environment"])
    if hasattr(time, "tzset"):
        time.tzset()
    os.chdir(order["folder"])
    kept = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = io.TextIOWrapper(io.BytesIO(order["stdin"].encode()), encoding="utf-8")
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    sys.argv = ["globus", *order["args"]]
    code: Any = 0
    try:
        main.main(args=order["args"], prog_name="globus")
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
        code = 1
    finally:
        texts = []
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
        sys.stdin, sys.stdout, sys.stderr = kept
    return {"code": code if isinstance(code, int) else int(code is not None), "out": texts[0], "err": texts[1]}


def serve() -> None:
    """Answer until the other side closes."""
    orders, answers = sys.stdin, os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Ctrl-C is for whoever gives the orders: there is cleaning up to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    guard = Guard()
    if LOOPBACK in sys.argv:
        sys.addaudithook(guard)
    for line in orders:
        guard.seen.clear()
        order = json.loads(line)
        answer = run(order)
        answers.write(json.dumps({**answer, "outside": list(guard.seen), "number": order["number"]}) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
