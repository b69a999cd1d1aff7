"""Sessions depart one after the other, so that never more are under way than the service lets wait."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from pipeline.archive.depart import depart
from pipeline.archive.round import NEXT, failure, outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.find import LocalSession
    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.round import Flight, Round
    from pipeline.archive.session import SessionKey
    from pipeline.errors import MapshellError, ServiceFull

IN_THE_AIR = 40
"""Sessions under way at once: the service runs three tasks of a login and lets a hundred wait, of all its computers."""


class Departing(Protocol):
    """Flights that are about to take off; ``stopped`` is what ended that early, if anything did."""

    stopped: MapshellError | None

    def depart(self, in_the_air: int) -> Sequence[Flight]:
        """Let the next ones take off, as many as there is room for beside those that are in the air."""


class Departed:
    """Flights of an earlier round, all in the air already."""

    stopped: MapshellError | None = None

    def __init__(self, flights: Sequence[Flight]) -> None:
        self._flights = tuple(flights)

    def depart(self, in_the_air: int) -> Sequence[Flight]:
        """Hand all of them over, once."""
        del in_the_air
        flights, self._flights = self._flights, ()
        return flights


class Queue:
    """The sessions of a round that are still on the ground.

    ``outcomes`` grows by one for each session that needs not depart, or cannot; ``stopped`` is what ended it early.

    Parameters
    ----------
    round_
        What the round works with.
    sessions, indexed
        What this computer holds, and what the index holds of it.
    dry_run
        Only plan.
    wait
        Wait for the tasks: otherwise nothing makes room, and as many depart as the service takes.
    """

    def __init__(
        self,
        round_: Round,
        sessions: Sequence[LocalSession],
        indexed: Mapping[SessionKey, Manifest],
        *,
        dry_run: bool,
        wait: bool,
    ) -> None:
        self._round, self._indexed, self._dry_run, self._wait = round_, indexed, dry_run, wait
        self._sessions = deque(sessions)
        self.outcomes: list[Outcome] = []
        self.stopped: MapshellError | None = None

    def depart(self, in_the_air: int) -> list[Flight]:
        """Let sessions depart until no more may be in the air, or none is left on the ground."""
        flights: list[Flight] = []
        most = IN_THE_AIR if self._wait and not self._dry_run else len(self._sessions)
        while self._sessions and self.stopped is None and (room := most - in_the_air - len(flights)) > 0:
            some = [self._sessions.popleft() for _ in range(min(room, len(self._sessions)))]
            left = depart(self._round, some, self._indexed, dry_run=self._dry_run, hash_early=self._wait)
            flights += left.flights
            self.outcomes += left.outcomes
            self.stopped = left.stopped
            self._sessions.extendleft(reversed(left.rest))
            if (why := self._round.ending()) and self.stopped is None:
                self._stay(why)
                break
            if left.full is not None:
                if not self._wait or not (in_the_air or flights):  # nothing of ours will make room
                    self._give_up(left.full)
                break
        return flights

    def _stay(self, why: str) -> None:
        """Leave the rest to the next round; what is new is told, of what the index has nothing was looked at."""
        keys = [session.ref.key for session in self._sessions]
        begun = {part.key for entry in self._round.journal.unfinished(keys) for part in entry.parts} if keys else set()
        for session in self._sessions:
            if session.ref.key not in begun and session.ref.key not in self._indexed:
                self.outcomes.append(outcome(self._round, session, "queued", why, NEXT))
        self._round.journal.release(keys)
        self._sessions.clear()

    def _give_up(self, full: ServiceFull) -> None:
        for session in self._sessions:
            self.outcomes.append(failure(self._round, session, full, self._indexed.get(session.ref.key)))
        self._round.journal.release([session.ref.key for session in self._sessions])
        self._sessions.clear()
