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

    from mapshell.context import Context
    from pipeline.globus import GlobusStorageManager

_LOG = logging.getLogger("mapshell.shell")
REMEMBERED_S = 60.0
_MOST = 5000


class Remote:
    """Lists folders of the archive with a manager of its own, which asks nobody anything.

    Parameters
    ----------
    context
        The shell's.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._manager: GlobusStorageManager | None = None

    def listed(self, place: str) -> list[Found]:
        """List a folder, as a person writes it where the shell stands.

        Raises
        ------
        MapshellError
            There is none, nobody is logged in, or it cannot be listed.
        """
        from mapshell.archive_places import Standing
        from pipeline.browse.looking import listing

        if self._manager is None:
            from pipeline.globus import GlobusStorageManager
            from pipeline.locations import with_known

            self._manager = GlobusStorageManager(with_known(self._context.settings), interactive=False)
        found, _ = listing(self._manager, Standing(self._context).one(place or None))
        return [Found(seen.place.name, seen.folder) for seen in found]


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
