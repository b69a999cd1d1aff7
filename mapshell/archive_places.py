"""Places of the archive for the commands: read, expanded, and where the shell stands."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.browse import place as places
from pipeline.browse.looking import expand, look
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.context import Context
    from pipeline.archive.session import Location
    from pipeline.browse.place import Place
    from pipeline.globus import GlobusStorageManager


class Standing:
    """Reads places as one command means them.

    Parameters
    ----------
    context
        The command's; its ``standing`` is the shell's.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    @cached_property
    def locations(self) -> Mapping[str, Location]:
        """The storage locations, by alias: those of the database, and those that the configuration alone knows."""
        from pipeline.locations import configured, known

        self._context.database()
        return {**configured(self._context.settings), **known()}

    @cached_property
    def store(self) -> GlobusStorageManager:
        """The Globus login."""
        self._context.database()
        return self._context.globus()

    @property
    def here(self) -> Place | None:
        """Where the shell stands; None: nowhere, as outside of the shell."""
        said = self._context.standing
        return places.read(said[0], self.locations) if said else None

    def one(self, text: str | None) -> Place:
        """Return the place that a text means; the one where the shell stands when there is none.

        Raises
        ------
        UsageError
            It means none.
        """
        return places.read(text or "", self.locations, self.here)

    def each(self, texts: Sequence[str]) -> list[Place]:
        """Return the places that texts mean."""
        return [self.one(text) for text in texts]

    def expanded(self, texts: Sequence[str]) -> list[Place]:
        """Return the places that texts mean, patterns expanded; where the shell stands when there is none."""
        found = self.each(texts) if texts else [self.one(None)]
        return [one for place in found for one in expand(self.store, place)]

    def go(self, text: str | None) -> None:
        """Stand at another folder from now on; None: nowhere.

        Raises
        ------
        UsageError
            It is no folder.
        RemotePathNotFound
            It is not there.
        """
        if text is None:
            self._context.standing.clear()
            return
        place = self.one(text)
        if not look(self.store, place).folder:
            raise UsageError(f"{place} is a file.", remedy="go to a folder.")
        self._context.standing[:] = [str(place)]
