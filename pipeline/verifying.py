"""Verify over the tables: which sessions, and what is written down of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, timedelta

    from pipeline.archive.ports import Progress, Store
    from pipeline.settings import Settings


@dataclass(slots=True)
class VerifyReport:
    """What a comparison of archive and index came to."""


def verify(
    settings: Settings,
    store: Callable[[], Store],
    tables: Sequence[Any],
    *,
    checksum: Literal["sample", "all"] | None = None,
    since: date | str | None = None,
    max_time: timedelta | float | str | None = None,
    max_bytes: int | str | None = None,
    progress: Progress | None = None,
) -> VerifyReport:
    """Compare the archive with the index."""
    raise NotImplementedError
