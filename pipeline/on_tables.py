"""Methods of tables that work on class and instance alike, and what they work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.globus import GlobusStorageManager
    from pipeline.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


class on_tables(Generic[P, R]):  # noqa: N801 - used as a decorator
    """A method that may be called on the class too: that means the whole table, as everywhere in DataJoint."""

    def __init__(self, method: Callable[Concatenate[Any, P], R]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, table: Any, owner: type) -> Callable[P, R]:
        """Return the method of this table, unrestricted when it was asked of the class."""
        bound: Callable[P, R] = self._method.__get__(owner() if table is None else table)
        return bound


def at_hand() -> tuple[Settings, Callable[[], GlobusStorageManager]]:
    """Return the settings that the tables were bound with, and what makes a Globus manager when one is needed."""
    from pipeline import database
    from pipeline.globus import GlobusStorageManager
    from pipeline.locations import with_known

    settings = database.bound_settings()
    managers: list[GlobusStorageManager] = []

    def store() -> GlobusStorageManager:
        if not managers:
            managers.append(GlobusStorageManager(with_known(settings)))
        return managers[0]

    return settings, store
