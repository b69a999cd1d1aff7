"""What the service says of the tasks of a round, asked for all of them in one question, and when to wait no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.transfer import Poller, Trouble, other_login, trouble
from pipeline.errors import GlobusError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.journal import Entry
    from pipeline.archive.ports import TaskStatus
    from pipeline.archive.round import Round

_FORGOTTEN_AFTER = 3
_UNANSWERED = 3


class Forgotten(Exception):
    """The service does not know a task."""


class Watch:
    """Keeps the newest status of every task."""

    def __init__(self, round_: Round) -> None:
        self._round = round_
        self._poller = Poller(round_.store(), most=round_.poll_seconds)
        self._statuses: dict[str, TaskStatus] = {}
        self._unknown: dict[str, int] = {}
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
        try:
            found = self._poller.poll(task_ids)
        except GlobusError as error:
            self._unanswered += 1
            if self._unanswered >= _UNANSWERED:
                raise
            self._round.progress.say(f"{error.message} The transfers go on; asking again.")
            return
        self._unanswered = 0
        # What the service knew a moment ago, or was given a moment ago, may only be late in its list.
        self._unknown = {task_id: self._unknown.get(task_id, 0) + 1 for task_id in task_ids if task_id not in found}
        self._statuses.update(found)

    def status(self, entry: Entry) -> TaskStatus | None:
        """Return the newest status of a task; None when the service has not told yet.

        Raises
        ------
        OtherLogin
            It was submitted under another identity, and cannot be seen: that does not mean that it is gone.
        Forgotten
            The service was asked several times and does not know it.
        """
        times = self._unknown.get(str(entry.task_id), 0)
        if times and entry.identity != self._round.store().identity:
            raise other_login(entry)
        if times >= _FORGOTTEN_AFTER:
            raise Forgotten
        return self._statuses.get(str(entry.task_id))

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
