"""The options by which every verb of the archive chooses sessions and kinds of data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pipeline.archive.session import DatasetType

_DAY = click.DateTime(["%Y-%m-%d"])
_OPTIONS = (
    click.option("--until", type=_DAY, metavar="DATE", help="Sessions of this day or before."),
    click.option("--since", type=_DAY, metavar="DATE", help="Sessions of this day or later."),
    click.option("--session", "numbers", type=int, multiple=True, metavar="N", help="Session number; repeatable."),
    click.option(
        "--subject", "subjects", multiple=True, metavar="NAME", help="Water restriction or subject id; repeatable."
    ),
    click.option("--type", "kind", type=click.Choice(["ephys", "video"]), help="Only this kind of data."),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose; None and empty mean all."""

    kind: DatasetType | None
    subjects: tuple[str, ...]
    numbers: tuple[int, ...]
    since: datetime | None
    until: datetime | None

    @property
    def kinds(self) -> tuple[DatasetType, ...]:
        """The kinds of data that ``--type`` means."""
        return ("ephys", "video") if self.kind is None else (self.kind,)

    def restrictions(self) -> list[Any]:
        """Return the DataJoint restrictions of ``experiment.Session`` that the options mean.

        Raises
        ------
        pipeline.errors.UsageError
            A subject or a session number does not exist, or no day is in the range.
        """
        from pipeline.errors import UsageError
        from pipeline.subjects import resolve

        if self.since is not None and self.until is not None and self.since > self.until:
            raise UsageError(
                f"No day is both {self.since:%Y-%m-%d} or later and {self.until:%Y-%m-%d} or earlier.",
                remedy="give --since the earlier of the two dates.",
            )
        found: list[Any] = []
        if self.subjects:
            found.append([{"subject_id": resolve(name)} for name in self.subjects])
        if self.numbers:
            found.append([{"session": number} for number in self.numbers])
            self._refuse_unknown(found)
        if self.since is not None:
            found.append(f"session_date >= '{self.since:%Y-%m-%d}'")
        if self.until is not None:
            found.append(f"session_date <= '{self.until:%Y-%m-%d}'")
        return found

    def _refuse_unknown(self, chosen: list[Any]) -> None:
        """Refuse session numbers that nobody has: a typing error must not look like a day without work."""
        from pipeline import sessions
        from pipeline.errors import UsageError
        from pipeline.sessionless import everywhere, meets

        missing = sorted(set(self.numbers) - {number for _, number in sessions.chosen(chosen) or ()})
        if missing:
            gone = [each.session for some in everywhere(self.kinds).values() for each in some]
            missing = sorted(set(missing) - {ref.session for ref in gone if meets(ref, chosen)})
        if missing:
            whose = f"{', '.join(self.subjects)} has" if self.subjects else "No subject has"
            said = ", ".join(str(number) for number in missing)
            raise UsageError(
                f"{whose} {'no' if self.subjects else 'a'} session {said}: nothing matches.",
                remedy="see their numbers with `mapshell publication-status"
                + "".join(f" --subject {name}" for name in self.subjects)
                + "`.",
            )


def choosing_sessions(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose sessions and kinds of data; the command takes them as one ``choice``."""

    @wraps(function)
    def command(*args: Any, kind: Any, subjects: Any, numbers: Any, since: Any, until: Any, **others: Any) -> Any:
        return function(*args, choice=Choice(kind, subjects, numbers, since, until), **others)

    for option in _OPTIONS:
        command = option(command)
    return command
