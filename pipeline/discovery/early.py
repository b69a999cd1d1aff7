"""Folders that manifests speak of are listed while further manifests are still being read.

The service counts listings, not reads: a listing that could be asked for meanwhile, and was not, costs its time later.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pipeline.archive.confirm import unconfirmed

if TYPE_CHECKING:
    from typing import Self

    from pipeline.archive.lister import Lister
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import Location
    from pipeline.errors import MapshellError

    Found = list[str] | MapshellError | None

_FILES = 4_000
"""Files of manifests that wait at most: what waits is in memory.  A manifest that finds no room is compared later."""


class Early:
    """Compares manifests with what the archive lists, in a thread; use it as a context manager.

    Parameters
    ----------
    lister
        Who lists.
    """

    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._change = threading.Condition()
        self._waiting: list[tuple[Location, Manifest]] = []
        self._files = 0
        self._over = False
        self._thread: threading.Thread | None = None
        self._found: dict[tuple[str, str], Found] = {}
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._over = True
            self._waiting.clear()
            self._change.notify()

    def offer(self, location: Location, manifest: Manifest) -> None:
        """Let a manifest be compared, if there is room for it."""
        with self._change:
            if self._over or self._files + len(manifest.files) > _FILES:
                return
            self._waiting.append((location, manifest))
            self._files += len(manifest.files)
            self._change.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="early", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait for what was taken; nothing is taken any more.

        Raises
        ------
        MapshellError
            Nothing can be listed any more.
        """
        with self._change:
            self._over = True
            self._change.notify()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def compared(self, location: Location, subpath: str) -> bool:
        """Say whether a manifest was compared."""
        return (location.alias, subpath) in self._found

    def wrong(self, location: Location, subpath: str) -> Found:
        """Return what the archive lists otherwise than a manifest that was compared, as ``unconfirmed`` says it."""
        return self._found.get((location.alias, subpath))

    def _work(self) -> None:
        try:
            while some := self._taken():
                for location in {id(each): each for each, _ in some}.values():
                    mine = [manifest for each, manifest in some if each is location]
                    wrong = unconfirmed(self._lister, location, mine)
                    self._found.update({(location.alias, one.subpath): wrong.get(n) for n, one in enumerate(mine)})
        except BaseException as error:  # noqa: BLE001  # whoever waits for the answers must hear of it
            self._error = error

    def _taken(self) -> list[tuple[Location, Manifest]]:
        with self._change:
            while not self._waiting and not self._over:
                self._change.wait()
            some, self._waiting, self._files = self._waiting, [], 0
            return some
