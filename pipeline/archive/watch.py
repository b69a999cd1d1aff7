"""What the service says of the tasks of a round, asked for all of them in one question, and when to wait no longer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.archive.tasks.poller import Poller
from pipeline.archive.transfer import Trouble, other_login, trouble
from pipeline.errors import GlobusError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline.archive.journal import Entry
    from pipeline.archive.ports import TaskStatus
    from pipeline.archive.round import Round

_UNANSWERED = 3

FORGOTTEN_AFTER = timedelta(minutes=5)
"""The service's list of tasks may lag behind: before this time since the submission, no task counts as forgotten."""


class Forgotten(Exception):
    """The service does not know a task."""


class Watch:
    """Keeps the newest status of every task."""

    def __init__(self, round_: Round) -> None:
        self._round = round_
        self._poller = Poller(round_.store(), round_.clock, most=round_.poll_seconds)
        self._sizes: dict[str, int] = {}
        self._statuses: dict[str, TaskStatus] = {}
        self._unknown: set[str] = set()
        self._first_asked: dict[str, datetime] = {}
        self._faulty: dict[str, tuple[float, int]] = {}
        self._unanswered = 0

    @property
    def interval(self) -> float:
        """When to ask again (s)."""
        return self._poller.interval

    def ask(self, entries: Sequence[Entry]) -> None:
        """Ask for the status of all tasks; one answer that does not come or cannot be read ends nothing.

        Raises
        ------
        GlobusError
            The service has not answered several times running.
        """
        task_ids = [str(entry.task_id) for entry in entries]
        for task_id, entry in zip(task_ids, entries, strict=True):
            if task_id not in self._first_asked:
                self._first_asked[task_id] = self._round.clock.now()
                self._sizes[task_id] = sum(source.size for part in entry.parts for source in part.sources)
        try:
            found = self._poller.poll(task_ids, self._sizes)
        except GlobusError as error:
            self._unanswered += 1
            if self._unanswered >= _UNANSWERED:
                raise
            self._round.progress.say(f"{error.message} The transfers go on; asking again.")
            return
        self._unanswered = 0
        self._unknown = set(task_ids) - set(found)
        self._statuses.update(found)

    def status(self, entry: Entry) -> TaskStatus | None:
        """Return the newest status of a task; None when the service has not told yet.

        Raises
        ------
        OtherLogin
            It was submitted under another identity, and cannot be seen: that does not mean that it is gone.
        Forgotten
            It was submitted a while ago, the service does not list it, and asked for it directly knows none.
        """
        task_id = str(entry.task_id)
        if task_id in self._unknown:
            if entry.identity != self._round.store().identity:
                raise other_login(entry)
            if self._round.clock.now() - (entry.submitted_at or self._first_asked[task_id]) >= FORGOTTEN_AFTER:
                seen = self._round.store().task(task_id)
                if seen is None:
                    raise Forgotten
                self._statuses[task_id] = seen
        return self._statuses.get(task_id)

    def trouble(self, status: TaskStatus) -> tuple[Trouble | None, bool]:
        """Return what keeps a task from ending, if anything does, and whether to wait for it no longer."""
        wrong = trouble(self._round.store(), status)
        if wrong is None:
            self._faulty.pop(status.task_id, None)
            return None, False
        now = self._round.epoch()
        first = status.task_id not in self._faulty
        since, moved = self._faulty.get(status.task_id, (now, status.bytes_transferred))
        if status.bytes_transferred > moved:
            since, moved = now, status.bytes_transferred
        self._faulty[status.task_id] = since, moved
        if first:
            self._round.progress.say(f"{status.label}: {wrong.message}")
        return wrong, wrong.hopeless or now - since >= self._round.stall_seconds
