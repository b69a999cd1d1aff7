"""One round of publishing at one storage location: what was found departs, and is gathered as it lands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.archive.departing.queue import Queue
from pipeline.archive.gather import Gatherer
from pipeline.archive.round import UNWRITABLE
from pipeline.archive.scan import LATER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.find import LocalSession
    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.round import Round
    from pipeline.archive.session import SessionKey
    from pipeline.errors import MapshellError


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
    outcomes: dict[SessionKey, Outcome] = {}
    passes = 0
    stopped: MapshellError | None = None
    while sessions and stopped is None:
        queue = Queue(round_, sessions, indexed, dry_run=dry_run, wait=wait)
        gatherer = Gatherer(round_, queue)
        gatherer.run(wait_for_tasks=wait)
        for outcome in (*queue.outcomes, *gatherer.outcomes):
            outcomes[outcome.key] = _joined(outcomes.get(outcome.key), outcome)
        stopped = gatherer.stopped
        # What lies in another collection, or came after a transfer was submitted, follows as the next generation.
        sessions, passes = gatherer.again, passes + 1
        if passes == _PASSES:
            for session in sessions:
                named = outcomes[session.ref.key]
                outcomes[session.ref.key] = replace(
                    named, state=_more(named.state), reason=_STILL_MORE, remedy=LATER, failed=True
                )
            break
        if sessions and stopped is None:
            indexed = round_.journal.indexed([session.ref.key for session in sessions])
    if not dry_run and not isinstance(stopped, UNWRITABLE):
        round_.journal.report(tuple(outcomes.values()))
    return RoundResult(tuple(outcomes[key] for key in sorted(outcomes)), stopped)


_PASSES = 10
"""How often a round follows what comes while it works: a folder that is being filled must not keep it for ever."""

_STILL_MORE = "files keep coming while it is archived"


def _more(state: str) -> str:
    return "present" if state == "present" else "archived with changes"


def _joined(earlier: Outcome | None, outcome: Outcome) -> Outcome:
    """Return the newer outcome of a session, with what the round archived of it before."""
    if earlier is None:
        return outcome
    sent = outcome.with_sent(earlier.sent_files + outcome.sent_files, earlier.sent_bytes + outcome.sent_bytes)
    sent = sent.with_adopted(
        earlier.adopted_files + outcome.adopted_files, earlier.adopted_bytes + outcome.adopted_bytes
    )
    sent = replace(sent, copied_from=outcome.copied_from or earlier.copied_from)
    done = tuple(d for d in earlier.details if "superseded" in d and d not in sent.details)
    return replace(sent, details=(*done, *sent.details)) if sent.details else replace(sent, details=earlier.details)
