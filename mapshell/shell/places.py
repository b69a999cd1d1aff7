"""Listings of folders for completion: this computer's at once, the archive's once and remembered for a while."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mapshell.completion.suggest import Found
from mapshell.kept import KeptLogin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mapshell.context import Context
    from pipeline.globus import GlobusStorageManager
    from pipeline.settings import Settings

_LOG = logging.getLogger("mapshell.shell")
REMEMBERED_S = 60.0
_PATIENCE_S = 20.0
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
        self._login = KeptLogin(asking_nobody)

    def listed(self, place: str) -> list[Found]:
        """List a folder, as a person writes it where the shell stands.

        Raises
        ------
        MapshellError
            There is none, nobody is logged in, or it cannot be listed.
        """
        from mapshell.archive_places import Standing
        from pipeline.browse.looking import listing
        from pipeline.locations import with_known

        manager = self._login.manager(with_known(self._context.settings))
        found, _ = listing(manager, Standing(self._context).one(place or None))
        return [Found(seen.place.name, seen.folder) for seen in found]


def asking_nobody(settings: Settings) -> GlobusStorageManager:
    """Return a manager for what goes on beside the person's work: it never asks, and gives up soon."""
    from pipeline.globus import GlobusStorageManager
    from pipeline.globus.transport import Patience

    return GlobusStorageManager(settings, interactive=False, patience=Patience(total=_PATIENCE_S))


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
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def remote(self, place: str) -> Sequence[Found] | None:
        """List a folder of the archive, at most once a minute; None while another thread does it already."""
        with self._lock:
            known, seen = self._known, self._known.get(place)
            if seen is not None and self._clock() - seen[0] < REMEMBERED_S:
                return seen[1]
            if place in self._under_way:
                return None
            self._under_way.add(place)
        found: Sequence[Found] | None = None
        try:
            found = self._list_remote(place)
        except Exception:  # noqa: BLE001 - no login, no such folder, no network: there is nothing to suggest
            _LOG.debug("No listing of %s for completion.", place, exc_info=True)
        with self._lock:
            self._under_way.discard(place)
            known[place] = (self._clock(), found)
        return found

    def forget(self) -> None:
        """List anew from now on: a command may have changed something, also while a listing was under way."""
        with self._lock:
            self._known = {}

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
