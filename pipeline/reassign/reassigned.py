"""What reassigning a session comes to, at each storage location."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipeline.archive.journal import Outcome, Rename
    from pipeline.archive.session import Location, SessionRef
    from pipeline.errors import MapshellError
    from pipeline.reassign.finishing import Finished

State = Literal["to be reassigned", "to be ended", "reassigned", "already", "in flight", "failed"]


@dataclass(slots=True)
class Place:
    """What is, or was, done at one storage location; ``size`` in bytes.

    ``renames`` are what is renamed at the archive, ``was`` the session as it was archived there.
    """

    location: Location
    state: State
    was: SessionRef
    now: SessionRef
    files: int = 0
    size: int = 0
    renames: tuple[Rename, ...] = ()
    manifest: str = ""
    reason: str = ""
    remedy: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing needs a person."""
        return self.state not in ("in flight", "failed")

    def tell(self, state: State, reason: str = "", remedy: str = "") -> None:
        """Say what became of it."""
        self.state, self.reason, self.remedy = state, reason, remedy

    def note(self, done: Finished) -> None:
        """Say what became of it, by what a round tells."""
        mine: list[Outcome] = [each for each in done.outcomes if each.key == self.now.key]
        if mine and all(each.state in ("archived", "present") for each in mine):
            self.tell("reassigned")
            return
        first, stopped = next((each for each in mine if each.reason), None), done.stopped
        reason = first.reason if first else stopped.message if stopped else "it has not come to its end"
        remedy = first.remedy if first else stopped.remedy if stopped else ""
        self.tell("in flight", reason, remedy or "reassign, or publish, once more: it goes on.")


@dataclass(slots=True)
class Reassignment:
    """What reassigning a session comes to, one place after the other; ``stopped`` is what ended it early."""

    source: str
    target: str
    now: SessionRef
    places: list[Place] = field(default_factory=list)
    dry_run: bool = False
    stopped: MapshellError | None = None

    @property
    def to_do(self) -> list[Place]:
        """The places where something is still to be done."""
        return [place for place in self.places if place.state in ("to be reassigned", "to be ended")]

    @property
    def whole(self) -> bool:
        """Whether nothing needs a person."""
        return self.stopped is None and all(place.whole for place in self.places)
