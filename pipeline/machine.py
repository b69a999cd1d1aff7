"""Which machine this is: two computers may bear one name, and one folder of a person may be seen by several.

Only a process of this very machine can be looked for here; what is of another must not be judged by its process id.
"""

from __future__ import annotations

import os
import platform
import uuid
from functools import cache

from pipeline import services
from pipeline.errors import ServiceError
from pipeline.folders import data_folder

_FILE = "machine-id"


def machine_id() -> uuid.UUID:
    """Return the identity of this machine for this person: kept in the data folder, made on first use.

    Where it cannot be kept, every process is a machine of its own: nothing of it is ever taken for dead here.
    """
    return _machine_id(str(data_folder(os.environ)))


@cache
def _machine_id(folder: str) -> uuid.UUID:
    from pathlib import Path

    file = Path(folder) / _FILE
    try:
        kept = _kept(file)
        if kept is None:
            with services.lock(file.with_name(f"{_FILE}.lock")):
                kept = _kept(file)
                if kept is None:
                    kept = uuid.uuid4()
                    services.write_private(file, f"{kept}\n".encode())
    except (ServiceError, OSError):
        return uuid.uuid4()
    # The folder may lie on a share, which all computers of a lab see.
    return uuid.uuid5(kept, platform.node())


def _kept(file: os.PathLike[str]) -> uuid.UUID | None:
    from pathlib import Path

    try:
        return uuid.UUID(Path(file).read_text("ascii").strip())
    except (FileNotFoundError, ValueError):
        return None
