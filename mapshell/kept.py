"""What a process that runs many commands keeps, for as long as what it was made from holds: settings, login."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.globus import GlobusStorageManager
    from pipeline.settings import Settings


class KeptLogin:
    """Makes a manager, and makes it anew once somebody has logged in or out, or the settings are others.

    Parameters
    ----------
    make
        Makes one for these settings.
    """

    def __init__(self, make: Callable[[Settings], GlobusStorageManager]) -> None:
        self._make = make
        self._manager: GlobusStorageManager | None = None
        self._holds: Any = None
        self._lock = threading.Lock()

    def manager(self, settings: Settings) -> GlobusStorageManager:
        """Return the manager for these settings, and for whoever is logged in now.

        One that no longer holds stays usable for those who work with it.

        Raises
        ------
        MapshellError
            Making one failed.
        """
        with self._lock:
            if self._manager is None or self._holds != _facts(settings):
                if self._manager is not None:
                    self._manager.close()
                    self._manager = None
                self._manager = self._make(settings)
                self._holds = _facts(settings)  # only now: making it may have logged in
            return self._manager


def stamp(file: Path | None) -> tuple[str, int, int] | None:
    """Return what is another after a file was written: its name, time and size; None when there is none."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return str(file), found.st_mtime_ns, found.st_size


def settings_stamp(config: Path | None, environ: Mapping[str, str]) -> Any:
    """Return what is another when other settings are at hand: the file that counts, as it is now.

    Parameters
    ----------
    config
        The file that the person named.
    environ
        Environment variables.
    """
    from pipeline import settings
    from pipeline.errors import ConfigError

    try:
        return stamp(config or settings.find(environ=environ))
    except ConfigError as error:
        return str(error)


def _facts(settings: Settings) -> Any:
    return settings, stamp(settings.globus.token_file), stamp(settings.globus.service_file)
