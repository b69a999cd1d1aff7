"""What a person asks of reclaim, read and checked before anything is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline import amounts, publication
from pipeline.archive import choice
from pipeline.errors import UsageError
from pipeline.settings.types import DATASET_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.archive.session import DatasetType

OLDER_THAN = "30d"
"""How old a session must be when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Which sessions (DataJoint restrictions), how old, in how many places (None: in all that are named as copies).

    ``file_types`` None means all.
    """

    types: tuple[DatasetType, ...] = DATASET_TYPES
    restrictions: tuple[Any, ...] = ()
    older_than: timedelta = timedelta(days=30)
    copies: int | None = None
    file_types: frozenset[str] | None = None


def wishes(
    types: Sequence[DatasetType] = DATASET_TYPES,
    restrictions: Sequence[Any] = (),
    older_than: timedelta | float | str = OLDER_THAN,
    copies: int | None = None,
    file_types: str | Iterable[str] = (),
) -> Wishes:
    """Read what a person asks for.

    Raises
    ------
    UsageError
        A time that cannot be read, fewer than one copy, or a file type that does not exist.
    """
    if copies is not None and copies < 1:
        raise UsageError(
            f"Nothing is deleted that {copies} places hold.", remedy="give --copies 1 or more, or leave it out."
        )
    patterns = [file_types] if isinstance(file_types, str) else list(file_types)
    chosen = choice.file_types(patterns, _known_types()) if patterns else None
    return Wishes(
        tuple(types),
        tuple(restrictions),
        amounts.age(older_than),
        copies,
        None if chosen is None else frozenset(chosen),
    )


def _known_types() -> set[str]:
    return {row["file_type"] for row in publication.FileType().proj().to_dicts()}
