"""Folders of this computer, listed once for all who look at them within one round."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Listing:
    """Remembers what folders hold; made anew for each round, so that nothing is told of an earlier one."""

    def __init__(self) -> None:
        self._known: dict[str, list[os.DirEntry[str]]] = {}

    def entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """Return what a folder holds, in no order.

        Raises
        ------
        OSError
            It cannot be listed; the next who asks looks again.
        """
        path = str(folder)
        if path not in self._known:
            with os.scandir(path) as entries:
                self._known[path] = list(entries)
        return self._known[path]
