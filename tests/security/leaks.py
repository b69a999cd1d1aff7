"""Looks for secrets in whatever a program left behind, or shows while it runs, however they are written there."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import stat
import threading
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@cache
def spellings(secret: str) -> frozenset[bytes]:
    """Return a secret as texts, JSON, Python, addresses and headers have it, without what surrounds it."""
    written = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret), quote(secret, safe="")}
    written |= {quote_plus(secret), repr(repr(secret))[2:-2], json.dumps(json.dumps(secret))[3:-3]}
    encoded = {base64.b64encode(secret.encode()), base64.urlsafe_b64encode(secret.encode())}
    return frozenset({each.encode() for each in written} | {each.rstrip(b"=") for each in encoded})


def leaked(data: bytes | str, secrets: Mapping[str, str]) -> set[str]:
    """Return the names of the secrets that stand in some data."""
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return {name for name, secret in secrets.items() if any(each in raw for each in spellings(secret))}


def in_files(folders: Iterable[Path], secrets: Mapping[str, str]) -> dict[Path, set[str]]:
    """Return the files that hold secrets, in their content or in their name."""
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            data = str(path).encode()
            if path.is_file() and not path.is_symlink():
                raw = path.read_bytes()
                data += raw + _unpacked(raw)
            if held := leaked(data, secrets):
                found[path] = held
    return found


def _unpacked(raw: bytes) -> bytes:
    try:
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else b""
    except (OSError, EOFError, zlib.error):
        return b""


def private(path: Path) -> bool:
    """Whether a file is its owner's alone."""
    return not stat.S_IMODE(path.stat().st_mode) & 0o077


class Onlooker(threading.Thread):
    """Another account of the computer: reads the command lines of all processes, all the time."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        super().__init__(daemon=True)
        self._secrets = dict(secrets)
        self._lines: set[bytes] = set()
        self.looks = 0
        self._over = threading.Event()

    def know(self, secrets: Mapping[str, str]) -> None:
        """Look for these, too, in what was read already as well."""
        self._secrets = {**self._secrets, **secrets}

    @property
    def seen(self) -> set[str]:
        """What command lines held: the secret's name and the line."""
        return {f"{name}: {line!r}" for line in self._lines for name in leaked(line, self._secrets)}

    def run(self) -> None:
        while not self._over.wait(0.02):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self._lines.add(process.read_bytes())
            self.looks += 1

    def __enter__(self) -> Onlooker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()
