"""Making the checks: each by itself, several at once, none for longer than its time, none in another's way."""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.doctor.findings import SECTIONS, Check, Finding, Line, Report, Subject, failure, skipped
from pipeline.errors import LocalDiskError, MapshellError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pipeline.doctor.findings import Section
    from pipeline.doctor.world import World

LIMIT_S = 90.0
"""How long one check may take; one that asks a server gives up by itself before."""

_LOG = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Turn:
    """A check about one subject, and what came of it."""

    check: Check
    subject: Subject
    findings: list[Finding] = field(default_factory=list)
    began: float | None = None
    ended: bool = False
    hidden: bool = False

    @property
    def sound(self) -> bool:
        """Whether what needs it may go on."""
        return self.ended and not any(each.level in {"failure", "skipped"} for each in self.findings)

    @property
    def lane(self) -> str:
        return self.subject.endpoint or self.check.lane

    @property
    def said(self) -> str:
        return f"{self.check.name} of {self.subject.name}" if self.subject.name else self.check.name


class _Examination:
    """All turns of one run."""

    def __init__(self, checks: Sequence[Check], world: World, limit: float, tell: Callable[[str], None]) -> None:
        self._checks, self._world, self._limit, self._tell = checks, world, limit, tell
        self._turns: dict[str, list[_Turn]] = {}
        self._running: list[_Turn] = []
        self._finished: queue.SimpleQueue[tuple[_Turn, list[Finding]]] = queue.SimpleQueue()

    def run(self) -> dict[str, list[_Turn]]:
        """Make all checks; return their turns by the name of the check."""
        waiting = list(self._checks)
        ready: list[_Turn] = []
        while waiting or ready or self._running:
            for check in [each for each in waiting if self._may_begin(each)]:
                waiting.remove(check)
                ready += self._expand(check)
            for turn in list(ready):
                reason = self._obstacle(turn)
                if reason:
                    turn.findings, turn.ended = [skipped(reason)], True
                    ready.remove(turn)
                elif all(turn.lane != other.lane for other in self._running if other.lane):
                    self._begin(turn)
                    ready.remove(turn)
            if self._running:
                self._wait()
        return self._turns

    def _may_begin(self, check: Check) -> bool:
        """Say whether everything that goes before a check has ended."""
        before = (*check.needs, *check.after)
        mine = {each.name for each in self._checks}
        return all(
            name not in mine or (name in self._turns and all(turn.ended for turn in self._turns[name]))
            for name in before
        )

    def _expand(self, check: Check) -> list[_Turn]:
        """Return the turns of a check; one that cannot be made without subjects has one all the same."""
        subjects: Sequence[Subject] = [Subject()]
        if check.each is not None:
            try:
                subjects = check.each(self._world)
            except Exception as error:  # noqa: BLE001 - as for the check itself
                if self._blocked(check, Subject()) is None:
                    turn = _Turn(check, Subject(), ended=True)
                    turn.findings = [self._broken(turn, error)]
                    self._turns[check.name] = [turn]
                    return []
        turns = [_Turn(check, subject) for subject in subjects]
        self._turns[check.name] = turns
        return turns

    @staticmethod
    def _broken(turn: _Turn, error: BaseException) -> Finding:
        if isinstance(error, MapshellError):
            return failure(error)
        if isinstance(error, OSError) and error.filename is not None:
            return failure(
                LocalDiskError(
                    f"{error.filename} cannot be looked at: {error.strerror or error}.",
                    remedy="give this account the right to look there, or check the disk.",
                )
            )
        _LOG.error("%s", turn.said, exc_info=error)
        return failure(_defect(turn, error))

    def _needed(self, name: str, subject: Subject) -> _Turn | None:
        """Return the turn of a needed check that is about the same: subject, its collection, or everything."""
        turns = {turn.subject.key: turn for turn in self._turns.get(name, ())}
        for key in (subject.key, subject.endpoint, ""):
            if key in turns:
                return turns[key]
        return None

    def _blocked(self, check: Check, subject: Subject) -> _Turn | None:
        for name in check.needs:
            turn = self._needed(name, subject)
            if turn is not None and not turn.sound:
                return turn
        return None

    def _obstacle(self, turn: _Turn) -> str:
        """Say why a check cannot be made; empty when it can."""
        if turn.check.globus and self._world.offline:
            turn.hidden = True
            return "--offline: Globus is not asked"
        other = self._blocked(turn.check, turn.subject)
        if other is None:
            return ""
        first = next(each for each in other.findings if each.level in {"failure", "skipped"})
        if first.level == "skipped":
            turn.hidden = other.hidden
            return first.message
        return f"because of {other.check.section}, {other.said}: {_short(first.message)}"

    def _begin(self, turn: _Turn) -> None:
        turn.began = time.monotonic()
        self._running.append(turn)
        self._say()
        # Not a pool: its threads would be waited for at the end, and one that hangs must not keep the program.
        threading.Thread(target=self._make, args=(turn,), name=f"doctor {turn.said}", daemon=True).start()

    def _make(self, turn: _Turn) -> None:
        findings: list[Finding] = []
        try:
            findings.extend(turn.check.run(self._world, turn.subject))
        except BaseException as error:  # noqa: BLE001 - one check that breaks must not hide the others
            findings.append(self._broken(turn, error))
        self._finished.put((turn, findings))

    def _wait(self) -> None:
        """Wait until a check ends, or has taken too long."""
        now = time.monotonic()
        ends = {turn: (turn.began or now) + (turn.check.limit or self._limit) for turn in self._running}
        try:
            turn, findings = self._finished.get(timeout=max(0.0, min(ends.values()) - now))
        except queue.Empty:
            for turn in [each for each, end in ends.items() if end <= time.monotonic()]:
                self._end(turn, [failure(_too_long(turn, turn.check.limit or self._limit))])
        else:
            if turn in self._running:  # else it was given up already
                self._end(turn, findings)

    def _end(self, turn: _Turn, findings: list[Finding]) -> None:
        turn.findings, turn.ended = findings, True
        self._running.remove(turn)
        self._say()

    def _say(self) -> None:
        if self._running:
            self._tell(", ".join(turn.said for turn in self._running[:3]) + (" ..." if len(self._running) > 3 else ""))


def examine(
    checks: Sequence[Check],
    world: World,
    *,
    only: Collection[Section] = (),
    limit: float = LIMIT_S,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Make checks and return what they found; never raises for what is found.

    Parameters
    ----------
    checks
        The table; those of other sections than ``only`` are made where one of these needs them, and told when they
        fail.
    world
        What they work with.
    only
        Sections; all when empty.
    limit
        How long one check may take (s).
    tell
        Hears what is looked at now.
    """
    wanted = [each for each in checks if not only or each.section in only]
    made = _with_needed(checks, wanted)
    turns = _Examination(made, world, limit, tell).run()
    lines: list[Line] = []
    for section in SECTIONS:
        hidden = False
        for check in (each for each in made if each.section == section):
            for turn in turns[check.name]:
                shown = turn.findings if check in wanted else [f for f in turn.findings if f.level == "failure"]
                if turn.hidden and check in wanted:
                    if not hidden:
                        lines.append(Line(section, "Globus", "", turn.findings[0]))
                    hidden = True
                    continue
                lines.extend(Line(section, check.name, turn.subject.name, each) for each in shown)
    return Report(tuple(lines), tuple(world.left))


def _with_needed(checks: Sequence[Check], wanted: Iterable[Check]) -> list[Check]:
    """Return the wanted checks and those that they need or follow, in the order of the table."""
    by_name = {each.name: each for each in checks}
    names: set[str] = set()
    left = [each.name for each in wanted]
    while left:
        name = left.pop()
        if name not in names:
            names.add(name)
            left += [each for each in (*by_name[name].needs, *by_name[name].after) if each in by_name]
    return [each for each in checks if each.name in names]


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= 120 else line[:117] + "..."


def _defect(turn: _Turn, error: BaseException) -> MapshellError:
    return MapshellError(
        f"This could not be looked at ({type(error).__name__}: {_short(str(error))}).",
        remedy=f"most likely a defect of mapshell in the check {turn.check.name}: please report it with the log.",
    )


def _too_long(turn: _Turn, limit: float) -> MapshellError:
    return MapshellError(
        f"There was no answer within {limit:g} s.",
        remedy="check the network"
        + (", and the computer behind that collection" if turn.subject.endpoint else "")
        + "; then run `mapshell doctor` again.",
    )
