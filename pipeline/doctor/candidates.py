"""Under which paths a collection may have a folder of this computer, the likeliest first.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePath

_MOST = 16


def candidates(folder: PurePath, not_this: str = "") -> list[str]:
    r"""Return paths to try.

    Globus Connect Personal writes the drive as the first folder (``D:\x`` is ``/D/x``), and elsewhere has the path of
    the disk; other collections begin somewhere on the way down, or at the default folder ``/~/``.

    Parameters
    ----------
    folder
        Absolute path on disk.
    not_this
        The path that has been tried.
    """
    parts = [part for part in folder.parts[1:] if part not in {"", "."}]
    drive = folder.drive.rstrip(":")
    whole = [drive.upper(), *parts] if len(drive) == 1 else parts
    found = ["/" + "/".join(whole)]
    if len(drive) == 1:
        found.append("/" + "/".join([drive.lower(), *parts]))
    # From the end: the rest of a path below the collection's own beginning.
    for depth in range(len(parts), -1, -1):
        below = "/".join(parts[depth:])
        found += [f"/{below}", f"/~/{below}"]
    return [path for path in dict.fromkeys(found) if path != not_this][:_MOST]
