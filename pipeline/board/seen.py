"""What a look at all sessions brings for the board besides their states: speeds, what came lately, the clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pipeline.forecast import LAST, as_move

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.archive.find import Found, LocalSession
    from pipeline.archive.session import DatasetType, LocalFile, Location, SessionKey
    from pipeline.board.disks import Disk
    from pipeline.forecast import Move

ARRIVED = timedelta(days=14)
"""How far back files count for the rate at which a disk fills."""

TOLERANCE = timedelta(minutes=2)
"""By how much a file's time may be ahead of this computer's clock."""


@dataclass(slots=True)
class Seen:
    """What was seen by the way; ``now`` is this computer's time (UTC, naive).

    ``moves`` are the last transfers of each computer, ``arrived`` the bytes of recordings on this computer that are
    younger than :data:`ARRIVED`, by local root; ``ahead`` is the local file whose time is the latest, if that lies
    in the future; ``tombs`` are sessions with tombstones here that the index of a location does not have.
    """

    now: datetime
    moves: dict[str, list[Move]] = field(default_factory=dict)
    arrived: Counter[str] = field(default_factory=Counter)
    ahead: LocalFile | None = None
    tombs: dict[tuple[DatasetType, SessionKey], LocalSession] = field(default_factory=dict)
    _files: set[str] = field(default_factory=set)

    def at(self, location: Location, found: Found, archived: Mapping[SessionKey, Mapping[str, Any]]) -> None:
        """Take in what was seen at one location."""
        self._take_moves(archived)
        since, now = (_ns(each) for each in (self.now - ARRIVED, self.now + TOLERANCE))
        for key, session in found.sessions.items():
            if session.tombstones and key not in archived:
                self.tombs.setdefault((location.dataset_type, key), session)
            for file in session.files:
                if file.mtime_ns > since and file.where not in self._files:  # one root may serve several locations
                    self._files.add(file.where)
                    self.arrived[str(file.root.local_path)] += file.size
                    if file.mtime_ns > now and (self.ahead is None or file.mtime_ns > self.ahead.mtime_ns):
                        self.ahead = file

    def arrived_on(self, disk: Disk) -> int:
        """Return the bytes of recordings that came to a disk lately."""
        return sum(self.arrived[root] for root in disk.roots)

    def _take_moves(self, archived: Mapping[SessionKey, Mapping[str, Any]]) -> None:
        newest = sorted(archived.values(), key=itemgetter("archived_at"), reverse=True)
        count = Counter[str]()
        for row in newest:
            evidence = row["evidence"]
            computer = evidence.get("computer") if isinstance(evidence, dict) else None
            if isinstance(computer, str) and count[computer] < LAST:
                count[computer] += 1
                if (one := as_move(evidence, computer)) is not None:
                    self.moves.setdefault(computer, []).append(one)


def _ns(instant: datetime) -> int:
    return int(instant.replace(tzinfo=UTC).timestamp()) * 10**9
