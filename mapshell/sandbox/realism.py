"""How much the sandbox is to behave like a service far away: delays, limits and a cap of bandwidth, as plain data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

META_KEY = "realism"
_COUNTS = ("running_tasks", "pending_tasks", "listing_entries")


@dataclass(frozen=True)
class Realism:
    """What slows a sandbox down, and where it refuses more.  The default: nothing does.

    Parameters
    ----------
    latency
        Time that each request takes on its way, in seconds; every single one between half and one and a half of it.
    request_limit
        Requests to Transfer that each user may send, in requests per second, metered over ten seconds; None: any
        number.
    running_tasks
        Transfers of one user that are worked on at a time, and as many deletes; the others wait.  None: all of them.
    pending_tasks
        Tasks of one user that may be under way or waiting; None: any number.
    task_delay
        Time before a task that has its turn begins to move files, in seconds.
    file_delay
        Time that each file takes apart from its bytes, in seconds.
    bandwidth
        Bytes per second that all running tasks share; None: as many as the disk gives.
    listing_entries
        Entries that a folder may have to be listed; None: any number.
    seed
        Of the random numbers that spread the latency.
    """

    latency: float = 0.0
    request_limit: float | None = None
    running_tasks: int | None = None
    pending_tasks: int | None = None
    task_delay: float = 0.0
    file_delay: float = 0.0
    bandwidth: float | None = None
    listing_entries: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("latency", "task_delay", "file_delay"):
            _check(name, getattr(self, name), least=0.0)
        for name in ("request_limit", "bandwidth"):
            if getattr(self, name) is not None:
                _check(name, getattr(self, name), above=0.0)
        for name in _COUNTS:
            if getattr(self, name) is not None:
                _check(name, getattr(self, name), least=1, whole=True)
        _check("seed", self.seed, whole=True)

    @property
    def told(self) -> str:
        """What holds, for people: the settings that differ from the default; empty when none does."""
        plain = Realism()
        held = {name: value for name, value in asdict(self).items() if value != getattr(plain, name)}
        return ", ".join(f"{name.replace('_', '-')} {value:.12g}" for name, value in held.items())

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Realism:
        """Read what :meth:`to_json` wrote; what is not named is as by default.

        Raises
        ------
        UsageError
            A setting is unknown, or its value cannot be.
        """
        return cls().changed(data)

    def changed(self, changes: Mapping[str, Any]) -> Realism:
        """Return a copy with some settings changed.

        Raises
        ------
        UsageError
            A setting is unknown, or its value cannot be.
        """
        known = [field.name for field in fields(self)]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise UsageError(f"The sandbox has no setting {unknown[0]!r}.", remedy=f"Known: {', '.join(known)}.")
        return Realism(**{**asdict(self), **changes})


def _check(
    name: str, value: Any, *, least: float | None = None, above: float | None = None, whole: bool = False
) -> None:
    kinds = int if whole else (int, float)
    good = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
    if good and (least is None or value >= least) and (above is None or value > above):
        return
    wanted = "a whole number" if whole else "a number"
    if least is not None:
        wanted += f" of {least:g} or more"
    elif above is not None:
        wanted += f" above {above:g}"
    raise UsageError(f"{name} of the sandbox cannot be {value!r}.", remedy=f"It is {wanted}.")


#: The limits that the real service publishes, with the times and the bandwidth of an ordinary day.
REALISTIC = Realism(
    latency=0.15,
    request_limit=20.0,
    running_tasks=3,
    pending_tasks=100,
    task_delay=2.0,
    file_delay=0.05,
    bandwidth=100e6,
    listing_entries=100_000,
)


def chosen(now: Realism, changes: Mapping[str, Any]) -> Realism:
    """Apply changes; ``realistic`` among them says where to begin: True like the real service, False without delays.

    Raises
    ------
    UsageError
        A setting is unknown, or its value cannot be.
    """
    realistic = changes.get("realistic")
    base = now if realistic is None else REALISTIC if realistic else Realism()
    return base.changed({name: value for name, value in changes.items() if name != "realistic"})
