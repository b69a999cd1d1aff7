"""The file systems on which this computer's local roots lie, and the room on them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system with local roots; ``path`` is the first root on it, ``free`` and ``size`` are bytes.

    Both are None where nobody can tell: ``reason`` says why (a root that is not there, as of a disk not mounted).
    ``roots`` are all roots on it, where it was looked at just now.
    """

    path: str
    free: int | None = None
    size: int | None = None
    reason: str = ""
    roots: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"path": self.path, "free": self.free, "size": self.size, "reason": self.reason}


def disks(settings: Settings) -> list[Disk]:
    """Look at the file system of every local root, each once."""
    globus = settings.globus
    return look(root.local_path for root in (*globus.local_roots, *globus.shared_roots))


def look(roots: Iterable[Path]) -> list[Disk]:
    """Look at the file systems of some folders, each once."""
    found: dict[object, Disk] = {}
    for root in dict.fromkeys(Path(root) for root in roots):
        try:
            device = root.stat().st_dev
            usage = shutil.disk_usage(root)
        except FileNotFoundError:
            found[root] = Disk(str(root), reason="it is not there: is its disk connected?")
        except OSError as error:
            found[root] = Disk(str(root), reason=error.strerror or type(error).__name__)
        else:
            first = found.setdefault(device, Disk(str(root), usage.free, usage.total))
            found[device] = replace(first, roots=(*first.roots, str(root)))
    return list(found.values())


def from_document(rows: Any) -> list[Disk]:
    """Read what another computer wrote down of its disks; what cannot be read is left out."""
    return [_from_row(row) for row in rows if isinstance(row, dict) and "path" in row] if isinstance(rows, list) else []


def _from_row(row: Mapping[str, Any]) -> Disk:
    free, size = (row.get(name) if isinstance(row.get(name), int) else None for name in ("free", "size"))
    return Disk(str(row["path"]), free, size, str(row.get("reason", "")))
