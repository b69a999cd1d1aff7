"""Waiting for transfers; what they have brought is recorded by the next round."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.tasks.poller import Poller
from pipeline.transfers.live import Seen, look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from pipeline.archive.ports import Clock, Progress, Store, TaskStatus
    from pipeline.transfers.journalled import Journalled


@dataclass(slots=True)
class Waited:
    """How the transfers stand after the wait; ``late`` are those for which the time did not suffice."""

    seen: list[Seen] = field(default_factory=list)
    late: list[Seen] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all of them have arrived, or had ended before."""
        return all(each.live in ("arrived", "ended") for each in self.seen)


def wait(
    store: Store,
    entries: Sequence[Journalled],
    clock: Clock,
    progress: Progress,
    *,
    timeout: timedelta | None = None,
    poll_seconds: float = 10.0,
) -> Waited:
    """Wait until none of these transfers ends by itself any more, or the time is over.

    Parameters
    ----------
    store
        The login.
    entries
        Which; those that have ended, or cannot end by themselves, are not waited for.
    clock, progress
        Time, and who is told how it goes.
    timeout
        How long at most; None: as long as it takes.
    poll_seconds
        The longest pause between two questions (s).

    Raises
    ------
    MapshellError
        Nobody is logged in, or Globus does not answer.
    """
    until = None if timeout is None else clock.now() + timeout
    poller = Poller(store, clock, most=poll_seconds)
    sizes = {str(each.task_id): each.size or 0 for each in entries}

    def ask(task_ids: Sequence[str]) -> Mapping[str, TaskStatus]:
        return poller.poll(task_ids, sizes)

    seen = look(store, entries, ask)
    for each in seen:
        if each.waits:
            progress.task(each.entry.transfer_id, each.entry.what, each.entry.size or 0)
    while waiting := [each for each in seen if each.waits]:
        for each in waiting:
            if each.status is not None:
                progress.update(each.entry.transfer_id, each.status.bytes_transferred, each.note)
        pause = poller.interval
        if until is not None:
            left = (until - clock.now()).total_seconds()
            if left <= 0:
                return Waited(seen, waiting)
            pause = min(pause, left)
        clock.sleep(pause)
        now = {each.entry.transfer_id: each for each in look(store, [each.entry for each in waiting], ask)}
        for each in now.values():
            if not each.waits:
                progress.done(each.entry.transfer_id, each.live)
        seen = [now.get(each.entry.transfer_id, each) for each in seen]
    return Waited(seen)
