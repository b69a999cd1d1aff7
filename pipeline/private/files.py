"""Files that say where secrets go, or hold some: read only while they are their owner's alone."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pipeline.errors import ServiceError

if TYPE_CHECKING:
    from pathlib import Path


def read_private(path: Path) -> bytes:
    """Return the bytes of a file that nobody else can read or change, and that nobody else has put there.

    Windows keeps a person's folders private by itself; modes mean nothing there.

    Raises
    ------
    OSError
        There is no such file, or it cannot be read.
    ServiceError
        It is another user's, or others can read or change it.
    """
    with path.open("rb") as stream:
        if os.name != "nt":
            _refuse_others(path, os.fstat(stream.fileno()))  # of what was opened, whatever bears the name by now
        return stream.read()


def _refuse_others(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise ServiceError(
            f"{path} belongs to another user of this computer (id {status.st_uid}); it is not believed.",
            remedy="a service belongs to the user who started it: work as that user, or name another folder.",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise ServiceError(
            f"Other users of this computer can read or change {path} (mode {mode:04o}).",
            remedy=f"run: chmod 600 '{path}'; if others may have read it, stop the service and start it again.",
        )
