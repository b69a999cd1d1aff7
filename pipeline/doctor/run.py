"""One run of the doctor: all checks, then everything that they put down taken away."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from pipeline.doctor.checks import CHECKS
from pipeline.doctor.examine import LIMIT_S, examine

_LIBRARIES = (
    ("pipeline.publication", "pipeline.unknown_roots", "pipeline.retrievals", "pipeline.leases", "pipeline.embedded"),
    (
        "requests",
        "requests.adapters",
        "urllib3",
        "jwt",
        "pipeline.globus",
        "pipeline.globus.login",
        "pipeline.globus.stream",
    ),
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

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
    tell("loading")
    _load(_LIBRARIES if not world.offline else _LIBRARIES[:1])
    with world:
        report = examine(CHECKS, world, only=only, limit=limit, tell=tell)
    return replace(report, left=tuple(world.left))


def _load(groups: Iterable[Iterable[str]]) -> None:
    """Import heavy libraries before there are threads: two that import one package at once see it half made."""
    for name in (name for group in groups for name in group):
        with contextlib.suppress(ImportError):  # told by the check of versions, and by those that need it
            import_module(name)
