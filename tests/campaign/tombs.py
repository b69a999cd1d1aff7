"""What stands in place of files that were freed, read as anybody would who has only the folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TOMBSTONES = {kind: f"mapshell-reclaimed-{kind}.json" for kind in ("ephys", "video")}
OWN = frozenset(name for tomb in TOMBSTONES.values() for name in (tomb, f".{tomb}.new"))
"""Their names, and those that they have while they are written."""


@dataclass(frozen=True)
class Tomb:
    """A tombstone: where it lies, what it names (subpath at the archive -> size and SHA1), how to bring it back."""

    path: Path
    files: dict[str, tuple[int, str]]
    command: str


def tombs(root):
    """Return the tombstones below a root that can be read as one."""
    found = (path for path in sorted(root.rglob("*.json")) if path.name in TOMBSTONES.values())
    return [tomb for path in found if (tomb := read(path)) is not None]


def naming(path, root, names):
    """Return the tombstones in the folders above a file that name it, by one of the names that it may have there."""
    above = [parent / TOMBSTONES[root.name] for parent in path.parents if parent.is_relative_to(root)]
    return [tomb for each in above if (tomb := read(each)) is not None and names & set(tomb.files)]


def read(path):
    """Return a tombstone; None when it is none."""
    try:
        document = json.loads(path.read_bytes())
        files = {entry["subpath"]: (entry["size"], entry["sha1"]) for entry in document["files"]}
        return Tomb(path, files, document["command"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
