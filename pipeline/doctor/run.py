"""One run of the doctor: all checks, then everything that they put down taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.doctor.checks import CHECKS
from pipeline.doctor.examine import LIMIT_S, examine

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pipeline.doctor.findings import Report, Section
    from pipeline.doctor.world import World


def look(
    world: World,
    *,
    only: Collection[Section] = (),
    limit: float = LIMIT_S,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Look at everything, or at some sections; parameters as for :func:`pipeline.doctor.examine.examine`."""
    with world:
        report = examine(CHECKS, world, only=only, limit=limit, tell=tell)
    return replace(report, left=tuple(world.left))
