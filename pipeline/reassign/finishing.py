"""Relocations that were begun and not ended are brought to an end before anything else is done with their sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.departing.queue import Departed
from pipeline.archive.describe import unstage
from pipeline.archive.find import LocalSession
from pipeline.archive.gather import Gatherer
from pipeline.archive.relocate import resume, under_way
from pipeline.archive.resume import is_indexed
from pipeline.archive.round import Flight, Round, ends_the_round, in_words, outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.archive.journal import Entry, Outcome
    from pipeline.archive.session import SessionKey
    from pipeline.errors import MapshellError
    from pipeline.journal import TableJournal


@dataclass(slots=True)
class Finished:
    """What became of open relocations: an outcome for each session that has the files afterwards.

    ``stopped`` is what every further session would meet too.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    stopped: MapshellError | None = None

    @property
    def open(self) -> set[SessionKey]:
        """The sessions whose relocation has not come to its end."""
        return {each.key for each in self.outcomes if each.state == "in flight"}

    def without(self, keys: Collection[SessionKey]) -> list[Outcome]:
        """Return the outcomes of sessions that nothing more will be said of."""
        return [each for each in self.outcomes if each.key not in keys]


def open_moves(journal: TableJournal, keys: Collection[SessionKey] | None = None) -> list[Entry]:
    """Return the relocations that have not ended, of these sessions (None: of all)."""
    entries = journal.moves()
    return [entry for entry in entries if keys is None or any(part.key in set(keys) for part in entry.parts)]


def finish(
    round_: Round, journal: TableJournal, keys: Collection[SessionKey] | None = None, *, wait: bool = True
) -> Finished:
    """Go on with open relocations to their ends, as far as that is possible now."""
    done = Finished()
    settle(round_, journal, keys)
    entries = open_moves(journal, keys)
    if not entries:
        return done
    with journal:
        flights: list[Flight] = []
        for entry in entries:
            try:
                result = resume(round_, entry)
            except Exception as error:  # noqa: BLE001 - one session's error never stops the others
                said = in_words(error)
                done.outcomes.append(hindered(round_, entry, said))
                if ends_the_round(error):
                    done.stopped = said
                    break
            else:
                (flights if isinstance(result, Flight) else done.outcomes).append(result)  # type: ignore[arg-type]
        gather(round_, flights, done, wait=wait and done.stopped is None)
    return done


def settle(round_: Round, journal: TableJournal, keys: Collection[SessionKey] | None = None) -> None:
    """Close what a process left open that ended right after its commit, whether or not its files are still here."""
    described = [entry for entry in journal.unfinished(keys) if entry.purpose == "manifest"]
    indexed = journal.indexed({part.key for entry in described for part in entry.parts}) if described else {}
    for entry in described:
        if all(is_indexed(part, indexed) for part in entry.parts):
            unstage(round_, (part.manifest for part in entry.parts))
            journal.settle(entry)
    journal.tidy()


def gather(round_: Round, flights: Sequence[Flight], done: Finished, *, wait: bool = True) -> None:
    """Let the manifests of relocations follow, and their rows; free the sessions."""
    gatherer = Gatherer(round_, Departed(flights))
    gatherer.run(wait_for_tasks=wait)
    done.outcomes += gatherer.outcomes
    done.stopped = done.stopped or gatherer.stopped
    if gatherer.stopped is None:
        round_.journal.release({part.key for flight in flights for part in flight.entry.parts})


def hindered(round_: Round, entry: Entry, error: MapshellError) -> Outcome:
    """Make the outcome of a session whose relocation could not go on."""
    session = LocalSession(entry.parts[0].manifest.session, (), (), ())
    reason = f"{under_way(entry)}: {error.message}"
    return outcome(round_, session, "in flight", reason, error.remedy, failed=True)
