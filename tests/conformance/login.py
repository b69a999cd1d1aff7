"""A person at a terminal who logs in to ``globus``: opens the page that it names, says yes, types the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from mapshell.sandbox.service import consent as code_from_page

if TYPE_CHECKING:
    from collections.abc import Mapping

_URL = re.compile(r"https?://\S+/v2/oauth2/authorize\?\S+")
_PROMPT = "Enter the resulting Authorization Code here"
_GLOBUS = [sys.executable, "-X", "utf8", "-m", "globus_cli"]
_LIMIT_S = 60


def login(environment: Mapping[str, str], *options: str, identity: str | None = None) -> str:
    """Log in; returns what was printed."""
    return talk(["login", "--no-local-server", *options], environment, identity)


def consent(environment: Mapping[str, str], collection: str) -> str:
    """Let ``globus`` touch the data of a mapped collection."""
    data_access = f"https://auth.globus.org/scopes/{collection}/data_access"
    scope = f"urn:globus:auth:scope:transfer.api.globus.org:all[*{data_access}]"
    return talk(["session", "consent", "--no-local-server", scope], environment)


def talk(args: list[str], environment: Mapping[str, str], identity: str | None = None) -> str:
    """Run a command that names a page and asks for its code, on a terminal where there are any."""
    pair = os.openpty() if hasattr(os, "openpty") else None  # Windows has pipes only; the program reads those as well
    process = subprocess.Popen(
        [*_GLOBUS, *args],
        env=dict(environment),
        stdin=subprocess.PIPE if pair is None else pair[1],
        stdout=subprocess.PIPE if pair is None else pair[1],
        stderr=subprocess.STDOUT,
    )
    if pair is None:
        assert process.stdin is not None
        assert process.stdout is not None
        reading, writing = process.stdout.fileno(), process.stdin.fileno()
    else:
        os.close(pair[1])
        reading = writing = pair[0]
    watch = threading.Timer(_LIMIT_S, process.kill)  # a command that waits for something else ends nevertheless
    watch.start()
    said, answered = "", False
    try:
        while part := _read(reading):
            said += part
            if not answered and _PROMPT in said:
                url = _URL.search(said)
                assert url is not None, said
                os.write(writing, f"{code_from_page(url[0], identity)}\n".encode())
                answered = True
        code = process.wait()
    finally:
        watch.cancel()
        for end in {reading, writing} if pair is not None else ():
            os.close(end)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    said = said.replace("\r\n", "\n")
    assert code == 0, f"exit status {code}:\n{said}"
    assert answered, said
    return said


def _read(reading: int) -> str:
    try:
        return os.read(reading, 65536).decode("utf-8", "replace")
    except OSError:  # the other end of a terminal is gone
        return ""
