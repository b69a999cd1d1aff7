"""One service for each configuration of a person on a computer; the system frees it when its holder dies."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from pipeline.errors import Conflict, LocalDiskError
from pipeline.folders import data_folder
from pipeline.services import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from pipeline.settings import Settings

_FOLDER = "nights"


def place(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Return the file that is ours beside the lock of this configuration, without its ending.

    A configuration is its file; without one, the database that is used.
    """
    where = settings.database
    name = (
        str(settings.file.resolve())
        if settings.file is not None
        else f"{where.embedded or (where.backend, where.host, where.port, where.name, where.schema_prefix)}"
    )
    key = hashlib.sha256(f"{settings.archive.computer}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return data_folder(environ) / _FOLDER / key


@contextlib.contextmanager
def only_service(settings: Settings, environ: Mapping[str, str], now: datetime) -> Iterator[Path]:
    """Be the one service of this configuration; gives the file (without its ending) in which it may keep things.

    Raises
    ------
    Conflict
        Another one is at work; the message names it.
    LocalDiskError
        Nothing can be written in the person's data folder.
    """
    import filelock

    mine = place(settings, environ)
    who = mine.with_suffix(".json")
    lock = filelock.FileLock(mine.with_suffix(".lock"), timeout=0, mode=0o600)
    try:
        mine.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout as error:
        raise _busy(settings, who) from error
    except OSError as error:
        raise LocalDiskError(
            f"Nothing can be written in {mine.parent}: {error.strerror or error}.",
            remedy="check who owns the folder and its free space.",
        ) from error
    try:
        said = {
            "process": os.getpid(),
            "computer": settings.archive.computer,
            "since": f"{now:%Y-%m-%d %H:%M:%S}",
            "configuration": str(settings.file or ""),
        }
        write_private(who, json.dumps(said).encode())
        yield mine
    finally:
        with contextlib.suppress(OSError):
            who.unlink(missing_ok=True)
        lock.release()  # its file stays: removing it would be a race


def holder(who: Path) -> dict[str, Any] | None:
    """Return what a service wrote about itself; it may have died since."""
    try:
        said = json.loads(who.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def _busy(settings: Settings, who: Path) -> Conflict:
    said = holder(who) or {}
    by = "another process"
    if said:
        by = f"process {said.get('process')} on {said.get('computer')}, since {said.get('since')} UTC"
    return Conflict(
        f"A service with this configuration ({settings.file or 'the defaults'}) is running already: {by}.",
        remedy=f"let it work; to end it: {_end(said.get('process'))}.",
    )


def _end(process: object) -> str:
    number = process if isinstance(process, int) else "PROCESS"
    return f"taskkill /PID {number}" if os.name == "nt" else f"kill {number}"
