"""A guard of the product, broken on purpose."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mutation:
    """One broken guard: a name, what it is that is broken, and edits (file, text as it is, text as it is then).

    ``options`` are of the schedules that look for it, ``first`` is a schedule that is played before them.
    """

    name: str
    broken: str
    edits: tuple[tuple[str, str, str], ...]
    options: dict[str, float] = field(default_factory=dict)
    first: list[dict] = field(default_factory=list)


def one(name, broken, file, old, new):
    """Return a mutation of one edit."""
    return Mutation(name, broken, ((file, old, new),))
