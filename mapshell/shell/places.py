"""Listings of folders for completion: this computer's at once, the archive's once and remembered for a while."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mapshell.completion.suggest import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOG = logging.getLogger("mapshell.shell")
REMEMBERED_S = 60.0
_MOST = 5000


class FolderPlaces:
    """Lists folders; what cannot be listed is unknown, never an error.

    Parameters
    ----------
    list_remote
        Lists a folder of the archive; whatever it raises means that the folder is not known.
    clock
        Seconds from an arbitrary start.
    """

    def __init__(
        self, list_remote: Callable[[str], Sequence[Found]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._list_remote = list_remote
        self._clock = clock
        self._known: dict[str, tuple[float, Sequence[Found] | None]] = {}

    def remote(self, place: str) -> Sequence[Found] | None:
        """List a folder of the archive, at most once a minute."""
        now = self._clock()
        seen = self._known.get(place)
        if seen is not None and now - seen[0] < REMEMBERED_S:
            return seen[1]
        found: Sequence[Found] | None
        try:
            found = self._list_remote(place)
        except Exception:  # noqa: BLE001 - no login, no such folder, no network: there is nothing to suggest
            _LOG.debug("No listing of %s for completion.", place, exc_info=True)
            found = None
        self._known[place] = (now, found)
        return found

    def forget(self) -> None:
        """List anew from now on: a command may have changed something."""
        self._known.clear()

    def local(self, folder: str) -> Sequence[Found] | None:
        """List a folder of this computer."""
        found = []
        try:
            with os.scandir(Path(folder or ".").expanduser()) as entries:
                for entry in entries:
                    found.append(Found(entry.name, entry.is_dir()))
                    if len(found) >= _MOST:
                        break
        except OSError:
            return None
        return sorted(found, key=lambda entry: entry.name)
