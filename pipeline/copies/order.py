"""Which of the archives that have a file is asked for it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.copies.named import named
from pipeline.storage import find

if TYPE_CHECKING:
    from collections import Counter

    from pipeline.settings import Settings


class Order:
    """The order in which archives are asked.

    Parameters
    ----------
    settings
        This computer's settings.
    first
        The alias to be asked before all others; None: the named copies first.

    Raises
    ------
    UsageError
        There is no storage location of that alias.
    """

    def __init__(self, settings: Settings, first: str | None) -> None:
        if first is not None:
            find(settings, first)
        self._first = first
        self._copies = {alias for aliases in named().values() for alias in aliases}

    def rank(self, alias: str) -> int:
        """Return a number that is smaller the earlier an archive is asked."""
        return (alias != self._first) * 2 + (alias not in self._copies)

    def notes(self, twice: Counter[tuple[str, str]]) -> list[str]:
        """Tell which archives have the same files, where nobody said that they shall."""
        return [
            f"{number:,} files of {other} are the very ones of {alias}; they are fetched once."
            for (other, alias), number in sorted(twice.items())
            if not {other, alias} <= self._copies
        ]
