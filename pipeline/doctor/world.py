"""What the checks of one run work with: settings, database and Globus as far as earlier checks have found them."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from typing import TYPE_CHECKING, Any

from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import Self

    from pipeline.archive.ports import Clock
    from pipeline.archive.session import Location
    from pipeline.database.binding import Binding
    from pipeline.database.lab_connection import LabConnection
    from pipeline.globus import GlobusStorageManager
    from pipeline.settings import Settings

REQUEST_S = 20.0
"""How long one request to Globus is tried; a check makes a few."""


def _free(path: Path) -> int:
    return shutil.disk_usage(path).free


class World:
    """The world as one run sees it; a context manager, which takes away what checks put down.

    Parameters
    ----------
    environ
        Environment variables.
    clock
        This computer's time.
    file
        The settings file, None to search for it.
    offline
        Globus is not asked.
    write
        Probes may be written, to local folders and at the archives.
    start_globus
        Starts the local Globus service that the settings name, where they do.
    free
        Tells the free bytes of the disk that holds a folder.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: Clock,
        *,
        file: Path | None = None,
        offline: bool = False,
        write: bool = True,
        start_globus: Callable[[Settings], None] = lambda _: None,
        free: Callable[[Path], int] = _free,
    ) -> None:
        self.environ, self.clock, self.file = environ, clock, file
        self.offline, self.write = offline, write
        self.start_globus, self.free = start_globus, free
        self.locations: dict[str, Location] = {}
        self.identity = ""
        self.has_tables = False
        self.why_no_tables = "there are no tables yet"
        self.left: list[str] = []
        self.consents: dict[str, dict[str, Any]] = {}
        self.globus_time: tuple[datetime, datetime, str]
        self._settings: Settings | None = None
        self._connection: LabConnection | None = None
        self._restore: Callable[[], None] | None = None
        self._stores: dict[str, GlobusStorageManager] = {}
        self._litter: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Take away what is still lying about, and close what was opened."""
        with self._lock:
            litter, self._litter = self._litter, []
            stores, self._stores = self._stores, {}
        for clean in litter:
            with contextlib.suppress(OSError, MapshellError):
                clean()
        for store in stores.values():
            if store._lock.acquire(blocking=False):  # one that hangs is left to the end of the process
                try:
                    store.close()
                finally:
                    store._lock.release()
        if self._restore is not None:
            self._restore()

    # -- what was put down -------------------------------------------------------------------------------------

    def promise(self, clean: Callable[[], None]) -> Callable[[], None]:
        """Note how something is taken away; return what does it now, once."""
        with self._lock:
            self._litter.append(clean)

        def now() -> None:
            with self._lock:
                if clean not in self._litter:
                    return
                self._litter.remove(clean)
            clean()

        return now

    # -- settings ----------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings; only checks that need theirs ask."""
        if self._settings is None:
            raise LookupError("the settings have not been read")
        return self._settings

    @settings.setter
    def settings(self, loaded: Settings) -> None:
        self._settings = loaded

    # -- the database ------------------------------------------------------------------------------------------

    @property
    def connection(self) -> LabConnection:
        """The connection to the database."""
        if self._connection is None:
            raise LookupError("the database has not been connected")
        return self._connection

    @property
    def connected(self) -> bool:
        """Whether there is a connection: an embedded database that was never made has none."""
        return self._connection is not None

    def connect(self) -> Binding:
        """Connect, and let the tables use this database for as long as this run takes; makes and changes none.

        Raises
        ------
        DatabaseUnavailable, ConfigError, ServiceError
            As they say.
        """
        from pipeline import database
        from pipeline.database import binding

        present = binding.get_current()
        if present is not None and present.identity == self.settings.database:
            present.connection.ping()
            self._connection = present.connection
            return present
        made = database.unused_binding(self.settings)  # not under the lock: a server may never answer
        with binding.LOCK:
            present = binding.get_current()
            binding.set_current(made)
        self._connection = connection = made.connection

        def restore() -> None:
            with binding.LOCK:
                if binding.get_current() is made:
                    binding.set_current(present)
            connection.close()

        self._restore = restore
        return made

    # -- Globus ------------------------------------------------------------------------------------------------

    def store(self, endpoint: str = "") -> GlobusStorageManager:
        """Return the Globus manager for a collection, so that one that hangs keeps no other waiting."""
        with self._lock:
            if endpoint not in self._stores:
                from pipeline.globus import GlobusStorageManager
                from pipeline.globus.transport import Patience

                patience = Patience(retries=1, pause=2.0, total=REQUEST_S, timeout=REQUEST_S)
                first = next(iter(self._stores.values()), None)
                self._stores[endpoint] = GlobusStorageManager(
                    self.with_locations(),
                    interactive=False,
                    environ=self.environ,
                    patience=patience,
                    pace=first._pace if first is not None else None,
                )
            return self._stores[endpoint]

    def with_locations(self) -> Settings:
        """Return the settings with the storage locations that the database knows as well."""
        from dataclasses import replace

        from pipeline.settings import StorageLocation

        own = self.settings.globus
        places = tuple(StorageLocation(p.alias, p.endpoint, p.path, p.dataset_type) for p in self.locations.values())
        return replace(self.settings, globus=replace(own, storage_locations=places)) if places else self.settings


def existing(path: Path) -> Path:
    """Return a folder, or the nearest above it that exists."""
    for each in (path, *path.parents):
        if os.path.lexists(each):
            return each
    return path
