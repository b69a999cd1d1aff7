"""One round of publishing at one storage location: what was found departs, and is gathered as it lands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.depart import depart
from pipeline.archive.gather import Gatherer
from pipeline.errors import DatabaseUnavailable, MapshellError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.find import LocalSession
    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.round import Round
    from pipeline.archive.session import SessionKey


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The outcome of every session, and what ended the round early, if anything did."""

    outcomes: tuple[Outcome, ...]
    stopped: MapshellError | None


def publish(
    round_: Round,
    sessions: Sequence[LocalSession],
    indexed: Mapping[SessionKey, Manifest],
    *,
    dry_run: bool = False,
    wait: bool = True,
) -> RoundResult:
    """Publish sessions: each ends archived, or with the reason why not; one bad session never stops the others.

    Parameters
    ----------
    round_
        The location and everything to work with.
    sessions
        What this computer holds.
    indexed
        What the index holds of them.
    dry_run
        Only plan; nothing is claimed, journalled or submitted.
    wait
        Wait for the tasks; otherwise they stay *in flight* and the next round gathers them.
    """
    if not dry_run:
        round_.journal.tidy()
    departures = depart(round_, sessions, indexed, dry_run=dry_run, hash_early=wait)
    gatherer = Gatherer(round_, departures.flights)
    gatherer.stopped = departures.stopped
    gatherer.run(wait_for_tasks=wait and departures.stopped is None)
    outcomes = (*departures.outcomes, *gatherer.outcomes)
    if not dry_run and not isinstance(gatherer.stopped, DatabaseUnavailable):
        round_.journal.report(outcomes)
    return RoundResult(tuple(sorted(outcomes, key=lambda outcome: outcome.key)), gatherer.stopped)
