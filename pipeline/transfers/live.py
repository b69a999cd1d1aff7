"""What Globus says of the journal's transfers now: all of them in as few calls as it allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.archive.transfer import trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.archive.ports import Store, TaskStatus
    from pipeline.transfers.journalled import Journalled

    Ask = Callable[[Sequence[str]], Mapping[str, TaskStatus]]

Live = Literal[
    "under way",
    "in trouble",
    "inactive",
    "paused",
    "arrived",
    "failed",
    "another login's",
    "not listed",
    "not submitted",
    "nothing to send",
    "not known",
    "ended",
]


@dataclass(frozen=True, slots=True)
class Seen:
    """A transfer of the journal, and how it stands at Globus; ``note`` says more, ``remedy`` what helps."""

    entry: Journalled
    live: Live
    note: str = ""
    remedy: str = ""
    status: TaskStatus | None = None

    @property
    def waits(self) -> bool:
        """Whether it will end by itself."""
        return self.live in ("under way", "in trouble")


_GATHER = "`mapshell publication-publish` records it."
_SEND = "`mapshell publication-publish` goes on with it."


def look(store: Store, entries: Sequence[Journalled], ask: Ask | None = None) -> list[Seen]:
    """Return how each of these stands, in their order; ``ask`` asks in the place of ``store.tasks``.

    Raises
    ------
    MapshellError
        Nobody is logged in, or Globus does not answer.
    """
    mine = store.identity
    asked = [each.task_id for each in entries if each.is_open and each.task_id and each.identity in (None, mine)]
    found = (ask or store.tasks)([each for each in asked if each]) if asked else {}
    return [_seen(store, each, mine, found) for each in entries]


def unasked(entries: Sequence[Journalled]) -> list[Seen]:
    """Return the journal's word alone."""
    return [at_rest(each) or Seen(each, "not known") for each in entries]


def at_rest(entry: Journalled) -> Seen | None:
    """Return how a transfer stands of which Globus need not be asked; None when it must be."""
    if not entry.is_open:
        return Seen(entry, "ended", entry.outcome)
    if entry.task_id is None:
        if entry.purpose == "move" or entry.state == "checked":
            return Seen(entry, "nothing to send", "files get other names at the archive", _SEND)
        return Seen(entry, "not submitted", "", _SEND)
    return None


def _seen(store: Store, entry: Journalled, mine: str, found: Mapping[str, TaskStatus]) -> Seen:
    resting = at_rest(entry)
    if resting is not None:
        return resting
    if entry.identity not in (None, mine):
        note = f"submitted as {entry.identity}, who alone sees it"
        return Seen(entry, "another login's", note, "log in as that identity: `mapshell login --force`.")
    status = found.get(str(entry.task_id))
    if status is None:
        return Seen(entry, "not listed", "Globus lists no such task of this login", _SEND)
    if status.state == "SUCCEEDED":
        return Seen(entry, "arrived", "not recorded yet", _GATHER, status)
    if status.state == "FAILED":
        said = status.fatal_error or status.nice_status_details or status.nice_status or ""
        return Seen(entry, "failed", said, _SEND, status)
    wrong = trouble(store, status)
    if wrong is None:
        return Seen(entry, "under way", "", "", status)
    live: Live = "inactive" if status.state == "INACTIVE" else "paused" if status.is_paused else "in trouble"
    return Seen(entry, live, wrong.message, wrong.remedy, status)
