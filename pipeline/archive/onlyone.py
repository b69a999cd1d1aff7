"""One retrieval at a time into a folder; the system frees the folder when its holder dies."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from pipeline.archive.place import disk_error, make_folder, tidy
from pipeline.errors import Conflict, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

LOCK = "retrieve.lock"
"""Name of the lock file; where Globus lists it while we hold it, Globus sees the folder that we see."""
_WHO = "retrieve.json"


@contextlib.contextmanager
def only_one(
    what: object, folder: Path, staging: str, computer: str, now: datetime, work: str = "retrieval"
) -> Iterator[None]:
    """Hold a place for one retrieval at a time; the system frees it when its holder dies.

    Parameters
    ----------
    what
        The place, for messages.
    folder, staging
        The lock lies in the folder ``staging`` of ``folder``.
    computer, now, work
        What others are told of us.

    Raises
    ------
    Conflict
        Another one is at work there; the message names it.
    LocalDiskError
        Nothing can be written there.
    Refused
        Our own folder there is a link.
    """
    import filelock

    place = folder / staging
    if place.is_symlink():
        raise Refused(
            f"{place} is a link; nothing is written through links.",
            remedy="look who made it and remove it, or retrieve to another folder.",
        )
    make_folder(place)
    who = place / _WHO
    lock = filelock.FileLock(place / LOCK, timeout=0)
    try:
        while True:
            lock.acquire()
            if _is_current(lock, place / LOCK):
                break
            lock.release()  # somebody removed it between our opening and locking it
    except filelock.Timeout as error:
        raise _busy(what, who) from error
    except OSError as error:
        raise disk_error(f"Nothing can be written in {place}", error) from error
    try:
        with contextlib.suppress(OSError):
            who.unlink(missing_ok=True)  # written anew, so that no link of this name is followed
            with who.open("x", encoding="utf-8") as stream:
                said = {"process": os.getpid(), "computer": computer, "since": f"{now:%Y-%m-%d %H:%M}", "work": work}
                json.dump(said, stream)
        yield
    finally:
        with contextlib.suppress(OSError):
            who.unlink(missing_ok=True)
        if os.name != "nt":  # while it is ours: removed later, it might be another's
            with contextlib.suppress(OSError):
                (place / LOCK).unlink(missing_ok=True)
        lock.release()
        if os.name == "nt":
            with contextlib.suppress(OSError):
                (place / LOCK).unlink(missing_ok=True)
        tidy(folder, staging)


def _is_current(lock: object, path: Path) -> bool:
    """Say whether the file that we locked is the one that bears the name."""
    handle = getattr(getattr(lock, "_context", None), "lock_file_fd", None)
    if os.name == "nt" or not isinstance(handle, int):
        return True
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _busy(what: object, who: Path) -> Conflict:
    try:
        said = json.loads(who.read_text())
        holder = f"process {said['process']} on {said['computer']}, since {said['since']} UTC"
        reclaims = said.get("work") == "reclaim"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        holder, reclaims = "another process", False
    doing = f"A reclaim is deleting files in {what}" if reclaims else f"Another retrieval is writing into {what}"
    return Conflict(f"{doing} ({holder}).", remedy="wait until it has ended, or retrieve to another folder.")
